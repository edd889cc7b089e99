"""Records of the table's stream, read as invoices or receipts."""

from typing import Any

from invoicing.domain.models import Invoice
from invoicing.domain.receipts import Receipt
from invoicing.table.items import decode
from invoicing.table.receipts import PREFIX, read_receipt


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


def read_receipts(record: dict[str, Any]) -> tuple[Receipt | None, Receipt | None]:
    """The receipt before and after the change; ``(None, None)`` for removals and for other items.

    Raises:
        pydantic.ValidationError: the item has the id of a receipt and cannot be read as one.
    """
    change = record["dynamodb"]
    if "NewImage" not in change or not change["Keys"]["invoiceId"]["S"].startswith(PREFIX):
        return None, None
    old = change.get("OldImage")
    return read_receipt(decode(old)) if old else None, read_receipt(decode(change["NewImage"]))
