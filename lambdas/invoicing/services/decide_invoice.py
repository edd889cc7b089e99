"""Decide on a new invoice: processed, or held with every reason. Nothing is rejected here."""

from datetime import datetime

from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange, processed
from invoicing.domain.repository import CustomerClaims, InvoiceUpdater
from invoicing.domain.rules import totals_disagree
from invoicing.domain.status import Status

ACTOR = "process-invoice"


def decide(store: InvoiceUpdater, claims: CustomerClaims, invoice: Invoice, now: datetime) -> InvoiceChange | None:
    """Decide on an invoice, and store the decision.

    A payment may be recorded between the creation and the decision. Then the decision is made on the newer version, so
    that the invoice does not stay undecided.

    Args:
        store: Where invoices are stored.
        claims: What the customer's other invoices say.
        invoice: As it was created.
        now: This moment.

    Returns:
        None if the invoice was decided on before, or is gone.

    Raises:
        invoicing.domain.errors.InvoiceError: as `InvoiceUpdater.change`.
    """
    edited = totals_disagree(invoice)
    reasons = [edited] if edited else claims.conflicts(invoice, now)
    current: Invoice | None = invoice
    while current is not None and current.status is Status.CREATED:
        change = decide_status(current, now, reasons)
        if store.change(change):
            return change
        current = store.get(invoice.invoice_id)
    return None


def decide_status(invoice: Invoice, now: datetime, reasons: list[str] | None = None) -> InvoiceChange:
    """The decision.

    Args:
        invoice: As it is now.
        now: This moment.
        reasons: The reasons to hold it; without them it is processed.
    """
    at = timestamp(now)
    if not reasons:
        return processed(invoice, at=at, by=ACTOR)
    return InvoiceChange(invoice, invoice.reached(Status.HELD, at=at, by=ACTOR, reasons=reasons))
