"""What an operator does with an unapplied payment: apply it to an invoice, or return it."""

from dataclasses import replace
from datetime import datetime

from invoicing.domain.errors import Busy, InvalidRequest, NotFound, PaymentConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import InconsistentAmountsError
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.receipts import Receipt, ReceiptChange, ReceiptState, ResolvePayment
from invoicing.domain.repository import Ledger
from invoicing.services.receive_payment import place

ATTEMPTS = 5
"""Decisions that other writers may overtake before the client has to repeat the request."""


def resolve(store: Ledger, payment_key: str, request: ResolvePayment, *, now: datetime, by: str) -> Receipt:
    """Apply or return an unapplied payment; returns its receipt after that. A repetition changes nothing.

    Raises:
        NotFound: there is no such payment.
        PaymentConflict: the payment is not unapplied any more, or the invoice does not take it.
        InvalidRequest: what could not be read of the payment is missing, or what could be read is repeated.
        Busy: other writers were always first.
    """
    at = timestamp(now)
    for _ in range(ATTEMPTS):
        receipt = store.receipt(payment_key)
        if receipt is None:
            raise NotFound(f"There is no payment {payment_key}.")
        if receipt.state.value == request.status and request.invoice_id in (None, receipt.applied_to):
            return receipt
        if receipt.state is not ReceiptState.UNAPPLIED:
            raise PaymentConflict(f"The payment is {receipt.state}.")
        if request.status == "returned":
            after = receipt.moved(ReceiptState.RETURNED, at=at, by=by)
            stored = store.keep([ReceiptChange(receipt, after)])
        else:
            change, after = _application(store, receipt, request, at=at, by=by)
            stored = store.change(change)
        if stored:
            return after
    raise Busy("Other requests are changing the payment or the invoice right now.")


def _application(
    store: Ledger, receipt: Receipt, request: ResolvePayment, *, at: str, by: str
) -> tuple[InvoiceChange, Receipt]:
    """The change of the invoice that takes the payment, and the receipt after it."""
    for name in ("amount", "currency"):
        if (getattr(receipt, name) is None) == (getattr(request, name) is None):
            reason = "is known and must not be repeated" if getattr(receipt, name) is not None else "could not be read"
            error = {"pointer": f"#/{name}", "detail": reason}
            raise InvalidRequest("Give what the payment lacks, and nothing else.", errors=[error])
    known = {name: getattr(request, name) for name in ("amount", "currency") if getattr(receipt, name) is None}
    after = receipt.moved(ReceiptState.APPLIED, at=at, by=by, **known, applied_to=request.invoice_id)
    try:
        change = place(store, after.naming(request.invoice_id), at=at, by=by)
    except InconsistentAmountsError:
        change = "the amounts of the invoice were edited and do not agree"
    if not isinstance(change, InvoiceChange):
        reason = change if isinstance(change, str) else "it reverses another unapplied payment: return both"
        raise PaymentConflict(f"The payment cannot be applied: {reason}.")
    after = after.applied(change.before.invoice_id)
    return replace(change, receipts=(ReceiptChange(receipt, after),)), after
