"""What a requested change does to an invoice.

It is decided on the version that was read, and written only if that is still the current version.

The amount of a payment decides the result: the amount due settles the invoice, less leaves it partially paid. More is
an error here, because a client can correct its request. What a provider reports has happened: see `receipts`.
On a credit note both the amount due and the payments are negative.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from invoicing.domain import money
from invoicing.domain.balance import balance, status_of
from invoicing.domain.errors import InvalidRequest, PaymentConflict, PreconditionFailed, StatusConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice, Payment, PaymentRequest, UpdateInvoice
from invoicing.domain.receipts import API, ReceiptChange, receipt_of
from invoicing.domain.reversals import check_reversal, chosen, left_of, replaced_write_offs, source_of
from invoicing.domain.status import OPEN, RECORDING, Status, may_change

SETTLING = frozenset({Status.PAID, Status.PARTIALLY_PAID})
"""The statuses that an invoice reaches by payments."""
GROUPED = "may mean a thousand times as much: write it with as many decimals as the currency has"
"""The objection to a text such as ``1.000``, of a currency that does not have three decimals."""


@dataclass(frozen=True)
class InvoiceChange:
    """One change of one invoice, to be written if the invoice still has the version and the status of ``before``.

    Attributes:
        before, after: The invoice.
        receipts: What is written with it, all or nothing.
    """

    before: Invoice
    after: Invoice
    receipts: tuple[ReceiptChange, ...] = ()

    def __post_init__(self) -> None:
        """Check that every step of the change is allowed.

        Raises:
            ValueError: one is not; the code that decided on it is wrong.
        """
        source = self.before.status
        for target in self.steps:
            if target is not source and not may_change(source, target):
                raise ValueError(f"{source} cannot become {target}")
            source = target

    @property
    def steps(self) -> tuple[Status, ...]:
        """The statuses that the change reaches, one after the other; a payment may reach the same one again."""
        return tuple(entry.status for entry in self.after.history[len(self.before.history) :])

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
        PaymentConflict: an overpayment, a wrong sign, a payment id that was used for another payment, a reversal of a
            payment that is not there or of more than it, or payments on an invoice that is to be void.
        InvalidRequest: the payment does not fit the status or the currency's minor units.
    """
    payment = request.payment
    if payment is not None and _already_recorded(invoice, payment):
        if request.status not in SETTLING and payment.reverses is None:
            raise _not_allowed(invoice, request.status)  # a payment voids nothing; the response must not look like that
        return None  # before any other check: a repeated request also repeats its expectedVersion, outdated by now
    _check_version(invoice, request, if_match)
    at, payment_id = timestamp(now), default_payment_id or new_payment_id()
    if payment is not None and payment.reverses is not None:
        return _reverse(invoice, request, payment, at=at, by=by, payment_id=payment_id)
    if request.status in SETTLING:
        return _settle(invoice, request, at=at, by=by, payment_id=payment_id)
    if payment is not None:
        error = {"pointer": "#/payment", "detail": f"is not allowed with status {request.status}"}
        raise InvalidRequest("A payment needs the status paid or partially-paid.", errors=[error])
    if request.status is Status.PROCESSED and invoice.status is not Status.HELD:
        raise _not_allowed(invoice, request.status)  # only process-invoice decides, and only a reversal reopens
    if not may_change(invoice.status, request.status):
        raise _not_allowed(invoice, request.status)
    if request.status is Status.PROCESSED:
        return processed(invoice, at=at, by=by)
    if invoice.amount_paid or invoice.overpaid:
        received = money.text(invoice.amount_paid + invoice.overpaid, invoice.currency)
        detail = f"The invoice has payments of {received} {invoice.currency}: reverse them, then void it."
        raise PaymentConflict(detail, members=invoice.current())
    return InvoiceChange(invoice, invoice.reached(request.status, at=at, by=by))


def processed(invoice: Invoice, *, at: str, by: str) -> InvoiceChange:
    """The invoice is issued. With nothing due, or by payments that waited with it, it reaches their status at once."""
    after = invoice.reached(Status.PROCESSED, at=at, by=by)
    status = status_of(after.amount_paid, after.amount_due)
    return InvoiceChange(invoice, after if status is Status.PROCESSED else after.reached(status, at=at, by=by))


def record(invoice: Invoice, payment: Payment, *, at: str, by: str) -> InvoiceChange:
    """The payment is recorded on the invoice, and decides its status. Before the decision it waits there.

    It takes the place of a write-off, if there is one, before anything is overpaid.
    """
    write_offs = [*replaced_write_offs(invoice, payment, at=at)]
    if invoice.status not in {Status.CREATED, Status.HELD}:
        added = [*invoice.payments, payment, *write_offs]
        amounts = balance(invoice.total, (recorded.amount for recorded in added))
        status = status_of(amounts.applied, amounts.due)
    else:
        status = invoice.status
    return InvoiceChange(invoice, invoice.reached(status, at=at, by=by, payment=payment, write_offs=write_offs))


def new_payment_id() -> str:
    """An id for a payment that has none; no two requests share one."""
    return str(uuid.uuid4())


def _check_version(invoice: Invoice, request: UpdateInvoice, if_match: Collection[int] | None) -> None:
    if if_match is not None and invoice.version not in if_match:
        detail = f"The invoice is at version {invoice.version}, which If-Match does not name. Read the invoice again."
        raise PreconditionFailed(detail, members=invoice.current())
    if request.expected_version not in (None, invoice.version):
        detail = f"The invoice is at version {invoice.version}, not {request.expected_version}. Read the invoice again."
        raise StatusConflict(detail, members=invoice.current())


