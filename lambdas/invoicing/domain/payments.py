"""What a requested change does to an invoice.

It is decided on the version that was read, and written only if that is still the current version.

The amount of a payment decides the result: the amount due settles the invoice, less leaves it partially paid, and more
is an error. On a credit note both the amount due and the payments are negative.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from invoicing.domain import money
from invoicing.domain.errors import InvalidRequest, PaymentConflict, PreconditionFailed, StatusConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice, Payment, PaymentRequest, UpdateInvoice
from invoicing.domain.status import OPEN, Status, may_change

SETTLING = frozenset({Status.PAID, Status.PARTIALLY_PAID})
"""The statuses that an invoice reaches by payments."""


@dataclass(frozen=True)
class InvoiceChange:
    """One change of one invoice, to be written if the invoice still has the version and the status of ``before``."""

    before: Invoice
    after: Invoice

    def is_included_in(self, stored: Invoice) -> bool:
        """Whether the stored invoice includes this very change, whatever was changed after it.

        Its history then has the change's entry (status, microsecond, who) in the same place, and its payments have the
        payment, whose id no other request has. This matters because the SDK repeats a write whose response was lost:
        the second write meets the result of the first.
        """
        entries, payments = self.after.history, self.after.payments
        return stored.history[: len(entries)] == entries and stored.payments[: len(payments)] == payments


def decide_change(  # noqa: PLR0913 -- what is changed, to what, and on which conditions
    invoice: Invoice,
    request: UpdateInvoice,
    *,
    now: datetime,
    by: str,
    if_match: Collection[int] | None = None,
    default_payment_id: str | None = None,
) -> InvoiceChange | None:
    """The change that ``request`` makes.

    Args:
        invoice: As it was read.
        request: The client's request.
        now: The moment of the request.
        by: Who the history names for the change.
        if_match: The versions that the client allows to be changed; None allows any.
        default_payment_id: The id of the payment when the request has none; without it, a new one. Callers that retry
            must pass the same id on every attempt.

    Returns:
        None if there is nothing to do: the payment with this id is already recorded.

    Raises:
        StatusConflict: the transition is not allowed, or ``expectedVersion`` is not the current version, or the request
            names a recorded payment and another status than one that payments lead to.
        PreconditionFailed: the current version is not in ``if_match``.
        PaymentConflict: an overpayment, a wrong sign, or a payment id that was used for another payment.
        InvalidRequest: the payment does not fit the status or the currency's minor units.
    """
    payment = request.payment
    if payment is not None and _already_recorded(invoice, payment):
        if request.status not in SETTLING:  # a payment cannot void, and the response must not look as if it had
            raise _not_allowed(invoice, request.status)
        return None  # before any other check: a repeated request also repeats its expectedVersion, outdated by now
    if if_match is not None and invoice.version not in if_match:
        detail = f"The invoice is at version {invoice.version}, which If-Match does not name. Read the invoice again."
        raise PreconditionFailed(detail, members=_current(invoice))
    if request.expected_version not in (None, invoice.version):
        detail = f"The invoice is at version {invoice.version}, not {request.expected_version}. Read the invoice again."
        raise StatusConflict(detail, members=_current(invoice))
    if request.status in SETTLING:
        return _settle(invoice, request, now=now, by=by, payment_id=default_payment_id or new_payment_id())
    if payment is not None:
        error = {"pointer": "#/payment", "detail": f"is not allowed with status {request.status}"}
        raise InvalidRequest("A payment needs the status paid or partially-paid.", errors=[error])
    if not may_change(invoice.status, request.status):
        raise _not_allowed(invoice, request.status)
    return InvoiceChange(invoice, invoice.reached(request.status, at=timestamp(now), by=by))


def new_payment_id() -> str:
    """An id for a payment that has none; no two requests share one."""
    return str(uuid.uuid4())


def _settle(invoice: Invoice, request: UpdateInvoice, *, now: datetime, by: str, payment_id: str) -> InvoiceChange:
    if invoice.status not in OPEN:
        raise _not_allowed(invoice, request.status)
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
        raise InvalidRequest(f"The amount is too precise for {invoice.currency}.", errors=[error])
    if request.payment is not None and (not payment.amount or (payment.amount > 0) != (due > 0)):
        raise _mismatch(invoice, f"A payment of {money.text(payment.amount, invoice.currency)} does not reduce")
    if abs(payment.amount) > abs(due):
        raise _mismatch(invoice, f"A payment of {money.text(payment.amount, invoice.currency)} is more than")
    status = Status.PAID if payment.amount == due else Status.PARTIALLY_PAID
    at = timestamp(now)
    return InvoiceChange(invoice, invoice.reached(status, at=at, by=by, payment=_payment_of(payment, payment_id, at)))


def _already_recorded(invoice: Invoice, payment: PaymentRequest) -> bool:
    for recorded in invoice.payments:
        if recorded.payment_id == payment.payment_id:
            if recorded.amount != payment.amount:
                difference = f"an amount of {money.text(recorded.amount, invoice.currency)}"
            elif _differ(recorded.method, payment.method):
                difference = "another method"
            elif _differ(recorded.reference, payment.reference):
                difference = "another reference"
            else:
                return True
            detail = f"Payment {recorded.payment_id} is already recorded, with {difference}."
            raise PaymentConflict(detail, members=_current(invoice))
    return False


def _differ(recorded: str | None, repeated: str | None) -> bool:
    """Whether a repetition contradicts the recorded value; a value that either leaves out contradicts nothing."""
    return None not in (recorded, repeated) and recorded != repeated


def _payment_of(payment: PaymentRequest, default_id: str, at: str) -> Payment:
    return Payment(
        payment_id=payment.payment_id or default_id,
        amount=payment.amount,
        method=payment.method,
        reference=payment.reference,
        paid_at=payment.paid_at or at,
    )


def _current(invoice: Invoice) -> dict[str, str | int]:
    return {"currentStatus": invoice.status, "currentVersion": invoice.version}


def _not_allowed(invoice: Invoice, target: Status) -> StatusConflict:
    detail = f"The invoice is {invoice.status} (version {invoice.version}) and cannot become {target}."
    return StatusConflict(detail, members=_current(invoice))


def _mismatch(invoice: Invoice, beginning: str) -> PaymentConflict:
    due = money.text(invoice.amount_due, invoice.currency)
    members = {**_current(invoice), "amountDue": due, "currency": invoice.currency}
    return PaymentConflict(f"{beginning} the {due} {invoice.currency} due.", members=members)
