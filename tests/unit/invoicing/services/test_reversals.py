"""Money that went back: taken from the payment that was meant, never from another one, or kept for an operator."""

from decimal import Decimal
from typing import Any

import pytest

from invoicing.domain.errors import InvalidRequest, PaymentConflict
from invoicing.domain.models import Invoice, UpdateInvoice
from invoicing.domain.receipts import ReceiptState, payment_key
from invoicing.domain.status import Status
from invoicing.services.change_invoice import update
from tests.data.invoices import an_invoice
from tests.unit.invoicing.services.fakes import Invoices
from tests.unit.invoicing.services.payments import NOW, received, reported, resolved


def patched(store: Invoices, invoice: Invoice, status: str, **payment: Any) -> Invoice:
    request = UpdateInvoice.model_validate({"status": status, "payment": payment})
    return update(store, invoice.invoice_id, request, now=NOW, by="api-key:k")


def amounts(store: Invoices, invoice: Invoice) -> list[tuple[str, Decimal]]:
    return [(payment.source, payment.amount) for payment in store.stored[invoice.invoice_id].payments]


UNREADABLE = [1001, 10.5, ["1001"], {"id": "1001"}, True, False, "1" * 65, "10\u200b01", "1001\n1002", "", "  "]


@pytest.mark.parametrize("reverses", UNREADABLE)
def test_a_chargeback_whose_payment_cannot_be_read_is_no_payment(reverses: Any) -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, paymentId="1001", amount="100")

    kept = received(store, invoice, paymentId="R", amount="100", reverses=reverses)

    after = store.stored[invoice.invoice_id]
    assert (after.status, after.amount_paid, after.overpaid, len(after.payments)) == (Status.PAID, 100, 0, 1)
    assert (kept.state, kept.reason) == (ReceiptState.UNAPPLIED, "the id of the reversed payment cannot be read")
    assert '"reverses": ' in (kept.detail or "")
    assert received(store, invoice, paymentId="R", amount="100", reverses=reverses) == kept


@pytest.mark.parametrize("name", ["Reverses", "REVERSES", " reverses", "reverses_"])
def test_a_name_that_is_nearly_the_one_of_the_reversed_payment_is_not_ignored(name: str) -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, paymentId="1001", amount="100")

    kept = received(store, invoice, paymentId="R", amount="100", **{name: "1001"})

    assert kept.reason == "the id of the reversed payment cannot be read"
    assert len(store.stored[invoice.invoice_id].payments) == 1


def test_an_operator_says_what_an_unreadable_chargeback_reverses() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, paymentId="1001", amount="100")
    kept = received(store, invoice, paymentId="R", amount="100", reverses=1001)

    with pytest.raises(InvalidRequest) as error:
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id)
    assert error.value.errors == [
        {"pointer": "#/reverses", "detail": "could not be read; null says that it reverses no payment"}
    ]
    applied = resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, reverses="1001")

    assert (applied.state, applied.reverses, applied.unreadable) == (ReceiptState.APPLIED, "1001", None)
    assert resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, reverses="1001") == applied
    assert amounts(store, invoice) == [("bank", 100), ("bank", -100)]


def test_an_operator_says_that_a_report_is_a_payment_after_all() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    kept = received(store, invoice, amount="100", reverses="")

    resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, reverses=None)

    assert amounts(store, invoice) == [("bank", 100)]


def test_a_payment_is_not_made_a_reversal() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    kept = received(store)

    with pytest.raises(InvalidRequest) as error:
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, reverses="X")

    assert error.value.errors == [{"pointer": "#/reverses", "detail": "the payment is not a reversal"}]


def test_what_may_be_a_reversal_itself_is_not_reversed() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, paymentId="R", amount="100", reverses=1001)

    kept = received(store, invoice, paymentId="R-2", amount="100", reverses="R")

    assert kept.reason == "it cannot be read whether payment R is a reversal itself"
    assert store.receipts[payment_key("bank", "R")].state is ReceiptState.UNAPPLIED


