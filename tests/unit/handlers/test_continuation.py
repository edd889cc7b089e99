"""Uploads that take several invocations: wherever one of them is killed, nothing is lost, repeated or counted twice.

Each test names the moment of the timeline in `invoicing.uploads.intake` at which it interferes.
"""

import gzip
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from invoicing.uploads import csv_bytes, csv_invoices, pacing
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.csv_file import Dialect
from invoicing.uploads.csv_rows import Place
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.reports import Figures
from invoicing.uploads.survey import LOOK, Evidence, Findings
from tests.unit.handlers.parts import COUNT, FILE, HEADER, PARTS, WITH_ERRORS, Platform, rows


class CrashError(BaseException):
    """The invocation ends here: it was killed by its time-out, or lost its host."""


def crash(*_: Any, **__: Any) -> Any:
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
    assert sorted(lines) == sorted(f"{word}\n{n}" for n in range(COUNT) for word in ("Größe", "Other"))
    rows_of = [int(item["source"]["S"].rpartition("#")[2]) for item in items if "lines" in item]
    assert sorted(rows_of) == [2 + 2 * number for number in range(COUNT)]


def test_rejected_rows_of_all_parts_are_joined_in_order(platform: Platform) -> None:
    platform.run(platform.upload(WITH_ERRORS))

    platform.assert_complete(created=8, rejected=4)
    assert platform.report["parts"] > 2
    assert platform.rejected[0] == "row,column,value,reason"
    assert [line.split(",")[0] for line in platform.rejected[1:]] == ["2", "3", "8", "9", "14", "15", "20", "21"]


def test_invoices_whose_rows_stand_apart_are_created_whole_in_as_many_invocations_as_it_takes(
    platform: Platform,
) -> None:
    lines = [f'{5000 + number},C-1,2026-11-01,EUR,"{{}}\n{number}",2,10.50,19\n' for number in range(COUNT)]
    file = HEADER + "".join(line.format(text) for text in ("Größe", "Other") for line in lines)

    platform.run(platform.upload(file))

    platform.assert_complete()
    assert platform.report["parts"] == PARTS
    items = platform.table.scan()["Items"]
    assert [len(item["lines"]) for item in items if "lines" in item] == [2] * COUNT


def test_rows_of_a_rejected_invoice_that_are_far_below_are_rejected_with_it(platform: Platform) -> None:
    platform.run(platform.upload(WITH_ERRORS + rows(0).replace("Größe", "More").replace("Other", "Even more")))

    assert (platform.report["created"], platform.report["rejected"]) == (8, 4)
    assert platform.report["parts"] > 2
    assert f"invoice 5000 (4 rows from 2 to {3 + 2 * COUNT}) was not imported" in platform.rejected[-2]


@pytest.mark.parametrize(("pack", "first"), [(bytes, 30), (gzip.compress, 120)], ids=["plain", "gzip"])
def test_a_survey_that_takes_several_invocations_goes_on_where_it_was(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes], first: int
) -> None:
    """GIVEN time for a few blocks in each invocation THEN nothing is created before the survey's end, then all is."""
    monkeypatch.setattr(csv_bytes, "_BLOCK", 1 << 6)
    more = rows(0).replace("Größe", "More").replace("Other", "Even more")
    file = pack((HEADER + "".join(map(rows, range(60))) + more).encode())
    pending, invocations = [platform.upload(file)], 0
    while pending and not platform.numbers:
        blocks = itertools.count()

        def check(_: Deadline, blocks: Iterator[int] = blocks, most: int = first * (1 + invocations)) -> None:
            if next(blocks) > most:
                raise OutOfTimeError

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Deadline, "check", check)
            platform.invoke(pending.pop(0), batches=100)
        invocations += 1
        pending += platform.events
        platform.events.clear()
    while pending:
        platform.run(pending.pop(0), batches=100)

    report = platform.report
    assert invocations > 2
    assert (report["rows"], report["created"], report["rejected"]) == (122, 60, 0)
    assert platform.keys("uploads") == ["reports/day.csv.json"]
    lines = {item["invoiceNumber"]: len(item["lines"]) for item in platform.table.scan()["Items"] if "lines" in item}
    assert lines == {f"{5000 + number}": 2 if number else 4 for number in range(60)}


