"""Money that a provider reports is kept whatever the invoice looks like, once, and never twice on invoices."""

from decimal import Decimal
from typing import Any

import pytest

from invoicing.domain.errors import Busy, InvalidRequest, NotFound, PaymentConflict, TooLarge
from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.receipts import ReceiptState, payment_key
from invoicing.domain.status import Status
from invoicing.services.receive_payment import ATTEMPTS, receive
from tests.data.invoices import an_invoice
from tests.unit.invoicing.services.fakes import Invoices
from tests.unit.invoicing.services.payments import NOW, reported, resolved


def test_a_payment_is_recorded_on_its_invoice_once() -> None:
    store = Invoices(before := an_invoice("processed"))
    detail: dict[str, Any] = {"method": "card", "reference": "R", "paidAt": "2026-11-20T10:00:00Z", "fee": 1}

    first, again = (receive(store, reported(before, **detail), NOW) for _ in range(2))

    after = store.stored[before.invoice_id]
    assert (after.status, after.amount_due, after.history[-1].by) == (Status.PARTIALLY_PAID, 100, "bank")
    (payment,) = after.payments
    assert (payment.payment_id, payment.source, payment.method, payment.reference) == ("P", "bank", "card", "R")
    assert payment.paid_at == "2026-11-20T10:00:00.000000Z"
    assert first == again == store.receipts[payment_key("bank", "P")]
    assert (first.state, first.applied_to) == (ReceiptState.APPLIED, before.invoice_id)


@pytest.mark.parametrize(("total", "amount", "over"), [("100", "130", 30), ("-100", "-130", -30), ("0", "5", 5)])
def test_more_than_is_due_is_overpaid(total: str, amount: str, over: int) -> None:
    store = Invoices(before := an_invoice("paid" if total == "0" else "processed", total=total))

    receive(store, reported(before, amount=amount), NOW)

    after = store.stored[before.invoice_id]
    assert (after.status, after.amount_due, after.overpaid) == (Status.PAID, 0, over)
    assert after.amount_paid == Decimal(total)


def test_a_paid_invoice_takes_more_money_and_says_so() -> None:
    store = Invoices(before := an_invoice("processed", total="19"))
    receive(store, reported(before, paymentId="P-1"), NOW)

    receive(store, reported(before, paymentId="P-2"), NOW)

    after = store.stored[before.invoice_id]
    assert (after.status, after.amount_paid, after.overpaid, len(after.payments)) == (Status.PAID, 19, 19, 2)


@pytest.mark.parametrize(
    ("status", "changes", "reason"),
    [
        ("void", {}, "the invoice is void"),
        ("held", {}, "the invoice is held"),
        (None, {}, "there is no invoice 4f8a8b0e-7c1c-5d6e-8f90-123456789abc"),
        ("processed", {"invoiceId": "INV-1"}, "there is no invoice INV-1"),
        ("processed", {"currency": "USD"}, "the invoice is in EUR, the payment in USD"),
        ("processed", {"amount": "450,00"}, "the amount cannot be read"),
        ("processed", {"amount": "1e5"}, "the amount cannot be read"),
        ("processed", {"amount": None}, "the amount cannot be read"),
        ("processed", {"currency": None}, "the currency is missing or cannot be read"),
        ("processed", {"amount": "x", "currency": "euro"}, "the amount and the currency cannot be read"),
        ("processed", {"paymentId": None}, "the payment id is missing or cannot be read"),
        ("processed", {"amount": "0"}, "the amount is zero"),
        ("processed", {"amount": "0.001"}, "the amount 0.001 has more decimals than EUR"),
        ("processed", {"amount": "-5"}, "-5.00 does not reduce what is due of this invoice"),
        ("processed", {"reverses": "P-0"}, "payment P-0 is not known"),
    ],
)
def test_what_no_invoice_takes_is_kept_with_its_reason(
    status: str | None, changes: dict[str, Any], reason: str
) -> None:
    invoices = [] if status is None else [an_invoice(status)]
    store = Invoices(*invoices)
    report = reported(invoices[0] if invoices else None, **changes)

    kept, again = receive(store, report, NOW), receive(store, report, NOW)

    assert (kept.state, kept.reason) == (ReceiptState.UNAPPLIED, reason)
    assert kept == again
    assert [*store.receipts.values()] == [kept]
    assert [*store.stored.values()] == invoices


def test_what_cannot_be_read_is_kept_as_it_came() -> None:
    kept = receive(Invoices(), reported(paymentId=7, amount="1.234,56", note="caf\u00e9"), NOW)

    assert kept.payment_id == "event:event-1"
    assert kept.amount is None
    assert '"amount": "1.234,56"' in (kept.detail or "")
    assert "caf\u00e9" in (kept.detail or "")


