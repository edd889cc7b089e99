"""The business rules of an environment: what holds an invoice until an operator decides.

`invoicing.table.claims` compares an invoice with its customer's others. Here is which of those differences hold it.
Repeated lines are allowed: people do order the same thing twice.
"""

from dataclasses import dataclass
from typing import Literal

from invoicing.domain.models import Invoice
from invoicing.domain.totals import document_totals, line_net

Verdict = Literal["accept", "hold"]


@dataclass(frozen=True)
class Rules:
    """Whether an invoice with this difference is accepted or held.

    Attributes:
        second_currency: The customer's other invoices have another currency.
        changed_vat_id: The customer's other invoices have another VAT id.
        suspected_duplicate: Another invoice has the same customer, dates, currency and lines under another number.
    """

    second_currency: Verdict = "accept"
    changed_vat_id: Verdict = "hold"
    suspected_duplicate: Verdict = "hold"


def totals_disagree(invoice: Invoice) -> str | None:
    """Why the stored totals are not those of the lines. Only an item that was edited by hand can be like that."""
    nets = [line_net(line.quantity, line.unit_price, line.discount, invoice.currency) for line in invoice.lines]
    totals = document_totals(zip((line.tax_rate for line in invoice.lines), nets, strict=True), invoice.currency)
    stored = (invoice.subtotal, invoice.tax_total, invoice.total, [line.net for line in invoice.lines])
    if stored != (totals.subtotal, totals.tax_total, totals.total, nets):
        return f"totals do not match the lines: expected {totals.total}, found {invoice.total}"
    return None
