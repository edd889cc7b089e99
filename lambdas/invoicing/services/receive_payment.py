"""Keep a payment that a provider reported: on its invoice, or unapplied with the reason. Nothing is rejected.

Two reports may meet at one invoice, or one report may come twice. Each decides on what it has read, and writes the
receipt and the invoice together if neither has changed meanwhile. So a payment is applied once, and a receipt that is
applied is always on its invoice.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from invoicing.domain import money
from invoicing.domain.errors import Busy, TooLarge
from invoicing.domain.fields import timestamp
from invoicing.domain.models import InconsistentAmountsError
from invoicing.domain.payments import InvoiceChange, record, reversible
from invoicing.domain.receipts import API, Receipt, ReceiptChange, ReceiptState, objection, payment_key, renamed
from invoicing.domain.repository import Ledger
from invoicing.domain.status import RECORDING, Status

ATTEMPTS = 8
"""Decisions that other writers may overtake before the event has to be delivered again."""


def receive(store: Ledger, receipt: Receipt, now: datetime) -> Receipt:
    """Keep a payment, and return its receipt as it is stored.

    Args:
        store: Where invoices and receipts are stored.
        receipt: As `invoicing.domain.receipts.read_receipt` has read it.
        now: This moment.

    Raises:
        Busy: other writers were always first, or the table throttles: the event has to be delivered again.
    """
    at = timestamp(now)
    for _ in range(ATTEMPTS):
        earlier = store.receipt(receipt.payment_key)
        if earlier is not None:
            if earlier.content_hash == receipt.content_hash:
                return earlier
            receipt = renamed(receipt)  # the same id for another payment: it was received, too
            continue
        kept = _keep(store, receipt, at)
        if kept is not None:
            return kept
    raise Busy("Other payments are changing the invoice right now.")


def _keep(store: Ledger, receipt: Receipt, at: str) -> Receipt | None:
    """Decide and write; None if another writer was first."""
    try:
        change = None if receipt.state is ReceiptState.UNAPPLIED else place(store, receipt, at=at, by=receipt.source)
        if isinstance(change, InvoiceChange):
            return change.receipts[0].after if store.change(change) else None
    except TooLarge:
        change = "the invoice has no room for another payment"
    except InconsistentAmountsError:
        change = "the amounts of the invoice were edited and do not agree"
    if isinstance(change, ReceiptChange):  # the reversal of a payment that was not applied
        writes = [ReceiptChange(None, receipt), change]
        return receipt if store.keep(writes) else None
    kept = receipt.unapplied(change) if change else receipt
    return kept if store.keep([ReceiptChange(None, kept)]) else None


def place(store: Ledger, receipt: Receipt, *, at: str, by: str) -> InvoiceChange | ReceiptChange | str:
    """Where a payment belongs.

    Returns:
        The change of its invoice, with the receipt; or for the reversal of an unapplied payment, the change of that
        payment's receipt; or the reason why it cannot be applied.
    """
    if receipt.reverses is not None:
        return _reversal(store, receipt, at=at, by=by)
    invoice = store.get(receipt.invoice_id) if receipt.invoice_id else None
    reason = objection(invoice, receipt)
    if invoice is None or receipt.amount is None or reason:
        return reason or "the amount is missing"
    change = record(invoice, receipt.payment(receipt.amount), at=at, by=by)
    return _with_receipt(change, receipt)


def _reversal(store: Ledger, receipt: Receipt, *, at: str, by: str) -> InvoiceChange | ReceiptChange | str:
    """The payment that is named went back: it is found by its own receipt, wherever it was applied."""
    original_id = receipt.reverses or ""
    original = store.receipt(payment_key(receipt.source, original_id))
    if original is not None and original.reverses is not None:
        return f"payment {original_id} is a reversal itself"
    if original is not None and original.state is not ReceiptState.APPLIED:
        return _unapplied_reversal(original, receipt, at=at, by=by)
    invoice_id = original.applied_to if original else receipt.invoice_id
    invoice = store.get(invoice_id) if invoice_id else None
    left = reversible(invoice, original_id, {receipt.source, API}) if invoice else None
    if invoice is None or left is None:
        return f"payment {original_id} is not known"
    if reason := objection(invoice, receipt, takes=RECORDING | {Status.HELD}):
        return reason
    amount = abs(receipt.amount or Decimal(0)).copy_sign(left)
    if abs(amount) > abs(left):
        return f"it reverses more than the {money.text(left, invoice.currency)} that are left of payment {original_id}"
    return _with_receipt(record(invoice, receipt.payment(-amount), at=at, by=by), receipt)


def _unapplied_reversal(original: Receipt, receipt: Receipt, *, at: str, by: str) -> ReceiptChange | str:
    """A payment that is on no invoice went back."""
    if original.state is not ReceiptState.UNAPPLIED:
        return f"payment {original.payment_id} is {original.state}"
    if original.amount is None or receipt.amount is None or abs(original.amount) != abs(receipt.amount):
        return f"it reverses a part of payment {original.payment_id}, which is unapplied"
    return ReceiptChange(original, original.moved(ReceiptState.REVERSED, at=at, by=by))


def _with_receipt(change: InvoiceChange, receipt: Receipt) -> InvoiceChange:
    return replace(change, receipts=(ReceiptChange(None, receipt.applied(change.before.invoice_id)),))
