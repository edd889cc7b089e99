"""The API for its clients: create, read and list, and every error as problem+json with CORS headers."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

PROBLEM = "application/problem+json"
ORIGIN = "https://app.example.com"


def assert_problem(response: Any, status: int) -> dict[str, Any]:
    """Check an RFC 9457 response with this status, readable by a browser's script; return its body."""
    assert response.status == status, response.text
    assert response.headers["content-type"].split(";")[0] == PROBLEM
    assert response.headers["access-control-allow-origin"] in ("*", ORIGIN)
    body: dict[str, Any] = response.body
    assert body["status"] == status
    assert body["title"]
    return body


def test_post_creates_an_invoice_that_can_be_read_back(api: Any, new_invoice: Callable[..., dict[str, Any]]) -> None:
    created = api("POST", "/invoices", new_invoice())
    assert created.status == 201, created.text
    read = api("GET", f"/invoices/{created.body['invoiceId']}")

    assert created.body["total"] == "164.20"
    assert created.body["taxes"] == [
        {"rate": "7", "base": "20.00", "amount": "1.40"},
        {"rate": "19", "base": "120.00", "amount": "22.80"},
    ]
    assert created.headers["location"].endswith(f"/invoices/{created.body['invoiceId']}")
    assert read.status == 200
    assert read.body["total"] == "164.20"
    assert read.body["customer"]["name"] == "Ćwiek & Søn ΑΕ"


def test_same_invoice_again_returns_the_first_result(api: Any, new_invoice: Callable[..., dict[str, Any]]) -> None:
    body = new_invoice()
    first = api("POST", "/invoices", body)

    again = api("POST", "/invoices", body)

    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


def test_same_number_with_other_content_is_a_conflict(api: Any, new_invoice: Callable[..., dict[str, Any]]) -> None:
    body = new_invoice()
    api("POST", "/invoices", body)

    response = api("POST", "/invoices", {**body, "currency": "USD"})

    assert_problem(response, 409)


def test_number_left_out_is_assigned_once_per_idempotency_key(
    api: Any, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    body = new_invoice()
    del body["invoiceNumber"]
    header = {"Idempotency-Key": uuid.uuid4().hex}

    first = api("POST", "/invoices", body, headers=header)
    again = api("POST", "/invoices", body, headers=header)

    assert (first.status, again.status) == (201, 200), first.text + again.text
    assert first.body["invoiceNumber"]
    assert again.body == first.body


def test_unknown_invoice_is_404(api: Any) -> None:
    assert_problem(api("GET", f"/invoices/{uuid.uuid4()}"), 404)


def test_unknown_route_is_404(api: Any) -> None:
    assert_problem(api("GET", "/nothing-here"), 404)


@pytest.mark.parametrize("key", [None, "wrong-key-wrong-key-wrong-key"])
def test_missing_or_wrong_key_is_403(api: Any, key: str | None) -> None:
    assert_problem(api("GET", "/invoices", key=key), 403)


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"currency": "EURO"},
        {"issueDate": "22.11.2026"},
        {"lines": [{"description": "x", "quantity": 0, "unitPrice": 1, "taxRate": 19}]},
        {"lines": [{"description": "x", "quantity": 1, "unitPrice": "-1", "taxRate": 19}]},
        {"unheardOf": True},
    ],
)
def test_bad_body_is_400(api: Any, new_invoice: Callable[..., dict[str, Any]], change: dict[str, Any]) -> None:
    assert_problem(api("POST", "/invoices", new_invoice(**change)), 400)


def test_body_that_is_not_json_is_400(api: Any) -> None:
    assert_problem(api("POST", "/invoices", b"{not json"), 400)


def test_preflight_needs_no_key(api: Any) -> None:
    response = api(
        "OPTIONS",
        "/invoices",
        key=None,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-api-key,idempotency-key",
        },
    )

    assert response.status in (200, 204), response.text
    assert response.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "POST" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].lower()
    assert "x-api-key" in allowed
    assert "idempotency-key" in allowed


def test_preflight_with_another_content_type_is_415(api: Any) -> None:
    assert_problem(api("OPTIONS", "/invoices", key=None, headers={"content-type": "multipart/form-data"}), 415)


def test_all_pages_together_are_the_list(api: Any, customer: str, new_invoice: Callable[..., dict[str, Any]]) -> None:
    created = {api("POST", "/invoices", new_invoice()).body["invoiceId"] for _ in range(7)}
    query = {"customerId": customer, "limit": "3"}
    pages: list[list[str]] = []

    while True:
        page = api("GET", "/invoices", **query)
        assert page.status == 200, page.text
        pages.append([item["invoiceId"] for item in page.body["items"]])
        if "nextToken" not in page.body:
            break
        query["nextToken"] = page.body["nextToken"]

    listed = [invoice_id for page in pages for invoice_id in page]
    assert sorted(listed) == sorted(created)
    assert max(map(len, pages)) == 3


def test_token_of_another_query_is_400(api: Any, customer: str, new_invoice: Callable[..., dict[str, Any]]) -> None:
    for _ in range(2):
        api("POST", "/invoices", new_invoice())
    token = api("GET", "/invoices", customerId=customer, limit="1").body["nextToken"]

    response = api("GET", "/invoices", customerId="C-other", limit="1", nextToken=token)

    assert_problem(response, 400)
