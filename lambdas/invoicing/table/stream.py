"""Records of the table's stream, read as invoices."""

from typing import Any

from invoicing.domain.models import Invoice
from invoicing.table.items import decode


def read_images(record: dict[str, Any]) -> tuple[Invoice | None, Invoice | None]:
    """The invoice before and after the change that the record describes.

    Returns:
        ``(None, None)`` for removals, and for items that are not invoices (counters and other markers have ``#`` in
        their id).

    Raises:
        pydantic.ValidationError: the item has the id of an invoice and cannot be read as one.
    """
    change = record["dynamodb"]
    if "NewImage" not in change or "#" in change["Keys"]["invoiceId"]["S"]:
        return None, None
    old = change.get("OldImage")
    return Invoice.from_item(decode(old)) if old else None, Invoice.from_item(decode(change["NewImage"]))
