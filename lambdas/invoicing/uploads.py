"""The uploads and archives buckets: reading a file as a stream, leaving its report, and moving it away."""

import io
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from invoicing.aws import client

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIX = "incoming/"
"""Where uploads arrive."""

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "PreconditionFailed", "412"}


@dataclass(frozen=True)
class Upload:
    """One upload, as its event names it.

    Attributes:
        bucket: The uploads bucket.
        key: The whole key.
        etag: The content's tag, or an empty string.
        sequencer: S3's own order of writes to the key: tells one upload from a later one of the same bytes.
    """

    bucket: str
    key: str
    etag: str
    sequencer: str

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Upload":
        """Read one record of an S3 event; keys come URL-encoded."""
        thing = record["s3"]["object"]
        key = unquote_plus(thing["key"])
        return cls(record["s3"]["bucket"]["name"], key, thing.get("eTag", ""), thing.get("sequencer", ""))

    @property
    def name(self) -> str:
        """The key below ``incoming/``: reports and archives use the same name."""
        return self.key.removeprefix(PREFIX)

    @property
    def identity(self) -> str:
        """Differs for each upload, is the same for each delivery of its event."""
        return f"{self.bucket}/{self.key}@{self.sequencer or self.etag}"


@dataclass(frozen=True)
class Opened:
    """An upload's bytes as a stream, and how many there are."""

    stream: io.BufferedReader
    size: int


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

    def open(self, upload: Upload) -> "Opened | None":
        """The file's bytes as a stream, or None when it is gone (its event was delivered once more)."""
        try:
            answer = self._s3.get_object(Bucket=upload.bucket, Key=upload.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return Opened(io.BufferedReader(ByteStream(answer["Body"]), buffer_size=1 << 18), answer["ContentLength"])

    def put_report(self, upload: Upload, suffix: str, body: "bytes | IO[bytes]", content_type: str) -> str:
        """Write ``reports/<name><suffix>``; returns its key."""
        key = f"reports/{upload.name}{suffix}"
        self._s3.put_object(Bucket=upload.bucket, Key=key, Body=body, ContentType=content_type)
        return key

    def archive(self, upload: Upload, now: datetime) -> str:
        """Copy the original to ``<yyyy>/<mm>/<name>`` of the archive; returns the key there."""
        key = f"{now:%Y/%m}/{upload.name}"
        source = {"Bucket": upload.bucket, "Key": upload.key}
        self._s3.copy_object(Bucket=self._archives, Key=key, CopySource=source)  # type: ignore[arg-type]
        return key

    def remove(self, upload: Upload) -> None:
        """Delete the original; unless it was overwritten meanwhile, for then it has an event of its own."""
        try:
            if upload.etag:
                self._s3.delete_object(Bucket=upload.bucket, Key=upload.key, IfMatch=upload.etag)
            else:
                self._s3.delete_object(Bucket=upload.bucket, Key=upload.key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
