"""Payments as providers report them, for tests of the use cases."""

from datetime import UTC, datetime
from typing import Any

from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.receipts import Receipt, ResolvePayment
from invoicing.services.receive_payment import receive
from invoicing.services.resolve_payment import resolve
from tests.unit.invoicing.services.fakes import Invoices

NOW = datetime(2026, 11, 23, tzinfo=UTC)
UNKNOWN = "4f8a8b0e-7c1c-5d6e-8f90-123456789abc"


def reported(invoice: Invoice | None = None, source: str = "bank", **changes: Any) -> Receipt:
    """The receipt of an event: 19 EUR for the invoice, or for one that nobody knows, unless ``changes`` say more."""
    invoice_id = invoice.invoice_id if invoice else UNKNOWN
    detail = {"invoiceId": invoice_id, "paymentId": "P", "amount": "19", "currency": "EUR"} | changes
    return read_receipt(detail, source=source, event_id="event-1", at=timestamp(NOW))


def received(store: Invoices, invoice: Invoice | None = None, source: str = "bank", **changes: Any) -> Receipt:
    """The receipt as it is kept."""
    return receive(store, reported(invoice, source, **changes), NOW)


def resolved(store: Invoices, receipt: Receipt, **body: Any) -> Receipt:
    """The receipt after an operator's request."""
    request = ResolvePayment.model_validate(body)
    return resolve(store, receipt.payment_key, request, now=NOW, by="api-key:k")
