"""The item that records how far an upload has come: its writes are conditional."""

from datetime import UTC, datetime
from typing import Any

import pytest

from invoicing.table.connection import InvoiceTable
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.progress import UploadProgress

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def progress(table: Any) -> UploadProgress:
    return UploadProgress(InvoiceTable(table.name))


def test_an_upload_that_was_begun_is_taken_up_at_its_checkpoint(progress: UploadProgress) -> None:
    assert progress.begin("d", "b/k@1", NOW) == Checkpoint()
    assert progress.begin("d", "b/k@1", NOW) == Checkpoint()
    assert progress.advance("d", Checkpoint(part=1, etag="e"), NOW)

    assert progress.begin("d", "b/k@1", NOW) == Checkpoint(part=1, etag="e")


def test_one_of_two_invocations_moves_the_checkpoint(progress: UploadProgress) -> None:
    progress.begin("d", "b/k@1", NOW)

    assert progress.advance("d", Checkpoint(part=1, etag="first"), NOW)
    assert not progress.advance("d", Checkpoint(part=1, etag="second"), NOW)
    assert progress.checkpoint("d") == Checkpoint(part=1, etag="first")


def test_a_finished_upload_does_not_move_any_more(progress: UploadProgress) -> None:
    progress.begin("d", "b/k@1", NOW)
    progress.finish("d", NOW)

    assert not progress.advance("d", Checkpoint(part=1), NOW)
    assert progress.checkpoint("d") == Checkpoint(done=True)


def test_an_upload_that_was_never_begun_is_not_known(progress: UploadProgress) -> None:
    progress.finish("d", NOW)

    assert progress.checkpoint("d") is None


def test_an_earlier_upload_of_a_key_does_not_report_as_the_latest(progress: UploadProgress) -> None:
    assert progress.record_report("k", "0B", NOW)
    assert not progress.record_report("k", "0A", NOW)
    assert progress.record_report("k", "0B", NOW)  # the same upload, reporting again