def test_money_in_another_currency_is_not_the_money_that_went_back() -> None:
    store = Invoices()
    received(store, currency="USD")

    kept = received(store, paymentId="R", reverses="P")

    assert (kept.state, kept.reason) == (ReceiptState.UNAPPLIED, "payment P is in USD, its reversal in EUR")
    assert store.receipts[payment_key("bank", "P")].state is ReceiptState.UNAPPLIED


@pytest.mark.parametrize("changes", [{"amount": "19,00"}, {"currency": "euro"}])
def test_an_unapplied_payment_that_could_not_be_read_is_not_reversed(changes: dict[str, Any]) -> None:
    store = Invoices()
    received(store, **changes)

    kept = received(store, paymentId="R", reverses="P")

    assert kept.reason == f"the {next(iter(changes))} of payment P, which is unapplied, could not be read"


def test_two_sources_with_the_same_id_reverse_each_their_own_payment() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, "bank", paymentId="1001", amount="40")
    received(store, invoice, "cards", paymentId="1001", amount="60")

    kept = [
        received(store, invoice, "bank", paymentId="R", amount="40", reverses="1001"),
        received(store, invoice, "cards", paymentId="R", amount="60", reverses="1001"),
    ]

    assert [(receipt.state, receipt.reason) for receipt in kept] == [(ReceiptState.APPLIED, None)] * 2
    assert amounts(store, invoice) == [("bank", 40), ("cards", 60), ("bank", -40), ("cards", -60)]
    assert store.stored[invoice.invoice_id].status is Status.PROCESSED


def test_a_payment_of_the_api_does_not_keep_that_of_the_bank_from_its_reversal() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    patched(store, invoice, "partially-paid", paymentId="P", amount="40")
    received(store, invoice, amount="60")

    kept = received(store, invoice, paymentId="R", amount="60", reverses="P")

    assert (kept.state, kept.reason) == (ReceiptState.APPLIED, None)
    assert patched(store, invoice, "processed", paymentId="R", reverses="P").amount_paid == 0


def test_a_client_reverses_its_own_payment_first_and_then_that_of_the_bank() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    patched(store, invoice, "partially-paid", paymentId="P", amount="40")
    received(store, invoice, amount="60")

    first = patched(store, invoice, "partially-paid", paymentId="R-1", reverses="P")
    second = patched(store, invoice, "processed", paymentId="R-2", reverses="P")

    assert (first.amount_paid, second.amount_paid) == (60, 0)
    assert [payment.reverses_source for payment in second.payments] == [None, None, None, "bank"]
    with pytest.raises(PaymentConflict, match=r"of which 0\.00 EUR is left"):
        patched(store, invoice, "processed", paymentId="R-3", reverses="P", amount="1")


def test_a_client_names_the_source_of_the_payment() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, "bank", amount="40")
    received(store, invoice, "cards", amount="60")

    with pytest.raises(PaymentConflict, match="has a payment P of bank and of cards: name one as 'reversesSource'"):
        patched(store, invoice, "processed", paymentId="R", reverses="P")
    with pytest.raises(PaymentConflict, match="The invoice has no payment P of giro"):
        patched(store, invoice, "processed", paymentId="R", reverses="P", reversesSource="giro")
    after, again = (
        patched(store, invoice, "processed", paymentId="R", reverses="P", reversesSource="cards") for _ in range(2)
    )

    assert after == again
    assert amounts(store, invoice) == [("bank", 40), ("cards", 60), ("api", -60)]
    with pytest.raises(PaymentConflict, match="Payment R is already recorded, with a reversal of a payment of cards"):
        patched(store, invoice, "processed", paymentId="R", reverses="P", reversesSource="bank")
    kept = received(store, invoice, "cards", paymentId="R", amount="1", reverses="P")
    assert kept.reason == "it reverses more than the 0.00 that are left of payment P"


