"""The checkpoint after a part, for each outcome of reading."""

import io
from typing import Any

import pytest

from invoicing.uploads.checkpoints import Checkpoint, Dialect
from invoicing.uploads.csv_invoices import Place
from invoicing.uploads.handover import next_checkpoint
from invoicing.uploads.reader import Read, ReadOutcome, Unreadable, Verified
from invoicing.uploads.reports import Figures
from invoicing.uploads.source import BrokenSource, Source

DIALECT = Dialect(gzipped=True, encoding="utf-8", delimiter=",", header=["invoicenumber"])
FIGURES = Figures("s3://uploads/incoming/a.csv", rows=2)
BEFORE = Checkpoint(part=1, announced=1, place=Place(10, 2), dialect=DIALECT, etag="e", rejected_invoices=("a",))
SOURCE = Source(io.BufferedReader(io.BytesIO()), 20, "e", verified=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (
            Read(DIALECT, Place(15, 3), ("a", "b")),
            {"place": Place(15, 3), "ended": False, "rejected_invoices": ("a", "b")},
        ),
        (Read(DIALECT, None, ("a",)), {"place": None, "ended": True, "rejected_invoices": ("a",)}),
        (Unreadable(3, "it is damaged"), {"place": None, "ended": True, "rejected_invoices": ("a",)}),
        (Verified(), {"place": Place(10, 2), "ended": False, "rejected_invoices": ("a",)}),
    ],
    ids=["read", "read-to-its-end", "unreadable", "verified"],
)
def test_each_outcome_moves_the_checkpoint(outcome: ReadOutcome, expected: dict[str, Any]) -> None:
    checkpoint = next_checkpoint(BEFORE, SOURCE, outcome, FIGURES)

    assert {name: getattr(checkpoint, name) for name in expected} == expected
    assert (checkpoint.part, checkpoint.announced, checkpoint.done) == (2, 1, False)
    assert (checkpoint.verified, checkpoint.etag, checkpoint.figures) == (True, "e", FIGURES)


def test_bytes_that_are_gone_keep_the_tag_of_those_that_were_read() -> None:
    gone = BrokenSource(20, "e", verified=False, reason="gone")

    checkpoint = next_checkpoint(BEFORE, gone, Unreadable(2, gone.reason), FIGURES)

    assert (checkpoint.etag, checkpoint.ended, checkpoint.verified) == ("e", True, False)
