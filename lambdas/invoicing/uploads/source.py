"""The step *open*: an upload's bytes, as often as they are read.

A gzip file is unpacked to its end before its first row is read, because its checksum is at the end. A damaged one is
rejected as a whole. This is done once: the checkpoint records it.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

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
    """An upload that can be read.

    Attributes:
        open: Opens its bytes from a position on; raises `UnreadableFileError` if they are gone.
        size: Bytes of the whole file.
        etag: The tag of the bytes.
        unpacked: Bytes of its content if it is a gzip file, whose checksum was compared in this part or an earlier one;
            else None.
        metadata: The metadata of the upload, by its names in small letters.
    """

    open: Callable[[int], io.BufferedReader]
    size: int
    etag: str
    unpacked: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BrokenSource:
    """An upload of which is known before reading that it cannot be read.

    Attributes:
        size: As `Source` has it.
        etag: The same.
        unpacked: The same.
        reason: Why it cannot be read, for the person who sent the file.
    """

    size: int
    etag: str
    unpacked: int | None
    reason: str


def open_source(
    uploads: UploadStore, upload: Upload, checkpoint: Checkpoint, deadline: Deadline
) -> Source | BrokenSource | None:
    """Open an upload.

    Returns:
        None if the file is gone and nothing of it was read before: the event was delivered again, after the end.
    """
    opened = uploads.open(upload, 0, checkpoint.etag)
    if opened is None:
        if not checkpoint.has_begun:
            return None
        return BrokenSource(checkpoint.figures.size, checkpoint.etag, checkpoint.unpacked, GONE)
    unread = [opened.stream]

    def stream(position: int) -> io.BufferedReader:
        if not position and unread:
            return unread.pop()
        again = uploads.open(upload, position, opened.etag)
        if again is None:
            raise UnreadableFileError(GONE)
        return again.stream

    unpacked = checkpoint.unpacked
    if not can_copy(opened.size):
        return BrokenSource(opened.size, opened.etag, unpacked, TOO_LARGE)
    if unpacked is None and is_gzip(opened.stream):
        try:
            unpacked = verify_gzip(stream(0), deadline.check)
        except UnreadableFileError as damage:
            return BrokenSource(opened.size, opened.etag, None, str(damage))
        except OutOfTimeError:
            return BrokenSource(opened.size, opened.etag, None, TOO_SLOW)
    return Source(stream, opened.size, opened.etag, unpacked, opened.metadata)
