"""Decide on a new invoice: processed, or rejected with every reason."""

from datetime import datetime

from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.repository import CustomerClaims, InvoiceUpdater
from invoicing.domain.rules import objections
from invoicing.domain.status import Status

ACTOR = "process-invoice"


def decide(store: InvoiceUpdater, claims: CustomerClaims, invoice: Invoice, now: datetime) -> InvoiceChange | None:
    """Decide on an invoice, and store the decision.

    Args:
        store: Where invoices are stored.
        claims: What the customer's other invoices say.
        invoice: As it was created.
        now: This moment.

    Returns:
        None if the invoice has changed meanwhile: it was decided on before.

    Raises:
        invoicing.domain.errors.InvoiceError: as `InvoiceUpdater.change`.
    """
    change = decide_status(invoice, now, objections(invoice) or claims.conflicts(invoice, now))
    return change if store.change(change) else None


def decide_status(invoice: Invoice, now: datetime, reasons: list[str] | None = None) -> InvoiceChange:
    """The decision by the business rules.

    Args:
        invoice: As it was created.
        now: This moment.
        reasons: The reasons to reject it; without them, those that `invoicing.domain.rules` finds.
    """
    reasons = objections(invoice) if reasons is None else reasons
    status = Status.REJECTED if reasons else Status.PROCESSED
    return InvoiceChange(invoice, invoice.reached(status, at=timestamp(now), by=ACTOR, reasons=reasons))
