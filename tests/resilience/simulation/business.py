"""What clients, files and providers bring in; a script names it by its place."""

from typing import Any

from invoicing.domain.models import CreateInvoice
from tests.resilience.scenarios import HEADER, row
from tests.unit.handlers.bodies import BODY

REQUESTS = [
    CreateInvoice.model_validate(BODY | more)
    for more in (
        {"invoiceNumber": "0001"},
        {"invoiceNumber": "0002", "currency": "USD"},  # the customer's second currency: one of the two is held
        {},
        {"customerId": "C-2", "issueDate": "2026-11-02"},
    )
]
"""What clients create: two invoices with numbers of their own, two that get the next ones."""

FILES = (
    HEADER + row("1001", customer="C-3") + row("1002", "ten", customer="C-3") + row("1003", customer="C-3"),
    HEADER + row("1001", customer="C-3") + row("2026-000001", customer="C-4"),  # a number of the platform's own form
)
PATCHES: list[dict[str, Any]] = [
    {"status": "void"},
    {"status": "paid", "payment": {"paymentId": "A-1"}},
    {"status": "processed"},
]
PAYMENTS = [("P-1", 0, "19.00"), ("P-1", 1, "19.00"), ("P-2", 0, "100.00"), ("P-2", 2, "100.00"), ("P-3", 1, "500.00")]
"""The id, the invoice and the amount of what a provider reports; an id may be used twice. Then, that one comes back."""
