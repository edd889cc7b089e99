"""The business rules that decide whether a created invoice is processed or rejected.

They depend on the invoice alone, so the decision on the same invoice is always the same. `invoicing.table.claims`
compares it with the customer's other invoices. Repeated lines are allowed: people do order the same thing twice.
"""

from collections.abc import Callable
from datetime import date, timedelta

from invoicing.domain.models import Invoice
from invoicing.domain.totals import document_totals, line_net

LATEST_ISSUE = timedelta(days=366)
"""How long after its creation an invoice may be dated; a later date is probably a typing error."""


def due_before_issue(invoice: Invoice) -> str | None:
    """An invoice cannot be due before it is issued."""
    if invoice.due_date < invoice.issue_date:
        return f"due date {invoice.due_date} is before issue date {invoice.issue_date}"
    return None


def nothing_to_pay(invoice: Invoice) -> str | None:
    """An invoice requests money and a credit note returns some; a total of zero does neither."""
    return "total is zero: there is nothing to pay or to credit" if not invoice.total else None


def issued_far_ahead(invoice: Invoice) -> str | None:
    """The issue date is at most a year after the day of creation."""
    created = date.fromisoformat(invoice.created_at[:10])
    if invoice.issue_date - created > LATEST_ISSUE:
        return f"issue date {invoice.issue_date} is more than a year after {created}, the day of creation"
    return None


def totals_disagree(invoice: Invoice) -> str | None:
    """The stored totals are those of the stored lines. This detects items that were edited by hand."""
    nets = [line_net(line.quantity, line.unit_price, line.discount, invoice.currency) for line in invoice.lines]
    totals = document_totals(zip((line.tax_rate for line in invoice.lines), nets, strict=True), invoice.currency)
    stored = (invoice.subtotal, invoice.tax_total, invoice.total, [line.net for line in invoice.lines])
    if stored != (totals.subtotal, totals.tax_total, totals.total, nets):
        return f"totals do not match the lines: expected {totals.total}, found {invoice.total}"
    return None


RULES: tuple[Callable[[Invoice], str | None], ...] = (
    due_before_issue,
    nothing_to_pay,
    issued_far_ahead,
    totals_disagree,
)


def objections(invoice: Invoice) -> list[str]:
    """Every reason to reject the invoice; empty if it follows the rules."""
    return [reason for rule in RULES if (reason := rule(invoice)) is not None]
