"""The checkpoint after a part, for each outcome of reading, and what the survey remembers."""

from dataclasses import replace
from typing import Any

import pytest

from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.csv_file import Dialect
from invoicing.uploads.csv_rows import Place
from invoicing.uploads.handover import keep_memory, next_checkpoint
from invoicing.uploads.reader import Prepared, Read, ReadOutcome, Surveyed, Unreadable
from invoicing.uploads.reports import Figures
from invoicing.uploads.source import BrokenSource, Source
from invoicing.uploads.survey import DONE, LOOK, RECOUNT, Findings
from invoicing.uploads.upload import Upload
from tests.data.csv_reading import byte_stream

DIALECT = Dialect(gzipped=True, encoding="utf-8", delimiter=",")
FIGURES = Figures("s3://uploads/incoming/a.csv", rows=2)
COMPLETE = Findings(DONE)
BEFORE = Checkpoint(part=1, announced=1, place=Place(10, 2), dialect=DIALECT, findings=COMPLETE, etag="e")
SOURCE = Source(lambda _: byte_stream(b""), 20, "e", 40)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Read(DIALECT, Place(15, 3), None), {"place": Place(15, 3), "ended": False, "findings": COMPLETE}),
        (Read(DIALECT, None, None), {"place": None, "ended": True, "findings": COMPLETE}),
        (
            Read(DIALECT, Place(15, 3), Surveyed(Findings(DONE, has_apart=True), b"x")),
            {"place": Place(15, 3), "ended": False, "findings": Findings(DONE, has_apart=True)},
        ),
        (Unreadable(3, "it is damaged", Findings(LOOK)), {"place": None, "ended": True, "findings": Findings(LOOK)}),
        (Prepared(), {"place": Place(10, 2), "ended": False, "findings": COMPLETE, "dialect": None}),
        (
            Prepared(DIALECT, Surveyed(Findings(RECOUNT, Place(5, 2)), b"x")),
            {"place": Place(10, 2), "findings": Findings(RECOUNT, Place(5, 2)), "dialect": DIALECT},
        ),
    ],
    ids=["read", "read-to-its-end", "read-after-the-survey", "unreadable", "verified", "surveyed-in-part"],
)
def test_each_outcome_moves_the_checkpoint(outcome: ReadOutcome, expected: dict[str, Any]) -> None:
    checkpoint = next_checkpoint(BEFORE, SOURCE, outcome, FIGURES)

    assert {name: getattr(checkpoint, name) for name in expected} == expected
    assert (checkpoint.part, checkpoint.announced, checkpoint.done) == (2, 1, False)
    assert (checkpoint.unpacked, checkpoint.etag, checkpoint.figures) == (40, "e", FIGURES)


def test_bytes_that_are_gone_keep_the_tag_of_those_that_were_read() -> None:
    gone = BrokenSource(20, "e", None, reason="gone")

    checkpoint = next_checkpoint(BEFORE, gone, Unreadable(2, gone.reason, COMPLETE), FIGURES)

    assert (checkpoint.etag, checkpoint.ended, checkpoint.unpacked) == ("e", True, None)


class _Parts:
    """Records what is stored."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    def put_object(self, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 -- boto3's names
        self.bodies[Key] = Body


@pytest.mark.parametrize(
    ("surveyed", "name"),
    [
        (Surveyed(Findings(LOOK, Place(7, 2)), b"m"), "00001-survey-7"),
        (Surveyed(Findings(DONE), b"m"), "00001-survey-done"),
    ],
    ids=["interrupted", "complete"],
)
def test_what_the_survey_remembers_is_stored_under_the_place_where_it_goes_on(surveyed: Surveyed, name: str) -> None:
    s3 = _Parts()
    upload = Upload("uploads", "incoming/a.csv", "", "")
    before = replace(BEFORE, findings=surveyed.findings, memory="old")

    kept = keep_memory(UploadStore("archives", s3), upload, before, Prepared(DIALECT, surveyed))  # type: ignore[arg-type]

    assert kept.memory == f"reports/parts/{upload.digest}/{name}.part"
    assert s3.bodies == {kept.memory: b"m"}


def test_a_survey_that_remembers_nothing_forgets_what_it_stored_before() -> None:
    store, upload = UploadStore("archives", _Parts()), Upload("uploads", "incoming/a.csv", "", "")  # type: ignore[arg-type]
    before = replace(BEFORE, memory="old")

    assert keep_memory(store, upload, before, Read(DIALECT, None, Surveyed(COMPLETE, b""))).memory == ""
    assert keep_memory(store, upload, before, Read(DIALECT, None, None)).memory == "old"
    assert keep_memory(store, upload, before, Unreadable(1, "damaged", COMPLETE)).memory == "old"
