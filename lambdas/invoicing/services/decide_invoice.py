"""Decide on a new invoice: processed, or rejected with every reason."""

from datetime import datetime

from invoicing.domain.fields import timestamp
from invoicing.domain.models import HistoryEntry, Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.rules import objections
from invoicing.domain.status import Status

ACTOR = "process-invoice"


def decide_status(invoice: Invoice, now: datetime, reasons: list[str] | None = None) -> InvoiceChange:
    """The decision by the business rules.

    Args:
        invoice: As it was created.
        now: This moment.
        reasons: The reasons to reject it; without them, those that `invoicing.domain.rules` finds.
    """
    reasons = objections(invoice) if reasons is None else reasons
    status = Status.REJECTED if reasons else Status.PROCESSED
    at = timestamp(now)
    entry = HistoryEntry(status=status, at=at, by=ACTOR, reasons=reasons or None)
    after = {
        "status": status,
        "version": invoice.version + 1,
        "history": [*invoice.history, entry],
        "updated_at": at,
    }
    return InvoiceChange(invoice, invoice.model_copy(update=after))
