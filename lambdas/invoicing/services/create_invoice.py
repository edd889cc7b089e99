"""Create one invoice from one request, with its own number or the next one of the year of issue."""

from invoicing.domain.invoice_factory import Origin, content_hash, issue
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.domain.repository import CreateResult, IdempotencyKey, InvoiceCreator


def create(
    store: InvoiceCreator, request: CreateInvoice, origin: Origin, idempotency_key: str | None = None
) -> CreateResult:
    """Create the invoice, or return the one that an equal request created before.

    Args:
        store: Where invoices are stored.
        request: The client's request; without a number, the invoice gets the next one of the year of its issue date.
        origin: When and where the request came from.
        idempotency_key: The client's own name for this request.

    Raises:
        invoicing.domain.errors.InvoiceError: as `InvoiceCreator.create`, and InvalidRequest for amounts beyond the
            limits.
    """
    number = request.invoice_number
    key = IdempotencyKey(idempotency_key, content_hash(request), lasting=number is None) if idempotency_key else None
    if number is not None:
        invoice = issue(request, number=number, origin=origin)
        return store.create_with_key(invoice, key, origin.now) if key else store.create(invoice)

    def build(assigned: str) -> Invoice:
        return issue(request, number=assigned, origin=origin)

    return store.create_numbered(build, request.issue_date.year, key, origin.now)
