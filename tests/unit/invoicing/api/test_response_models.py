"""Responses as their models render them: members, their order, and what is derived."""

import json
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from invoicing.api.response_models import InvoicePage, InvoiceResponse, InvoiceSummary, InvoiceWithDocument, Problem
from invoicing.domain.errors import InvalidRequest, PaymentConflict
from invoicing.domain.models import Payment
from invoicing.domain.status import Status
from tests.data.invoices import CREATED_AT, LINE, an_invoice

TODAY = CREATED_AT.date()
AT = "2026-11-23T09:30:00.000000Z"

PAID = an_invoice(
    "processed",
    customer={"name": "Łódź", "vatId": "DE1"},
    lines=[LINE | {"quantity": "2.50", "unitPrice": "0.0375", "discount": "7.50"}],
    dueDate="2026-11-02",
).reached(Status.PARTIALLY_PAID, at=AT, by="api", payment=Payment(payment_id="P", amount=Decimal("0.1"), paid_at=AT))


def test_an_invoice_is_rendered_in_this_order_and_form() -> None:
    body = InvoiceResponse.of(PAID, TODAY).body()

    expected = {
        "invoiceId": PAID.invoice_id,
        "invoiceNumber": "0007",
        "kind": "invoice",
        "customerId": "C-1",
        "customer": {"name": "Łódź", "vatId": "DE1"},
        "issueDate": "2026-11-01",
        "dueDate": "2026-11-02",
        "currency": "EUR",
        "lines": [
            {
                "description": "Thing",
                "quantity": "2.5",
                "unitPrice": "0.0375",
                "discount": "7.5",
                "taxRate": "19",
                "net": "0.09",
            }
        ],
        "taxes": [{"rate": "19", "base": "0.09", "amount": "0.02"}],
        "subtotal": "0.09",
        "taxTotal": "0.02",
        "total": "0.11",
        "amountPaid": "0.10",
        "amountDue": "0.01",
        "overpaid": "0.00",
        "payments": [{"paymentId": "P", "amount": "0.10", "paidAt": AT}],
        "status": "partially-paid",
        "version": 2,
        "history": [
            {"status": "created", "at": "2026-11-22T12:00:00.000005Z", "by": "api"},
            {"status": "partially-paid", "at": AT, "by": "api"},
        ],
        "createdAt": "2026-11-22T12:00:00.000005Z",
        "updatedAt": AT,
        "source": "api",
        "yearMonth": "2026-11",
        "overdue": True,
    }
    assert json.dumps(body) == json.dumps(expected)


def test_a_link_is_the_last_member_if_there_is_one() -> None:
    response = InvoiceWithDocument.of(PAID, TODAY)

    linked, unlinked = response.linked("https://documents.example/1.pdf").body(), response.linked(None).body()

    assert [*linked.items()] == [*unlinked.items(), ("documentUrl", "https://documents.example/1.pdf")]
    assert unlinked == InvoiceResponse.of(PAID, TODAY).body()


@pytest.mark.parametrize("customer", [{}, {"name": "Łódź"}])
def test_a_summary_has_the_members_of_the_invoice_in_its_order(customer: dict[str, str]) -> None:
    invoice = an_invoice("processed", customer=customer)

    summary = InvoiceSummary.of(invoice.to_item(), TODAY).body()

    complete = InvoiceResponse.of(invoice, TODAY).body()
    left_out = {"customer", "lines", "taxes", "payments", "history", "source", "yearMonth", "overdue"}
    expected = {name: value for name, value in complete.items() if name not in left_out}
    expected |= {"customerName": customer["name"]} if customer else {}
    assert json.dumps(summary) == json.dumps(expected | {"overdue": False})


def test_the_last_page_has_no_token() -> None:
    item = an_invoice().to_item()

    assert [*InvoicePage.of([item], "token", TODAY).body()] == ["items", "nextToken"]
    assert InvoicePage.of([], None, date(2026, 1, 1)).body() == {"items": []}


def test_a_problem_has_its_members_after_its_errors() -> None:
    members = {"currentStatus": Status.PAID, "currentVersion": 2, "amountDue": "-1.00", "currency": "EUR"}

    problem = Problem.of(PaymentConflict("No.", members=members)).body()

    head = {"type": "urn:invoice-platform:problem:payment-conflict", "title": "Conflict", "status": 409}
    assert json.dumps(problem) == json.dumps({**head, "detail": "No.", "errors": [], **members})


def test_a_member_that_is_not_described_is_an_error() -> None:
    with pytest.raises(ValidationError, match="somethingNew"):
        Problem.of(InvalidRequest("No.", members={"somethingNew": 1}))
