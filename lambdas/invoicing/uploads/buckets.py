"""The uploads and archives buckets: reading a file as a stream, leaving its report, and moving it away.

An upload is one version of its key. A second upload of the same key, however soon, is another one: each is read, and
archived, by the version that its own event names.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIX = "incoming/"
"""Where uploads arrive."""

MAX_KEY = 1024
"""Bytes of the longest key that S3 takes, in UTF-8."""

MAX_COPY = 5 * (1 << 30)
"""Bytes that S3 copies in one call; what is larger cannot be archived."""

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "PreconditionFailed", "412"}
_REPORTS = "reports/"
_LONGEST_SUFFIX = len(".0123456789ab.rejected.csv")


@dataclass(frozen=True)
class Upload:
    """One upload, as its event names it.

    Attributes:
        bucket: The uploads bucket.
        key: The whole key.
        etag: The content's tag, or an empty string.
        sequencer: S3's own order of writes to the key: tells one upload from a later one of the same bytes.
        version: The version of the key, or an empty string when the bucket keeps none.
        size: Bytes, or 0 when the event does not say.
    """

    bucket: str
    key: str
    etag: str
    sequencer: str
    version: str = ""
    size: int = 0

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Upload":
        """Read one record of an S3 event; keys come URL-encoded."""
        thing = record["s3"]["object"]
        key = unquote_plus(thing["key"])
        return cls(
            bucket=record["s3"]["bucket"]["name"],
            key=key,
            etag=thing.get("eTag", ""),
            sequencer=thing.get("sequencer", ""),
            version=thing.get("versionId", ""),
            size=thing.get("size", 0),
        )

    @classmethod
    def from_detail(cls, detail: dict[str, Any]) -> "Upload":
        """Read the detail of an event ``upload-continued``."""
        return cls(
            bucket=detail["bucket"],
            key=detail["key"],
            etag=detail["etag"],
            sequencer=detail["sequencer"],
            version=detail["versionId"],
            size=detail["size"],
        )

    def detail(self) -> dict[str, Any]:
        """What `from_detail` reads."""
        return {
            "bucket": self.bucket,
            "key": self.key,
            "etag": self.etag,
            "sequencer": self.sequencer,
            "versionId": self.version,
            "size": self.size,
        }

    @property
    def name(self) -> str:
        """The key below ``incoming/``: reports and archives use the same name."""
        return self.key.removeprefix(PREFIX)

    @property
    def report_name(self) -> str:
        """`name`; the end of a very long one gives way to its hash, for a report's key is longer than the upload's."""
        written = self.name.encode()
        most = MAX_KEY - len(_REPORTS) - _LONGEST_SUFFIX
        if len(written) <= most:
            return self.name
        end = "~" + hashlib.sha256(written).hexdigest()[:32]
        return written[: most - len(end)].decode(errors="ignore") + end

    @property
    def identity(self) -> str:
        """Differs for each upload, is the same for each delivery of its event."""
        return f"{self.bucket}/{self.key}@{self.version or self.sequencer or self.etag}"

    @property
    def place(self) -> str:
        """The same for all uploads of a key, in 64 letters and digits."""
        return hashlib.sha256(f"{self.bucket}/{self.key}".encode()).hexdigest()

    @property
    def digest(self) -> str:
        """`identity` in 64 letters and digits; what the upload leaves in the table bears it."""
        return hashlib.sha256(self.identity.encode()).hexdigest()


@dataclass(frozen=True)
class Opened:
    """An upload's bytes as a stream, how many there are, and their tag."""

    stream: io.BufferedReader
    size: int
    etag: str


