"""The status machine and what payments do, every pair of it."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import ValidationError

from invoicing.domain.errors import InvalidRequest, InvoiceError, PaymentConflict, StatusConflict
from invoicing.domain.models import UpdateInvoice
from invoicing.domain.payments import decide_change
from invoicing.domain.status import FINAL, OPEN, REQUESTABLE, TRANSITIONS, Status, may_change, sources
from invoicing.services.decide_invoice import decide_status
from tests.data.invoices import an_invoice

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

ALLOWED = {
    ("created", "processed"),
    ("created", "rejected"),
    ("created", "void"),
    ("processed", "partially-paid"),
    ("processed", "paid"),
    ("processed", "void"),
    ("partially-paid", "paid"),
}


def update(status: str, amount: str | None = None, **more: Any) -> UpdateInvoice:
    body: dict[str, Any] = {"status": status, **more}
    if amount is not None:
        body["payment"] = {"amount": amount, "paymentId": "p-1"}
    return UpdateInvoice.model_validate(body)


@pytest.mark.parametrize("target", list(Status))
@pytest.mark.parametrize("source", list(Status))
def test_every_pair_of_the_table(source: Status, target: Status) -> None:
    allowed = (source.value, target.value) in ALLOWED
    assert may_change(source, target) is allowed
    assert (source in sources(target)) is allowed
    if target not in REQUESTABLE:
        return
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


@pytest.mark.parametrize("status", ["created", "processed", "rejected", "overdue", "", None, 1, {"a": 1}])
def test_clients_cannot_request_decisions_of_the_rules(status: Any) -> None:
    with pytest.raises(ValidationError, match="must be one of paid, partially-paid, void") as error:
        UpdateInvoice.model_validate({"status": status})
    assert [error["loc"] for error in error.value.errors()] == [("status",)]


def test_final_and_open_follow_from_the_table() -> None:
    assert {Status.PAID, Status.VOID, Status.REJECTED} == FINAL
    assert {Status.PROCESSED, Status.PARTIALLY_PAID} == OPEN
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


class Payments(RuleBasedStateMachine):
    """After any requests in any order, the sums of an invoice agree and its history follows allowed transitions."""

    def __init__(self) -> None:
        super().__init__()
        self.invoice = an_invoice()
        self.start = self.invoice

    @rule()
    def be_processed(self) -> None:
        if self.invoice.status is Status.CREATED:
            self.invoice = decide_status(self.invoice, NOW).after

    @rule(
        status=st.sampled_from(sorted(REQUESTABLE)), cents=st.none() | st.integers(-200, 12000), ident=st.integers(1, 4)
    )
    def request(self, status: Status, cents: int | None, ident: int) -> None:
        payment = None if cents is None else {"amount": f"{Decimal(cents) / 100:.2f}", "paymentId": f"p-{ident}"}
        request_ = UpdateInvoice.model_validate({"status": status, "payment": payment})
        try:
            change = decide_change(self.invoice, request_, now=NOW, by="api")
        except InvoiceError:
            return
        if change is not None:
            assert change.after.version == self.invoice.version + 1
            self.invoice = change.after

    @invariant()
    def sums_agree(self) -> None:
        current = self.invoice
        assert current.amount_paid == sum(payment.amount for payment in current.payments)
        assert current.amount_due == current.total - current.amount_paid >= 0
        assert (current.status is Status.PAID) == (current.amount_due == 0)
        assert len({payment.payment_id for payment in current.payments}) == len(current.payments)

    @invariant()
    def history_is_a_path(self) -> None:
        states = [entry.status for entry in self.invoice.history]
        assert len(states) == self.invoice.version
        for one, two in pairwise(states):
            assert may_change(one, two) or one is two is Status.PARTIALLY_PAID

    @invariant()
    def the_first_version_is_remembered(self) -> None:
        assert self.invoice.first_version() == self.start


Payments.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestPayments = Payments.TestCase
