"""Edge cases: a body too large, a changed token, two writers, no free function, the link to the PDF."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pypdf
import pytest
import urllib3

from harness.stack.deployment import Stack
from tests.e2e.test_api import assert_problem
from tests.e2e.test_payments import processed

MEGABYTE = 1_000_000


@pytest.mark.parametrize("size", [4.2, 6.2, 10.6], ids=["over-the-platforms", "over-lambdas", "over-the-gateways"])
def test_body_that_is_too_large_is_413(api: Any, new_invoice: Callable[..., dict[str, Any]], size: float) -> None:
    """The platform's limit, Lambda's 6 MB, API Gateway's 10 MB: a client gets the same response for each."""
    body = json.dumps(new_invoice()).encode()

    response = api("POST", "/invoices", body + b" " * int(size * MEGABYTE))

    assert_problem(response, 413)


def test_token_that_was_changed_is_400(api: Any, customer: str, new_invoice: Callable[..., dict[str, Any]]) -> None:
    for _ in range(2):
        api("POST", "/invoices", new_invoice())
    query = {"customerId": customer, "limit": "1"}
    token: str = api("GET", "/invoices", **query).body["nextToken"]
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"

    for changed in (token[:middle] + other + token[middle + 1 :], token[:-4], token[1:], f"{token}A", "x"):
        assert_problem(api("GET", "/invoices", **query, nextToken=changed), 400)
    assert api("GET", "/invoices", **query, nextToken=token).status == 200


def test_of_two_writers_at_once_one_wins(
    api: Any, wait: Callable[..., Any], new_invoice: Callable[..., dict[str, Any]]
) -> None:
    invoice = processed(api, wait, new_invoice())

    def change(status: str) -> int:
        body = {"status": status, "expectedVersion": invoice["version"]}
        return int(api("PATCH", f"/invoices/{invoice['invoiceId']}", body).status)

    with ThreadPoolExecutor(max_workers=2) as writers:
        statuses = sorted(writers.map(change, ["void", "paid"]))
    after = api("GET", f"/invoices/{invoice['invoiceId']}").body

    assert statuses == [200, 409]
    assert after["version"] == invoice["version"] + 1
    assert [entry["status"] for entry in after["history"]] == ["created", "processed", after["status"]]


def test_function_without_free_concurrency_is_a_problem_and_recovers(
    api: Any, stack: Stack, client: Callable[[str], Any]
) -> None:
    functions, name = client("lambda"), stack.functions["query-invoices"]

    @contextmanager
    def no_concurrency() -> Any:
        before = functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=before)

    with no_concurrency():
        assert_problem(api("GET", "/invoices"), 500)
    assert api("GET", "/invoices").status == 200


def test_link_to_the_pdf_needs_no_key_and_returns_the_document(
    api: Any, wait: Callable[..., Any], new_invoice: Callable[..., dict[str, Any]]
) -> None:
    created = api("POST", "/invoices", new_invoice()).body
    path = f"/invoices/{created['invoiceId']}"
    link = wait(lambda: api("GET", path).body.get("documentUrl"), "the invoice's PDF")

    response = urllib3.request("GET", link)

    assert (response.status, response.headers["content-type"]) == (200, "application/pdf")
    text = pypdf.PdfReader(io.BytesIO(response.data)).pages[0].extract_text()
    assert created["invoiceNumber"] in text
    assert "164.20" in text
