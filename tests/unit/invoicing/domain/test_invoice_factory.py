"""Requests, the invoices built from them, and the rules that decide on those."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from invoicing.api.response_models import InvoiceResponse, InvoiceSummary, is_overdue
from invoicing.domain.invoice_factory import assigned_number, content_hash, invoice_id
from invoicing.domain.models import CreateInvoice, Invoice, UpdateInvoice
from invoicing.domain.payment_reports import ReportedPayment
from invoicing.domain.rules import totals_disagree
from invoicing.domain.status import Status
from invoicing.services.decide_invoice import decide_status
from invoicing.table.items import decode, encode, size
from invoicing.table.stream import read_images
from tests.data.invoices import CREATED_AT, LINE, a_request, an_invoice


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"lines": []}, ("lines",)),
        ({"currency": "eur"}, ("currency",)),
        ({"currency": "XXX"}, ("currency",)),
        ({"issueDate": "01/11/2026"}, ("issueDate",)),
        ({"issueDate": 20261101}, ("issueDate",)),
        ({"issueDate": "2026-11-31"}, ("issueDate",)),
        ({"paymentTermsDays": "30"}, ("paymentTermsDays",)),
        ({"paymentTermsDays": 366}, ("paymentTermsDays",)),
        ({"customerId": ""}, ("customerId",)),
        ({"customerId": "C\n1"}, ("customerId",)),
        ({"customerId": "C\x00"}, ("customerId",)),
        ({"customerId": "\ud800"}, ("customerId",)),
        ({"customerId": "C\u2028D"}, ("customerId",)),
        ({"customerId": "C\u202e1"}, ("customerId",)),
        ({"invoiceNumber": "1\u200b2"}, ("invoiceNumber",)),
        ({"customer": {"email": "a\x00b@c.example"}}, ("customer", "email")),
        ({"customer": {"email": "a\u202eb@c.example"}}, ("customer", "email")),
        ({"customer": {"vatId": "DE\u00ad1"}}, ("customer", "vatId")),
        ({"customer": {"name": "A\u2029B"}}, ("customer", "name")),
        ({"customer": {"address": "A\x1bB"}}, ("customer", "address")),
        ({"lines": [LINE | {"description": "A\x85B"}]}, ("lines", 0, "description")),
        ({"customer": {"email": "nobody"}}, ("customer", "email")),
        ({"customer": {"nickname": "x"}}, ("customer", "nickname")),
        ({"total": "1.00"}, ("total",)),
        ({"lines": [LINE | {"quantity": 0}]}, ("lines", 0, "quantity")),
        ({"lines": [LINE | {"quantity": 1.1}]}, ("lines", 0, "quantity")),
        ({"lines": [LINE | {"quantity": True}]}, ("lines", 0, "quantity")),
        ({"lines": [LINE | {"unitPrice": "-1"}]}, ("lines", 0, "unitPrice")),
        ({"lines": [LINE | {"unitPrice": Decimal("1E+15")}]}, ("lines", 0, "unitPrice")),
        ({"lines": [LINE | {"unitPrice": Decimal("1E-7")}]}, ("lines", 0, "unitPrice")),
        ({"lines": [LINE | {"unitPrice": f"1.{'0' * 80}1"}]}, ("lines", 0, "unitPrice")),
        ({"lines": [LINE | {"unitPrice": Decimal("1E-99999999999")}]}, ("lines", 0, "unitPrice")),
        ({"lines": [LINE | {"unitPrice": Decimal("1E+99999999999")}]}, ("lines", 0, "unitPrice")),
        ({"lines": [LINE | {"discount": "101"}]}, ("lines", 0, "discount")),
        ({"lines": [LINE | {"discount": "-1"}]}, ("lines", 0, "discount")),
        ({"lines": [LINE | {"description": "\ufffd"}]}, ("lines", 0, "description")),
    ],
)
def test_each_error_has_its_location(changes: dict[str, Any], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        a_request(**changes)
    assert [error["loc"] for error in error.value.errors()] == [place]


def test_texts_of_several_lines_and_joined_letters_are_kept() -> None:
    customer = {"name": "می\u200cخواهم", "address": "One\r\nTwo\tThree"}
    assert a_request(customer=customer).customer.model_dump(exclude_none=True) == customer


@pytest.mark.parametrize("model", [CreateInvoice, ReportedPayment, UpdateInvoice])
def test_errors_do_not_show_the_rejected_values(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as error:
        model.model_validate(
            {"customer": {"name": "Jane\nDoe"}, "reference": "Jane\nDoe", "payment": {"method": "Jane"}}
        )
    assert "Jane" not in str(error.value) + repr(error.value)


def test_ids_are_computed_from_the_number_alone() -> None:
    assert invoice_id("0007") == an_invoice().invoice_id == an_invoice(customerId="C-2").invoice_id
    assert invoice_id("0007") != invoice_id("007")
    assert invoice_id("INV\u2013901") == invoice_id(" INV-901")
    assert invoice_id("\u0410\u0412-1") == invoice_id("AB-1"), "Cyrillic"
    assert invoice_id("\u0410\u0414-1") != invoice_id("AD-1"), "a Cyrillic letter that looks like none of Latin"
    assert assigned_number(2026, 17) == "2026-000017"


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [LINE | {"quantity": 1, "taxRate": "19.0", "discount": 0}]},
        {"dueDate": "2026-12-01"},
        {"paymentTermsDays": 30},
        {"customer": {"name": None}},
        {"customerId": "C\u20111"},
        {"invoiceNumber": "\uff10\uff10\uff10\uff17"},
    ],
)
def test_equal_content_has_one_hash(changes: dict[str, Any]) -> None:
    assert content_hash(a_request(**changes)) == content_hash(a_request())


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [LINE, LINE]}, {"lines": [LINE | {"unitPrice": "100.01"}]}, {"currency": "USD"},
        {"dueDate": "2026-12-02"}, {"customer": {"name": "A"}}, {"invoiceNumber": "007"}, {"customerId": "C-2"},
    ],
)  # fmt: skip
def test_different_content_has_another(changes: dict[str, Any]) -> None:
    assert content_hash(a_request(**changes)) != content_hash(a_request())


def test_due_dates_come_from_the_terms() -> None:
    assert an_invoice().due_date == date(2026, 12, 1)
    assert an_invoice(paymentTermsDays=0).due_date == date(2026, 11, 1)
    assert an_invoice(paymentTermsDays=10, dueDate="2026-12-24").due_date == date(2026, 12, 24)
    assert an_invoice(issueDate="9999-12-31").due_date == date.max


def test_an_invoice_survives_the_table() -> None:
    invoice = an_invoice(customer={"name": "Łódź"}, lines=[LINE | {"quantity": "2.125", "unitPrice": "0.0375"}])
    item = decode(encode(invoice.to_item()))
    assert Invoice.from_item(item | {"addedLater": "x"}) == invoice
    assert isinstance(item["total"], Decimal)
    assert item["yearMonth"] == "2026-11"


def test_responses_have_money_as_text_and_nothing_internal() -> None:
    invoice = an_invoice(currency="JPY", lines=[LINE | {"discount": "7.50"}])
    response = InvoiceResponse.of(invoice, date(2026, 11, 22)).body()
    json.dumps(response)  # plain JSON types only
    assert response["lines"][0] == LINE | {"discount": "7.5", "net": "93"}
    assert (response["subtotal"], response["taxTotal"], response["total"]) == ("93", "18", "111")
    assert (response["createdAt"], response["yearMonth"]) == ("2026-11-22T12:00:00.000005Z", "2026-11")
    assert "contentHash" not in response


@pytest.mark.parametrize(
    ("kind", "status", "due", "expected"),
    [
        ("invoice", "processed", "2026-11-21", True),
        ("invoice", "processed", "2026-11-22", False),
        ("invoice", "partially-paid", "2026-01-01", True),
        ("invoice", "created", "2026-01-01", False),
        ("invoice", "paid", "2026-01-01", False),
        ("credit-note", "processed", "2026-01-01", False),
    ],
)
def test_overdue_is_derived_on_read(kind: str, status: str, due: str, expected: bool) -> None:  # noqa: FBT001
    assert is_overdue(kind, status, date.fromisoformat(due), date(2026, 11, 22)) is expected


def test_a_credit_note_has_no_due_date() -> None:
    credit_note = an_invoice(lines=[LINE | {"quantity": "-1"}], paymentTermsDays=14)

    assert (credit_note.kind, credit_note.due_date) == ("credit-note", None)
    assert "dueDate" not in InvoiceResponse.of(credit_note, date(2027, 1, 1)).body()


def test_a_credit_note_that_was_stored_with_a_due_date_shows_none() -> None:
    stored = an_invoice(lines=[LINE | {"quantity": "-1"}]).model_copy(update={"due_date": date(2026, 11, 2)})

    for body in (
        InvoiceResponse.of(stored, date(2027, 1, 1)).body(),
        InvoiceSummary.of(stored.to_item(), date(2027, 1, 1)).body(),
    ):
        assert "dueDate" not in body
        assert body["overdue"] is False


def test_valid_invoices_are_processed_even_with_repeated_lines() -> None:
    for invoice in (an_invoice(), an_invoice(lines=[LINE | {"quantity": "-1"}]), an_invoice(lines=[LINE, LINE])):
        assert totals_disagree(invoice) is None
        assert decide_status(invoice, CREATED_AT).after.status is Status.PROCESSED


def test_an_item_that_was_edited_by_hand_is_noticed() -> None:
    reason = totals_disagree(an_invoice().model_copy(update={"total": Decimal("1.00")}))
    assert reason == "totals do not match the lines: expected 119.00, found 1.00"


@pytest.mark.parametrize("name", ["counter#2026", "idempotency#ab", "upload#cd"])
def test_markers_in_the_stream_are_ignored(name: str) -> None:
    image = encode({"invoiceId": name, "lastNumber": 1})
    assert read_images({"dynamodb": {"Keys": {"invoiceId": {"S": name}}, "NewImage": image}}) == (None, None)


def test_removals_are_ignored() -> None:
    assert read_images({"dynamodb": {"Keys": {"invoiceId": {"S": "x"}}, "OldImage": {}}}) == (None, None)


def test_items_are_measured_as_dynamodb_does() -> None:
    # text: name 4, value 5; number: 1, 2 for four digits, 2; list: 1, 3, 1 + 1; map: 1, 3, 1 + 1 + 1
    assert size({"näm": "wörd", "n": Decimal("12.34"), "l": [None], "m": {"k": True}}) == 9 + 5 + 6 + 7
