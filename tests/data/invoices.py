"""The one builder of invoices for tests.

an_invoice()                                   119.00 EUR, just created
an_invoice("processed", total="50.00")         one line without tax
an_invoice(number="7", currency="JPY")         members of the request, as clients write them
"""

from datetime import UTC, datetime
from typing import Any

from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.domain.status import Status

CREATED_AT = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)

LINE: dict[str, Any] = {"description": "Thing", "quantity": "1", "unitPrice": "100", "taxRate": "19"}

BODY: dict[str, Any] = {
    "invoiceNumber": "0007",
    "customerId": "C-1",
    "issueDate": "2026-11-01",
    "currency": "EUR",
    "lines": [LINE],
}


def a_request(**changes: Any) -> CreateInvoice:
    """The request for an invoice; ``changes`` replace members of `BODY`."""
    return CreateInvoice.model_validate(BODY | changes)


def an_invoice(
    status: str = "created",
    *,
    number: str | None = None,
    total: str | None = None,
    created_at: datetime = CREATED_AT,
    **changes: Any,
) -> Invoice:
    """An invoice as it is issued.

    Args:
        status: Its status. It is version 1, whatever the status: there is no history that led to it.
        number: Its number, instead of `BODY`'s.
        total: Its total, by one line without tax; negative for a credit note.
        created_at: The moment of its creation.
        **changes: Members of the request, as clients write them.
    """
    if number is not None:
        changes["invoiceNumber"] = number
    if total is not None:
        quantity = "-1" if total.startswith("-") else "1"
        changes["lines"] = [LINE | {"quantity": quantity, "unitPrice": total.removeprefix("-"), "taxRate": "0"}]
    request = a_request(**changes)
    assigned = request.invoice_number or "2026-000001"
    invoice = issue(request, number=assigned, origin=Origin(created_at, "api", "api"))
    return invoice.model_copy(update={"status": Status(status)})
