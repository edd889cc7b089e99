"""Creating one invoice from one request, whichever way its number and its identity come about."""

from datetime import datetime

from invoicing.issuing import content_hash, invoice_id, invoice_id_from_key, issue
from invoicing.models import CreateInvoice, Invoice
from invoicing.store import InvoiceStore, Key, Stored


def create(
    store: InvoiceStore,
    request: CreateInvoice,
    *,
    now: datetime,
    source: str,
    by: str,
    idempotency_key: str | None = None,
) -> Stored:
    """Create the invoice, or find the one that an equal request created before.

    Args:
        store: Where invoices are.
        request: What is asked for; without a number it gets the next one of the year of ``now``.
        now: The moment of creation.
        source: ``api``, or where in which file it came from.
        by: Who is written into the history.
        idempotency_key: The client's own name for this request.

    Raises:
        invoicing.errors.InvoiceError: as `InvoiceStore.create`, and InvalidRequest for amounts beyond the limits.
    """
    key = Key(idempotency_key, content_hash(request)) if idempotency_key else None
    number = request.invoice_number
    if number is not None:
        invoice = issue(
            request, number=number, identity=invoice_id(request.customer_id, number), now=now, source=source, by=by
        )
        return store.create_with_key(invoice, key, now) if key else store.create(invoice)

    def numbered(assigned: str) -> Invoice:
        identity = (
            invoice_id_from_key(idempotency_key) if idempotency_key else invoice_id(request.customer_id, assigned)
        )
        return issue(request, number=assigned, identity=identity, now=now, source=source, by=by)

    return store.create_numbered(numbered, now.year, key, now)
