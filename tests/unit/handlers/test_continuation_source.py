"""Files that change, disappear or turn out to be damaged while they are imported."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.handlers.parts import COUNT, FILE, HEADER, PARTS, Platform, rows


def test_a_server_that_sends_the_whole_file_instead_of_a_range(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP allows that (RFC 9110, section 14.2)."""
    real = platform.create.uploads._s3.get_object
    monkeypatch.setattr(
        platform.create.uploads._s3,
        "get_object",
        lambda **request: real(**{name: value for name, value in request.items() if name != "Range"}),
    )
    platform.run(platform.upload(FILE))

    platform.assert_complete()
    assert (platform.report["parts"], platform.report["bytes"]) == (PARTS, len(FILE.encode()))


def test_a_key_that_is_written_again_before_the_end_is_another_upload(platform: Platform) -> None:
    first = platform.upload(FILE)
    platform.invoke(first)
    second = platform.upload(FILE)  # the same bytes: its invoices are those of the first, row by row
    pending = [*platform.events, second]
    platform.events.clear()
    reports: dict[str, dict[str, Any]] = {}
    while pending:  # the two uploads in turns
        platform.invoke(pending.pop(0))
        pending += platform.events
        platform.events.clear()
        if "reports/day.csv.json" in platform.keys("uploads"):
            reports[platform.report["versionId"]] = platform.report

    assert len(reports) == 2
    assert all(report["rows"] == 2 * COUNT for report in reports.values())
    assert sum(report["created"] for report in reports.values()) == COUNT
    assert sum(report["duplicates"] for report in reports.values()) == COUNT
    assert len(platform.numbers) == COUNT
    assert platform.keys("uploads") == ["reports/day.csv.json"]


def test_a_file_that_is_deleted_before_the_end_is_read_on_by_its_version(platform: Platform) -> None:
    event = platform.upload(FILE)
    platform.invoke(event)
    platform.s3.delete_object(Bucket="uploads", Key="incoming/day.csv")

    platform.run(platform.events.pop())

    platform.assert_complete()


@pytest.mark.parametrize("how", ["deleted", "overwritten"])
def test_bytes_that_disappear_before_the_end_are_reported(
    s3: Any, table: Any, load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    platform = Platform(s3, table, load("create_invoice"), monkeypatch)  # buckets that keep no versions
    event = platform.upload(FILE)
    platform.invoke(event)
    if how == "deleted":
        s3.delete_object(Bucket="uploads", Key="incoming/day.csv")
    else:
        s3.put_object(Bucket="uploads", Key="incoming/day.csv", Body=b"another file")

    platform.run(platform.events.pop())

    report = platform.report
    assert "deleted or replaced while it was imported" in report["error"]
    assert (report["rows"], report["created"]) == (4, 2)
    assert platform.rejected[1].startswith("6,")
    assert ("incoming/day.csv" in platform.keys("uploads")) == (how == "overwritten")


def test_damage_in_a_later_part_keeps_the_invoices_before_it(platform: Platform) -> None:
    file = HEADER + "".join(
        rows(number) for number in range(3 * COUNT)
    )  # a smaller file would be read completely at once
    platform.run(platform.upload(file + "x" * 2_000_000), batches=3)

    report = platform.report
    assert "a line of more than a million characters" in report["error"]
    assert platform.rejected[-1].split(",")[0] == str(2 + 2 * 3 * COUNT)  # the row after the last one that was read
    assert (report["created"], report["parts"]) == (3 * COUNT - 1, PARTS)  # the last one may go on beyond the damage
    assert len(platform.numbers) == 3 * COUNT - 1
