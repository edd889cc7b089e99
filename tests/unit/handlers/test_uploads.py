"""Uploads of one name in quick succession, and names of every length: no file is lost, every report can be written."""

import itertools
import json
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from invoicing.uploads import buckets, part_import
from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.deadline import OutOfTimeError
from invoicing.uploads.upload import MAX_KEY, Upload

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate\n"
SEQUENCE = itertools.count(1)
ROW = "0001,C-1,2026-11-01,EUR,Thing,2,10.50,19\n"
OTHER = ROW.replace("0001", "0002")

Load = Callable[..., ModuleType]


@pytest.fixture
def versioned(s3: Any) -> Any:
    """The buckets with versions, as the platform has them."""
    for bucket in ("uploads", "archives"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3


def put(s3: Any, key: str, content: str) -> dict[str, Any]:
    """Write an upload; returns its event, as S3 sends it."""
    response = s3.put_object(Bucket="uploads", Key=key, Body=content.encode())
    s3_object = {"key": key, "size": len(content.encode()), "eTag": response["ETag"].strip('"'), "sequencer": "0A1"}
    if version := response.get("VersionId"):
        s3_object |= {"versionId": version, "sequencer": f"{next(SEQUENCE):016X}"}
    return {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "uploads"}, "object": s3_object}}]}


def upload_of(event: dict[str, Any]) -> Upload:
    return Upload.from_record(event["Records"][0])


def numbers(table: Any) -> list[str]:
    items = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    return sorted(item["invoiceNumber"]["S"] for item in items if "#" not in item["invoiceId"]["S"])


