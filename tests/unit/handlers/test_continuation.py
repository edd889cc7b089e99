"""Uploads that take several invocations: wherever one of them ends, nothing is lost, repeated or counted twice.

Each test names the moment of the timeline in `invoicing.intake` at which it interferes.
"""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import boto3
import pytest

from invoicing import importing, intake
from invoicing.checkpoints import Checkpoint, Dialect
from invoicing.csv_import import Place
from invoicing.reports import Figures

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate\n"
COUNT = 12
"""Invoices of the file; of two rows each, so that an invocation could stop inside one."""
PARTS = 6
"""Invocations that it takes at two invoices each."""

Load = Callable[..., ModuleType]


def rows(number: int, price: str = "10.50") -> str:
    """An invoice of two rows; the description holds a line break and letters of two bytes."""
    row = f'{number:04d},C-1,2026-11-01,EUR,"Größe\n{number}",2,{price},19\n'
    return row + row.replace("Größe", "Other")


FILE = HEADER + "".join(rows(number) for number in range(COUNT))
FAULTY = HEADER + "".join(rows(number, "ten" if number % 3 == 0 else "10.50") for number in range(COUNT))
"""Four of the twelve are rejected."""


class Platform:
    """The buckets, the table, the bus, and create-invoice; an invocation gets as far as it is told to."""

    def __init__(self, s3: Any, table: Any, create: ModuleType, patch: pytest.MonkeyPatch) -> None:
        self.s3, self.table, self.create = s3, table, create
        self.events: list[dict[str, Any]] = []
        self.invocations = 0
        self._patch = patch
        patch.setattr(create.bus._events, "put_events", self._put_events)
        patch.setattr(importing, "BATCH", 2)

    def _put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- boto3's name
        for entry in Entries:
            assert (entry["Source"], entry["DetailType"]) == ("invoice.platform", "upload-continued")
            assert entry["EventBusName"] == "invoice-events-dev"
            self.events.append({"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])})
        return {"FailedEntryCount": 0, "Entries": [{}]}

    def upload(self, content: bytes | str, key: str = "incoming/day.csv") -> dict[str, Any]:
        """Write a file; gives its event."""
        body = content.encode() if isinstance(content, str) else content
        answer = self.s3.put_object(Bucket="uploads", Key=key, Body=body)
        thing = {"key": key, "size": len(body), "eTag": answer["ETag"].strip('"'), "sequencer": "0A1"}
        if version := answer.get("VersionId"):
            thing |= {"versionId": version, "sequencer": version}
        return {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "uploads"}, "object": thing}}]}

    def invoke(self, event: dict[str, Any], batches: int = 1, *, inside: bool = False) -> None:
        """One invocation that has time for so many batches of two invoices; ``inside`` another one of this process."""
        self.invocations += 1
        real = self.create.store.create_many
        left = [batches]

        class Clock:
            function_name = "create-invoice"
            memory_limit_in_mb = 512
            invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:create-invoice"
            aws_request_id = "request"
            tenant_id = None

            @staticmethod
            def get_remaining_time_in_millis() -> int:
                return 30_000 if left[0] > 0 else 3_000

        def counted(*arguments: Any) -> Any:
            outcome = real(*arguments)
            left[0] -= 1
            return outcome

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.create.store, "create_many", counted)
            patch.setattr(importing, "WINDOW", 1)  # each batch is through before the next begins, so "late" is exact
            if inside:
                self.create.receive(event, Clock)  # metrics are one for the process
            else:
                self.create.lambda_handler(event, Clock)

    def run(self, event: dict[str, Any], batches: int = 1) -> None:
        """The event, and all that follow from it."""
        pending = [event]
        while pending:
            self.invoke(pending.pop(0), batches)
            pending += self.events
            self.events.clear()

    @property
    def report(self) -> dict[str, Any]:
        """The report, less what no two runs share."""
        found: dict[str, Any] = json.loads(
            self.s3.get_object(Bucket="uploads", Key="reports/day.csv.json")["Body"].read()
        )
        return found

    @property
    def rejected(self) -> list[str]:
        """The lines of the reject report."""
        answer = self.s3.get_object(Bucket="uploads", Key="reports/day.csv.rejected.csv")
        return list(answer["Body"].read().decode("utf-8-sig").splitlines())

    @property
    def numbers(self) -> list[str]:
        items = self.table.scan(ProjectionExpression="invoiceId, invoiceNumber")["Items"]
        return sorted(item["invoiceNumber"] for item in items if "#" not in item["invoiceId"])

    def keys(self, bucket: str) -> list[str]:
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def assert_complete(self, *, created: int = COUNT, rejected: int = 0, duplicates: int = 0) -> None:
        """Every invoice once, every figure exact, and nothing lies about."""
        found = self.report
        assert (found["rows"], found["created"], found["duplicates"], found["rejected"]) == (
            2 * COUNT,
            created,
            duplicates,
            rejected,
        )
        assert len(self.numbers) == len(set(self.numbers))
        reports = ["reports/day.csv.json", *(["reports/day.csv.rejected.csv"] if rejected else [])]
        assert self.keys("uploads") == reports  # neither the original nor parts of reports
        assert len(self.keys("archives")) == 1


