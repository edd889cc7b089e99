"""Invoices as the API tells them: money as decimal strings in minor units, with what is derived on read."""

from datetime import date
from typing import Any

from invoicing.domain.models import SUMMARY_FIELDS, Invoice
from invoicing.domain.money import number_text, price_text, text
from invoicing.domain.status import OPEN, Status


def overdue(status: str, due_date: str, today: date) -> bool:
    """Whether money is still awaited after the due date (both ISO dates, so text order is time order)."""
    return Status(status) in OPEN and due_date < today.isoformat()


def document(invoice: Invoice, today: date) -> dict[str, Any]:
    """The whole invoice in JSON types.

    Args:
        invoice: As stored.
        today: The day, in UTC, against which ``overdue`` is derived.
    """
    currency = invoice.currency
    answer = invoice.model_dump(by_alias=True, exclude_none=True, exclude={"content_hash", "year_month"})
    for name in ("subtotal", "taxTotal", "total", "amountPaid", "amountDue"):
        answer[name] = text(answer[name], currency)
    for line in answer["lines"]:
        line["unitPrice"] = price_text(line["unitPrice"], currency)
        line["net"] = text(line["net"], currency)
        for name in ("quantity", "discount", "taxRate"):
            line[name] = number_text(line[name])
    for tax in answer["taxes"]:
        tax.update(
            rate=number_text(tax["rate"]), base=text(tax["base"], currency), amount=text(tax["amount"], currency)
        )
    for payment in answer["payments"]:
        payment["amount"] = text(payment["amount"], currency)
    answer["yearMonth"] = invoice.year_month
    answer["overdue"] = overdue(invoice.status, invoice.due_date.isoformat(), today)
    return answer


def summary(item: dict[str, Any], today: date) -> dict[str, Any]:
    """One entry of a list, from the projected attributes of an index."""
    answer = {name: item[name] for name in SUMMARY_FIELDS if name in item}
    for name in ("subtotal", "taxTotal", "total", "amountPaid", "amountDue"):
        answer[name] = text(item[name], item["currency"])
    answer["version"] = int(item["version"])
    answer["customerName"] = item.get("customer", {}).get("name")
    del answer["customer"]
    if answer["customerName"] is None:
        del answer["customerName"]
    answer["overdue"] = overdue(item["status"], item["dueDate"], today)
    return answer
