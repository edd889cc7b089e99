"""Change a stored invoice: read, decide, write if nothing has changed meanwhile; else read and decide again."""

from collections.abc import Collection
from datetime import datetime

from invoicing.domain.errors import Busy, NotFound, PaymentConflict
from invoicing.domain.models import Invoice, PaymentReceived, PaymentRequest, UpdateInvoice
from invoicing.domain.payments import decide_change, new_payment_id
from invoicing.domain.repository import InvoiceUpdater
from invoicing.domain.status import Status

ATTEMPTS = 5
"""Decisions that other writers may overtake before the client has to repeat the request."""


def update(  # noqa: PLR0913 -- what is changed, to what, and on which conditions
    store: InvoiceUpdater,
    invoice_id: str,
    request: UpdateInvoice,
    *,
    now: datetime,
    by: str,
    if_match: Collection[int] | None = None,
) -> Invoice:
    """Make the change, and return the invoice after it.

    Say that two writers request the same transition, and both decide on version 2. One of them writes version 3. The
    condition of the other fails; it reads version 3, from which its transition is not allowed: one 200, one 409. Two
    part payments both succeed. A payment has the same id in every attempt.

    Raises:
        invoicing.domain.errors.InvoiceError: NotFound, Busy, and the errors of
            `invoicing.domain.payments.decide_change`.
    """
    payment_id = new_payment_id()
    for _ in range(ATTEMPTS):
        invoice = store.get(invoice_id)
        if invoice is None:
            raise NotFound(f"There is no invoice {invoice_id}.")
        change = decide_change(invoice, request, now=now, by=by, if_match=if_match, default_payment_id=payment_id)
        if change is None:
            return invoice
        if store.change(change):
            return change.after
    raise Busy("Other requests are changing the invoice right now.")


def record_payment(store: InvoiceUpdater, payment: PaymentReceived, *, now: datetime, by: str) -> Invoice:
    """Record a payment that a provider reported.

    Raises:
        invoicing.domain.errors.InvoiceError: as `update`; PaymentConflict also for another currency than the invoice's.
    """
    invoice = store.get(payment.invoice_id)
    if invoice is not None and invoice.currency != payment.currency:
        detail = f"Invoice {payment.invoice_id} is in {invoice.currency}, the payment in {payment.currency}."
        raise PaymentConflict(detail)
    received = PaymentRequest(
        payment_id=payment.payment_id,
        amount=payment.amount,
        method=payment.method,
        reference=payment.reference,
        paid_at=payment.paid_at,
    )
    request = UpdateInvoice(status=Status.PAID, payment=received)
    return update(store, payment.invoice_id, request, now=now, by=by)