@pytest.mark.volume
def test_rows_that_all_stand_apart_are_imported_however_short_the_invocations_are(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN time for a fraction of the file in each invocation THEN each of them gets further."""
    monkeypatch.setattr(csv_bytes, "_BLOCK", 1 << 6)
    monkeypatch.setattr(csv_invoices, "_MAX_PASSED", 3)
    lines = [f"{5000 + number},C-1,2026-11-01,EUR,{{}},2,10.50,19\n" for number in range(200)]
    file = HEADER + "".join(line.format(text) for text in ("Rope", "Cup") for line in lines)
    pending = [platform.upload(file)]
    while pending:
        blocks = itertools.count()

        def check(_: Deadline, blocks: Iterator[int] = blocks) -> None:
            if next(blocks) > 70:
                raise OutOfTimeError

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Deadline, "check", check)
            platform.invoke(pending.pop(0), batches=100)
        pending += platform.events
        platform.events.clear()

    report = platform.report
    assert report["parts"] > 8
    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (400, 200, 0, 0)
    assert platform.keys("uploads") == ["reports/day.csv.json"]
    assert {len(item["lines"]) for item in platform.table.scan()["Items"] if "lines" in item} == {2}


def test_a_file_that_fits_one_invocation_sends_no_event(platform: Platform) -> None:
    platform.run(platform.upload(FILE), batches=100)

    platform.assert_complete()
    assert (platform.report["parts"], platform.invocations) == (1, 1)


def test_1_killed_before_the_checkpoint_has_moved_the_part_is_repeated(platform: Platform) -> None:
    event = platform.upload(WITH_ERRORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.progress, "advance", crash)
        with pytest.raises(CrashError):
            platform.invoke(event, batches=2)
    assert len(platform.numbers) >= 2  # the invoices are in the table, the checkpoint has not moved

    platform.run(event)

    platform.assert_complete(created=8, rejected=4)
    assert len(platform.rejected) == 9


def test_1_killed_by_the_time_out_in_the_middle_of_a_batch(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    create_together = platform.create.loader._create_together

    def half(batch: Any, outcomes: Any) -> Any:
        create_together(batch[:1], outcomes)
        raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.loader, "_create_together", half)
        with pytest.raises(CrashError):
            platform.invoke(second)

    platform.run(second)

    platform.assert_complete()


def test_2_killed_between_checkpoint_and_event_the_same_event_goes_on(platform: Platform) -> None:
    event = platform.upload(WITH_ERRORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.bus, "publish", crash)
        with pytest.raises(CrashError):
            platform.invoke(event)
    assert platform.events == []

    platform.run(event)

    platform.assert_complete(created=8, rejected=4)
    assert len(platform.rejected) == 9


def test_3_killed_between_event_and_record_two_events_go_on_and_one_of_them_counts(platform: Platform) -> None:
    event = platform.upload(WITH_ERRORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.progress, "record_announcement", crash)
        with pytest.raises(CrashError):
            platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()

    platform.invoke(event, batches=2)  # delivered again; it goes on, because the table shows no event
    platform.invoke(second)  # of an earlier part by now: does nothing
    (third,) = platform.events
    assert third["detail"]["checkpoint"] == 2
    platform.events.clear()
    platform.run(third)
    platform.assert_complete(created=8, rejected=4)


def test_3_two_invocations_that_do_the_same_part_at_once(platform: Platform) -> None:
    """The slower one came further, but the other one moved the checkpoint: its rows and figures count."""
    event = platform.upload(WITH_ERRORS)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    advance = platform.create.progress.advance

    def overtaken(*arguments: Any) -> Any:
        patch.undo()
        platform.invoke(second, inside=True)  # the same event, handled elsewhere at the same time
        return advance(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.progress, "advance", overtaken)
        platform.invoke(second, batches=3)
    assert [event["detail"]["checkpoint"] for event in platform.events] == [2]

    platform.run(platform.events.pop())

    report = platform.report
    assert (report["rows"], report["created"], report["rejected"]) == (2 * COUNT, 8, 4)
    assert len(platform.rejected) == 9


def test_3_an_invocation_that_is_overtaken_to_the_end_leaves_nothing(platform: Platform) -> None:
    """GIVEN two events for one part THEN rows that the slower one keeps after the other has cleaned up are deleted."""
    event = platform.upload(WITH_ERRORS)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    put_part = platform.create.uploads.put_part

    def overtaken(*arguments: Any) -> Any:
        patch.undo()
        pending = [second]
        while pending:
            platform.invoke(pending.pop(0), batches=100, inside=True)
            pending += platform.events
            platform.events.clear()
        return put_part(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.uploads, "put_part", overtaken)
        platform.invoke(second, batches=2)

    platform.assert_complete(created=8, rejected=4)


def test_every_event_delivered_twice(platform: Platform) -> None:
    pending = [platform.upload(WITH_ERRORS)]
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
    event = platform.upload(FILE if step == "withdraw_report" else WITH_ERRORS)
    pending = [event]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.uploads, step, crash)
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


def test_5_killed_when_everything_is_done_the_rest_is_deleted(platform: Platform) -> None:
    event = platform.upload(WITH_ERRORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform.create.uploads, "remove", crash)
        with pytest.raises(CrashError):
            platform.invoke(event, batches=100)
    assert any(key.endswith(".part") for key in platform.keys("uploads"))
    before = platform.report

    platform.invoke(event)

    platform.assert_complete(created=8, rejected=4)
    assert platform.report == before


def test_an_invocation_without_progress_fails_and_sends_no_event(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    (second,) = platform.events
    platform.events.clear()
    with pytest.raises(OutOfTimeError):
        platform.invoke(second, batches=0)
    assert platform.events == []

    platform.run(second)

    platform.assert_complete()


def test_old_events_and_events_of_finished_uploads_do_nothing(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    (second,) = platform.events
    platform.run(second)
    platform.events.clear()
    before = (platform.report, platform.numbers, platform.keys("archives"))
    unknown = {"detail": second["detail"] | {"key": "incoming/other.csv"}}

    for old_event in (event, second, unknown):
        platform.invoke(old_event)

    assert (platform.report, platform.numbers, platform.keys("archives")) == before
    assert platform.events == []


def throttle(patch: pytest.MonkeyPatch, dynamodb: Any, operation: str, throttles: Iterable[bool]) -> list[float]:
    """Throttle the calls of an operation at which ``throttles`` is true; returns a list of the pauses that follow."""
    real, decisions, pauses = getattr(dynamodb, operation), iter(throttles), list[float]()
    code = {"Code": "TransactionCanceledException"}
    reasons = [{"Code": "None"}, {"Code": "ProvisionedThroughputExceeded"}]
    exception = dynamodb.exceptions.TransactionCanceledException
    if operation != "transact_write_items":
        code, exception = {"Code": "ProvisionedThroughputExceededException"}, ClientError

    def throttled(**request: Any) -> Any:
        if next(decisions, False):
            raise exception({"Error": code, "CancellationReasons": reasons}, operation)
        return real(**request)

    patch.setattr("invoicing.uploads.pacing.time.sleep", pauses.append)
    patch.setattr(dynamodb, operation, throttled)
    return pauses


def test_a_throttled_import_writes_one_by_one_at_the_tables_pace(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a table that throttles transactions, and two single writes THEN the import waits longer, and completes."""
    dynamodb = platform.create.upload_table._dynamodb
    throttle(monkeypatch, dynamodb, "transact_write_items", itertools.cycle([True]))
    # The first put is the upload's marker.
    pauses = throttle(monkeypatch, dynamodb, "put_item", [False, True, True])

    platform.run(platform.upload(FILE), batches=1000)

    platform.assert_complete()
    shortest, longest = 0.67 * pacing.FIRST_INTERVAL_S, 1.33 * pacing.FIRST_INTERVAL_S * 1.5**2
    assert len(pauses) == COUNT + 2
    assert all(shortest * 0.5 <= pause <= longest for pause in pauses)


def test_what_a_throttled_part_wrote_counts_and_the_next_part_goes_on_from_there(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a table that takes five invoices and then nothing THEN they are counted, and the rest follows later."""
    dynamodb = platform.create.upload_table._dynamodb
    throttle(monkeypatch, dynamodb, "transact_write_items", itertools.cycle([True]))
    pauses = throttle(monkeypatch, dynamodb, "put_item", [False] * 6 + [True] * 30)

    class Context:
        function_name, memory_limit_in_mb, aws_request_id, tenant_id = "create-invoice", 512, "request", None
        invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:create-invoice"

        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return 60_000 if len(pauses) < 30 else 3_000

    platform.create.lambda_handler(platform.upload(FILE), Context)

    assert len(platform.numbers) == 5
    [event] = platform.events
    platform.events.clear()
    platform.run(event, batches=1000)
    platform.assert_complete()


def test_metrics_count_an_upload_once(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.run(platform.upload(WITH_ERRORS))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]

    assert sum(sum(line.get("InvoicesCreated", [0])) for line in lines if "_aws" in line) == 8
    assert sum(sum(line.get("UploadInvoicesRejected", [0])) for line in lines if "_aws" in line) == 4


def test_a_checkpoint_reads_back_as_it_was_written() -> None:
    figures = Figures("s3://b/k", "v", 7, 1, 2, 3, 4, 5, 0.25, 6, "damaged")
    dialect = Dialect(gzipped=True, encoding="utf-16-le", delimiter="\t")
    evidence = Evidence(2, 3, ["customer_id"], {"tax_rate": {"ratio": 9}}, 8, 4, "Größe", [["invoicenumber", ""]])
    findings = Findings(LOOK, Place(7, 3), evidence, has_apart=True, are_collected=True)

    checkpoint = Checkpoint(
        3,
        2,
        Place(10, 4, 1, 5),
        dialect,
        findings,
        memory="key",
        unpacked=12,
        etag="tag",
        rejects=("a", "b"),
        rejects_size=9,
        figures=figures,
    )

    assert Checkpoint.from_text(checkpoint.text(), part=3, announced=2, done=False) == checkpoint
    assert Checkpoint.from_text(Checkpoint().text(), part=0, announced=0, done=True) == Checkpoint(done=True)
    assert Decimal(str(checkpoint.figures.duration_seconds)) == Decimal("0.25")


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
def test_which_event_goes_on(checkpoint: Checkpoint, part: int, *, falls: bool) -> None:
    assert checkpoint.falls_to(part) == falls
