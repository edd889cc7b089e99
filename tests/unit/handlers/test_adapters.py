"""The adapters when AWS returns an unusual response."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from invoicing.documents.bucket import DocumentStore
from invoicing.domain.door import Door
from invoicing.domain.errors import Busy
from invoicing.table.batches import InvoiceLoader
from invoicing.table.connection import InvoiceTable
from invoicing.table.pagination import ListQuery, plan
from invoicing.table.queries import FILTERED_READ, MAX_READS, InvoiceIndexes
from invoicing.table.retries import Canceled
from invoicing.table.store import InvoiceStore
from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.upload import Upload
from tests.data.invoices import an_invoice

LAMBDAS = Path(__file__).resolve().parents[3] / "lambdas"


class FailingClient:
    """A client whose every call fails with one error code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, name)

        return call


def test_only_a_missing_object_counts_as_missing() -> None:
    upload = Upload("uploads", "incoming/a.csv", "tag", "")
    assert upload.identity == "uploads/incoming/a.csv@tag"
    assert DocumentStore("documents", FailingClient("404")).link(an_invoice(number="1")) is None  # type: ignore[arg-type]
    assert UploadStore("archives", FailingClient("NoSuchKey")).open(upload) is None  # type: ignore[arg-type]
    UploadStore("archives", FailingClient("PreconditionFailed")).remove(upload, "tag")  # type: ignore[arg-type]
    denied: Any = FailingClient("AccessDenied")
    for attempt in (
        lambda: DocumentStore("documents", denied).link(an_invoice(number="1")),
        lambda: DocumentStore("documents", denied).put(an_invoice(number="1"), b""),
        lambda: UploadStore("archives", denied).open(upload),
        lambda: UploadStore("archives", denied).remove(upload, "tag"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_a_batch_whose_transaction_reports_no_items_is_written_one_by_one(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = InvoiceTable(table.name)
    loader = InvoiceLoader(connection, Door())
    InvoiceStore(connection).create(an_invoice(number="1"))

    def transact(writes: list[Any]) -> None:
        raise Canceled([{"Code": "TransactionConflict"}] * len(writes))

    monkeypatch.setattr(connection, "transact", transact)
    other = an_invoice(number="1").model_copy(
        update={"invoice_id": an_invoice(number="2").invoice_id, "content_hash": "y"}
    )
    outcomes = loader.create_many([an_invoice(number="1"), other, an_invoice(number="3")])
    assert [getattr(outcome, "created", None) for outcome in outcomes] == [False, True, True]
    (conflict,) = loader.create_many([an_invoice(number="3").model_copy(update={"content_hash": "changed"})])
    assert "exists with different content" in str(conflict)


def test_large_invoices_are_spread_over_transactions(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = InvoiceTable(table.name)
    loader, sizes, real = InvoiceLoader(connection, Door()), [], connection.transact
    monkeypatch.setattr(connection, "transact", lambda writes: (sizes.append(len(writes)), real(writes)))
    big = [an_invoice(number=str(number)).model_copy(update={"source": "x" * 300_000}) for number in range(12)]
    assert all(getattr(outcome, "created", False) for outcome in loader.create_many(big))
    assert sizes == [10, 2]


def pages(responses: list[dict[str, Any]], **query: str) -> Any:
    """One page from a client that returns these responses in turn."""

    class Client:
        def query(self, **_: Any) -> Any:
            return responses.pop(0)

    query_plan = plan(ListQuery.model_validate(query), datetime(2026, 11, 22, tzinfo=UTC))
    return InvoiceIndexes(InvoiceTable("table", Client())).page(query_plan, 2)  # type: ignore[arg-type]


def item(name: str) -> dict[str, Any]:
    at = "2026-11-01T00:00:00.000000Z"
    return {name_: {"S": value} for name_, value in {"invoiceId": name, "createdAt": at, "customerId": "C"}.items()}


def test_pages_of_dynamodb_are_read_until_the_page_is_full() -> None:
    responses: list[dict[str, Any]] = [
        {"Items": [], "LastEvaluatedKey": item("a")},
        {"Items": [item("b")], "LastEvaluatedKey": item("b")},
        {"Items": [item("c")]},
    ]
    page = pages(responses, customerId="C", status="paid")
    assert [entry["invoiceId"] for entry in page.items] == ["b", "c"]
    assert page.next_token is None
    assert responses == []


def test_a_filter_that_matches_nothing_ends_with_a_token_before_the_time_out() -> None:
    responses: list[dict[str, Any]] = [{"Items": [], "LastEvaluatedKey": item("a")}] * (MAX_READS + 5)
    page = pages(responses, customerId="C", status="paid")
    assert (page.items, len(responses), FILTERED_READ) == ([], 5, 200)
    assert page.next_token


def test_a_list_from_a_throttled_table_is_busy() -> None:
    table = InvoiceTable("table", FailingClient("ThrottlingException"))  # type: ignore[arg-type]
    query_plan = plan(ListQuery(), datetime(2026, 11, 22, tzinfo=UTC))

    with pytest.raises(Busy):
        InvoiceIndexes(table).page(query_plan, 2)


def test_a_client_has_the_region_of_the_environment(aws: str) -> None:
    assert boto3.client("dynamodb").meta.region_name == aws
    config: Any = InvoiceTable("table")._dynamodb.meta.config  # botocore adds its options as attributes
    assert config.retries["mode"] == "standard"


def test_an_exceptions_members_are_not_copied_into_traces() -> None:
    """They may be responses of DynamoDB with complete invoices."""
    code = (
        "from invoicing.runtime.observability import tracer; from unittest.mock import MagicMock\n"
        "seen = MagicMock(); tracer.provider.in_subsegment = lambda **_: seen; tracer.disabled = False\n"
        "@tracer.capture_lambda_handler(capture_response=False)\n"
        "def handler(event, context): raise KeyError('Jane Doe')\n"
        "try: handler({}, MagicMock())\n"
        "except KeyError: pass\n"
        "print('Jane Doe' in repr(seen.mock_calls[:-1]))\n"
    )
    names = {"PYTHONPATH": str(LAMBDAS), "PATH": os.environ["PATH"], "POWERTOOLS_SERVICE_NAME": "x"}
    run = subprocess.run([sys.executable, "-c", code], env=names, capture_output=True, text=True)  # noqa: PLW1510
    assert (run.returncode, run.stdout) == (0, "False\n"), run.stderr
