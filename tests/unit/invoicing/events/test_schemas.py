"""Events are as they are described to those who listen."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from invoicing.api.openapi import EXAMPLE_REQUEST
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice, Payment
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.payments import record
from invoicing.domain.receipts import ReceiptState
from invoicing.domain.status import Status
from invoicing.events.bus import DETAIL_TYPES, MAX_REASONS, derive, derive_unapplied
from invoicing.events.schemas import InvoiceChanged, PaymentUnapplied, UploadContinued
from invoicing.services.decide_invoice import decide_status
from invoicing.uploads.upload import Upload
from tests.data.invoices import an_invoice

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def created() -> Invoice:
    return an_invoice(**EXAMPLE_REQUEST)


def detail(before: Invoice | None, after: Invoice) -> dict[str, Any]:
    (event,) = derive(before, after)
    return event.detail


def reached(before: Invoice, status: Status) -> Invoice:
    """The invoice after a change into the status, with its entry in the history."""
    return before.reached(status, at=timestamp(NOW), by="api")


@pytest.mark.parametrize("status", sorted(set(DETAIL_TYPES) - {Status.CREATED}))
def test_every_change_matches_its_schema(created: Invoice, status: Status) -> None:
    event = InvoiceChanged.model_validate(detail(created, reached(created, status)))

    assert (event.status, event.previous_status, event.version) == (status, Status.CREATED, 2)
    assert event.model_dump(by_alias=True)["total"] == "963.90"


def test_a_new_invoice_matches_its_schema(created: Invoice) -> None:
    event = InvoiceChanged.model_validate(detail(None, created))

    assert (event.status, event.previous_status, event.version) == (Status.CREATED, None, 1)


def test_a_change_of_two_steps_is_two_events() -> None:
    free = an_invoice(total="0")
    change = decide_status(free, NOW)

    events = derive(change.before, change.after)

    assert [event.detail_type for event in events] == ["invoice-processed", "invoice-paid"]
    assert [(event.detail["version"], event.detail["previousStatus"]) for event in events] == [
        (2, "created"),
        (3, "processed"),
    ]
    assert events[1:] == derive(
        free.model_validate({**dict(change.after), "history": change.after.history[:2]}), change.after
    )


def test_a_payment_that_waits_is_no_event(created: Invoice) -> None:
    payment = Payment(payment_id="P", amount=Decimal(1), paid_at=timestamp(NOW))
    waiting = record(created, payment, at=timestamp(NOW), by="bank").after

    assert derive(created, waiting) == []
    (event,) = derive(waiting, decide_status(waiting, NOW, ["a reason"]).after)
    assert (event.detail_type, event.detail["version"], event.detail["previousStatus"]) == (
        "invoice-held",
        3,
        "created",
    )


def test_a_reversal_is_reported_as_one() -> None:
    paid = record(an_invoice("processed"), a_payment("P", 119), at=timestamp(NOW), by="bank").after
    reopened = record(paid, a_payment("R", -100, reverses="P"), at=timestamp(NOW), by="bank").after

    (event,) = derive(paid, reopened)

    assert (event.detail_type, event.detail["status"], event.detail["amountDue"]) == (
        "invoice-reopened",
        "partially-paid",
        "100.00",
    )


def test_more_than_is_due_is_in_the_event() -> None:
    before = an_invoice("processed")

    (event,) = derive(before, record(before, a_payment("P", 120), at=timestamp(NOW), by="bank").after)

    assert (event.detail_type, event.detail["overpaid"]) == ("invoice-paid", "1.00")
    InvoiceChanged.model_validate(event.detail)


def a_payment(payment_id: str, amount: int, **more: Any) -> Payment:
    return Payment(payment_id=payment_id, amount=Decimal(amount), paid_at=timestamp(NOW), **more)


@pytest.mark.parametrize("amount", ["19", "19,00"])
def test_an_unapplied_payment_matches_its_schema(amount: str) -> None:
    detail_ = {"invoiceId": "x", "paymentId": "P", "amount": amount, "currency": "EUR"}
    receipt = read_receipt(detail_, source="bank", event_id="e", at=timestamp(NOW)).unapplied("a reason")

    event = derive_unapplied(None, receipt)

    assert event is not None
    described = PaymentUnapplied.model_validate(event.detail)
    assert (described.payment_id, described.reason, event.detail_type) == ("P", "a reason", "payment-unapplied")
    assert event.detail.get("amount") == ("19" if amount == "19" else None)
    assert derive_unapplied(receipt, receipt) is None
    assert derive_unapplied(receipt, receipt.moved(ReceiptState.RETURNED, at=timestamp(NOW), by="api")) is None


def test_a_held_invoice_has_a_limited_number_of_reasons(created: Invoice) -> None:
    event = InvoiceChanged.model_validate(detail(created, decide_status(created, NOW, ["a reason"] * 20).after))

    assert event.reasons == ["a reason"] * MAX_REASONS


def test_an_unknown_field_is_rejected(created: Invoice) -> None:
    with pytest.raises(ValidationError, match="lines"):
        InvoiceChanged.model_validate({**detail(None, created), "lines": []})


def test_the_continuation_of_an_upload_matches_its_schema() -> None:
    upload = Upload("uploads", "incoming/a.csv", "etag", "0A", "version", 10)

    event = UploadContinued.model_validate(upload.detail() | {"checkpoint": 1})

    assert Upload.from_detail(event.model_dump(by_alias=True)) == upload
    with pytest.raises(ValidationError, match="checkpoint"):
        UploadContinued.model_validate(upload.detail() | {"checkpoint": 0})
