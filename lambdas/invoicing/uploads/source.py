"""The step *open*: an upload's bytes, from the checkpoint on.

A gzip file is unpacked to its end before its first row is read, because its checksum is at the end. A damaged one is
rejected as a whole. This is done once: the checkpoint records it.
"""

import io
from dataclasses import dataclass, replace

from invoicing.uploads.buckets import MAX_COPY, UploadStore, can_copy
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.csv_bytes import UnreadableFileError, is_gzip, verify_gzip
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.upload import Upload

GONE = "the file was deleted or replaced while it was imported; from this row on it was not read"
TOO_LARGE = f"the file is larger than {MAX_COPY >> 30} GB; split it"
TOO_SLOW = "the gzip file is too large to be verified within one invocation; split it, or send it unpacked"


@dataclass(frozen=True)
class Source:
    """An opened upload.

    Attributes:
        stream: Its bytes. A gzip file is read from its beginning, another one from the checkpoint's place on.
        size: Bytes of the whole file.
        etag: The tag of the bytes.
        verified: Whether it is a gzip file whose checksum was compared, in this part or an earlier one.
    """

    stream: io.BufferedReader
    size: int
    etag: str
    verified: bool


@dataclass(frozen=True)
class BrokenSource:
    """An upload of which is known before reading that it cannot be read.

    Attributes:
        size: As `Source` has it.
        etag: The same.
        verified: The same.
        reason: Why it cannot be read, for the person who sent the file.
    """

    size: int
    etag: str
    verified: bool
    reason: str


def open_source(
    uploads: UploadStore, upload: Upload, checkpoint: Checkpoint, deadline: Deadline
) -> Source | BrokenSource | None:
    """Open an upload where its checkpoint is.

    Returns:
        None if the file is gone and nothing of it was read before: the event was delivered again, after the end.
    """
    opened = uploads.open(upload, checkpoint.start, checkpoint.etag)
    if opened is None:
        if not checkpoint.has_begun:
            return None
        return BrokenSource(checkpoint.figures.size, checkpoint.etag, checkpoint.verified, GONE)
    source = Source(opened.stream, opened.size, opened.etag, checkpoint.verified)
    if not can_copy(source.size):
        return _broken(source, TOO_LARGE)
    if checkpoint.has_begun or not is_gzip(source.stream):
        return source
    return _verify(uploads, upload, source, deadline)


def _verify(uploads: UploadStore, upload: Upload, source: Source, deadline: Deadline) -> Source | BrokenSource:
    """Read a gzip file to its end, compare its checksum, and open it again."""
    try:
        verify_gzip(source.stream, deadline.check)
    except UnreadableFileError as damage:
        return _broken(source, str(damage))
    except OutOfTimeError:
        return _broken(source, TOO_SLOW)
    verified = replace(source, verified=True)
    opened = uploads.open(upload, etag=source.etag)
    return replace(verified, stream=opened.stream) if opened else _broken(verified, GONE)


def _broken(source: Source, reason: str) -> BrokenSource:
    return BrokenSource(source.size, source.etag, source.verified, reason)
