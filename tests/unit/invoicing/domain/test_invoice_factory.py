"""Requests, the invoices built from them, and the rules that decide on those."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from invoicing.api.response_models import InvoiceResponse, is_overdue
from invoicing.domain.errors import InvalidRequest
from invoicing.domain.invoice_factory import assigned_number, content_hash, invoice_id
from invoicing.domain.models import CreateInvoice, Invoice, PaymentReceived, UpdateInvoice
from invoicing.domain.rules import objections
from invoicing.domain.status import Status
from invoicing.events.bus import DETAIL_TYPES, derive
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
        ({"lines": [LINE | {"taxRate": "101"}]}, ("lines", 0, "taxRate")),
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


@pytest.mark.parametrize("model", [CreateInvoice, PaymentReceived, UpdateInvoice])
def test_errors_do_not_show_the_rejected_values(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as error:
        model.model_validate(
            {"customer": {"name": "Jane\nDoe"}, "reference": "Jane Doe", "payment": {"method": "Jane"}}
        )
    assert "Jane" not in str(error.value) + repr(error.value)


def test_ids_are_computed_from_the_number_alone() -> None:
    assert invoice_id("0007") == an_invoice().invoice_id == an_invoice(customerId="C-2").invoice_id
    assert invoice_id("0007") != invoice_id("007")
    assert invoice_id("INV\u2013901") == invoice_id(" INV-901")
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
    with pytest.raises(InvalidRequest, match="year 9999"):
        an_invoice(issueDate="9999-12-31")


def test_amounts_beyond_the_limits_are_rejected() -> None:
    with pytest.raises(InvalidRequest, match="too large"):
        an_invoice(lines=[LINE | {"quantity": "1000000", "unitPrice": "999999999999999"}])


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
    ("status", "due", "expected"),
    [
        ("processed", "2026-11-21", True),
        ("processed", "2026-11-22", False),
        ("partially-paid", "2026-01-01", True),
        ("created", "2026-01-01", False),
        ("paid", "2026-01-01", False),
    ],
)
def test_overdue_is_derived_on_read(status: str, due: str, expected: bool) -> None:  # noqa: FBT001
    assert is_overdue(status, date.fromisoformat(due), date(2026, 11, 22)) is expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dueDate": "2026-10-31"}, "due date 2026-10-31 is before issue date 2026-11-01"),
        ({"lines": [LINE | {"discount": "100"}]}, "total is zero"),
        ({"issueDate": "2028-01-01"}, "more than a year after"),
    ],
)
def test_the_rules_reject_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    (objection,) = objections(an_invoice(**changes))
    assert reason in objection
    change = decide_status(an_invoice(**changes), CREATED_AT)
    assert (change.after.status, change.after.version) == (Status.REJECTED, 2)
    assert change.after.history[-1].reasons == [objection]


def test_valid_invoices_are_processed_even_with_repeated_lines() -> None:
    for invoice in (an_invoice(), an_invoice(lines=[LINE | {"quantity": "-1"}]), an_invoice(lines=[LINE, LINE])):
        assert objections(invoice) == []
        assert decide_status(invoice, CREATED_AT).after.status is Status.PROCESSED


def test_an_item_that_was_edited_by_hand_is_rejected() -> None:
    (objection,) = objections(an_invoice().model_copy(update={"total": Decimal("1.00")}))
    assert objection == "totals do not match the lines: expected 119.00, found 1.00"


def test_events_depend_on_the_images_alone() -> None:
    before, after = an_invoice(), decide_status(an_invoice(), CREATED_AT).after
    created, changed = derive(None, before), derive(before, after)
    assert created is not None
    assert changed is not None
    assert (created.detail_type, changed.detail_type) == ("invoice-created", "invoice-processed")
    assert changed.detail["previousStatus"] == "created"
    assert (changed.detail["total"], changed.detail["version"]) == ("119.00", 2)
    assert derive(before, after) == changed
    assert created.detail["eventId"] != changed.detail["eventId"]
    assert derive(after, after) is None
    json.dumps(changed.detail)


def test_a_further_part_payment_is_an_event_too() -> None:
    part = {"status": Status.PARTIALLY_PAID, "amount_paid": Decimal(10)}
    before, after = (
        an_invoice().model_copy(update=part),
        an_invoice().model_copy(update=part | {"amount_paid": Decimal(20)}),
    )
    event = derive(before, after)
    assert event is not None
    assert event.detail_type == "invoice-partially-paid"
    assert set(DETAIL_TYPES) == set(Status)


@pytest.mark.parametrize("name", ["counter#2026", "idempotency#ab", "upload#cd"])
def test_markers_in_the_stream_are_ignored(name: str) -> None:
    image = encode({"invoiceId": name, "lastNumber": 1})
    assert read_images({"dynamodb": {"Keys": {"invoiceId": {"S": name}}, "NewImage": image}}) == (None, None)


def test_removals_are_ignored() -> None:
    assert read_images({"dynamodb": {"Keys": {"invoiceId": {"S": "x"}}, "OldImage": {}}}) == (None, None)


def test_items_are_measured_as_dynamodb_does() -> None:
    # text: name 4, value 5; number: 1, 2 for four digits, 2; list: 1, 3, 1 + 1; map: 1, 3, 1 + 1 + 1
    assert size({"näm": "wörd", "n": Decimal("12.34"), "l": [None], "m": {"k": True}}) == 9 + 5 + 6 + 7


def test_a_reported_payment_is_read_from_floats_and_extra_fields_are_ignored() -> None:
    payment = PaymentReceived.model_validate(
        {
            "invoiceId": "x",
            "paymentId": "p",
            "amount": 35.81,
            "currency": "EUR",
            "paidAt": "2026-11-20T10:00:00+01:00",
            "fee": 1,
        }
    )
    assert (payment.amount, payment.paid_at) == (Decimal("35.81"), "2026-11-20T09:00:00.000000Z")
    with pytest.raises(ValidationError, match="with an offset"):
        PaymentReceived.model_validate(payment.model_dump(by_alias=True) | {"paidAt": "2026-11-20T10:00:00"})