def test_details_that_do_not_matter_keep_no_payment_from_its_invoice() -> None:
    store = Invoices(before := an_invoice("processed"))

    kept = receive(store, reported(before, paidAt="yesterday", method="x" * 300, amount=35.81), NOW)

    assert kept.state is ReceiptState.APPLIED
    assert [payment.amount for payment in store.stored[before.invoice_id].payments] == [Decimal("35.81")]
    assert kept.paid_at is None


def test_a_payment_id_is_one_payment_of_its_source_over_all_invoices() -> None:
    first, second = an_invoice("processed", number="1"), an_invoice("processed", number="2")
    store = Invoices(first, second)
    receive(store, reported(first), NOW)

    other, again = receive(store, reported(second), NOW), receive(store, reported(second), NOW)
    elsewhere = receive(store, reported(second, source="another bank"), NOW)

    assert other == again
    assert (other.state, other.reason) == (ReceiptState.UNAPPLIED, "payment P was reported before, with other content")
    assert store.stored[second.invoice_id].amount_paid == 19
    assert elsewhere.applied_to == second.invoice_id


def test_no_report_is_taken_for_a_repetition_of_another() -> None:
    """Ids of one batch that begin alike, each used twice; and instalments under the id of their mandate."""
    store = Invoices(before := an_invoice("processed"))
    ids = [f"urn:bank-example:collections:2026-11-23:batch-0001:{number}" for number in range(3)]
    reports = [reported(before, paymentId=name, amount=amount) for name in ids for amount in ("1", "2")]
    months = [{"paidAt": f"2026-{month}-01T00:00:00Z"} for month in (10, 11, 12)]
    times: list[dict[str, Any]] = [{}, *months, {"paidAt": "1.1."}, {"paidAt": "1.2."}]
    reports += [reported(before, paymentId="mandate", **time) for time in times]

    kept = [receive(store, report, NOW) for report in [*reports, *reports]]

    assert len({receipt.payment_key for receipt in kept}) == len(reports)
    assert sum(receipt.amount or 0 for receipt in store.receipts.values()) == 3 * (1 + 2) + 6 * 19
    assert store.stored[before.invoice_id].amount_paid == 3 * 1 + 19


@pytest.mark.parametrize(
    ("amount", "currency", "reads"),
    [
        ("1.000", "EUR", None), ("12.345", "JPY", None), ("-1.190", "USD", None), ("1.000", "KWD", "1"),
        ("1190.000", "EUR", "1190"), ("0.500", "EUR", "0.5"), ("1.00", "EUR", "1"), (1.0, "EUR", "1"),
    ],
)  # fmt: skip
def test_an_amount_that_may_be_a_thousand_is_left_to_the_operator(
    amount: object, currency: str, reads: str | None
) -> None:
    read = reported(an_invoice("processed"), amount=amount, currency=currency)

    assert read.amount == (None if reads is None else Decimal(reads))
    assert (read.unreadable or {}).get("amount") == (amount if reads is None else None)
    assert (read.reason == "the amount cannot be read") is (reads is None)


def test_a_payment_waits_with_an_invoice_that_is_not_decided_on() -> None:
    store = Invoices(before := an_invoice())

    receive(store, reported(before), NOW)

    after = store.stored[before.invoice_id]
    assert (after.status, after.amount_paid) == (Status.CREATED, 19)


def test_a_reversal_is_found_by_its_payment_and_reopens_the_invoice() -> None:
    store = Invoices(before := an_invoice("processed", total="19"))
    receive(store, reported(before), NOW)

    reversal = reported(paymentId="R", reverses="P", amount="9")
    kept, again = receive(store, reversal, NOW), receive(store, reversal, NOW)

    after = store.stored[before.invoice_id]
    assert kept == again
    assert (after.status, after.amount_due, kept.applied_to) == (Status.PARTIALLY_PAID, 9, before.invoice_id)
    rest = receive(store, reported(paymentId="R-2", reverses="P", amount="-10"), NOW)
    assert rest.state is ReceiptState.APPLIED
    assert store.stored[before.invoice_id].status is Status.PROCESSED
    more = receive(store, reported(paymentId="R-3", reverses="P", amount="1"), NOW)
    assert more.reason == "it reverses more than the 0.00 that are left of payment P"


