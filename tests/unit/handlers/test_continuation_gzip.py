"""Gzip files that take several invocations: verified first, and once."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from invoicing.uploads import source
from invoicing.uploads.csv_bytes import verify_gzip
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from tests.unit.handlers.parts import FILE, PARTS, Platform


@pytest.mark.parametrize("damage", [slice(-8, -4), slice(-4, None), slice(-40, -30)], ids=["crc", "size", "content"])
def test_nothing_is_imported_from_a_gzip_file_whose_checksum_is_wrong(platform: Platform, damage: slice) -> None:
    packed = bytearray(gzip.compress(FILE.encode()))
    packed[damage] = bytes(len(packed[damage]))

    platform.run(platform.upload(bytes(packed)))

    report = platform.report
    assert "damaged or cut off" in report["error"]
    assert (report["rows"], report["created"], platform.numbers) == (0, 0, [])
    assert platform.keys("uploads") == ["reports/day.csv.json", "reports/day.csv.rejected.csv"]
    assert len(platform.keys("archives")) == 1


@pytest.mark.parametrize("length", [-1, -8, -200, 30])
def test_nothing_is_imported_from_a_gzip_file_that_is_cut_off(platform: Platform, length: int) -> None:
    platform.run(platform.upload(gzip.compress(FILE.encode())[:length]))

    assert "damaged or cut off" in platform.report["error"]
    assert (platform.report["created"], platform.numbers) == (0, [])


def test_a_gzip_file_is_verified_once(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    real = verify_gzip
    monkeypatch.setattr(source, "verify_gzip", lambda *arguments: calls.append(arguments) or real(*arguments))
    platform.run(platform.upload(gzip.compress(FILE.encode())))

    platform.assert_complete()

    assert (platform.report["parts"], len(calls)) == (PARTS, 1)


def test_a_gzip_file_that_cannot_be_verified_in_time_is_reported(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([1.0] * 3)

    with monkeypatch.context() as patch:
        patch.setattr(Deadline, "seconds_left", lambda _: next(seconds, -1.0))
        platform.run(platform.upload(gzip.compress(FILE.encode() + b"\n" * 10_000_000)))

    assert "too large to be verified within one invocation; split it" in platform.report["error"]
    assert (platform.report["rows"], platform.report["parts"], platform.numbers) == (0, 1, [])


def test_a_part_that_only_verifies_a_gzip_file_is_progress_once(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = platform.upload(gzip.compress(FILE.encode()))
    real = verify_gzip

    def slow(stream: Any, pulse: Callable[[], None]) -> int:
        size = real(stream, pulse)
        patch.setattr(Deadline, "seconds_left", lambda _: -1.0)
        return size

    with monkeypatch.context() as patch:
        patch.setattr(source, "verify_gzip", slow)
        platform.invoke(event)
        (second,) = platform.events
        platform.events.clear()
        assert platform.numbers == []
        with pytest.raises(OutOfTimeError):
            platform.invoke(second)  # the same again is not progress
    assert platform.events == []

    platform.run(second)

    platform.assert_complete()
    assert platform.report["parts"] == PARTS + 1
