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
    assert again.body | {"status": "created"} == first.body  # the status is the one of now


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
    assert again.body | {"status": "created"} == first.body


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


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"issueDate": "22.11.2026"}, "#/issueDate", "must be an ISO 8601 date such as 2026-11-22"),
        ({"currency": "EURO"}, "#/currency", "'EURO' is not an ISO 4217 currency code"),
        (
            {"lines": [{"description": "x", "quantity": 1, "unitPrice": "450,00", "taxRate": 19}]},
            "#/lines/0/unitPrice",
            "must be a number, or a string with a number such as 1190.00",
        ),
        pytest.param(
            {"unheardOf": 1},
            "#",
            '[object instance has properties which are not allowed by the schema: ["unheardOf"]]',
            marks=pytest.mark.relies_on("gateway-response-shows-the-violations-of-a-body"),
        ),
    ],
)
def test_an_invalid_body_gets_pointers_from_the_function_and_from_the_gateway(
    api: Any, new_invoice: Callable[..., dict[str, Any]], change: dict[str, Any], pointer: str, detail: str
) -> None:
    response = api("POST", "/invoices", new_invoice(**change))

    assert_problem(response, 400)
    assert response.body["errors"] == [{"pointer": pointer, "detail": detail}]
    assert response.body["requestId"]
    assert response.headers["cache-control"] == "no-store"


def test_what_is_overdue_is_listed_and_credit_notes_never_are(
    api: Any, customer: str, new_invoice: Callable[..., dict[str, Any]], wait: Callable[..., Any]
) -> None:
    past = {"issueDate": "2026-01-01", "dueDate": "2026-01-02", "paymentTermsDays": None}
    returned = [{"description": "Books", "quantity": -1, "unitPrice": 10, "taxRate": 7}]
    late = api("POST", "/invoices", new_invoice(**past)).body
    credit = api("POST", "/invoices", new_invoice(**past, lines=returned)).body
    not_due = api("POST", "/invoices", new_invoice()).body

    def decided() -> bool | None:
        read = [api("GET", f"/invoices/{each['invoiceId']}").body["status"] for each in (late, credit, not_due)]
        return True if read == ["processed"] * 3 else None

    wait(decided, "the invoices to be processed")
    listed = api("GET", "/invoices", customerId=customer, overdue="true")
    everywhere = api("GET", "/invoices", overdue="true", dueBefore="2026-01-03", limit="100")
    again = api("POST", "/invoices", new_invoice(**past, invoiceNumber=late["invoiceNumber"], lines=late_lines(late)))

    assert [item["invoiceId"] for item in listed.body["items"]] == [late["invoiceId"]]
    assert late["invoiceId"] in [item["invoiceId"] for item in everywhere.body["items"]]
    assert "dueDate" not in credit
    assert (again.status, again.body["status"], again.body["version"]) == (200, "processed", 1)
    assert api("GET", "/invoices", issuedFrom="2026-01-01").status == 400


def late_lines(invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of a request for the same invoice."""
    return [{name: value for name, value in line.items() if name != "net"} for line in invoice["lines"]]


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
