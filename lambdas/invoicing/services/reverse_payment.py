"""A provider reports that a payment went back: find that very payment, or say why it cannot be told which one it is.

The payment is found by its own receipt, wherever it was applied. What the report says besides, such as the invoice, has
to fit. A reversal that could be of several payments is kept for an operator, who names one: money is never taken from
an invoice on a guess.
"""

from decimal import Decimal

from invoicing.domain import money
from invoicing.domain.models import Invoice, Payment
from invoicing.domain.payments import InvoiceChange, record
from invoicing.domain.receipts import API, Receipt, ReceiptChange, ReceiptState, objection, payment_key
from invoicing.domain.repository import Ledger
from invoicing.domain.reversals import is_write_off, left_of, payments_named, source_of
from invoicing.domain.status import RECORDING, Status


def reverse(
    store: Ledger, receipt: Receipt, *, at: str, by: str, is_exact: bool = False
) -> InvoiceChange | ReceiptChange | str:
    """What a reversal changes.

    Args:
        store: Where invoices and receipts are stored.
        receipt: The reversal.
        at: The moment of the change.
        by: Who the history names for it.
        is_exact: Whether an operator has named the payment, as its invoice shows it.

    Returns:
        The change of the invoice, still without the receipt; or for the reversal of an unapplied payment, the change of
        that payment's receipt; or the reason why it cannot be applied.
    """
    original = store.receipt(payment_key(receipt.source, receipt.reverses or ""))
    if original is not None and (reason := _reversal_itself(original)):
        return reason
    if original is not None and is_exact and original.state is not ReceiptState.APPLIED:
        return f"payment {original.payment_id} is {original.state}"
    if original is not None and not is_exact:
        is_known = receipt.invoice_id is not None and store.get(receipt.invoice_id) is not None
        reason = _another(original, receipt, is_known=is_known)
        if reason is not None:
            return reason
        if original.state is not ReceiptState.APPLIED and not original.shared:
            return _unapplied_reversal(original, receipt, at=at, by=by)
    found = _payment(store, receipt, original, is_exact=is_exact)
    return found if isinstance(found, str) else _taken(*found, receipt, at=at, by=by)


def _reversal_itself(original: Receipt) -> str | None:
    if not original.may_reverse():
        return None
    if original.reverses is None:
        return f"it cannot be read whether payment {original.payment_id} is a reversal itself"
    return f"payment {original.payment_id} is a reversal itself"


def _another(original: Receipt, receipt: Receipt, *, is_known: bool) -> str | None:
    """Why the receipt with the id is not, or may not be, that of the payment that went back.

    Args:
        original: The receipt of the payment that has the id.
        receipt: The reversal.
        is_known: Whether the invoice that the reversal names exists; one that does not exist contradicts nothing.
    """
    named, places = receipt.invoice_id, [original.applied_to, original.invoice_id]
    is_elsewhere = is_known and any(places) and named not in places
    if original.shared:
        is_clear = is_known and (is_elsewhere or named == original.applied_to)
        return None if is_clear else _shared(original.payment_id)
    if is_elsewhere:
        return f"payment {original.payment_id} is for invoice {places[0] or places[1]}, its reversal names {named}"
    return None


def _shared(payment_id: str) -> str:
    return f"payment {payment_id} was reported more than once, with different contents"


def _payment(
    store: Ledger, receipt: Receipt, original: Receipt | None, *, is_exact: bool
) -> tuple[Invoice, Payment] | str:
    """The invoice and its payment that went back.

    An id that its source has used for several payments names the one on the invoice that is named, if the complete
    amount of that payment went back.
    """
    payment_id, is_shared = receipt.reverses or "", original is not None and bool(original.shared) and not is_exact
    invoice_id = receipt.invoice_id if is_exact or is_shared or original is None else original.applied_to
    invoice = store.get(invoice_id) if invoice_id else None
    if invoice is None:
        return f"payment {payment_id} is not known"
    payments = payments_named(invoice, payment_id, receipt.source, also_reported=is_shared)
    if is_shared:
        is_complete = len(payments) == 1 and abs(left_of(invoice, payments[0])) == abs(receipt.amount or 0)
        return (invoice, payments[0]) if is_complete else _shared(payment_id)
    payments = payments or payments_named(invoice, payment_id, API)
    return (invoice, payments[0]) if payments else f"payment {payment_id} is not known"


def _taken(invoice: Invoice, original: Payment, receipt: Receipt, *, at: str, by: str) -> InvoiceChange | str:
    """The change of the invoice by a reversal of its payment."""
    if reason := objection(invoice, receipt, takes=RECORDING | {Status.HELD}):
        return reason
    if is_write_off(original):
        return f"payment {original.payment_id} is a write-off: no money came that could go back"
    left = left_of(invoice, original)
    amount = abs(receipt.amount or Decimal(0)).copy_sign(left)
    if abs(amount) > abs(left):
        text = money.text(left, invoice.currency)
        return f"it reverses more than the {text} that are left of payment {original.payment_id}"
    payment = receipt.payment(-amount, reverses_source=source_of(original))
    payment = payment.model_copy(update={"reverses": original.payment_id})
    return record(invoice, payment, at=at, by=by)


def _unapplied_reversal(original: Receipt, receipt: Receipt, *, at: str, by: str) -> ReceiptChange | str:
    """A payment that is on no invoice went back."""
    payment_id = original.payment_id
    if original.state is not ReceiptState.UNAPPLIED:
        return f"payment {payment_id} is {original.state}"
    for name in ("amount", "currency"):
        if getattr(original, name) is None:
            return f"the {name} of payment {payment_id}, which is unapplied, could not be read"
    if original.currency != receipt.currency:
        return f"payment {payment_id} is in {original.currency}, its reversal in {receipt.currency}"
    if abs(original.amount or 0) != abs(receipt.amount or 0):
        return f"it reverses a part of payment {payment_id}, which is unapplied"
    return ReceiptChange(original, original.moved(ReceiptState.REVERSED, at=at, by=by))
