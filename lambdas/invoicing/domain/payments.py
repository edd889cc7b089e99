"""What a requested change does to an invoice: decided on the version that was read, written only if that still stands.

Payments decide the outcome by their amount: all that is due settles the invoice, less leaves it partially paid, more is
refused. On a credit note both what is due and what is paid are negative.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from invoicing.domain import money
from invoicing.domain.errors import InvalidRequest, PaymentConflict, PreconditionFailed, StatusConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import HistoryEntry, Invoice, Payment, PaymentRequest, UpdateInvoice
from invoicing.domain.status import OPEN, Status, may_change

SETTLING = frozenset({Status.PAID, Status.PARTIALLY_PAID})
"""The statuses that come about by paying."""


@dataclass(frozen=True)
class InvoiceChange:
    """One change of one invoice, ready to be written if the invoice is still at ``before``'s version and status."""

    before: Invoice
    after: Invoice

    def made(self, there: Invoice) -> bool:
        """Whether the stored invoice shows that this very change was written, whatever was changed after it.

        Its history has the entry (status, microsecond, who) in its place, and its payments the payment, whose id no
        other request has. The SDK repeats a write whose answer was lost; the repetition meets what the first one wrote.
        """
        entries, payments = self.after.history, self.after.payments
        return there.history[: len(entries)] == entries and there.payments[: len(payments)] == payments


def decide(  # noqa: PLR0913 -- what is changed, to what, and on which conditions
    invoice: Invoice,
    request: UpdateInvoice,
    *,
    now: datetime,
    by: str,
    if_match: Collection[int] | None = None,
    unnamed: str | None = None,
) -> InvoiceChange | None:
    """The change that ``request`` makes.

    Args:
        invoice: As it was read.
        request: What is asked for.
        now: The moment of the request.
        by: Who is written into the history.
        if_match: The versions that the client would change; None is any.
        unnamed: The id of a payment that comes without one; a new one unless it is given. Whoever decides on a request
            more than once gives the same each time.

    Returns:
        None when there is nothing to do: the payment with that id is recorded already.

    Raises:
        StatusConflict: the machine has no such transition, or ``expectedVersion`` is not the current one, or what was
            paid before is to be voided.
        PreconditionFailed: the version is none of ``if_match``.
        PaymentConflict: over-payment, a wrong sign, or a payment id that was used for something else.
        InvalidRequest: the payment does not fit the status or the currency's minor units.
    """
    payment = request.payment
    if payment is not None and _already_recorded(invoice, payment):
        if request.status not in SETTLING:  # a payment is no way to void; the answer must not look as if it had been
            raise _refusal(invoice, request.status)
        return None  # first of all: whoever repeats a request repeats its now outdated expectedVersion too
    if if_match is not None and invoice.version not in if_match:
        detail = f"The invoice is at version {invoice.version}, which If-Match does not name: read it again."
        raise PreconditionFailed(detail, members=_current(invoice))
    if request.expected_version not in (None, invoice.version):
        detail = f"The invoice is at version {invoice.version}, not {request.expected_version}: read it again."
        raise StatusConflict(detail, members=_current(invoice))
    if request.status in SETTLING:
        return _settle(invoice, request, now=now, by=by, unnamed=unnamed or made_up())
    if payment is not None:
        error = {"pointer": "#/payment", "detail": f"does not go with status {request.status}"}
        raise InvalidRequest("A payment makes an invoice paid or partially-paid.", errors=[error])
    if not may_change(invoice.status, request.status):
        raise _refusal(invoice, request.status)
    return _changed(invoice, request.status, None, now=now, by=by)


def made_up() -> str:
    """An id for a payment that comes without one; no two requests share one."""
    return str(uuid.uuid4())


def _settle(invoice: Invoice, request: UpdateInvoice, *, now: datetime, by: str, unnamed: str) -> InvoiceChange:
    if invoice.status not in OPEN:
        raise _refusal(invoice, request.status)
    payment = request.payment
    if payment is None:
        if request.status is Status.PARTIALLY_PAID:
            error = {"pointer": "#/payment", "detail": "is required for status partially-paid"}
            raise InvalidRequest("A partial payment needs its amount.", errors=[error])
        payment = PaymentRequest(amount=invoice.amount_due)
    due = invoice.amount_due
    if not money.is_exact(payment.amount, invoice.currency):
        digits = money.minor_digits(invoice.currency)
        error = {"pointer": "#/payment/amount", "detail": f"has more than the {digits} decimals of {invoice.currency}"}
        raise InvalidRequest("The amount is not one of that currency.", errors=[error])
    if request.payment is not None and (not payment.amount or (payment.amount > 0) != (due > 0)):
        raise _mismatch(invoice, f"A payment of {money.text(payment.amount, invoice.currency)} does not reduce")
    if abs(payment.amount) > abs(due):
        raise _mismatch(invoice, f"A payment of {money.text(payment.amount, invoice.currency)} is more than")
    status = Status.PAID if payment.amount == due else Status.PARTIALLY_PAID
    return _changed(invoice, status, _recorded(payment, unnamed, now), now=now, by=by)


def _changed(invoice: Invoice, status: Status, payment: Payment | None, *, now: datetime, by: str) -> InvoiceChange:
    at = timestamp(now)
    paid = invoice.amount_paid + payment.amount if payment else invoice.amount_paid
    after = invoice.model_copy(
        update={
            "status": status,
            "version": invoice.version + 1,
            "payments": [*invoice.payments, payment] if payment else invoice.payments,
            "amount_paid": paid,
            "amount_due": invoice.total - paid,
            "history": [*invoice.history, HistoryEntry(status=status, at=at, by=by)],
            "updated_at": at,
        }
    )
    return InvoiceChange(invoice, after)


def _already_recorded(invoice: Invoice, payment: PaymentRequest) -> bool:
    for recorded in invoice.payments:
        if recorded.payment_id == payment.payment_id:
            if recorded.amount != payment.amount:
                said = f"an amount of {money.text(recorded.amount, invoice.currency)}"
            elif _differ(recorded.method, payment.method):
                said = "another method"
            elif _differ(recorded.reference, payment.reference):
                said = "another reference"
            else:
                return True
            detail = f"Payment {recorded.payment_id} is recorded already, with {said}."
            raise PaymentConflict(detail, members=_current(invoice))
    return False


def _differ(recorded: str | None, repeated: str | None) -> bool:
    """Whether a repetition contradicts what is recorded; what either leaves out contradicts nothing."""
    return None not in (recorded, repeated) and recorded != repeated


def _recorded(payment: PaymentRequest, unnamed: str, now: datetime) -> Payment:
    return Payment(
        payment_id=payment.payment_id or unnamed,
        amount=payment.amount,
        method=payment.method,
        reference=payment.reference,
        paid_at=payment.paid_at or timestamp(now),
    )


def _current(invoice: Invoice) -> dict[str, str | int]:
    return {"currentStatus": invoice.status, "currentVersion": invoice.version}


def _refusal(invoice: Invoice, target: Status) -> StatusConflict:
    detail = f"The invoice is {invoice.status} (version {invoice.version}) and cannot become {target}."
    return StatusConflict(detail, members=_current(invoice))


def _mismatch(invoice: Invoice, beginning: str) -> PaymentConflict:
    due = money.text(invoice.amount_due, invoice.currency)
    members = {**_current(invoice), "amountDue": due, "currency": invoice.currency}
    return PaymentConflict(f"{beginning} the {due} {invoice.currency} that are due.", members=members)
