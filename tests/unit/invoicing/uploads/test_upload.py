"""What an event says about uploads."""

from typing import Any

import pytest

from invoicing.uploads.upload import Upload, uploads_in

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
