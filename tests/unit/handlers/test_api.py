"""Errors of the API functions, which are the same for all of them."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from pydantic.alias_generators import to_camel

from invoicing.api import request_schemas, resolver
from invoicing.domain.errors import InvalidRequest
from invoicing.domain.models import CreateInvoice
from tests.unit.handlers.bodies import BODY, LINE, NUMBERED

Load = Callable[..., ModuleType]

pytestmark = pytest.mark.usefixtures("table")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "1",
        '{"a":NaN}',
        "[" * 5000,
        None,
        '{"lines": [{"quantity": 1' + "0" * 5000 + "}]}",
        '{"lines": [{"quantity": 1e99999999999999999999}]}',
        '{"lines": [{"quantity": 1e-99999999999999999999}]}',
    ],
)
def test_a_body_that_is_not_an_invoice_gets_400(create: ModuleType, call: Any, body: str | None) -> None:
    response = call(create, "POST", "/invoices", body=body)
    assert (response.status, response.body["status"]) == (400, 400)


def test_each_error_has_a_pointer(create: ModuleType, call: Any) -> None:
    body = {"issueDate": "x", "currency": "EUR", "lines": [LINE | {"quantity": 0}], "a/b": 1}
    response = call(create, "POST", "/invoices", body=body)
    pointers = sorted(error["pointer"] for error in response.body["errors"])
    assert pointers == ["#/a~1b", "#/customerId", "#/issueDate", "#/lines/0/quantity"]


def test_an_invoice_too_large_for_an_item_gets_413(create: ModuleType, call: Any) -> None:
    response = call(create, "POST", "/invoices", body=NUMBERED | {"lines": [LINE | {"description": "x" * 1000}] * 400})
    assert (response.status, response.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")
    assert "the limit is 392 KB" in response.body["detail"]


def test_unknown_paths_get_problem_documents(create: ModuleType, call: Any) -> None:
    response = call(create, "POST", "/elsewhere", body=BODY)
    assert (response.status, response.headers["Content-Type"]) == (404, "application/problem+json")
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://b.example", "https://b.example"), ("https://evil.example", None), (None, None)]
)
def test_only_allowed_origins_are_echoed(load: Load, call: Any, origin: str | None, allowed: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    response = call(load("update_invoice_status"), "PATCH", "/invoices/x", body={"status": "paid"}, headers=headers)
    assert response.status == 404
    assert response.headers.get("Access-Control-Allow-Origin") == allowed
    assert response.headers["Vary"] == "Origin"
    assert "Location" in response.headers["Access-Control-Expose-Headers"]


def test_a_body_longer_than_any_invoice_gets_413(create: ModuleType, call: Any) -> None:
    text = json.dumps(NUMBERED)
    assert call(create, "POST", "/invoices", body=text + " " * (4 * 2**20 - len(text))).status == 201
    response = call(create, "POST", "/invoices", body=text + " " * (4 * 2**20 - len(text) + 1))
    assert (response.status, response.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")


def test_throttling_gets_503_with_retry_after(create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")

    monkeypatch.setattr(create.table._dynamodb, "put_item", throttled)
    response = call(create, "POST", "/invoices", body=NUMBERED)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")


def test_a_failure_of_the_platform_is_raised(create: ModuleType, call: Any) -> None:
    boto3.client("dynamodb").delete_table(TableName="invoices-dev")
    with pytest.raises(Exception, match="ResourceNotFound"):
        call(create, "POST", "/invoices", body=NUMBERED)


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"lines": [LINE | {"unitPrice": "450,00"}]}, "#/lines/0/unitPrice", "a string with a number such as 1190.00"),
        ({"issueDate": "22.11.2026"}, "#/issueDate", "must be an ISO 8601 date such as 2026-11-22"),
        ({"currency": "EURO"}, "#/currency", "'EURO' is not an ISO 4217 currency code"),
        ({"customer": {"email": "nobody"}}, "#/customer/email", "must be an email address"),
    ],
)
def test_a_wrong_format_gets_a_pointer_and_a_sentence(
    create: ModuleType, call: Any, change: dict[str, Any], pointer: str, detail: str
) -> None:
    assert not [*_violations(change)], "the gateway would reject it in its own words"

    response = call(create, "POST", "/invoices", body=NUMBERED | change)

    (error,) = response.body["errors"]
    assert (response.status, error["pointer"]) == (400, pointer)
    assert detail in error["detail"]


def _violations(change: dict[str, Any]) -> Iterator[Any]:
    return Draft4Validator(request_schemas.draft_04(CreateInvoice)).iter_errors(NUMBERED | change)


_WORDS_OF_THE_LIBRARY = re.compile(r"Input should|Extra inputs|Field required|should (have|match|be)|after validation")
_LEAVES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=70) | st.just({}) | st.just([])
)
_VALUES = st.dictionaries(
    st.sampled_from([*map(to_camel, CreateInvoice.model_fields), "x"]),
    _LEAVES | st.lists(st.dictionaries(st.sampled_from(["quantity", "discount", "x"]), _LEAVES), max_size=2)
    | st.dictionaries(st.sampled_from(["name", "email", "x"]), _LEAVES),
)  # fmt: skip


@given(_VALUES)
def test_no_error_has_the_words_of_the_library(values: dict[str, Any]) -> None:
    event = APIGatewayProxyEvent({"body": json.dumps(values)})
    with contextlib.suppress(UnicodeError), pytest.raises(InvalidRequest) as error:
        resolver.body_of(event, CreateInvoice)
    for entry in error.value.errors:
        assert not _WORDS_OF_THE_LIBRARY.search(entry["detail"]), entry
        assert entry["detail"] != "is not valid here", entry
        assert re.fullmatch(r"#(/[^/]+)*", entry["pointer"]), entry


def test_an_unknown_parameter_is_reported_by_its_name(load: Load, call: Any) -> None:
    response = call(load("query_invoices"), "GET", "/invoices", query={"colour": "red", "order": "up"})

    details = {error["pointer"]: error["detail"] for error in response.body["errors"]}
    assert details["order"] == "must be one of asc, desc"
    assert details["colour"].startswith("is not a known name")


def test_problems_name_the_request_as_the_gateway_does(create: ModuleType, call: Any) -> None:
    for path, body in (("/invoices", {}), ("/elsewhere", NUMBERED)):
        assert call(create, "POST", path, body=body).body["requestId"] == "request"


def test_nobody_may_store_a_response(create: ModuleType, call: Any) -> None:
    for body in (NUMBERED, {}):
        assert call(create, "POST", "/invoices", body=body).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("before", "after", "pointer"),
    [
        ('"quantity": 1', '"quantity": 1, "quantity": 7', "#/lines/0/quantity"),
        ('"customerId"', '"invoiceNumber": "0043", "customerId"', "#/invoiceNumber"),
        ('"customerId"', '"a/b": 1, "a/b": 1, "customerId"', "#/a~1b"),
    ],
)
def test_a_name_that_is_repeated_gets_400_and_creates_nothing(
    create: ModuleType, load: Load, call: Any, before: str, after: str, pointer: str
) -> None:
    body = json.dumps(NUMBERED).replace(before, after)

    response = call(create, "POST", "/invoices", body=body)

    assert response.status == 400, response.body
    assert response.body["errors"] == [{"pointer": pointer, "detail": "must not be repeated"}]
    assert call(load("query_invoices"), "GET", "/invoices").body["items"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"invoice_number": "7"}, "#/invoice_number"),
        ({"payment_terms_days": 7}, "#/payment_terms_days"),
        ({"customer": {"vat_id": "DE1"}}, "#/customer/vat_id"),
        ({"lines": [LINE | {"tax_rate": "7"}]}, "#/lines/0/tax_rate"),
    ],
)
def test_names_are_those_of_the_documentation(
    create: ModuleType, call: Any, change: dict[str, Any], pointer: str
) -> None:
    response = call(create, "POST", "/invoices", body=BODY | change)

    assert response.status == 400, response.body
    assert response.body["errors"] == [
        {"pointer": pointer, "detail": "is not a known name here; names are written as documented, in camelCase"}
    ]


def test_a_parameter_has_the_name_of_the_documentation(load: Load, call: Any) -> None:
    response = call(load("query_invoices"), "GET", "/invoices", query={"customer_id": "C-1"})

    assert (response.status, response.body["errors"][0]["pointer"]) == (400, "customer_id")