def _settle(invoice: Invoice, request: UpdateInvoice, *, at: str, by: str, payment_id: str) -> InvoiceChange:
    if invoice.status not in OPEN:
        raise _not_allowed(invoice, request.status)
    payment, due = request.payment or PaymentRequest(), invoice.amount_due
    if payment.amount is None and request.status is Status.PARTIALLY_PAID:
        pointer = "#/payment" if request.payment is None else "#/payment/amount"
        error = {"pointer": pointer, "detail": "is required for status partially-paid"}
        raise InvalidRequest("A partial payment needs its amount.", errors=[error])
    amount = due if payment.amount is None else payment.amount
    _check_exact(payment, amount, invoice)
    if not amount or (amount > 0) != (due > 0):
        raise _mismatch(invoice, f"A payment of {money.text(amount, invoice.currency)} does not reduce")
    if abs(amount) > abs(due):
        raise _mismatch(invoice, f"A payment of {money.text(amount, invoice.currency)} is more than")
    return _recorded(invoice, payment, amount, at=at, by=by, payment_id=payment_id)


def _reverse(  # noqa: PLR0913 -- what is changed, to what, when and by whom
    invoice: Invoice, request: UpdateInvoice, payment: PaymentRequest, *, at: str, by: str, payment_id: str
) -> InvoiceChange:
    """A recorded payment went back, completely or in part. What is left decides the status."""
    if request.status not in {Status.PROCESSED, Status.PARTIALLY_PAID}:
        error = {"pointer": "#/status", "detail": "must be processed or partially-paid for a reversal"}
        raise InvalidRequest("A reversal reopens the invoice; what is left of its payments decides.", errors=[error])
    if invoice.status not in RECORDING | {Status.HELD}:
        raise _not_allowed(invoice, request.status)
    original = chosen(invoice, payment)
    amount = left_of(invoice, original) if payment.amount is None else payment.amount
    _check_exact(payment, amount, invoice)
    check_reversal(invoice, original, amount)
    taken = payment.model_copy(update={"reverses_source": source_of(original)})
    return _recorded(invoice, taken, -amount, at=at, by=by, payment_id=payment_id)


def _recorded(  # noqa: PLR0913 -- what is recorded, where, when and by whom
    invoice: Invoice, request: PaymentRequest, amount: Decimal, *, at: str, by: str, payment_id: str
) -> InvoiceChange:
    payment = Payment(
        payment_id=request.payment_id or payment_id,
        amount=amount,
        method=request.method,
        reference=request.reference,
        paid_at=request.paid_at or at,
        source=API,
        reverses=request.reverses,
        reverses_source=None if request.reverses_source == API else request.reverses_source,
    )
    change = record(invoice, payment, at=at, by=by)
    return replace(change, receipts=(ReceiptChange(None, receipt_of(payment, invoice, at=at, by=by)),))


def _check_exact(payment: PaymentRequest, amount: Decimal, invoice: Invoice) -> None:
    if payment.may_be_grouped(invoice.currency):
        error = {"pointer": "#/payment/amount", "detail": GROUPED}
        raise InvalidRequest(f"The amount may be a thousand {invoice.currency}, or one.", errors=[error])
    if not money.is_exact(amount, invoice.currency):
        digits = money.minor_digits(invoice.currency)
        error = {"pointer": "#/payment/amount", "detail": f"has more than the {digits} decimals of {invoice.currency}"}
        raise InvalidRequest(f"The amount is too precise for {invoice.currency}.", errors=[error])


def _already_recorded(invoice: Invoice, payment: PaymentRequest) -> bool:
    for recorded in invoice.payments:
        if recorded.payment_id == payment.payment_id and recorded.source in {API, ""}:
            amount = recorded.amount if recorded.reverses is None else -recorded.amount
            if payment.amount is not None and amount != payment.amount:
                difference = f"an amount of {money.text(amount, invoice.currency)}"
            elif recorded.reverses != payment.reverses:
                difference = f"a reversal of {recorded.reverses}" if recorded.reverses else "no reversal"
            elif recorded.reverses and _differ(recorded.reverses_source or API, payment.reverses_source):
                difference = f"a reversal of a payment of {recorded.reverses_source or API}"
            elif _differ(recorded.method, payment.method):
                difference = "another method"
            elif _differ(recorded.reference, payment.reference):
                difference = "another reference"
            else:
                return True
            detail = f"Payment {recorded.payment_id} is already recorded, with {difference}."
            raise PaymentConflict(detail, members=invoice.current())
    return False


def _differ(recorded: str | None, repeated: str | None) -> bool:
    """Whether a repetition contradicts the recorded value; a value that either leaves out contradicts nothing."""
    return None not in (recorded, repeated) and recorded != repeated


def _not_allowed(invoice: Invoice, target: Status) -> StatusConflict:
    detail = f"The invoice is {invoice.status} (version {invoice.version}) and cannot become {target}."
    return StatusConflict(detail, members=invoice.current())


def _mismatch(invoice: Invoice, beginning: str) -> PaymentConflict:
    due = money.text(invoice.amount_due, invoice.currency)
    members = {**invoice.current(), "amountDue": due, "currency": invoice.currency}
    return PaymentConflict(f"{beginning} the {due} {invoice.currency} due.", members=members)