def report(s3: Any, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(s3.get_object(Bucket="uploads", Key=f"reports/{name}.json")["Body"].read())
    return content


def archived(s3: Any) -> set[str]:
    versions = s3.list_object_versions(Bucket="archives").get("Versions", [])
    return {
        s3.get_object(Bucket="archives", Key=version["Key"], VersionId=version["VersionId"])["Body"].read().decode()
        for version in versions
    }


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in-order", "out-of-order"])
def test_a_name_that_is_written_twice_before_its_first_event_imports_both_files(
    load: Load, table: Any, versioned: Any, context: Any, order: tuple[int, int]
) -> None:
    files = [HEADER + ROW, HEADER + OTHER]
    events = [put(versioned, "incoming/day.csv", content) for content in files]
    create = load("create_invoice")

    for position, index in enumerate(order):
        create.lambda_handler(events[index], context)
        late = index < position  # it ends after the upload that replaced it
        imported = report(versioned, f"day.csv.{upload_of(events[index]).digest[:12]}" if late else "day.csv")
        assert (imported["created"], imported["duplicates"]) == (1, 0)
        assert imported["versionId"] == events[index]["Records"][0]["s3"]["object"]["versionId"]

    assert numbers(table) == ["0001", "0002"]
    assert archived(versioned) == set(files)
    assert versioned.list_objects_v2(Bucket="archives")["KeyCount"] == 2
    assert "Contents" not in versioned.list_objects_v2(Bucket="uploads", Prefix="incoming/")


def test_rows_above_and_below_a_second_and_fuller_header_are_imported(
    load: Load, table: Any, versioned: Any, context: Any
) -> None:
    fuller = HEADER.rstrip() + ",customer_name\n" + OTHER.rstrip() + ",Somebody\n"
    event = put(versioned, "incoming/day.csv", HEADER + ROW + fuller)
    load("create_invoice").lambda_handler(event, context)

    imported = report(versioned, "day.csv")

    assert (numbers(table), imported["rows"], imported["created"]) == (["0001", "0002"], 2, 2)


def test_a_file_that_was_written_meanwhile_is_not_deleted(load: Load, table: Any, versioned: Any, context: Any) -> None:
    first = put(versioned, "incoming/day.csv", HEADER + ROW)
    put(versioned, "incoming/day.csv", HEADER + OTHER)
    load("create_invoice").lambda_handler(first, context)

    remaining = versioned.get_object(Bucket="uploads", Key="incoming/day.csv")["Body"].read().decode()

    assert (remaining, numbers(table)) == (HEADER + OTHER, ["0001"])


def test_without_versions_the_event_of_an_overwritten_file_does_not_import_the_new_one(
    load: Load, table: Any, s3: Any, context: Any
) -> None:
    first = put(s3, "incoming/day.csv", HEADER + ROW)
    second = put(s3, "incoming/day.csv", HEADER + OTHER)
    second["Records"][0]["s3"]["object"]["sequencer"] = "0A2"
    create = load("create_invoice")
    create.lambda_handler(first, context)
    assert numbers(table) == []
    create.lambda_handler(second, context)

    assert (numbers(table), report(s3, "day.csv")["created"]) == (["0002"], 1)


def test_without_a_tag_nothing_is_deleted(s3: Any) -> None:
    put(s3, "incoming/day.csv", HEADER)

    UploadStore("archives").remove(Upload("uploads", "incoming/day.csv", "", ""), "")

    assert s3.list_objects_v2(Bucket="uploads")["KeyCount"] == 1


def test_what_is_in_the_archive_is_never_replaced(load: Load, versioned: Any) -> None:
    """GIVEN S3, which obeys the header (moto does not) WHEN an upload is archived twice THEN the second copy fails."""
    event = put(versioned, "incoming/day.csv", HEADER + ROW)
    store = load("create_invoice").uploads
    conditions: list[str] = []

    def conditional(params: dict[str, Any], **_: Any) -> Any:
        conditions.append(params["headers"].get("If-None-Match"))
        if "Contents" not in versioned.list_objects_v2(Bucket="archives"):
            return None
        return AWSResponse("", 412, HTTPHeaders(), None), {"Error": {"Code": "PreconditionFailed"}}

    store._s3.meta.events.register("before-call.s3.CopyObject", conditional)

    for _ in range(2):
        store.archive(upload_of(event), "2026/11/day.0123456789ab.csv")

    assert conditions == ["*", "*"]
    assert len(versioned.list_object_versions(Bucket="archives")["Versions"]) == 1


@pytest.mark.usefixtures("table")
def test_a_file_that_is_not_utf_8_is_reported_with_what_shows_it(load: Load, versioned: Any, context: Any) -> None:
    create = load("create_invoice")
    content = HEADER + ROW + OTHER.replace("Thing", "Größe")
    notes: list[str | None] = []

    for encoding, metadata in (("cp1252", {}), ("cp1252", {"encoding": "cp1252"}), ("utf-8", {})):
        event = put(versioned, "incoming/day.csv", "")
        response = versioned.put_object(
            Bucket="uploads", Key="incoming/day.csv", Body=content.encode(encoding), Metadata=metadata
        )
        event["Records"][0]["s3"]["object"]["versionId"] = response["VersionId"]
        create.lambda_handler(event, context)
        notes.append(report(versioned, "day.csv").get("note"))

    note = (
        "The file is not UTF-8, so it was read as Windows-1252. Row 3 has 'Größe'. If that is not what you wrote, "
        "upload it again with the metadata encoding, such as encoding: cp1250."
    )
    assert notes == [note, None, None]


@pytest.mark.usefixtures("table")
def test_columns_that_nothing_reads_are_named_in_the_report(load: Load, versioned: Any, context: Any) -> None:
    """As the file writes them, each once, those of headers further down too: one may be misspelled."""
    create = load("create_invoice")
    tables = ((ROW, "Cost centre, Bemerkung ,"), (OTHER, "Cost centre,Lager,"))
    content = "".join(HEADER.replace("\n", f",{names}\n") + row.replace("\n", ",a,b,\n") for row, names in tables)

    create.lambda_handler(put(versioned, "incoming/more.csv", content), context)
    create.lambda_handler(put(versioned, "incoming/less.csv", HEADER + OTHER), context)

    assert report(versioned, "more.csv")["unreadColumns"] == ["Cost centre", "Bemerkung", "Lager"]
    assert report(versioned, "more.csv")["created"] == 2
    assert "unreadColumns" not in report(versioned, "less.csv")


def test_tags_of_an_upload_are_not_copied_into_the_archive(
    load: Load, table: Any, versioned: Any, context: Any
) -> None:
    event = put(versioned, "incoming/day.csv", HEADER + ROW)
    versioned.put_object_tagging(
        Bucket="uploads", Key="incoming/day.csv", Tagging={"TagSet": [{"Key": "owner", "Value": "accounting"}]}
    )
    load("create_invoice").lambda_handler(event, context)

    (archive,) = versioned.list_objects_v2(Bucket="archives")["Contents"]

    assert versioned.get_object_tagging(Bucket="archives", Key=archive["Key"])["TagSet"] == []
    assert numbers(table) == ["0001"]


@pytest.mark.parametrize("letter", ["n", "ż", "請"])
def test_the_longest_names_have_reports_too(letter: str) -> None:
    prefix, width = "incoming/", len(letter.encode())
    name = letter * ((MAX_KEY - len(prefix) - 4) // width - 1)
    uploads = [Upload("uploads", f"{prefix}{name}{last}.csv", "", "") for last in "12"]
    stems = [upload.report_name for upload in uploads]
    assert len(set(stems)) == 2
    for stem in stems:
        assert MAX_KEY - width < len(f"reports/{stem}.0123456789ab.rejected.csv".encode()) <= MAX_KEY

    assert Upload("uploads", "incoming/" + "n" * 990, "", "").report_name == "n" * 990


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("rejected", ["earlier", "later"])
def test_an_upload_that_ends_after_a_later_one_leaves_the_reports_of_that(
    load: Load, versioned: Any, context: Any, rejected: str
) -> None:
    bad = ROW.replace("EUR", "EURO")
    earlier = put(versioned, "incoming/day.csv", HEADER + (bad if rejected == "earlier" else ROW))
    later = put(versioned, "incoming/day.csv", HEADER + (bad if rejected == "later" else ROW))
    create = load("create_invoice")
    for event in (later, earlier, earlier):  # the last one comes twice
        create.lambda_handler(event, context)
    separate = f"day.csv.{upload_of(earlier).digest[:12]}"
    rejects = f"{separate if rejected == 'earlier' else 'day.csv'}.rejected.csv"
    keys = [entry["Key"] for entry in versioned.list_objects_v2(Bucket="uploads", Prefix="reports/")["Contents"]]
    assert sorted(keys) == sorted(f"reports/{name}" for name in ("day.csv.json", f"{separate}.json", rejects))
    assert report(versioned, "day.csv")["versionId"] == upload_of(later).version
    assert report(versioned, separate)["versionId"] == upload_of(earlier).version
    errors = report(versioned, separate if rejected == "earlier" else "day.csv")

    assert (errors["rejected"], errors["rejectedReport"]) == (1, f"reports/{rejects}")


@pytest.mark.usefixtures("table")
def test_a_report_of_a_very_long_name_can_be_written(load: Load, versioned: Any, context: Any) -> None:
    event = put(versioned, f"incoming/{'n' * 1011}.csv", HEADER + ROW.replace("EUR", "EURO"))
    load("create_invoice").lambda_handler(event, context)

    keys = [entry["Key"] for entry in versioned.list_objects_v2(Bucket="uploads", Prefix="reports/")["Contents"]]

    assert len(keys) == 2
    assert max(map(len, keys)) <= MAX_KEY


def test_invoices_before_the_damage_of_a_file_are_created_and_counted(
    load: Load, table: Any, versioned: Any, context: Any
) -> None:
    valid = "".join(ROW.replace("0001", f"{number:04d}") for number in range(1, 21))
    endless = ROW.replace("0001", '"') + ('","' + "y" * 96 + "\n") * 12_000
    event = put(versioned, "incoming/day.csv", HEADER + valid + ROW.replace("0001", "0021") + endless)
    load("create_invoice").lambda_handler(event, context)

    imported = report(versioned, "day.csv")

    assert "row 23 does not end within a million characters" in imported["error"]
    assert (imported["created"], imported["duplicates"], len(numbers(table))) == (20, 0, 20)


def test_time_runs_out_in_a_file_of_blank_lines_too(
    load: Load, table: Any, versioned: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN blank lines for longer than an invocation THEN the part after the one that gets to them fails."""
    event = put(versioned, "incoming/day.csv", HEADER + ROW + "\n".rjust(50) * 20_000)
    create = load("create_invoice")
    events: list[Any] = []
    monkeypatch.setattr(create.bus, "publish", events.append)
    for part in range(2):
        milliseconds = iter([900_000] * 4)
        context.get_remaining_time_in_millis = lambda milliseconds=milliseconds: next(milliseconds, 1000)
        if part:
            with pytest.raises(OutOfTimeError, match="short of time"):
                create.lambda_handler({"detail": events[0].detail}, context)
        else:
            create.lambda_handler(event, context)

    assert len(events) == 1
    assert versioned.list_objects_v2(Bucket="uploads", Prefix="incoming/")["KeyCount"] == 1
    assert numbers(table) == []


@pytest.mark.usefixtures("table")
def test_few_rows_are_written_at_once(
    load: Load, versioned: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_import, "WINDOW_ROWS", 20)
    monkeypatch.setattr(part_import, "BATCH_ROWS", 4)
    create = load("create_invoice")
    rows_now, most_rows, lock = 0, 0, threading.Lock()
    write = create.loader.create_many

    def counted(invoices: list[Any], upload: str) -> Any:
        nonlocal rows_now, most_rows
        rows = sum(len(invoice.lines) for invoice in invoices)
        with lock:
            rows_now += rows
            most_rows = max(most_rows, rows_now)
        try:
            return write(invoices, upload)
        finally:
            with lock:
                rows_now -= rows

    monkeypatch.setattr(create.loader, "create_many", counted)
    content = "".join(
        ROW.replace("0001", f"{number:04d}").replace("Thing", f"Thing {line}")
        for number in range(1, 9)
        for line in range(12)
    )
    create.lambda_handler(put(versioned, "incoming/day.csv", HEADER + content), context)
    assert (report(versioned, "day.csv")["created"], most_rows) == (8, 12)


@pytest.mark.usefixtures("table")
def test_a_delivery_after_a_crash_writes_the_same_report(
    load: Load, versioned: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = put(versioned, "incoming/before.csv", HEADER + OTHER)
    event = put(versioned, "incoming/day.csv", HEADER + ROW + OTHER + ROW.replace("0001", "0003") + ROW)
    create = load("create_invoice")
    create.lambda_handler(before, context)

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(create.progress, "finish", crash)
        with pytest.raises(KeyboardInterrupt):
            create.lambda_handler(event, context)
    first = report(versioned, "day.csv")
    assert (first["created"], first["duplicates"]) == (2, 2)
    create.lambda_handler(event, context)
    assert report(versioned, "day.csv") == first
    assert "Contents" not in versioned.list_objects_v2(Bucket="uploads", Prefix="incoming/")
    create.lambda_handler(event, context)  # done by now: the report stays as it is
    assert report(versioned, "day.csv") == first

    again = put(versioned, "incoming/day.csv", HEADER + ROW + OTHER)  # another upload, although of the same rows
    create.lambda_handler(again, context)
    assert (report(versioned, "day.csv")["created"], report(versioned, "day.csv")["duplicates"]) == (0, 2)


@pytest.mark.usefixtures("table")
def test_an_upload_without_errors_withdraws_the_reject_report_of_an_earlier_one(
    load: Load, versioned: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = load("create_invoice")
    calls: list[dict[str, Any]] = []
    real_delete = create.uploads._s3.delete_object

    def delete_object(**request: Any) -> Any:
        calls.append(dict(request))
        if request.get("IfMatch") == "*":  # "if it exists", which moto compares as a tag
            request.pop("IfMatch")
        return real_delete(**request)

    monkeypatch.setattr(create.uploads._s3, "delete_object", delete_object)
    create.lambda_handler(put(versioned, "incoming/day.csv", HEADER + ROW.replace("EUR", "EURO")), context)
    rejected = report(versioned, "day.csv")["rejectedReport"]
    assert rejected not in [call["Key"] for call in calls]
    create.lambda_handler(put(versioned, "incoming/day.csv", HEADER + ROW), context)
    assert {"Bucket": "uploads", "Key": rejected, "IfMatch": "*"} in calls
    assert "rejectedReport" not in report(versioned, "day.csv")
    keys = [entry["Key"] for entry in versioned.list_objects_v2(Bucket="uploads")["Contents"]]
    assert keys == ["reports/day.csv.json"]


def test_a_file_that_is_too_large_for_the_archive_is_reported_and_stays(
    load: Load, table: Any, versioned: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "MAX_COPY", 100)
    event = put(versioned, "incoming/day.csv", HEADER + ROW)
    create = load("create_invoice")

    for _ in range(2):
        create.lambda_handler(event, context)
        assert "GB; split it" in report(versioned, "day.csv")["error"]
        assert versioned.list_objects_v2(Bucket="uploads", Prefix="incoming/")["KeyCount"] == 1

    assert (numbers(table), archived(versioned)) == ([], set())
