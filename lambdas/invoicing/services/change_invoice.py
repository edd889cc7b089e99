"""Change a stored invoice: read, decide, write if nothing has changed meanwhile; else read and decide again."""

from collections.abc import Collection
from datetime import datetime

from invoicing.domain.errors import Busy, NotFound, PaymentConflict
from invoicing.domain.models import Invoice, UpdateInvoice
from invoicing.domain.payments import InvoiceChange, decide_change, new_payment_id
from invoicing.domain.repository import Ledger

ATTEMPTS = 5
"""Decisions that other writers may overtake before the client has to repeat the request."""


def update(  # noqa: PLR0913 -- what is changed, to what, and on which conditions
    store: Ledger,
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
        invoicing.domain.errors.InvoiceError: NotFound, Busy, the errors of `invoicing.domain.payments.decide_change`,
            and PaymentConflict for a payment id that was used for another invoice.
    """
    payment_id = new_payment_id()
    for _ in range(ATTEMPTS):
        invoice = store.get(invoice_id)
        if invoice is None:
            raise NotFound(f"There is no invoice {invoice_id}.")
        change = decide_change(invoice, request, now=now, by=by, if_match=if_match, default_payment_id=payment_id)
        if change is None:
            return invoice
        _check_payment_id(store, change)
        if store.change(change):
            return change.after
    raise Busy("Other requests are changing the invoice right now.")


def _check_payment_id(store: Ledger, change: InvoiceChange) -> None:
    """A payment id is that of one payment, over all invoices. If it is taken later, the write fails."""
    for receipt in (written.after for written in change.receipts if written.before is None):
        earlier = store.receipt(receipt.payment_key)
        if earlier is not None:
            where = f"on invoice {earlier.applied_to}" if earlier.applied_to else f"as {earlier.state}"
            raise PaymentConflict(f"Payment {receipt.payment_id} is already recorded {where}.")
