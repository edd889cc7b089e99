"""The status machine and what payments do, every pair of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from invoicing.domain.errors import InvalidRequest, InvoiceError, PaymentConflict, StatusConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice, Payment, UpdateInvoice
from invoicing.domain.payments import InvoiceChange, decide_change
from invoicing.domain.status import FINAL, ISSUED, OPEN, REQUESTABLE, TRANSITIONS, Status, may_change, sources
from tests.data.invoices import an_invoice

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

ALLOWED = {
    ("created", "processed"),
    ("created", "held"),
    ("held", "processed"),
    ("held", "void"),
    ("processed", "partially-paid"),
    ("processed", "paid"),
    ("processed", "void"),
    ("partially-paid", "paid"),
    ("partially-paid", "processed"),
    ("paid", "partially-paid"),
    ("paid", "processed"),
}
REQUESTED = {pair for pair in ALLOWED if pair[0] not in {"created", "paid"}} - {("partially-paid", "processed")}
"""The transitions that a client can request without a reversal."""


def update(status: str, amount: str | None = None, **more: Any) -> UpdateInvoice:
    body: dict[str, Any] = {"status": status, **more}
    if amount is not None:
        body["payment"] = {"amount": amount, "paymentId": "p-1"}
    return UpdateInvoice.model_validate(body)


@pytest.mark.parametrize("target", list(Status))
@pytest.mark.parametrize("source", list(Status))
def test_every_pair_of_the_table(source: Status, target: Status) -> None:
    assert may_change(source, target) is ((source.value, target.value) in ALLOWED)
    assert (source in sources(target)) is ((source.value, target.value) in ALLOWED)
    if target not in REQUESTABLE:
        return
    allowed = (source.value, target.value) in REQUESTED
    amount = "19.00" if target is Status.PARTIALLY_PAID else None
    if allowed or (source, target) == (Status.PARTIALLY_PAID, Status.PARTIALLY_PAID):  # one more part payment
        change = decide_change(an_invoice(source), update(target, amount), now=NOW, by="api")
        assert change is not None
        assert (change.after.status, change.after.version) == (target, 2)
        assert change.after.history[-1].status is target
    else:
        with pytest.raises(StatusConflict) as error:
            decide_change(an_invoice(source), update(target, amount), now=NOW, by="api")
        assert error.value.members == {"currentStatus": source.value, "currentVersion": 1}
        assert f"is {source} (version 1) and cannot become {target}" in error.value.detail


@pytest.mark.parametrize("status", ["created", "held", "rejected", "overdue", "", None, 1, {"a": 1}])
def test_clients_cannot_request_decisions_of_the_rules(status: Any) -> None:
    with pytest.raises(
        ValidationError, match="must be one of paid, partially-paid, processed, void; only the platform"
    ) as error:
        UpdateInvoice.model_validate({"status": status})
    assert [error["loc"] for error in error.value.errors()] == [("status",)]


def test_final_and_open_follow_from_the_table() -> None:
    assert {Status.VOID} == FINAL
    assert {Status.PROCESSED, Status.PARTIALLY_PAID} == OPEN
    assert OPEN | {Status.PAID} == ISSUED
    assert set(TRANSITIONS) == set(Status)


def test_paid_without_a_payment_records_one_for_the_amount_due() -> None:
    change = decide_change(an_invoice("processed"), update("paid"), now=NOW, by="api")
    assert change is not None
    assert [payment.amount for payment in change.after.payments] == [Decimal("119.00")]
    assert change.after.amount_due == 0
    again = decide_change(an_invoice("processed"), update("paid"), now=NOW, by="api")
    assert again is not None
    assert again.after.payments[0].payment_id != change.after.payments[0].payment_id  # each request's own


@pytest.mark.parametrize(
    ("requested", "amount", "reached", "due"),
    [
        ("paid", "119.00", "paid", "0.00"),
        ("paid", "118.99", "partially-paid", "0.01"),
        ("partially-paid", "0.01", "partially-paid", "118.99"),
        ("partially-paid", "119", "paid", "0.00"),
    ],
)
def test_the_amount_decides_the_status(requested: str, amount: str, reached: str, due: str) -> None:
    change = decide_change(an_invoice("processed"), update(requested, amount), now=NOW, by="api")
    assert change is not None
    assert (change.after.status, change.after.amount_due) == (Status(reached), Decimal(due))


@pytest.mark.parametrize(("amount", "words"), [("119.01", "is more than"), ("0", "reduce"), ("-1", "reduce")])
def test_a_payment_that_does_not_fit_is_rejected(amount: str, words: str) -> None:
    with pytest.raises(PaymentConflict, match=words) as error:
        decide_change(an_invoice("processed"), update("paid", amount), now=NOW, by="api")
    assert error.value.members["amountDue"] == "119.00"


def test_a_credit_note_is_settled_by_a_negative_amount() -> None:
    change = decide_change(an_invoice("processed", total="-119"), update("paid", "-119"), now=NOW, by="api")
    assert change is not None
    assert (change.after.kind, change.after.status, change.after.amount_due) == ("credit-note", Status.PAID, 0)
    with pytest.raises(PaymentConflict, match="reduce"):
        decide_change(an_invoice("processed", total="-119"), update("paid", "119"), now=NOW, by="api")
    with pytest.raises(PaymentConflict, match="more than"):
        decide_change(an_invoice("processed", total="-119"), update("paid", "-120"), now=NOW, by="api")


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        (update("partially-paid"), "#/payment"),
        (update("void", "5"), "#/payment"),
        (update("paid", "0.001"), "#/payment/amount"),
    ],
)
def test_invalid_requests_point_at_the_error(request_: UpdateInvoice, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        decide_change(an_invoice("processed"), request_, now=NOW, by="api")
    assert error.value.errors[0]["pointer"] == pointer


def test_a_repeated_payment_changes_nothing_whatever_version_it_expects() -> None:
    first = decide_change(an_invoice("processed"), update("paid", "50"), now=NOW, by="api")
    assert first is not None
    assert decide_change(first.after, update("paid", "50.00", expectedVersion=1), now=NOW, by="api") is None


@pytest.mark.parametrize("amount", ["50", "119"])
def test_what_was_paid_is_not_voided_by_repeating_the_payment(amount: str) -> None:
    first = decide_change(an_invoice("processed"), update("paid", amount), now=NOW, by="api")
    assert first is not None
    with pytest.raises(StatusConflict, match="cannot become void"):
        decide_change(first.after, update("void", amount), now=NOW, by="api")


def test_a_payment_id_belongs_to_one_amount() -> None:
    first = decide_change(an_invoice("processed"), update("paid", "50"), now=NOW, by="api")
    assert first is not None
    with pytest.raises(PaymentConflict, match=r"already recorded, with an amount of 50\.00"):
        decide_change(first.after, update("paid", "60"), now=NOW, by="api")


def test_an_outdated_version_is_rejected() -> None:
    with pytest.raises(StatusConflict, match="at version 1, not 7"):
        decide_change(an_invoice("processed"), update("void", expectedVersion=7), now=NOW, by="api")


@pytest.mark.parametrize(
    ("paid", "reversed_", "status", "due"),
    [
        (["119"], None, "processed", "119.00"),
        (["119"], "19", "partially-paid", "19.00"),
        (["50", "69"], "50", "partially-paid", "50.00"),
        (["50"], "50.00", "processed", "119.00"),
        (["50"], "0.01", "partially-paid", "69.01"),
    ],
)
def test_a_reversal_reopens_the_invoice(paid: list[str], reversed_: str | None, status: str, due: str) -> None:
    invoice = an_invoice("processed")
    for number, amount in enumerate(paid):
        invoice = changed(invoice, "paid", {"amount": amount, "paymentId": f"p-{number}"})

    after = changed(invoice, "processed", {"amount": reversed_, "paymentId": "r", "reverses": "p-0"})

    assert (after.status, after.amount_due) == (Status(status), Decimal(due))
    assert (after.payments[-1].reverses, after.payments[-1].amount < 0) == ("p-0", True)
    request = {"amount": reversed_, "paymentId": "r", "reverses": "p-0"}
    again = UpdateInvoice.model_validate({"status": "processed", "payment": request})
    assert decide_change(after, again, now=NOW, by="api") is None


@pytest.mark.parametrize(
    ("payment", "kind", "words"),
    [
        ({"reverses": "p-9"}, PaymentConflict, "has no payment p-9"),
        (
            {"reverses": "p-0", "amount": "50.01"},
            PaymentConflict,
            r"payment p-0, of which 50\.00 EUR is left",
        ),
        ({"reverses": "p-0", "amount": "-50"}, PaymentConflict, "does not fit"),
        ({"reverses": "p-0", "amount": "0.001"}, InvalidRequest, "too precise"),
    ],
)
def test_a_reversal_that_does_not_fit_is_rejected(
    payment: dict[str, str], kind: type[InvoiceError], words: str
) -> None:
    invoice = changed(an_invoice("processed"), "paid", {"amount": "50", "paymentId": "p-0"})

    with pytest.raises(kind, match=words):
        changed(invoice, "processed", payment)
    with pytest.raises(InvalidRequest, match="A reversal reopens"):
        changed(invoice, "paid", {"reverses": "p-0"})


def test_a_payment_cannot_be_reversed_twice() -> None:
    invoice = changed(an_invoice("processed"), "paid", {"amount": "119", "paymentId": "p-0"})
    invoice = changed(invoice, "processed", {"reverses": "p-0"})

    with pytest.raises(PaymentConflict, match="does not fit"):
        changed(invoice, "processed", {"reverses": "p-0"})


def test_a_write_off_closes_what_will_not_come() -> None:
    invoice = changed(an_invoice("processed"), "paid", {"amount": "100", "paymentId": "p-0"})

    after = changed(invoice, "paid", {"method": "write-off"})

    assert (after.status, after.amount_due, after.payments[-1].amount) == (Status.PAID, 0, 19)


@pytest.mark.parametrize("status", ["held", "processed"])
def test_an_invoice_with_payments_is_not_voided(status: str) -> None:
    waiting = an_invoice().reached(
        Status.CREATED,
        at=timestamp(NOW),
        by="bank",
        payment=Payment(payment_id="p", amount=Decimal(10), paid_at=timestamp(NOW)),
    )
    invoice = waiting.model_copy(update={"status": Status(status)})

    with pytest.raises(PaymentConflict, match=r"has payments of 10\.00 EUR: reverse them"):
        decide_change(invoice, update("void"), now=NOW, by="api")
    reversal = decide_change(invoice, reversal_of("p"), now=NOW, by="api")
    assert reversal is not None
    void = decide_change(reversal.after, update("void"), now=NOW, by="api")
    assert void is not None
    assert void.after.status is Status.VOID


def test_a_released_invoice_has_the_status_of_its_amounts() -> None:
    free = decide_change(an_invoice("held", total="0"), update("processed"), now=NOW, by="api")

    assert free is not None
    assert (free.steps, free.after.version) == ((Status.PROCESSED, Status.PAID), 3)


def test_a_change_that_skips_a_status_is_a_mistake_of_the_code() -> None:
    held = an_invoice("held")

    with pytest.raises(ValueError, match="held cannot become paid"):
        InvoiceChange(held, held.reached(Status.PAID, at=timestamp(NOW), by="x"))


def changed(invoice: Invoice, status: str, payment: dict[str, Any]) -> Invoice:
    request = UpdateInvoice.model_validate({"status": status, "payment": payment})
    change = decide_change(invoice, request, now=NOW, by="api")
    assert change is not None
    return change.after


def reversal_of(payment_id: str) -> UpdateInvoice:
    return UpdateInvoice.model_validate({"status": "processed", "payment": {"reverses": payment_id}})
