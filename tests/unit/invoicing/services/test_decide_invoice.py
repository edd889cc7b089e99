"""Deciding on a new invoice: by its own content, and by what the customer's other invoices say."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.status import Status
from invoicing.services.decide_invoice import ACTOR, decide, decide_status
from invoicing.services.receive_payment import receive
from tests.data.invoices import an_invoice
from tests.unit.invoicing.services.fakes import Claims, Invoices

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def decided(invoice: Invoice, claims: Claims) -> Invoice:
    """The invoice as it is stored after the decision."""
    store = Invoices(invoice)
    change = decide(store, claims, invoice, NOW)
    assert change is not None
    assert store.stored[invoice.invoice_id] == change.after
    return change.after


def test_an_invoice_that_nothing_speaks_against_is_processed() -> None:
    claims = Claims()

    after = decided(an_invoice(), claims)

    assert (after.status, after.version, after.history[-1].by) == (Status.PROCESSED, 2, ACTOR)
    assert after.history[-1].reasons is None
    assert claims.compared == [an_invoice()]


def test_an_invoice_that_contradicts_others_is_held_with_every_reason() -> None:
    after = decided(an_invoice(), Claims("one", "two"))

    assert (after.status, after.history[-1].reasons) == (Status.HELD, ["one", "two"])


def test_an_invoice_whose_totals_were_edited_is_held_and_claims_nothing() -> None:
    claims = Claims("another reason")

    after = decided(an_invoice().model_copy(update={"subtotal": Decimal(1)}), claims)

    assert after.status is Status.HELD
    assert after.history[-1].reasons == ["totals do not match the lines: expected 119.00, found 119.00"]
    assert claims.compared == []


def test_an_invoice_with_nothing_to_pay_is_paid_when_it_is_processed() -> None:
    after = decided(an_invoice(total="0"), Claims())

    assert [entry.status for entry in after.history] == [Status.CREATED, Status.PROCESSED, Status.PAID]
    assert (after.status, after.version, after.amount_due) == (Status.PAID, 3, 0)


def test_an_invoice_that_was_decided_on_before_stays() -> None:
    store = Invoices(earlier := decide_status(an_invoice(), NOW).after)

    assert decide(store, Claims("a reason"), an_invoice(), NOW) is None
    assert store.stored[earlier.invoice_id] == earlier


@pytest.mark.parametrize(
    ("amount", "status"), [("19", Status.PARTIALLY_PAID), ("119", Status.PAID), ("120", Status.PAID)]
)
def test_a_payment_that_was_first_is_counted_by_the_decision(amount: str, status: Status) -> None:
    """The stream brings the invoice as it was created; since then a payment waits with it."""
    store = Invoices(created := an_invoice())
    detail = {"invoiceId": created.invoice_id, "paymentId": "P", "amount": amount, "currency": "EUR"}
    receive(store, read_receipt(detail, source="bank", event_id="e", at=timestamp(NOW)), NOW)
    assert store.stored[created.invoice_id].status is Status.CREATED

    change = decide(store, Claims(), created, NOW)

    assert change is not None
    assert store.stored[created.invoice_id] == change.after
    assert [entry.status for entry in change.after.history] == ["created", "created", "processed", status]
