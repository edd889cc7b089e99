"""From a record of the table's stream to the decision on a new invoice (pure)."""

from datetime import datetime
from typing import Any

from invoicing.domain.fields import timestamp
from invoicing.domain.models import HistoryEntry, Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.rules import objections
from invoicing.domain.status import Status
from invoicing.table.items import decode

ACTOR = "process-invoice"


def images(record: dict[str, Any]) -> tuple[Invoice | None, Invoice | None]:
    """The invoice before and after the change that the record tells of.

    Returns:
        ``(None, None)`` for what is no invoice (counters and other markers have ``#`` in their id) and for removals.

    Raises:
        pydantic.ValidationError: when the item is under an invoice's id and cannot be read as one.
    """
    change = record["dynamodb"]
    if "NewImage" not in change or "#" in change["Keys"]["invoiceId"]["S"]:
        return None, None
    old = change.get("OldImage")
    return Invoice.from_item(decode(old)) if old else None, Invoice.from_item(decode(change["NewImage"]))


def processed(invoice: Invoice, now: datetime, reasons: list[str] | None = None) -> InvoiceChange:
    """The decision by the business rules: processed, or rejected with every reason.

    Args:
        invoice: As it was created.
        now: This moment.
        reasons: What speaks against it; what `invoicing.domain.rules` finds unless something is given.
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
