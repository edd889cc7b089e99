"""The functions that events start: uploads, the stream, PDFs."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from invoicing.domain.invoice_factory import invoice_id
from invoicing.uploads import part_import

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate\n"
ROW = "0001,C-1,2026-11-01,EUR,Thing,2,10.50,19\n"

Load = Callable[..., ModuleType]


@pytest.fixture
def bus(aws: str) -> str:
    boto3.client("events", region_name=aws).create_event_bus(Name="invoice-events-dev")
    return "invoice-events-dev"


def invoices(table: Any) -> list[dict[str, Any]]:
    items = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    return sorted(
        (item for item in items if "#" not in item["invoiceId"]["S"]), key=lambda item: item["invoiceNumber"]["S"]
    )


def upload(s3: Any, create: ModuleType, s3_event: Any, context: Any, content: bytes | str, key: str = "a.csv") -> Any:
    s3.put_object(Bucket="uploads", Key=f"incoming/{key}", Body=content)
    create.lambda_handler(s3_event("uploads", f"incoming/{key}", sequencer=key), context)
    return json.loads(s3.get_object(Bucket="uploads", Key=f"reports/{key}.json")["Body"].read())


def test_an_unreadable_file_is_reported_and_archived(
    load: Load, table: Any, s3: Any, s3_event: Any, context: Any
) -> None:
    report = upload(s3, load("create_invoice"), s3_event, context, b"\x00\x01\x02 not a csv")
    assert "NUL bytes" in report["error"]
    assert (report["rows"], report["created"], invoices(table)) == (0, 0, [])
    assert s3.list_objects_v2(Bucket="archives")["KeyCount"] == 1
    assert "NUL bytes" in s3.get_object(Bucket="uploads", Key=report["rejectedReport"])["Body"].read().decode()


def test_rows_of_an_invoice_that_stand_apart_make_one_invoice(
    load: Load, table: Any, s3: Any, s3_event: Any, context: Any
) -> None:
    other = ROW.replace("0001", "0002")
    content = HEADER + ROW + other + ROW.replace("10.50", "99.00").replace("Thing", "More") + other
    report = upload(s3, load("create_invoice"), s3_event, context, content)
    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (4, 2, 1, 0)
    assert [item["total"]["N"] for item in invoices(table)] == ["260.61", "24.99"]
    assert [item["source"]["S"] for item in invoices(table)] == [f"s3://uploads/incoming/a.csv#{row}" for row in (2, 3)]


def test_rows_that_stand_apart_and_contradict_each_other_make_no_invoice(
    load: Load, table: Any, s3: Any, s3_event: Any, context: Any
) -> None:
    other = ROW.replace("0001", "0002")
    content = HEADER + ROW + other + ROW.replace("C-1", "C-2") + other.replace("EUR", "USD")
    report = upload(s3, load("create_invoice"), s3_event, context, content)
    assert (report["rows"], report["created"], report["rejected"], invoices(table)) == (4, 0, 2, [])
    rejected = s3.get_object(Bucket="uploads", Key=report["rejectedReport"])["Body"].read().decode("utf-8-sig")
    differs = "of the same invoice, which has"
    reasons = {line["row"]: line["reason"] for line in csv.DictReader(io.StringIO(rejected))}
    assert reasons == {
        "4": f"differs from another row {differs} 'C-1'; invoice 0001 (2 rows from 2 to 4) was not imported",
        "5": f"differs from row 3 {differs} 'EUR'; invoice 0002 (2 rows from 3 to 5) was not imported",
    }


@pytest.mark.parametrize("between", [0, 1, 60], ids=["same-batch", "near", "far"])
@pytest.mark.parametrize(
    "bad",
    [ROW + ROW.replace("0001,C-1", ","), ROW.replace(",2,", ",two,"), ROW.replace("2026-11-01", "9999-12-31")],
    ids=["no-identity", "bad-cell", "refused-when-issued"],
)
def test_later_rows_of_a_rejected_invoice_are_rejected_too(
    load: Load,
    table: Any,
    s3: Any,
    s3_event: Any,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    bad: str,
    between: int,
) -> None:
    monkeypatch.setattr(part_import, "WORKERS", 1)  # moto copies tables while others write
    others = "".join(ROW.replace("0001", f"9{number:03d}") for number in range(between))
    content = HEADER + bad + others + ROW.replace("Thing", "More") + others
    report = upload(s3, load("create_invoice"), s3_event, context, content)
    assert (report["created"], report["rejected"], report["duplicates"]) == (between, 1, between)
    assert not [item for item in invoices(table) if item["invoiceId"]["S"] == invoice_id("0001")]
    assert report["rejectedRows"] == bad.count("\n") + 1


def test_a_repetition_within_the_file_is_told_but_not_that_of_a_delivery_or_of_another_file(
    load: Load, table: Any, s3: Any, s3_event: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = load("create_invoice")
    upload(s3, create, s3_event, context, HEADER + ROW.replace("0001", "0009"), key="before.csv")
    two_lines = ROW.replace("0001", "0002") + ROW.replace("0001", "0002").replace("Thing", "More")
    content = HEADER + ROW + ROW.replace("0001", "0009") + ROW + two_lines
    content += ROW.replace("0001", "0003") + two_lines

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    for step in ("advance", "finish"):  # all is there when the event comes again
        with monkeypatch.context() as patch:
            patch.setattr(create.progress, step, crash)
            with pytest.raises(KeyboardInterrupt):
                upload(s3, create, s3_event, context, content)
    report = upload(s3, create, s3_event, context, content)
    assert (report["created"], report["duplicates"], report["rejected"], len(invoices(table))) == (3, 3, 0, 4)
    told = s3.get_object(Bucket="uploads", Key=report["rejectedReport"])["Body"].read().decode().splitlines()[1:]
    same = "the invoice that begins at row {} of this file; counted as a duplicate and not added to it"
    assert sorted(told) == [
        "4,invoice_number,0001,repeats " + same.format(2),
        "8,invoice_number,0002,rows 8 to 9 repeat " + same.format(5),
    ]


@pytest.mark.usefixtures("table")
def test_a_due_date_beyond_the_calendar_is_the_fault_of_the_issue_date(
    load: Load, s3: Any, s3_event: Any, context: Any
) -> None:
    content = HEADER + ROW.replace("2026-11-01", "9999-12-31")
    report = upload(s3, load("create_invoice"), s3_event, context, content)
    assert (report["created"], report["rejected"]) == (0, 1)
    rejected = s3.get_object(Bucket="uploads", Key=report["rejectedReport"])["Body"].read().decode("utf-8-sig")
    today = datetime.now(UTC).date()
    assert rejected.splitlines()[1] == f"2,issue_date,9999-12-31,9999-12-31 is more than a year ahead of {today}"


def test_a_batch_of_old_new_and_impossible_invoices(
    load: Load, table: Any, s3: Any, s3_event: Any, context: Any
) -> None:
    create = load("create_invoice")
    upload(s3, create, s3_event, context, HEADER + ROW)
    huge = "".join(f"0003,C-1,2026-11-01,EUR,{'x' * 1000},1,1,19\n" for _ in range(400))
    endless = "0004,C-1,2026-11-01,EUR,Much,999999999999999,999999999999999,19\n"
    content = HEADER + ROW + ROW.replace("0001", "0002") + huge + endless
    report = upload(s3, create, s3_event, context, content, key="b.csv")
    assert (report["created"], report["duplicates"], report["rejected"]) == (1, 1, 2)
    assert [item["invoiceNumber"]["S"] for item in invoices(table)] == ["0001", "0002"]


@pytest.mark.usefixtures("table")
def test_a_second_delivery_after_the_end_is_harmless(load: Load, s3: Any, s3_event: Any, context: Any) -> None:
    create = load("create_invoice")
    upload(s3, create, s3_event, context, HEADER + ROW)
    s3.delete_object(Bucket="uploads", Key="reports/a.csv.json")
    create.lambda_handler(s3_event("uploads", "incoming/a.csv", sequencer="a.csv"), context)
    create.lambda_handler(s3_event("uploads", "incoming/never.csv", sequencer="x"), context)
    assert s3.list_objects_v2(Bucket="uploads")["KeyCount"] == 0


def test_a_file_that_takes_too_long_is_left_for_the_next_delivery(
    load: Load, table: Any, s3: Any, s3_event: Any, context: Any
) -> None:
    context.milliseconds = 1000
    s3.put_object(Bucket="uploads", Key="incoming/a.csv", Body=HEADER + ROW)
    create = load("create_invoice")
    with pytest.raises(Exception, match="short of time"):
        create.lambda_handler(s3_event("uploads", "incoming/a.csv"), context)
    assert s3.list_objects_v2(Bucket="uploads")["Contents"][0]["Key"] == "incoming/a.csv"
    context.milliseconds = 900_000
    create.lambda_handler(s3_event("uploads", "incoming/a.csv"), context)
    assert len(invoices(table)) == 1


@pytest.mark.usefixtures("bus")
def test_records_of_the_stream_are_decided_and_published_one_by_one(
    load: Load, table: Any, s3: Any, s3_event: Any, stream_record: Any, context: Any
) -> None:
    bad = "0002,C-1,2026-11-01,EUR,Free,1,0,19\n"
    upload(s3, load("create_invoice"), s3_event, context, HEADER + ROW + bad)
    records = [stream_record(image, number=number) for number, image in enumerate(invoices(table), 1)]
    records.append(stream_record({"invoiceId": {"S": "counter#2026"}, "lastNumber": {"N": "1"}}, number=3))
    process = load("process_invoice")
    published = []
    process.bus.publish = published.append
    for _ in range(2):  # the stream delivers at least once
        assert process.lambda_handler({"Records": records}, context) == {"batchItemFailures": []}
    assert [event.detail_type for event in published] == ["invoice-created"] * 4
    assert published[:2] == published[2:]
    after = invoices(table)
    assert [item["status"]["S"] for item in after] == ["processed", "paid"]
    assert [item["version"]["N"] for item in after] == ["2", "3"]

    changed = [stream_record(new, old["dynamodb"]["NewImage"]) for new, old in zip(after, records, strict=False)]
    process.lambda_handler({"Records": changed}, context)
    assert [event.detail_type for event in published[4:]] == ["invoice-processed", "invoice-processed", "invoice-paid"]
    assert [event.detail["version"] for event in published[4:]] == [2, 2, 3]


@pytest.fixture
def dead_letters(aws: str) -> Callable[[], list[tuple[dict[str, Any], str]]]:
    """Reads the dead-letter queue of process-invoice: each body, and why it is there."""
    sqs = boto3.client("sqs", region_name=aws)
    url = sqs.create_queue(QueueName="process-invoice-dev-dlq")["QueueUrl"]

    def read() -> list[tuple[dict[str, Any], str]]:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return [
            (json.loads(message["Body"]), message["MessageAttributes"]["ErrorMessage"]["StringValue"])
            for message in received.get("Messages", [])
        ]

    return read


@pytest.mark.usefixtures("bus")
def test_a_poisoned_record_is_kept_whole_and_a_rejected_event_ends_the_batch(
    load: Load,
    table: Any,
    s3: Any,
    s3_event: Any,
    stream_record: Any,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    dead_letters: Callable[[], list[tuple[dict[str, Any], str]]],
) -> None:
    upload(s3, load("create_invoice"), s3_event, context, HEADER + ROW + ROW.replace("0001", "0002"))
    first, second = (stream_record(image, number=number) for number, image in enumerate(invoices(table), 1))
    poisoned = stream_record({"invoiceId": {"S": "broken"}, "total": {"S": "much"}}, number=0)
    process = load("process_invoice")
    real = process.bus._events.put_events

    def put_events(Entries: list[Any]) -> Any:  # noqa: N803 -- boto3's name
        if '"0002"' in Entries[0]["Detail"]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "sorry"}]}
        return real(Entries=Entries)

    monkeypatch.setattr(process.bus._events, "put_events", put_events)
    response = process.lambda_handler({"Records": [poisoned, second, first]}, context)
    assert response == {"batchItemFailures": [{"itemIdentifier": number} for number in ("2", "1")]}
    ((kept, reason),) = dead_letters()
    assert kept == poisoned
    assert "validation errors for Invoice" in reason


INVALID_ENTRY = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "no JSON"}]}
TOO_LARGE = ClientError({"Error": {"Code": "ValidationException", "Message": "Total size is too large"}}, "PutEvents")


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (INVALID_ENTRY, "MalformedDetail: no JSON"),
        (TOO_LARGE, "ValidationException: Total size"),
        (RuntimeError("unexpected, and for too long"), "unexpected, and for too long"),
    ],
)
def test_an_event_that_fails_each_time_does_not_hold_up_the_others(
    load: Load,
    table: Any,
    s3: Any,
    s3_event: Any,
    stream_record: Any,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    dead_letters: Callable[[], list[tuple[dict[str, Any], str]]],
    outcome: Any,
    why: str,
) -> None:
    upload(s3, load("create_invoice"), s3_event, context, HEADER + ROW + ROW.replace("0001", "0002"))
    first, second = (stream_record(image, number=number) for number, image in enumerate(invoices(table), 1))
    first["dynamodb"]["ApproximateCreationDateTime"] = 0.0  # long ago
    process = load("process_invoice")
    published = []

    def put_events(Entries: list[Any]) -> Any:  # noqa: N803 -- boto3's name
        if '"0001"' not in Entries[0]["Detail"]:
            published.append(json.loads(Entries[0]["Detail"])["invoiceNumber"])
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(process.bus._events, "put_events", put_events)

    response = process.lambda_handler({"Records": [first, second]}, context)

    assert response == {"batchItemFailures": []}
    assert published == ["0002"]
    ((kept, reason),) = dead_letters()
    assert kept == first
    assert why in reason


@pytest.mark.parametrize("images", [1, 2])
def test_the_images_of_a_record_that_sqs_cannot_take_are_left_out(
    load: Load,
    stream_record: Any,
    context: Any,
    dead_letters: Callable[[], list[tuple[dict[str, Any], str]]],
    images: int,
) -> None:
    huge = {"invoiceId": {"S": "broken"}, "total": {"S": "x" * 240_000 if images == 1 else "x" * 260_000}}
    record = stream_record(huge, huge, number=7)

    response = load("process_invoice").lambda_handler({"Records": [record]}, context)

    assert response == {"batchItemFailures": []}
    ((kept, _),) = dead_letters()
    left_out = ["OldImage", "NewImage"][:images]
    assert kept["leftOut"] == left_out
    assert not kept["dynamodb"].keys() & set(left_out)
    assert (kept["dynamodb"]["SequenceNumber"], kept["dynamodb"]["Keys"]) == ("7", record["dynamodb"]["Keys"])


def test_a_pdf_is_written_once(load: Load, table: Any, s3: Any, s3_event: Any, context: Any) -> None:
    upload(s3, load("create_invoice"), s3_event, context, HEADER + ROW)
    invoice_id = invoices(table)[0]["invoiceId"]["S"]
    generate = load("generate_pdf")
    event = {"detail": {"invoiceId": invoice_id}}
    generate.lambda_handler(event, context)
    issued = s3.list_object_versions(Bucket="documents")["Versions"]
    (key,) = (version["Key"] for version in issued)
    s3.put_object(Bucket="documents", Key=key, Body=b"as issued by an earlier layout")

    generate.lambda_handler(event, context)

    assert s3.get_object(Bucket="documents", Key=key)["Body"].read() == b"as issued by an earlier layout"


def test_void_invoices_get_no_pdf(load: Load, table: Any, s3: Any, s3_event: Any, context: Any) -> None:
    upload(s3, load("create_invoice"), s3_event, context, HEADER + ROW)
    invoice_id = invoices(table)[0]["invoiceId"]["S"]
    table.update_item(
        Key={"invoiceId": invoice_id},
        UpdateExpression="SET #s = :void",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":void": "void"},
    )
    generate = load("generate_pdf")
    generate.lambda_handler({"detail": {"invoiceId": invoice_id}}, context)
    assert s3.list_objects_v2(Bucket="documents")["KeyCount"] == 0
    with pytest.raises(Exception, match="There is no invoice"):
        generate.lambda_handler({"detail": {"invoiceId": "unknown"}}, context)
