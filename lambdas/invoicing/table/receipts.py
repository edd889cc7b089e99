"""Receipts of money in the invoices table: ``payment#<uuid>``, one for each payment id of a source.

An unapplied receipt has the keys of ``status-index``, with a status that no invoice has. So a query lists what is
unapplied, and no list of invoices shows it. A receipt that is applied or returned loses them.
"""

from typing import Any

from pydantic.alias_generators import to_camel

from invoicing.domain.receipts import Receipt, ReceiptChange, ReceiptState
from invoicing.table.connection import NEW, Put
from invoicing.table.correlation import correlated

PREFIX = "payment#"
LISTED = "payment-unapplied"
"""The status under which the index lists unapplied receipts."""

FIELDS = tuple({**dict.fromkeys(map(to_camel, Receipt.model_fields)), "reportedInvoiceId": None})
"""The attributes of a receipt's item."""

_STORED = {"invoiceId": "reportedInvoiceId"}  # the table's own key has that name


def receipt_id(payment_key: str) -> str:
    """Where a receipt is stored."""
    return PREFIX + payment_key


def put_receipt(change: ReceiptChange) -> Put:
    """The write of a receipt that is new, or still has the version that was read."""
    receipt = change.after
    values = {
        name: value for name, value in receipt.model_dump(by_alias=True, exclude_none=True).items() if value != ""
    }
    item: dict[str, Any] = {_STORED.get(name, name): value for name, value in values.items()}
    item |= {"invoiceId": receipt_id(receipt.payment_key), **correlated()}
    if receipt.state is ReceiptState.UNAPPLIED:
        item |= {"status": LISTED, "createdAt": receipt.received_at}
    if change.before is None:
        return Put(item, NEW)
    return Put(item, "version = :read", {":read": change.before.version})


def read_receipt(item: dict[str, Any]) -> Receipt:
    """Read an item back.

    Raises:
        pydantic.ValidationError: the item is not a receipt.
    """
    names = {to_camel(name) for name in Receipt.model_fields} - {*_STORED}
    values = {name: value for name, value in item.items() if name in names}
    values |= {name: item[stored] for name, stored in _STORED.items() if stored in item}
    return Receipt.model_validate(values)
