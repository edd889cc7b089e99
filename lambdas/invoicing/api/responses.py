"""Invoices as bodies of API responses: money as decimal strings in minor units, and what is derived on read."""

from datetime import date
from typing import Any

from invoicing.domain.models import SUMMARY_FIELDS, Invoice
from invoicing.domain.money import number_text, price_text, text
from invoicing.domain.status import OPEN, Status


def is_overdue(status: str, due_date: str, today: date) -> bool:
    """Whether money is still due after the due date (both are ISO dates, so text order is time order)."""
    return Status(status) in OPEN and due_date < today.isoformat()


def invoice_body(invoice: Invoice, today: date) -> dict[str, Any]:
    """The complete invoice in JSON types.

    Args:
        invoice: As stored.
        today: The day, in UTC, for which ``overdue`` is derived.
    """
    currency = invoice.currency
    body = invoice.model_dump(by_alias=True, exclude_none=True, exclude={"content_hash", "year_month"})
    for name in ("subtotal", "taxTotal", "total", "amountPaid", "amountDue"):
        body[name] = text(body[name], currency)
    for line in body["lines"]:
        line["unitPrice"] = price_text(line["unitPrice"], currency)
        line["net"] = text(line["net"], currency)
        for name in ("quantity", "discount", "taxRate"):
            line[name] = number_text(line[name])
    for tax in body["taxes"]:
        tax.update(
            rate=number_text(tax["rate"]), base=text(tax["base"], currency), amount=text(tax["amount"], currency)
        )
    for payment in body["payments"]:
        payment["amount"] = text(payment["amount"], currency)
    body["yearMonth"] = invoice.year_month
    body["overdue"] = is_overdue(invoice.status, invoice.due_date.isoformat(), today)
    return body


def summary_body(item: dict[str, Any], today: date) -> dict[str, Any]:
    """One entry of a list, from the projected attributes of an index."""
    body = {name: item[name] for name in SUMMARY_FIELDS if name in item}
    for name in ("subtotal", "taxTotal", "total", "amountPaid", "amountDue"):
        body[name] = text(item[name], item["currency"])
    body["version"] = int(item["version"])
    body["customerName"] = item.get("customer", {}).get("name")
    del body["customer"]
    if body["customerName"] is None:
        del body["customerName"]
    body["overdue"] = is_overdue(item["status"], item["dueDate"], today)
    return body