def test_reversals_that_earlier_versions_recorded_count_for_the_payment_that_they_took_back() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, "bank", amount="40")
    received(store, invoice, "cards", amount="60")
    received(store, invoice, "cards", paymentId="R", amount="60", reverses="P")
    stored = store.stored[invoice.invoice_id]
    payments = [payment.model_copy(update={"reverses_source": None}) for payment in stored.payments]
    store.stored[invoice.invoice_id] = stored.model_copy(update={"payments": payments})

    again = received(store, invoice, "cards", paymentId="R-2", amount="1", reverses="P")
    kept = received(store, invoice, "bank", paymentId="R", amount="40", reverses="P")

    assert again.reason == "it reverses more than the 0.00 that are left of payment P"
    assert kept.state is ReceiptState.APPLIED


@pytest.mark.parametrize("method", ["write-off", "Write-Off", "write off"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_money_that_comes_after_a_write_off_takes_its_place(method: str, sign: str) -> None:
    store = Invoices(invoice := an_invoice("processed", total=f"{sign}100"))
    patched(store, invoice, "partially-paid", paymentId="W-1", amount=f"{sign}30", method=method)
    patched(store, invoice, "paid", paymentId="W-2", method=method)

    received(store, invoice, amount=f"{sign}60")

    after = store.stored[invoice.invoice_id]
    factor = int(f"{sign}1")
    assert [payment.amount * factor for payment in after.payments] == [30, 70, 60, -30, -30]
    assert (after.status, after.amount_paid * factor, after.overpaid, after.version) == (Status.PAID, 100, 0, 4)
    received(store, invoice, paymentId="P-2", amount=f"{sign}50")
    assert (store.stored[invoice.invoice_id].overpaid * factor, store.stored[invoice.invoice_id].amount_due) == (10, 0)
    received(store, invoice, paymentId="R", amount=f"{sign}50", reverses="P-2")
    assert store.stored[invoice.invoice_id].amount_due * factor == 40


def test_a_write_off_does_not_go_back() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    patched(store, invoice, "paid", paymentId="W", method="write-off")

    kept = received(store, invoice, paymentId="R", amount="100", reverses="W")

    assert kept.reason == "payment W is a write-off: no money came that could go back"


def test_a_provider_writes_nothing_off() -> None:
    store = Invoices(invoice := an_invoice("processed", total="100"))
    received(store, invoice, amount="100", method="write-off")

    received(store, invoice, "cards", amount="60")

    assert store.stored[invoice.invoice_id].overpaid == 60


@pytest.fixture
def twice() -> tuple[Invoices, Invoice, Invoice]:
    """The bank has used one id for 50 on the first invoice, and for 40 that an operator applied to the second one."""
    first, second = an_invoice("processed", number="1", total="50"), an_invoice("processed", number="2", total="40")
    store = Invoices(first, second)
    received(store, first, amount="50")
    other = received(store, second, amount="40")
    resolved(store, other, status="applied", invoiceId=second.invoice_id)
    return store, first, second


def test_a_reversal_is_of_the_payment_on_the_invoice_that_it_names(twice: tuple[Invoices, Invoice, Invoice]) -> None:
    store, first, second = twice

    kept = received(store, second, paymentId="R", amount="40", reverses="P")

    assert amounts(store, first) == [("bank", 50)]
    assert (kept.state, kept.applied_to) == (ReceiptState.APPLIED, second.invoice_id)
    assert store.stored[second.invoice_id].status is Status.PROCESSED
    assert received(store, first, paymentId="R-2", amount="50", reverses="P").applied_to == first.invoice_id


@pytest.mark.parametrize(
    ("number", "changes"),
    [(1, {"amount": "40"}), (2, {"amount": "50"}), (2, {"amount": "10"}), (1, {"invoiceId": None, "amount": "50"})],
)
def test_what_could_be_of_either_payment_is_of_none(
    twice: tuple[Invoices, Invoice, Invoice], number: int, changes: dict[str, Any]
) -> None:
    store, *invoices = twice
    before = dict(store.stored)

    kept = received(store, invoices[number - 1], paymentId="R", reverses="P", **changes)

    assert kept.state is ReceiptState.UNAPPLIED
    assert "payment P was reported more than once, with different contents" in (kept.reason or "")
    assert store.stored == before


def test_an_operator_names_the_payment_itself(twice: tuple[Invoices, Invoice, Invoice]) -> None:
    store, first, second = twice
    kept = received(store, second, paymentId="R", amount="10", reverses="P")
    name = store.stored[second.invoice_id].payments[0].payment_id

    with pytest.raises(PaymentConflict, match="reported more than once"):
        resolved(store, kept, status="applied", invoiceId=second.invoice_id)
    resolved(store, kept, status="applied", invoiceId=second.invoice_id, reverses=name)

    assert (amounts(store, first), amounts(store, second)) == ([("bank", 50)], [("bank", 40), ("bank", -10)])


def test_a_reversal_that_names_another_invoice_takes_nothing_from_this_one() -> None:
    first, second = an_invoice("processed", number="1"), an_invoice("processed", number="2")
    store = Invoices(first, second)
    received(store, first)

    kept = received(store, second, paymentId="R", reverses="P")

    assert kept.reason == f"payment P is for invoice {first.invoice_id}, its reversal names {second.invoice_id}"
    assert amounts(store, first) == [("bank", 19)]


@pytest.mark.parametrize("named", ["as it was reported", "where it is", None])
def test_a_chargeback_finds_its_payment_wherever_it_was_applied(named: str | None) -> None:
    store = Invoices(invoice := an_invoice("processed"))
    payment = received(store)
    resolved(store, payment, status="applied", invoiceId=invoice.invoice_id)
    invoice_id = {"as it was reported": payment.invoice_id, "where it is": invoice.invoice_id}.get(named or "")

    kept = received(store, paymentId="R", reverses="P", invoiceId=invoice_id)

    assert (kept.state, kept.applied_to) == (ReceiptState.APPLIED, invoice.invoice_id)
    assert amounts(store, invoice) == [("bank", 19), ("bank", -19)]


def test_an_operator_is_told_where_the_reversed_payment_is() -> None:
    first, second = an_invoice("processed", number="1"), an_invoice("processed", number="2")
    store = Invoices(first, second)
    kept = received(store, first, paymentId="R", reverses="P")
    received(store, first)

    with pytest.raises(PaymentConflict, match=f"payment P is for invoice {first.invoice_id}"):
        resolved(store, kept, status="applied", invoiceId=second.invoice_id)
    first_answer, again = (
        resolved(store, kept, status="applied", invoiceId=first.invoice_id.upper()) for _ in range(2)
    )

    assert first_answer == again
    assert first_answer.applied_to == first.invoice_id


def test_a_repeated_request_with_another_amount_is_a_conflict() -> None:
    store = Invoices(invoice := an_invoice("processed"))
    kept = received(store, invoice, amount="19,00")
    resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, amount="19")

    with pytest.raises(PaymentConflict, match="The payment is applied"):
        resolved(store, kept, status="applied", invoiceId=invoice.invoice_id, amount="20")


@pytest.mark.parametrize("text", ["2026-11-20", "20.11.2026", "2026-11-20T10:00:00", 20261120])
def test_a_time_that_cannot_be_read_is_on_the_invoice_as_it_came(text: Any) -> None:
    store = Invoices(invoice := an_invoice("processed"))

    kept = received(store, invoice, paidAt=text)

    (payment,) = store.stored[invoice.invoice_id].payments
    assert kept.state is ReceiptState.APPLIED
    assert payment.unreadable == kept.unreadable == {"paidAt": str(text)}
    assert payment.paid_at == reported().received_at
    assert f'"paidAt": {text if isinstance(text, int) else chr(34) + text + chr(34)}' in (kept.detail or "")


def test_a_reference_that_cannot_be_read_is_kept_as_it_came() -> None:
    store = Invoices(invoice := an_invoice("processed"))

    kept = received(store, invoice, reference="x" * 201, method=["card"])

    (payment,) = store.stored[invoice.invoice_id].payments
    assert payment.unreadable == {"method": '["card"]', "reference": "x" * 100 + "…"}
    assert "x" * 201 in (kept.detail or "")