def test_a_reversal_of_an_unapplied_payment_takes_it_away() -> None:
    store = Invoices()
    receive(store, reported(), NOW)

    part = receive(store, reported(paymentId="R", reverses="P", amount="5"), NOW)
    whole = receive(store, reported(paymentId="R-2", reverses="P", amount="19"), NOW)
    twice = receive(store, reported(paymentId="R-3", reverses="P", amount="19"), NOW)

    assert part.reason == "it reverses a part of payment P, which is unapplied"
    assert whole.state is ReceiptState.APPLIED
    assert store.receipts[payment_key("bank", "P")].state is ReceiptState.REVERSED
    assert twice.reason == "payment P is reversed"


def test_a_reversal_is_not_reversed() -> None:
    """A chargeback that was won is money that came in: another payment."""
    store = Invoices(before := an_invoice("processed"))
    receive(store, reported(before), NOW)
    receive(store, reported(paymentId="R", reverses="P"), NOW)

    kept = receive(store, reported(paymentId="R-2", reverses="R"), NOW)

    assert (kept.state, kept.reason) == (ReceiptState.UNAPPLIED, "payment R is a reversal itself")


def test_an_invoice_without_room_leaves_the_payment_unapplied(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Invoices(before := an_invoice("processed"))

    def full(_: InvoiceChange) -> bool:
        raise TooLarge("full")

    monkeypatch.setattr(store, "change", full)

    assert receive(store, reported(before), NOW).reason == "the invoice has no room for another payment"


def test_an_edited_invoice_leaves_the_payment_unapplied() -> None:
    store = Invoices(before := an_invoice("processed").model_copy(update={"amount_due": Decimal(1)}))

    kept = receive(store, reported(before), NOW)

    assert kept.reason == "the amounts of the invoice were edited and do not agree"


def test_whoever_is_always_overtaken_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, changes = Invoices(before := an_invoice("processed")), []
    monkeypatch.setattr(store, "change", lambda change: bool(changes.append(change)))

    with pytest.raises(Busy):
        receive(store, reported(before), NOW)
    assert len(changes) == ATTEMPTS


def test_an_operator_applies_an_unapplied_payment_once() -> None:
    store = Invoices(invoice := an_invoice("processed"))
    kept = receive(store, reported(), NOW)

    first, again = (resolved(store, kept, status="applied", invoiceId=invoice.invoice_id) for _ in range(2))

    assert first == again == store.receipts[kept.payment_key]
    assert (first.state, first.applied_to, first.reason, first.by) == ("applied", invoice.invoice_id, None, "api-key:k")
    assert first.invoice_id == kept.invoice_id  # as it was reported
    after = store.stored[invoice.invoice_id]
    assert (after.amount_paid, len(after.payments), after.history[-1].by) == (19, 1, "api-key:k")
    with pytest.raises(PaymentConflict, match="The payment is applied"):
        resolved(store, kept, status="returned")
    assert receive(store, reported(), NOW) == first  # the provider repeats its event


def test_an_operator_returns_an_unapplied_payment() -> None:
    store = Invoices(invoice := an_invoice("processed"))
    kept = receive(store, reported(), NOW)

    returned = resolved(store, kept, status="returned")

    assert (returned.state, resolved(store, kept, status="returned")) == (ReceiptState.RETURNED, returned)
    with pytest.raises(PaymentConflict, match="The payment is returned"):
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id)
    with pytest.raises(NotFound):
        resolved(Invoices(), kept, status="returned")


def test_what_could_not_be_read_is_given_by_the_operator() -> None:
    store = Invoices(invoice := an_invoice("processed"))
    kept = receive(store, reported(invoice, amount="19,00"), NOW)

    with pytest.raises(InvalidRequest) as error:
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id)
    assert error.value.errors == [{"pointer": "#/amount", "detail": "could not be read"}]
    with pytest.raises(InvalidRequest) as error:
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, amount="19", currency="EUR")
    assert error.value.errors == [{"pointer": "#/currency", "detail": "is known and must not be repeated"}]
    applied = resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, amount="19.00")

    assert (applied.state, store.stored[invoice.invoice_id].amount_paid) == (ReceiptState.APPLIED, 19)


@pytest.mark.parametrize(
    ("invoice", "reason"),
    [
        (an_invoice("void"), "the invoice is void"),
        (an_invoice("processed", currency="USD"), "the invoice is in USD, the payment in EUR"),
        (an_invoice("processed").model_copy(update={"amount_due": Decimal(1)}), "were edited and do not agree"),
    ],
)
def test_an_invoice_that_cannot_take_a_payment_gets_none(invoice: Invoice, reason: str) -> None:
    store = Invoices(invoice)
    kept = receive(store, reported(), NOW)

    with pytest.raises(PaymentConflict, match=reason):
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id)
    assert store.receipts[kept.payment_key] == kept
