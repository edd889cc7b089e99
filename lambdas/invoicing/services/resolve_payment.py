"""What an operator does with an unapplied payment: apply it to an invoice, or return it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from invoicing.domain.errors import Busy, InvalidRequest, NotFound, PaymentConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import InconsistentAmountsError
from invoicing.domain.payments import GROUPED, InvoiceChange
from invoicing.domain.receipts import Receipt, ReceiptChange, ReceiptState, ResolvePayment, canonical
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
        if _is_repetition(receipt, request):
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


def _is_repetition(receipt: Receipt, request: ResolvePayment) -> bool:
    """Whether the receipt is what the request has made, or would make, of it."""
    if receipt.state.value != request.status:
        return False
    if "reverses" in request.model_fields_set and request.reverses != receipt.reverses:
        return False
    pairs = (
        (canonical(request.invoice_id), receipt.applied_to),
        (request.amount, receipt.amount),
        (request.currency, receipt.currency),
    )
    return all(requested in {None, stored} for requested, stored in pairs)


def _application(
    store: Ledger, receipt: Receipt, request: ResolvePayment, *, at: str, by: str
) -> tuple[InvoiceChange, Receipt]:
    """The change of the invoice that takes the payment, and the receipt after it."""
    known, invoice_id = _known(receipt, request), canonical(request.invoice_id)
    unreadable = {name: sent for name, sent in (receipt.unreadable or {}).items() if name not in known}
    values = known | {"applied_to": invoice_id, "unreadable": unreadable or None}
    after = receipt.moved(ReceiptState.APPLIED, at=at, by=by, **values)
    try:
        change = place(store, after.naming(invoice_id), at=at, by=by, is_exact="reverses" in known)
    except InconsistentAmountsError:
        change = "the amounts of the invoice were edited and do not agree"
    if not isinstance(change, InvoiceChange):
        reason = change if isinstance(change, str) else "it reverses another unapplied payment: return both"
        raise PaymentConflict(f"The payment cannot be applied: {reason}.")
    if change.before.invoice_id != invoice_id:
        reason = f"payment {after.reverses} is on invoice {change.before.invoice_id}: name that one"
        raise PaymentConflict(f"The payment cannot be applied: {reason}.")
    return replace(change, receipts=(ReceiptChange(receipt, after),)), after


def _known(receipt: Receipt, request: ResolvePayment) -> dict[str, Any]:
    """What the operator adds to what was reported: all that could not be read, and nothing else.

    Of a reversal, the payment that it takes back may be named again.
    """
    errors, known = [], {}
    for name in ("amount", "currency"):
        is_lacking, given = getattr(receipt, name) is None, getattr(request, name)
        if is_lacking and given is not None:
            known[name] = given
        elif is_lacking or given is not None:
            detail = "could not be read" if is_lacking else "is known and must not be repeated"
            errors.append({"pointer": f"#/{name}", "detail": detail})
    currency = receipt.currency or request.currency
    if currency and request.may_be_grouped(currency):
        errors.append({"pointer": "#/amount", "detail": GROUPED})
    if "reverses" in request.model_fields_set:
        known["reverses"] = request.reverses
        if not receipt.may_reverse():
            errors.append({"pointer": "#/reverses", "detail": "the payment is not a reversal"})
        elif receipt.reverses is not None and request.reverses is None:
            errors.append({"pointer": "#/reverses", "detail": "the payment is a reversal"})
    elif receipt.may_reverse() and receipt.reverses is None:
        detail = "could not be read; null says that it reverses no payment"
        errors.append({"pointer": "#/reverses", "detail": detail})
    if errors:
        raise InvalidRequest("Give what the payment lacks, and nothing else.", errors=errors)
    return known
