"""The six handlers one after the other, in the order in which the platform invokes them."""

import io
import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pypdf
import pytest

BODY = {
    "invoiceNumber": "0042",
    "customerId": "C-1",
    "customer": {"name": "Łódź Works", "email": "ap@lodz.example"},
    "issueDate": "2026-11-01",
    "currency": "EUR",
    "lines": [
        {"description": "Widget", "quantity": 3, "unitPrice": "19.99", "taxRate": 19},
        {"description": "Book", "quantity": "1.5", "unitPrice": 10.0, "discount": 10, "taxRate": "7"},
    ],
}

CSV = """invoice_number,customer_id,customer_name,issue_date,currency,description,quantity,unit_price,tax_rate
0001,C-1,Alpha,2026-11-02,EUR,One,1,10.00,19
0001,C-1,Alpha,2026-11-02,EUR,Two,2,10.00,7
0002,C-2,Beta,2026-11-03,JPY,Three,1,1000,10
0003,C-2,Beta,2026-02-30,JPY,=cmd(),x,1000,10
"""

Load = Callable[..., ModuleType]


@pytest.fixture
def bus(aws: str) -> str:
    boto3.client("events", region_name=aws).create_event_bus(Name="invoice-events-dev")
    return "invoice-events-dev"


def items(table: Any) -> list[dict[str, Any]]:
    response = boto3.client("dynamodb").scan(TableName=table.name)
    return [item for item in response["Items"] if "#" not in item["invoiceId"]["S"]]


@pytest.mark.usefixtures("bus")
def test_an_invoice_from_post_to_paid(
    load: Load, call: Any, table: Any, s3: Any, stream_record: Any, context: Any
) -> None:
    created = call(load("create_invoice"), "POST", "/invoices", body=BODY)
    assert created.status == 201
    invoice_id = created.body["invoiceId"]
    assert created.headers["Location"].endswith(f"/invoices/{invoice_id}")
    assert created.body["subtotal"] == "73.47"
    assert created.body["taxes"] == [
        {"rate": "7", "base": "13.50", "amount": "0.95"},
        {"rate": "19", "base": "59.97", "amount": "11.39"},
    ]
    assert (created.body["total"], created.body["status"]) == ("85.81", "created")

    event = {"Records": [stream_record(items(table)[0])]}
    assert load("process_invoice").lambda_handler(event, context) == {"batchItemFailures": []}

    load("generate_pdf").lambda_handler({"detail": {"invoiceId": invoice_id}}, context)
    get = load("get_invoice")
    read = call(get, "GET", f"/invoices/{invoice_id}")
    assert (read.status, read.body["status"], read.body["version"]) == (200, "processed", 2)
    assert "documentUrl" in read.body
    key = f"{read.body['createdAt'][:4]}/{read.body['createdAt'][5:7]}/{invoice_id}.pdf"
    pdf = s3.get_object(Bucket="documents", Key=key)["Body"].read()
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert "85.81" in text
    assert "Łódź Works" in text

    listed = call(load("query_invoices"), "GET", "/invoices", query={"status": "processed"})
    assert [item["invoiceId"] for item in listed.body["items"]] == [invoice_id]

    update = load("update_invoice_status")
    payment = {"paymentId": "p-1", "amount": "50.00"}
    part = call(update, "PATCH", f"/invoices/{invoice_id}", body={"status": "partially-paid", "payment": payment})
    assert (part.status, part.body["status"], part.body["amountDue"]) == (200, "partially-paid", "35.81")
    detail = {
        "invoiceId": invoice_id,
        "paymentId": "p-2",
        "amount": 35.81,
        "currency": "EUR",
        "paidAt": "2026-11-20T10:00:00Z",
    }
    provider = {"id": "e-1", "source": "payments.example", "detail-type": "invoice-paid", "detail": detail}
    update.lambda_handler(provider, context)
    update.lambda_handler(provider, context)  # EventBridge delivers at least once
    update.lambda_handler(provider | {"detail": detail | {"invoiceId": invoice_id.upper()}}, context)
    paid = call(get, "GET", f"/invoices/{invoice_id}").body
    assert (paid["status"], paid["amountDue"], len(paid["payments"]), paid["version"]) == ("paid", "0.00", 2, 4)
    assert [(entry["status"], entry["by"]) for entry in paid["history"]] == [
        ("created", "api-key:key-1"),
        ("processed", "process-invoice"),
        ("partially-paid", "api-key:key-1"),
        ("paid", "payments.example"),
    ]


