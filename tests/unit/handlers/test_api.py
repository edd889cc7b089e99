"""Errors of the API functions, which are the same for all of them."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

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