class ByteStream(io.RawIOBase):
    """A response body as a raw stream, to put Python's own buffering and decoding on top."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end."""
        data: bytes = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class UploadStore:
    """Reads uploads, writes their reports beside them, and moves what is done into the archive.

    Args:
        archives_bucket: Where originals are kept.
        s3: A client to use instead of a new one.
    """

    def __init__(self, archives_bucket: str, s3: "S3Client | None" = None) -> None:
        self._archives = archives_bucket
        self._s3 = s3 or client("s3")

    def open(self, upload: Upload, position: int = 0, etag: str = "") -> "Opened | None":
        """The very bytes that the event is about, or None when they are gone (the event was delivered once more).

        In a bucket without versions they are gone as well when the key was written again: that has its own event.

        Args:
            upload: What to read.
            position: Bytes to leave out at the beginning.
            etag: The tag that the bytes had before, if they were read before.
        """
        asked: dict[str, Any] = {"Bucket": upload.bucket, "Key": upload.key}
        if upload.version:
            asked["VersionId"] = upload.version
        elif etag or upload.etag:
            asked["IfMatch"] = etag or upload.etag
        if position:
            asked["Range"] = f"bytes={position}-"
        try:
            answer = self._s3.get_object(**asked)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        stream: io.BufferedReader = io.BufferedReader(ByteStream(answer["Body"]), buffer_size=1 << 18)
        partial = bool(answer.get("ContentRange"))
        if not partial:  # whoever answers may send the whole (RFC 9110, section 14.2); MiniStack does for a version
            _skip(stream, position)
        size = answer["ContentLength"] + (position if partial else 0)
        return Opened(stream, size, answer["ETag"])

    def put_part(self, upload: Upload, name: str, body: IO[bytes]) -> str:
        """Keep the rejected rows of one part until all are joined; returns the key.

        The end of the key is one that no report's key has.
        """
        key = f"{_parts(upload)}{name}.part"
        self._s3.put_object(Bucket=upload.bucket, Key=key, Body=body, ContentType="text/csv; charset=utf-8")
        return key

    def part(self, upload: Upload, key: str) -> Iterator[bytes]:
        """Read a part back, block by block."""
        yield from self._s3.get_object(Bucket=upload.bucket, Key=key)["Body"].iter_chunks(1 << 18)

    def drop_parts(self, upload: Upload) -> None:
        """Delete all parts of an upload, those of invocations that have crashed included."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=upload.bucket, Prefix=_parts(upload))
        for page in pages:
            for entry in page.get("Contents", []):
                self._s3.delete_object(Bucket=upload.bucket, Key=entry["Key"])

    def put_report(self, upload: Upload, suffix: str, body: "bytes | IO[bytes]", content_type: str) -> str:
        """Write ``reports/<name><suffix>``; returns its key."""
        key = _report_key(upload, suffix)
        self._s3.put_object(Bucket=upload.bucket, Key=key, Body=body, ContentType=content_type)
        return key

    def withdraw_report(self, upload: Upload, suffix: str) -> None:
        """Delete ``reports/<name><suffix>`` that an earlier upload of the name left, if there is one."""
        self._delete_if(upload.bucket, _report_key(upload, suffix), "*")

    def archive(self, upload: Upload, now: datetime) -> str | None:
        """Copy the original to ``<yyyy>/<mm>/<name>`` of the archive; returns the key there, None if it is gone.

        Earlier uploads of the same name stay there as earlier versions. Tags are left behind: copying them would take
        grants of its own, and nothing reads them.
        """
        key = f"{now:%Y/%m}/{upload.name}"
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
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return key

    def remove(self, upload: Upload, etag: str) -> None:
        """Delete the original; unless the key was written again meanwhile, for that has an event of its own.

        Equal bytes written again are deleted too; their event finds them by their version all the same.

        Args:
            upload: What is done with.
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


def _skip(stream: io.BufferedReader, left: int) -> None:
    while left and (skipped := len(stream.read1(min(left, 1 << 18)))):
        left -= skipped


def _parts(upload: Upload) -> str:
    return f"{_REPORTS}parts/{upload.digest}/"


def _report_key(upload: Upload, suffix: str) -> str:
    return f"{_REPORTS}{upload.report_name}{suffix}"
