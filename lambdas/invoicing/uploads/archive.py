"""The step *archive*: the original moves into the archives bucket, and what is no longer needed is deleted."""

from invoicing.runtime import clock
from invoicing.uploads.buckets import UploadStore, archive_key, can_copy
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.reports import Figures
from invoicing.uploads.upload import Upload

_COPIED_A_SECOND = 100 << 20  # bytes that S3 copies at the least


def archive_seconds(size: int) -> float:
    """Seconds that it takes at the most to report and archive a file of this many bytes."""
    return 1 + size / _COPIED_A_SECOND


def name_archive(figures: Figures, upload: Upload) -> None:
    """Decide where the original is kept, once and for all: the report names it before it is copied."""
    if can_copy(figures.size):  # a larger one stays where it is
        figures.archive = archive_key(upload, clock.now())


def copy_original(uploads: UploadStore, upload: Upload, checkpoint: Checkpoint) -> None:
    """Copy the original into the archive, unless it is larger than S3 copies."""
    if checkpoint.figures.archive:
        uploads.archive(upload, checkpoint.figures.archive)


def clean_up(uploads: UploadStore, upload: Upload, checkpoint: Checkpoint) -> None:
    """Delete the archived original, and the objects that its parts have kept for each other."""
    if checkpoint.figures.archive:  # a file that could not be archived stays where it is
        uploads.remove(upload, checkpoint.etag)
    if checkpoint.has_leftovers:
        uploads.drop_parts(upload)
