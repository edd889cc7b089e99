"""One upload: a version of a key in the uploads bucket, as events name it.

A second upload of the same key, however soon, is another upload. Each is read and archived by the version that its own
event names.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

PREFIX = "incoming/"
"""Where uploads arrive."""

REPORTS = "reports/"
"""Where their reports are."""

MAX_KEY = 1024
"""Bytes of the longest key that S3 accepts, in UTF-8."""

_ENDING = re.compile(r"\.csv(?:\.gz)?$", re.IGNORECASE)
_LONGEST_SUFFIX = len(".0123456789ab.rejected.csv")


@dataclass(frozen=True)
class Upload:
    """One upload, as its event names it.

    Attributes:
        bucket: The uploads bucket.
        key: The whole key.
        etag: The content's tag, or an empty string.
        sequencer: S3's own order of the writes to a key. It differs between two uploads of the same bytes.
        version: The version of the key, or an empty string if the bucket keeps no versions.
        size: Bytes, or 0 if the event does not contain it.
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
        s3_object = record["s3"]["object"]
        return cls(
            bucket=record["s3"]["bucket"]["name"],
            key=unquote_plus(s3_object["key"]),
            etag=s3_object.get("eTag", ""),
            sequencer=s3_object.get("sequencer", ""),
            version=s3_object.get("versionId", ""),
            size=s3_object.get("size", 0),
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
        """The key below ``incoming/``. Reports use the same name."""
        return self.key.removeprefix(PREFIX)

    @property
    def report_name(self) -> str:
        """`name`, with the end of a very long one replaced by a hash: a report's key is longer than the upload's."""
        encoded = self.name.encode()
        max_bytes = MAX_KEY - len(REPORTS) - _LONGEST_SUFFIX
        if len(encoded) <= max_bytes:
            return self.name
        end = "~" + hashlib.sha256(encoded).hexdigest()[:32]
        return encoded[: max_bytes - len(end)].decode(errors="ignore") + end

    @property
    def archive_name(self) -> str:
        """`name` with 12 digits of `digest` before its ending: no other upload has it, even one of the same key."""
        match = _ENDING.search(self.name)
        ending = match[0] if match else ""
        unique = f".{self.digest[:12]}{ending}"
        max_bytes = MAX_KEY - len("yyyy/mm/") - len(unique)
        return self.name.removesuffix(ending).encode()[:max_bytes].decode(errors="ignore") + unique

    @property
    def identity(self) -> str:
        """Different for each upload, the same for each delivery of its event."""
        return f"{self.bucket}/{self.key}@{self.version or self.sequencer or self.etag}"

    @property
    def digest(self) -> str:
        """`identity` in 64 hexadecimal digits; every item that the upload leaves in the table has it."""
        return hashlib.sha256(self.identity.encode()).hexdigest()

    @property
    def correlation_id(self) -> str:
        """Names the upload in log lines and events: half of `digest`, which is enough to differ."""
        return self.digest[:32]

    @property
    def key_digest(self) -> str:
        """The same for all uploads of a key, in 64 hexadecimal digits."""
        return hashlib.sha256(f"{self.bucket}/{self.key}".encode()).hexdigest()


def uploads_in(event: dict[str, Any]) -> list[tuple[Upload, int]]:
    """The uploads that an event names, each with the number of the part to import.

    An event of S3 names new uploads, so their part 0. An event ``upload-continued`` names one upload and its next part.
    """
    if detail := event.get("detail"):
        return [(Upload.from_detail(detail), int(detail["checkpoint"]))]
    return [(Upload.from_record(record), 0) for record in event.get("Records", [])]
