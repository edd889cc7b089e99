"""``GET /invoices`` and ``GET /invoices/{id}``: pages, filters, summaries and links."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.handlers.bodies import BODY, NUMBERED

Load = Callable[..., ModuleType]

pytestmark = pytest.mark.usefixtures("table")


@pytest.mark.parametrize("invoice_id", ["nonsense", "6a4d4ffa-3c5b-5a0e-9d0e-000000000000"])
def test_an_unknown_invoice_gets_404(load: Load, call: Any, invoice_id: str, s3: Any) -> None:
    assert s3 is not None
    assert call(load("get_invoice"), "GET", f"/invoices/{invoice_id}").status == 404
    assert (
        call(load("update_invoice_status"), "PATCH", f"/invoices/{invoice_id}", body={"status": "void"}).status == 404
    )


def test_there_is_no_link_while_there_is_no_pdf(create: ModuleType, load: Load, call: Any, s3: Any) -> None:
    assert s3 is not None
    created = call(create, "POST", "/invoices", body=NUMBERED).body
    response = call(load("get_invoice"), "GET", f"/invoices/{created['invoiceId'].upper()}")
    assert (response.status, response.headers["ETag"]) == (200, '"1"')
    assert response.body == created


def pages(query: ModuleType, call: Any, **filters: str) -> list[list[str]]:
    numbers, token = [], None
    while True:
        response = call(query, "GET", "/invoices", query=filters | ({"nextToken": token} if token else {}))
        assert response.status == 200, response.body
        numbers.append([item["invoiceNumber"] for item in response.body["items"]])
        token = response.body.get("nextToken")
        if token is None:
            return numbers


def test_all_pages_together_are_the_complete_list(create: ModuleType, load: Load, call: Any) -> None:
    names = [f"{number:02d}" for number in range(7)]
    for number in names:
        customer = f"C-{int(number) % 2}"
        call(create, "POST", "/invoices", body=BODY | {"invoiceNumber": number, "customerId": customer})
    query = load("query_invoices")
    for limit in (2, 7, 8):
        for filters in ({}, {"status": "created"}, {"from": "2026-01-01", "order": "asc"}):
            listed = pages(query, call, limit=str(limit), **filters)
            assert sum(listed, []) == (names if "order" in filters else names[::-1])  # noqa: RUF017 -- seven pages
            assert all(len(page) == limit for page in listed[:-1])
            assert listed[-1]
    assert pages(query, call, customerId="C-1", limit="2", order="asc") == [["01", "03"], ["05"]]
    assert pages(query, call, customerId="C-1", status="created", limit="2", order="asc") == [["01", "03"], ["05"]]
    assert pages(query, call, customerId="C-1", status="paid") == [[]]
    assert pages(query, call, to="2001-01-01") == [[]]


def test_a_range_to_the_end_of_the_calendar_is_empty(load: Load, call: Any) -> None:
    response = call(load("query_invoices"), "GET", "/invoices", query={"to": "9999-12-31"})
    assert (response.status, response.body["items"]) == (200, [])


def test_list_items_are_summaries(create: ModuleType, load: Load, call: Any) -> None:
    call(create, "POST", "/invoices", body=NUMBERED | {"customer": {"name": "Łódź"}})
    (item,) = call(load("query_invoices"), "GET", "/invoices").body["items"]
    assert {"lines", "taxes", "payments", "history", "contentHash"}.isdisjoint(item)
    assert (item["total"], item["version"], item["customerName"], item["overdue"]) == ("119.00", 1, "Łódź", False)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "0"}, "limit"),
        ({"status": ["paid", "void"]}, "status"),
        ({"x": "1"}, "x"),
        ({"nextToken": "x"}, "nextToken"),
        ({"from": "0999-01-01"}, "from"),
        ({"to": "0002-01-01T00:00:00+23:59"}, "to"),
    ],
)
def test_a_bad_query_gets_400_with_a_pointer(load: Load, call: Any, query: dict[str, Any], pointer: str) -> None:
    response = call(load("query_invoices"), "GET", "/invoices", query=query)
    assert (response.status, response.body["errors"][0]["pointer"]) == (400, pointer)


@pytest.mark.parametrize("parameter", ["customerId", "status", "limit", "nextToken"])
def test_an_empty_parameter_is_no_absent_one(load: Load, call: Any, parameter: str) -> None:
    """A list for no customer would be that of all of them."""
    response = call(load("query_invoices"), "GET", "/invoices", query={parameter: ""})

    assert (response.status, response.body["errors"]) == (400, [{"pointer": parameter, "detail": "must not be empty"}])
