"""What one request causes has one correlation id: in the item, in the stream's events, and in every log line."""

import io
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from invoicing.uploads.upload import Upload
from tests.unit.handlers.test_flow import BODY, items

Load = Callable[..., ModuleType]


@pytest.fixture
def output(process: ModuleType, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What all handlers log: their loggers share one stream."""
    stream = io.StringIO()
    monkeypatch.setattr(process.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def process(load: Load) -> ModuleType:
    return load("process_invoice")


@pytest.fixture
def published(process: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The details of the events that process-invoice publishes."""
    details = list[dict[str, Any]]()

    def put_events(Entries: list[dict[str, Any]]) -> dict[str, int]:  # noqa: N803 -- boto3's name
        details.extend(json.loads(entry["Detail"]) for entry in Entries)
        return {"FailedEntryCount": 0}

    monkeypatch.setattr(process.bus._events, "put_events", put_events)
    return details


@pytest.mark.usefixtures("s3")
def test_a_request_is_found_again_in_the_item_the_event_and_the_pdfs_line(
    load: Load,
    call: Any,
    table: Any,
    stream_record: Any,
    context: Any,
    process: ModuleType,
    published: list[dict[str, Any]],
    output: io.StringIO,
) -> None:
    call(load("create_invoice"), "POST", "/invoices", body=BODY)
    created = items(table)[0]
    process.lambda_handler({"Records": [stream_record(created)]}, context)
    load("generate_pdf").lambda_handler({"detail": published[0]}, context)

    assert created["correlationId"] == {"S": "request"}
    assert [detail["correlationId"] for detail in published] == ["request"]
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert {(line["correlation_id"], line["message"]) for line in lines} == {
        ("request", "Invoice created"),
        ("request", "Invoice decided"),
        ("request", "Event published"),
        ("request", "PDF requested"),
        ("request", "PDF stored"),
    }


def test_a_payment_has_the_id_of_its_event_and_the_change_hands_it_on(
    load: Load,
    call: Any,
    table: Any,
    stream_record: Any,
    context: Any,
    process: ModuleType,
    published: list[dict[str, Any]],
) -> None:
    invoice_id = call(load("create_invoice"), "POST", "/invoices", body=BODY).body["invoiceId"]
    process.lambda_handler({"Records": [stream_record(items(table)[0])]}, context)
    before = items(table)[0]
    detail = {"invoiceId": invoice_id, "paymentId": "p-1", "amount": "85.81", "currency": "EUR"}
    event = {"id": "event-1", "source": "payments.example", "detail-type": "invoice-paid", "detail": detail}

    load("update_invoice_status").lambda_handler(event, context)
    after = items(table)[0]
    process.lambda_handler({"Records": [stream_record(after, before)]}, context)

    assert (before["correlationId"]["S"], after["correlationId"]["S"]) == ("request", "event-1")
    assert published[-1]["status"] == "paid"
    assert published[-1]["correlationId"] == "event-1"


def test_an_edit_by_hand_has_the_id_of_its_stream_record(
    load: Load,
    call: Any,
    table: Any,
    stream_record: Any,
    context: Any,
    process: ModuleType,
    published: list[dict[str, Any]],
) -> None:
    call(load("create_invoice"), "POST", "/invoices", body=BODY)
    item = {name: value for name, value in items(table)[0].items() if name != "correlationId"}

    process.lambda_handler({"Records": [stream_record(item) | {"eventID": "record-1"}]}, context)

    assert published[0]["correlationId"] == "record-1"


def test_all_parts_of_an_upload_have_one_id_and_two_uploads_of_a_key_have_two() -> None:
    first, second = (Upload("uploads", "incoming/a.csv", "etag", name, version="v" + name) for name in ("1", "2"))

    assert Upload.from_detail(first.detail()).correlation_id == first.correlation_id
    assert first.correlation_id != second.correlation_id