@pytest.fixture
def platform(s3: Any, table: Any, load: Load, monkeypatch: pytest.MonkeyPatch) -> Platform:
    for bucket in ("uploads", "archives"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    create = load("create_invoice")
    delete = create.uploads._s3.delete_object

    def deleted(**given: Any) -> Any:
        if given.get("IfMatch") == "*":  # "if it is there", which moto compares as a tag
            given.pop("IfMatch")
        return delete(**given)

    monkeypatch.setattr(create.uploads._s3, "delete_object", deleted)
    return Platform(s3, table, create, monkeypatch)


class CrashError(BaseException):
    """The invocation ends here: the time-out's kill, a lost host."""


def crashing(*_: Any, **__: Any) -> Any:
    raise CrashError


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("utf-8", bytes), ("utf-8-sig", bytes), ("cp1252", bytes), ("utf-16", bytes), ("utf-8", gzip.compress),
     ("utf-16", gzip.compress)],
    ids=["utf-8", "utf-8-bom", "windows-1252", "utf-16", "gzip", "gzip-utf-16"],
)  # fmt: skip
def test_a_file_is_handled_in_as_many_invocations_as_it_takes(
    platform: Platform, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    platform.run(platform.upload(pack(FILE.encode(encoding))))

    platform.assert_complete()
    assert (platform.report["parts"], platform.invocations) == (PARTS, PARTS)
    assert platform.report["bytes"] == len(pack(FILE.encode(encoding)))
    items = boto3.client("dynamodb").scan(TableName=platform.table.name)["Items"]
    lines = [line["M"]["description"]["S"] for item in items if "lines" in item for line in item["lines"]["L"]]
    assert sorted(lines) == sorted(f"{what}\n{n}" for n in range(COUNT) for what in ("Größe", "Other"))
    rows_of = [int(item["source"]["S"].rpartition("#")[2]) for item in items if "lines" in item]
    assert sorted(rows_of) == [2 + 2 * number for number in range(COUNT)]


@pytest.mark.parametrize("damage", [slice(-8, -4), slice(-4, None), slice(-40, -30)], ids=["crc", "size", "content"])
def test_nothing_is_imported_from_a_gzip_file_whose_checksum_is_wrong(platform: Platform, damage: slice) -> None:
    packed = bytearray(gzip.compress(FILE.encode()))
    packed[damage] = bytes(len(packed[damage]))

    platform.run(platform.upload(bytes(packed)))

    found = platform.report
    assert "damaged or cut off" in found["error"]
    assert (found["rows"], found["created"], platform.numbers) == (0, 0, [])
    assert platform.keys("uploads") == ["reports/day.csv.json", "reports/day.csv.rejected.csv"]
    assert len(platform.keys("archives")) == 1


@pytest.mark.parametrize("length", [-1, -8, -200, 30])
def test_nothing_is_imported_from_a_gzip_file_that_is_cut_off(platform: Platform, length: int) -> None:
    platform.run(platform.upload(gzip.compress(FILE.encode())[:length]))
    assert "damaged or cut off" in platform.report["error"]
    assert (platform.report["created"], platform.numbers) == (0, [])


def test_a_gzip_file_is_verified_once(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[Any] = []
    real = intake.verify_gzip
    monkeypatch.setattr(intake, "verify_gzip", lambda *given: verified.append(given) or real(*given))
    platform.run(platform.upload(gzip.compress(FILE.encode())))
    platform.assert_complete()
    assert (platform.report["parts"], len(verified)) == (PARTS, 1)


def test_a_gzip_file_that_cannot_be_verified_in_time_is_reported(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([1.0] * 3)
    with monkeypatch.context() as patch:
        patch.setattr(intake.Intake, "_left", lambda _: next(looks, -1.0))
        platform.run(platform.upload(gzip.compress(FILE.encode() + b"\n" * 10_000_000)))
    assert "too large to be verified within one invocation; split it" in platform.report["error"]
    assert (platform.report["rows"], platform.report["parts"], platform.numbers) == (0, 1, [])


def test_time_that_runs_out_after_a_gzip_file_was_verified_is_headway_once(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = platform.upload(gzip.compress(FILE.encode()))
    real = intake.verify_gzip

    def slow(stream: Any, pulse: Callable[[], None]) -> None:
        real(stream, pulse)
        patch.setattr(intake.Intake, "_left", lambda _: -1.0)

    with monkeypatch.context() as patch:
        patch.setattr(intake, "verify_gzip", slow)
        platform.invoke(event)
        (second,) = platform.events
        platform.events.clear()
        assert platform.numbers == []
        with pytest.raises(importing.OutOfTimeError):
            platform.invoke(second)  # the same again is no headway
    assert platform.events == []

    platform.run(second)

    platform.assert_complete()
    assert platform.report["parts"] == PARTS + 1


def test_a_store_that_sends_the_whole_when_asked_for_the_rest(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As HTTP allows."""
    real = platform.create.uploads._s3.get_object
    monkeypatch.setattr(
        platform.create.uploads._s3,
        "get_object",
        lambda **given: real(**{name: value for name, value in given.items() if name != "Range"}),
    )
    platform.run(platform.upload(FILE))

    platform.assert_complete()
    assert (platform.report["parts"], platform.report["bytes"]) == (PARTS, len(FILE.encode()))


def test_rejected_rows_of_all_parts_are_joined_in_order(platform: Platform) -> None:
    platform.run(platform.upload(FAULTY))

    platform.assert_complete(created=8, rejected=4)
    assert platform.report["parts"] > 2
    assert platform.rejected[0] == "row,column,value,reason"
    assert [line.split(",")[0] for line in platform.rejected[1:]] == ["2", "3", "8", "9", "14", "15", "20", "21"]


def test_later_rows_of_a_rejected_invoice_are_rejected_in_a_later_part_too(platform: Platform) -> None:
    platform.run(platform.upload(FAULTY + rows(0)))
    found = platform.report
    assert (found["created"], found["rejected"]) == (8, 5)
    assert found["parts"] > 2
    assert platform.rejected[-1].startswith(f"{2 + 2 * COUNT},invoice_number,0000,rows of this invoice were rejected")


def test_a_file_that_fits_one_invocation_tells_nobody(platform: Platform) -> None:
    platform.run(platform.upload(FILE), batches=100)

    platform.assert_complete()
    assert (platform.report["parts"], platform.invocations) == (1, 1)


def test_1_killed_before_the_checkpoint_has_moved_the_part_is_done_again(platform: Platform) -> None:
    event = platform.upload(FAULTY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.store, "advance_upload", crashing)
        with pytest.raises(CrashError):
            platform.invoke(event, batches=2)
    assert len(platform.numbers) >= 2  # the invoices are there, the checkpoint is not

    platform.run(event)

    platform.assert_complete(created=8, rejected=4)
    assert len(platform.rejected) == 9


def test_1_killed_by_the_time_out_in_the_middle_of_a_batch(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    real = platform.create.store._create_together

    def half(batch: Any, outcomes: Any) -> Any:
        real(batch[:1], outcomes)
        raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.store, "_create_together", half)
        with pytest.raises(CrashError):
            platform.invoke(second)

    platform.run(second)

    platform.assert_complete()


def test_2_killed_between_checkpoint_and_event_the_same_event_goes_on(platform: Platform) -> None:
    event = platform.upload(FAULTY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.bus, "publish", crashing)
        with pytest.raises(CrashError):
            platform.invoke(event)
    assert platform.events == []

    platform.run(event)

    platform.assert_complete(created=8, rejected=4)
    assert len(platform.rejected) == 9


def test_3_killed_between_event_and_note_two_events_go_on_and_one_of_them_counts(platform: Platform) -> None:
    event = platform.upload(FAULTY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.store, "announce_upload", crashing)
        with pytest.raises(CrashError):
            platform.invoke(event)
    (told,) = platform.events
    platform.events.clear()

    platform.invoke(event, batches=2)  # delivered once more; it goes on, since the table knows of no event
    platform.invoke(told)  # past by now: does nothing
    (after,) = platform.events
    assert after["detail"]["checkpoint"] == 2
    platform.events.clear()
    platform.run(after)
    platform.assert_complete(created=8, rejected=4)


def test_3_two_invocations_that_do_the_same_part_at_once(platform: Platform) -> None:
    """The slower one has come further, but the other has moved the checkpoint: its rows and figures count."""
    event = platform.upload(FAULTY)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    real = platform.create.store.advance_upload

    def overtaken(*arguments: Any) -> Any:
        patch.undo()
        platform.invoke(second, inside=True)  # the same event, handled elsewhere at the same time
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.store, "advance_upload", overtaken)
        platform.invoke(second, batches=3)
    assert [found["detail"]["checkpoint"] for found in platform.events] == [2]

    platform.run(platform.events.pop())

    found = platform.report
    assert (found["rows"], found["created"], found["rejected"]) == (2 * COUNT, 8, 4)
    assert len(platform.rejected) == 9


def test_every_event_delivered_twice(platform: Platform) -> None:
    pending = [platform.upload(FAULTY)]
    while pending:
        event = pending.pop(0)
        for _ in range(2):
            platform.invoke(event)
        pending += platform.events
        platform.events.clear()

    platform.assert_complete(created=8, rejected=4)
    assert len(platform.rejected) == 9
    assert platform.invocations == 2 * platform.report["parts"]


@pytest.mark.parametrize("step", ["put_report", "archive", "withdraw_report"])
def test_4_killed_while_it_reports_the_report_comes_out_the_same(platform: Platform, step: str) -> None:
    event = platform.upload(FILE if step == "withdraw_report" else FAULTY)
    pending = [event]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.uploads, step, crashing)
        while pending:
            last = pending.pop(0)
            try:
                platform.invoke(last)
            except CrashError:
                break
            pending += platform.events
            platform.events.clear()

    platform.run(last)

    platform.assert_complete(**({} if step == "withdraw_report" else {"created": 8, "rejected": 4}))
    assert platform.report["parts"] == platform.invocations - 1


def test_5_killed_when_all_is_done_the_rest_is_cleaned_away(platform: Platform) -> None:
    event = platform.upload(FAULTY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.uploads, "remove", crashing)
        with pytest.raises(CrashError):
            platform.invoke(event, batches=100)
    assert any(key.endswith(".part") for key in platform.keys("uploads"))
    before = platform.report

    platform.invoke(event)

    platform.assert_complete(created=8, rejected=4)
    assert platform.report == before


def test_a_key_that_is_written_again_under_way_is_another_upload(platform: Platform) -> None:
    first = platform.upload(FILE)
    platform.invoke(first)
    second = platform.upload(FILE)  # the same bytes: its invoices are those of the first, row by row
    pending = [*platform.events, second]
    platform.events.clear()
    reports: dict[str, dict[str, Any]] = {}
    while pending:  # in turns
        platform.invoke(pending.pop(0))
        pending += platform.events
        platform.events.clear()
        if "reports/day.csv.json" in platform.keys("uploads"):
            reports[platform.report["versionId"]] = platform.report

    assert len(reports) == 2
    assert all(found["rows"] == 2 * COUNT for found in reports.values())
    assert sum(found["created"] for found in reports.values()) == COUNT
    assert sum(found["duplicates"] for found in reports.values()) == COUNT
    assert len(platform.numbers) == COUNT
    assert platform.keys("uploads") == ["reports/day.csv.json"]


def test_a_file_that_is_deleted_under_way_is_read_on_by_its_version(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    platform.s3.delete_object(Bucket="uploads", Key="incoming/day.csv")

    platform.run(platform.events.pop())

    platform.assert_complete()


@pytest.mark.parametrize("how", ["deleted", "overwritten"])
def test_bytes_that_disappear_under_way_are_reported(
    s3: Any, table: Any, load: Load, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    platform = Platform(s3, table, load("create_invoice"), monkeypatch)  # buckets that keep no versions
    event = platform.upload(FILE)
    platform.invoke(event)
    if how == "deleted":
        s3.delete_object(Bucket="uploads", Key="incoming/day.csv")
    else:
        s3.put_object(Bucket="uploads", Key="incoming/day.csv", Body=b"another file")

    platform.run(platform.events.pop())

    found = platform.report
    assert "deleted or replaced while it was imported" in found["error"]
    assert (found["rows"], found["created"]) == (4, 2)
    assert platform.rejected[1].startswith("6,")
    assert ("incoming/day.csv" in platform.keys("uploads")) == (how == "overwritten")


def test_an_invocation_without_headway_fails_and_tells_nobody(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    with pytest.raises(importing.OutOfTimeError):
        platform.invoke(second, batches=0)
    assert platform.events == []

    platform.run(second)

    platform.assert_complete()


def test_damage_in_a_later_part_keeps_what_stands_before_it(platform: Platform) -> None:
    file = HEADER + "".join(rows(number) for number in range(3 * COUNT))  # less would be read whole at once
    platform.run(platform.upload(file + "x" * 2_000_000), batches=3)

    found = platform.report
    assert "a line of more than a million characters" in found["error"]
    assert platform.rejected[-1].split(",")[0] == str(2 + 2 * 3 * COUNT)  # the row after the last one that was read
    assert (found["created"], found["parts"]) == (3 * COUNT - 1, PARTS)  # the last may go on beyond the damage
    assert len(platform.numbers) == 3 * COUNT - 1


def test_events_of_long_ago_and_of_uploads_that_are_done_do_nothing(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    (second,) = platform.events
    platform.run(second)
    platform.events.clear()
    before = (platform.report, platform.numbers, platform.keys("archives"))
    unknown = {"detail": second["detail"] | {"key": "incoming/other.csv"}}
    for again in (event, second, unknown):
        platform.invoke(again)
    assert (platform.report, platform.numbers, platform.keys("archives")) == before
    assert platform.events == []


def test_a_throttled_table_makes_the_import_wait_and_then_continue(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    monkeypatch.setattr(importing.time, "sleep", lambda _: None)
    real = platform.create.store._dynamodb.transact_write_items
    answers = iter([True, False, True, True, False])

    def throttled(**given: Any) -> Any:
        if next(answers, False):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "TransactWriteItems")
        return real(**given)

    monkeypatch.setattr(platform.create.store._dynamodb, "transact_write_items", throttled)
    platform.run(platform.upload(FILE))
    platform.assert_complete()


def test_metrics_count_an_upload_once(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.run(platform.upload(FAULTY))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert sum(sum(line.get("InvoicesCreated", [0])) for line in lines if "_aws" in line) == 8
    assert sum(sum(line.get("UploadInvoicesRejected", [0])) for line in lines if "_aws" in line) == 4


def test_a_checkpoint_reads_back_as_it_was_written() -> None:
    figures = Figures("s3://b/k", "v", 7, 1, 2, 3, 4, 5, 0.25, 6, "damaged")
    dialect = Dialect(gzipped=True, encoding="utf-16-le", delimiter="\t", header=["invoicenumber", ""])
    point = Checkpoint(
        3,
        2,
        Place(10, 4),
        dialect,
        verified=True,
        etag="tag",
        rejects=("a", "b"),
        rejects_size=9,
        refused=("c",),
        figures=figures,
    )
    assert Checkpoint.from_text(point.text(), part=3, announced=2, done=False) == point
    assert Checkpoint.from_text(Checkpoint().text(), part=0, announced=0, done=True) == Checkpoint(done=True)
    assert Decimal(str(point.figures.duration_seconds)) == Decimal("0.25")


@pytest.mark.parametrize(
    ("checkpoint", "part", "falls"),
    [
        (Checkpoint(), 0, True),
        (Checkpoint(part=1, announced=0), 0, True),
        (Checkpoint(part=1, announced=1), 0, False),
        (Checkpoint(part=1, announced=1), 1, True),
        (Checkpoint(part=2, announced=1), 1, True),
        (Checkpoint(part=2, announced=1), 0, True),
        (Checkpoint(part=2, announced=2), 1, False),
        (Checkpoint(part=2, announced=2, done=True), 2, False),
    ],
)
def test_whose_turn_it_is(checkpoint: Checkpoint, part: int, *, falls: bool) -> None:
    assert checkpoint.falls_to(part) == falls
