"""Keep a payment that a provider reported: on its invoice, or unapplied with the reason. Nothing is rejected.

Two reports may meet at one invoice, or one report may come twice. Each decides on what it has read, and writes the
receipt and the invoice together if neither has changed meanwhile. So a payment is applied once, and a receipt that is
applied is always on its invoice.
"""

from dataclasses import replace
from datetime import datetime

from invoicing.domain.errors import Busy, TooLarge
from invoicing.domain.fields import timestamp
from invoicing.domain.models import InconsistentAmountsError
from invoicing.domain.payments import InvoiceChange, record
from invoicing.domain.receipts import Receipt, ReceiptChange, ReceiptState, objection, payment_key, renamed, repeats
from invoicing.domain.repository import Ledger
from invoicing.services.reverse_payment import reverse

ATTEMPTS = 8
"""Decisions that other writers may overtake before the event has to be delivered again."""


def receive(store: Ledger, receipt: Receipt, now: datetime) -> Receipt:
    """Keep a payment, and return its receipt as it is stored.

    Args:
        store: Where invoices and receipts are stored.
        receipt: As `invoicing.domain.payment_reports.read_receipt` has read it.
        now: This moment.

    Raises:
        Busy: other writers were always first, or the table throttles: the event has to be delivered again.
    """
    at = timestamp(now)
    for _ in range(ATTEMPTS):
        earlier = store.receipt(receipt.payment_key)
        if earlier is not None:
            if repeats(receipt, earlier):
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
    return kept if store.keep([ReceiptChange(None, kept), *_shared(store, receipt)]) else None


def _shared(store: Ledger, receipt: Receipt) -> list[ReceiptChange]:
    """The first payment with an id that its source has used again: from now on the id alone names neither of them."""
    first = store.receipt(payment_key(receipt.source, receipt.reported_id)) if receipt.reported_id else None
    return [ReceiptChange(first, first.with_shared_id())] if first and not first.shared else []


def place(
    store: Ledger, receipt: Receipt, *, at: str, by: str, is_exact: bool = False
) -> InvoiceChange | ReceiptChange | str:
    """Where a payment belongs.

    Args:
        store: Where invoices and receipts are stored.
        receipt: The payment.
        at: The moment of the change.
        by: Who the history names for it.
        is_exact: Whether an operator has named the payment that a reversal takes back, as its invoice shows it.

    Returns:
        The change of its invoice, with the receipt; or for the reversal of an unapplied payment, the change of that
        payment's receipt; or the reason why it cannot be applied.
    """
    if receipt.reverses is not None:
        placement = reverse(store, receipt, at=at, by=by, is_exact=is_exact)
        return _with_receipt(placement, receipt) if isinstance(placement, InvoiceChange) else placement
    invoice = store.get(receipt.invoice_id) if receipt.invoice_id else None
    reason = objection(invoice, receipt)
    if invoice is None or receipt.amount is None or reason:
        return reason or "the amount is missing"
    change = record(invoice, receipt.payment(receipt.amount), at=at, by=by)
    return _with_receipt(change, receipt)


def _with_receipt(change: InvoiceChange, receipt: Receipt) -> InvoiceChange:
    return replace(change, receipts=(ReceiptChange(None, receipt.applied(change.before.invoice_id)),))