@pytest.mark.parametrize(
    ("status", "detail_type"),
    [
        ("processed", "invoice-processed"),
        ("held", "invoice-held"),
        ("partially-paid", "invoice-partially-paid"),
        ("paid", "invoice-paid"),
        ("void", "invoice-voided"),
    ],
)
@pytest.mark.usefixtures("bus")
def test_each_change_of_status_is_published(
    load: Load,
    call: Any,
    table: Any,
    stream_record: Any,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    detail_type: str,
) -> None:
    call(load("create_invoice"), "POST", "/invoices", body=BODY)
    before = items(table)[0]
    entry = {"M": before["history"]["L"][0]["M"] | {"status": {"S": status}}}
    after = before | {
        "status": {"S": status},
        "version": {"N": "2"},
        "history": {"L": [*before["history"]["L"], entry]},
    }

    process = load("process_invoice")
    put_events = process.bus._events.put_events
    published: list[str] = []

    def published_too(Entries: list[dict[str, Any]]) -> Any:  # noqa: N803 -- boto3's name
        published.extend(entry["DetailType"] for entry in Entries)
        return put_events(Entries=Entries)

    monkeypatch.setattr(process.bus._events, "put_events", published_too)
    response = process.lambda_handler({"Records": [stream_record(after, before)]}, context)

    assert response == {"batchItemFailures": []}
    assert published == [detail_type]


@pytest.mark.parametrize("status", ["void", "held"])
@pytest.mark.usefixtures("s3")
def test_there_is_no_link_to_the_pdf_of_a_void_or_held_invoice(
    load: Load, call: Any, table: Any, context: Any, status: str
) -> None:
    invoice_id = call(load("create_invoice"), "POST", "/invoices", body=BODY).body["invoiceId"]
    load("generate_pdf").lambda_handler({"detail": {"invoiceId": invoice_id}}, context)
    get = load("get_invoice")
    assert "documentUrl" in call(get, "GET", f"/invoices/{invoice_id}").body
    table.update_item(
        Key={"invoiceId": invoice_id},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": status},
    )
    response = call(get, "GET", f"/invoices/{invoice_id}")
    assert (response.status, response.body["status"]) == (200, status)
    assert "documentUrl" not in response.body


def test_a_file_from_upload_to_archive(load: Load, table: Any, s3: Any, s3_event: Any, context: Any) -> None:
    s3.put_object(Bucket="uploads", Key="incoming/nov report.csv", Body=CSV.encode())
    create = load("create_invoice")
    create.lambda_handler(s3_event("uploads", "incoming/nov report.csv"), context)

    assert sorted(item["invoiceNumber"]["S"] for item in items(table)) == ["0001", "0002"]
    report = json.loads(s3.get_object(Bucket="uploads", Key="reports/nov report.csv.json")["Body"].read())
    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (4, 2, 0, 1)
    rejected = (
        s3.get_object(Bucket="uploads", Key="reports/nov report.csv.rejected.csv")["Body"].read().decode("utf-8-sig")
    )
    assert rejected.splitlines()[0] == "row,column,value,reason"
    assert "5,quantity,x," in rejected
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="archives")["Contents"]]
    assert keys == [report["archive"]]
    assert re.fullmatch(r"[0-9]{4}/[0-9]{2}/nov report\.[0-9a-f]{12}\.csv", keys[0])
    assert "Contents" not in s3.list_objects_v2(Bucket="uploads", Prefix="incoming/")

    create.lambda_handler(s3_event("uploads", "incoming/nov report.csv"), context)  # the event once more: nothing to do
    s3.put_object(Bucket="uploads", Key="incoming/again.csv", Body=CSV.encode())
    create.lambda_handler(s3_event("uploads", "incoming/again.csv", sequencer="0A2"), context)
    report = json.loads(s3.get_object(Bucket="uploads", Key="reports/again.csv.json")["Body"].read())
    assert (report["created"], report["duplicates"], report["rejected"]) == (0, 2, 1)
