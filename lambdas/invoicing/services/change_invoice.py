"""Changing a stored invoice: read, decide, write if nothing changed meanwhile; else read again and decide anew."""

from collections.abc import Collection
from datetime import datetime

from invoicing.domain.errors import Busy, NotFound, PaymentConflict
from invoicing.domain.models import Invoice, PaymentReceived, PaymentRequest, UpdateInvoice
from invoicing.domain.payments import decide, made_up
from invoicing.domain.status import Status
from invoicing.table.store import InvoiceStore

ATTEMPTS = 5
"""Decisions that other writers may overtake before the client is asked to come again."""


def update(  # noqa: PLR0913 -- what is changed, to what, and on which conditions
    store: InvoiceStore,
    invoice_id: str,
    request: UpdateInvoice,
    *,
    now: datetime,
    by: str,
    if_match: Collection[int] | None = None,
) -> Invoice:
    """Make the change and return the invoice as it is then.

    Two writers that want the same transition both decide on version 2, say. One writes version 3; the other's condition
    fails, it reads version 3, and its transition is refused there: one 200, one 409. Two part payments both succeed.
    A payment bears one id however often it is decided on.

    Raises:
        invoicing.domain.errors.InvoiceError: NotFound, and what `invoicing.domain.payments.decide` refuses.
    """
    unnamed = made_up()
    for _ in range(ATTEMPTS):
        invoice = store.get(invoice_id)
        if invoice is None:
            raise NotFound(f"There is no invoice {invoice_id}.")
        change = decide(invoice, request, now=now, by=by, if_match=if_match, unnamed=unnamed)
        if change is None:
            return invoice
        if store.change(change):
            return change.after
    raise Busy("The invoice is being changed by others right now.")


def record_payment(store: InvoiceStore, payment: PaymentReceived, *, now: datetime, by: str) -> Invoice:
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
