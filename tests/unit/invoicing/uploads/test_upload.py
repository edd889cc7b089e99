"""What an event says about uploads."""

import re
from typing import Any

import pytest

from invoicing.uploads.upload import MAX_KEY, Upload, uploads_in

OBJECT = {"key": "incoming/a+b%2B.csv", "size": 7, "eTag": "e", "sequencer": "0A", "versionId": "v"}
RECORD = {"s3": {"bucket": {"name": "uploads"}, "object": OBJECT}}
UPLOAD = Upload("uploads", "incoming/a b+.csv", "e", "0A", "v", 7)


def test_an_event_of_s3_names_new_uploads() -> None:
    assert uploads_in({"Records": [RECORD, RECORD]}) == [(UPLOAD, 0), (UPLOAD, 0)]


def test_a_continued_upload_is_named_with_its_next_part() -> None:
    event = {"detail-type": "upload-continued", "detail": UPLOAD.detail() | {"checkpoint": 3}}

    assert uploads_in(event) == [(UPLOAD, 3)]


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Event": "s3:TestEvent"}])
def test_other_events_name_nothing(event: dict[str, Any]) -> None:
    assert uploads_in(event) == []


def test_each_version_of_a_key_is_a_separate_upload() -> None:
    later = Upload("uploads", "incoming/a b+.csv", "e", "0B", "w", 7)

    assert later.digest != UPLOAD.digest
    assert later.key_digest == UPLOAD.key_digest


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("day.csv", r"day\.[0-9a-f]{12}\.csv"),
        ("a/b.CSV", r"a/b\.[0-9a-f]{12}\.CSV"),
        ("b.csv.gz", r"b\.[0-9a-f]{12}\.csv\.gz"),
        ("other", r"other\.[0-9a-f]{12}"),
    ],
)
def test_each_upload_has_an_archive_name_of_its_own(name: str, pattern: str) -> None:
    first, second = (Upload("uploads", f"incoming/{name}", "e", "0A", version) for version in "vw")

    assert re.fullmatch(pattern, first.archive_name)
    assert first.archive_name != second.archive_name


@pytest.mark.parametrize("letter", ["n", "ż", "請"])
def test_the_longest_names_can_be_archived(letter: str) -> None:
    stem = letter * ((MAX_KEY - len("incoming/.csv.gz")) // len(letter.encode()))
    uploads = [Upload("uploads", f"incoming/{stem[:-1]}{last}.csv.gz", "", "") for last in "ab"]

    names = {upload.archive_name for upload in uploads}

    assert len(names) == 2
    for name in names:
        assert MAX_KEY - len(letter.encode()) < len(f"2026/11/{name}".encode()) <= MAX_KEY
        assert name.endswith(".csv.gz")
