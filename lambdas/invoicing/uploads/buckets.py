"""The uploads and archives buckets: reading a file as a stream, writing its reports, and moving it into the archive."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from invoicing.runtime.aws import client
from invoicing.uploads.upload import REPORTS, Upload

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_COPY = 5 * (1 << 30)
"""Bytes that S3 copies in one call. A larger file cannot be archived."""

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "PreconditionFailed", "412"}
_BLOCK = 1 << 18


@dataclass(frozen=True)
class OpenObject:
    """An upload's bytes as a stream, the size of the whole file, its tag and its metadata."""

    stream: io.BufferedReader
    size: int
    etag: str
    metadata: dict[str, str]


class ByteStream(io.RawIOBase):
    """A response's body as a raw stream, so that Python's own buffering and decoding can be put on top of it."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end."""
        data: bytes = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class UploadStore:
    """Reads uploads, writes their reports beside them, and moves finished uploads into the archive.

    Args:
        archives_bucket: Where originals are kept.
        s3: A client to use instead of a new one.
    """

    def __init__(self, archives_bucket: str, s3: "S3Client | None" = None) -> None:
        self._archives = archives_bucket
        self._s3 = s3 or client("s3")
        if s3 is None:
            self._s3.meta.events.register("before-call.s3.CopyObject", _never_replace)

    def open(self, upload: Upload, position: int = 0, etag: str = "") -> OpenObject | None:
        """The very bytes that the event names, or None if they are gone (the event was delivered again).

        In a bucket without versions they are also gone when the key was written again: that write has its own event.

        Args:
            upload: The upload to read.
            position: Bytes to leave out at the beginning.
            etag: The tag that the bytes had before, if they were read before.
        """
        request: dict[str, Any] = {"Bucket": upload.bucket, "Key": upload.key}
        if upload.version:
            request["VersionId"] = upload.version
        elif etag or upload.etag:
            request["IfMatch"] = etag or upload.etag
        if position:
            request["Range"] = f"bytes={position}-"
        try:
            response = self._s3.get_object(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        stream: io.BufferedReader = io.BufferedReader(ByteStream(response["Body"]), buffer_size=_BLOCK)
        is_partial = bool(response.get("ContentRange"))
        if not is_partial:  # a server may send everything (RFC 9110, section 14.2); MiniStack does for a version
            _skip(stream, position)
        size = response["ContentLength"] + (position if is_partial else 0)
        return OpenObject(stream, size, response["ETag"], response.get("Metadata", {}))

    def put_part(self, upload: Upload, name: str, body: "bytes | IO[bytes]") -> str:
        """Keep what one part hands to a later one, such as its rejected rows; returns the key.

        No report's key ends as this key does.
        """
        key = f"{_parts_prefix(upload)}{name}.part"
        self._s3.put_object(Bucket=upload.bucket, Key=key, Body=body, ContentType="application/octet-stream")
        return key

    def part(self, upload: Upload, key: str) -> Iterator[bytes]:
        """Read what a part has kept, block by block."""
        yield from self._s3.get_object(Bucket=upload.bucket, Key=key)["Body"].iter_chunks(_BLOCK)

    def part_range(self, upload: Upload, key: str, start: int, end: int) -> Iterator[bytes]:
        """Read some bytes of what a part has kept, block by block."""
        response = self._s3.get_object(Bucket=upload.bucket, Key=key, Range=f"bytes={start}-{end - 1}")
        stream: io.BufferedReader = io.BufferedReader(ByteStream(response["Body"]), buffer_size=_BLOCK)
        if not response.get("ContentRange"):  # as in `open`
            _skip(stream, start)
        left = end - start
        while left and (block := stream.read1(min(left, _BLOCK))):
            left -= len(block)
            yield block

    def drop_parts(self, upload: Upload) -> None:
        """Delete what all parts of an upload have kept, including parts of invocations that were killed."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=upload.bucket, Prefix=_parts_prefix(upload))
        for page in pages:
            for entry in page.get("Contents", []):
                self._s3.delete_object(Bucket=upload.bucket, Key=entry["Key"])

    def put_report(self, upload: Upload, suffix: str, body: "bytes | IO[bytes]", content_type: str) -> str:
        """Write ``reports/<name><suffix>``; returns its key."""
        key = _report_key(upload, suffix)
        self._s3.put_object(Bucket=upload.bucket, Key=key, Body=body, ContentType=content_type)
        return key

    def withdraw_report(self, upload: Upload, suffix: str) -> None:
        """Delete the ``reports/<name><suffix>`` of an earlier upload of the same name, if there is one.

        It is looked for first: S3 would count a conditional delete of nothing as refused (4xx), for each upload, and an
        unconditional one would leave a delete marker.
        """
        key = _report_key(upload, suffix)
        listed = self._s3.list_objects_v2(Bucket=upload.bucket, Prefix=key, MaxKeys=1).get("Contents", [])
        if listed and listed[0]["Key"] == key:  # of all keys that begin so, the key itself is the first
            self._delete_if(upload.bucket, key, "*")

    def archive(self, upload: Upload, key: str) -> None:
        """Copy the original into the archive, unless it is there already, or is gone.

        What is in the archive is never replaced. Tags are not copied: that would take separate permissions, and nothing
        reads them.

        Args:
            upload: The upload.
            key: Where it is kept in the archive, as `archive_key` returns it.
        """
        source = {"Bucket": upload.bucket, "Key": upload.key}
        if upload.version:
            source["VersionId"] = upload.version
        try:
            self._s3.copy_object(
                Bucket=self._archives,
                Key=key,
                CopySource=source,  # type: ignore[arg-type]
                TaggingDirective="REPLACE",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    def remove(self, upload: Upload, etag: str) -> None:
        """Delete the original, unless the key was written again meanwhile: that upload has its own event.

        Equal bytes that were written again are deleted too. Their event still finds them, by their version.

        Args:
            upload: The upload that is finished.
            etag: The tag of the bytes that were read; without one nothing is deleted.
        """
        if etag:
            self._delete_if(upload.bucket, upload.key, etag)

    def _delete_if(self, bucket: str, key: str, etag: str) -> None:
        try:
            self._s3.delete_object(Bucket=bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise


class KeptParts:
    """Keeps the rows of an upload that stand apart beside its other parts (`invoicing.uploads.apart.KeptRows`).

    Args:
        uploads: Where they are kept.
        upload: The upload.
    """

    def __init__(self, uploads: UploadStore, upload: Upload) -> None:
        self._uploads, self._upload = uploads, upload

    def keep(self, name: str, body: IO[bytes]) -> str:
        """Keep a file; returns its key."""
        return self._uploads.put_part(self._upload, name, body)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Read a part of a file, block by block."""
        return self._uploads.part_range(self._upload, key, start, end)


def archive_key(upload: Upload, now: datetime) -> str:
    """Where an upload is kept in the archive: the month, and a name that no other upload has."""
    return f"{now:%Y/%m}/{upload.archive_name}"


def can_copy(size: int) -> bool:
    """Whether S3 copies a file of this many bytes in one call."""
    return size <= MAX_COPY


def _never_replace(params: dict[str, Any], **_: Any) -> None:
    """Add the condition that nothing has the key yet. The header is set here, because older SDKs do not know it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    params["headers"]["If-None-Match"] = "*"


def _skip(stream: io.BufferedReader, count: int) -> None:
    while count and (skipped := len(stream.read1(min(count, _BLOCK)))):
        count -= skipped


def _parts_prefix(upload: Upload) -> str:
    return f"{REPORTS}parts/{upload.digest}/"


def _report_key(upload: Upload, suffix: str) -> str:
    return f"{REPORTS}{upload.report_name}{suffix}"
