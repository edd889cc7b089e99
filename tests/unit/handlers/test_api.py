"""The API functions' refusals, whichever of them is asked."""

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
def test_a_body_that_is_no_invoice_is_a_400(create: ModuleType, call: Any, body: str | None) -> None:
    answer = call(create, "POST", "/invoices", body=body)
    assert (answer.status, answer.body["status"]) == (400, 400)


def test_each_fault_is_pointed_at(create: ModuleType, call: Any) -> None:
    body = {"issueDate": "x", "currency": "EUR", "lines": [LINE | {"quantity": 0}], "a/b": 1}
    answer = call(create, "POST", "/invoices", body=body)
    pointers = sorted(error["pointer"] for error in answer.body["errors"])
    assert pointers == ["#/a~1b", "#/customerId", "#/issueDate", "#/lines/0/quantity"]


def test_an_invoice_that_no_item_can_hold_is_a_413(create: ModuleType, call: Any) -> None:
    answer = call(create, "POST", "/invoices", body=NUMBERED | {"lines": [LINE | {"description": "x" * 1000}] * 400})
    assert (answer.status, answer.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")
    assert "the limit is 392 KB" in answer.body["detail"]


def test_unknown_paths_are_problems_too(create: ModuleType, call: Any) -> None:
    answer = call(create, "POST", "/elsewhere", body=BODY)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://b.example", "https://b.example"), ("https://evil.example", None), (None, None)]
)
def test_only_allowed_origins_are_echoed(load: Load, call: Any, origin: str | None, allowed: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = call(load("update_invoice_status"), "PATCH", "/invoices/x", body={"status": "paid"}, headers=headers)
    assert answer.status == 404
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert answer.headers["Vary"] == "Origin"
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]


def test_a_body_that_no_invoice_can_need_is_a_413(create: ModuleType, call: Any) -> None:
    text = json.dumps(NUMBERED)
    assert call(create, "POST", "/invoices", body=text + " " * (4 * 2**20 - len(text))).status == 201
    answer = call(create, "POST", "/invoices", body=text + " " * (4 * 2**20 - len(text) + 1))
    assert (answer.status, answer.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")


def test_throttling_is_a_503_to_come_again(create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")

    monkeypatch.setattr(create.store._dynamodb, "put_item", throttled)
    answer = call(create, "POST", "/invoices", body=NUMBERED)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def test_a_fault_of_ours_is_raised_and_not_answered(create: ModuleType, call: Any) -> None:
    boto3.client("dynamodb").delete_table(TableName="invoices-dev")
    with pytest.raises(Exception, match="ResourceNotFound"):
        call(create, "POST", "/invoices", body=NUMBERED)
