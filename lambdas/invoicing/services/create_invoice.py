"""Creating one invoice from one request, whichever way its number and its identity come about."""

from invoicing.domain.invoice_factory import Origin, content_hash, invoice_id, issue
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.table.store import CreateResult, InvoiceStore, Key


def create(
    store: InvoiceStore, request: CreateInvoice, origin: Origin, idempotency_key: str | None = None
) -> CreateResult:
    """Create the invoice, or find the one that an equal request created before.

    Args:
        store: Where invoices are.
        request: What is asked for; without a number it gets the next one of the year of its creation.
        origin: When and where it came from.
        idempotency_key: The client's own name for this request.

    Raises:
        invoicing.domain.errors.InvoiceError: as `InvoiceStore.create`, and InvalidRequest for amounts beyond the
            limits.
    """
    number = request.invoice_number
    key = Key(idempotency_key, content_hash(request), lasting=number is None) if idempotency_key else None
    if number is not None:
        identity = invoice_id(request.customer_id, number)
        invoice = issue(request, number=number, identity=identity, origin=origin)
        return store.create_with_key(invoice, key, origin.now) if key else store.create(invoice)

    def numbered(assigned: str) -> Invoice:
        return issue(request, number=assigned, identity=invoice_id(request.customer_id, assigned), origin=origin)

    return store.create_numbered(numbered, origin.now.year, key, origin.now)
