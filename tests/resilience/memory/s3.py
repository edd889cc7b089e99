"""S3 in memory: versioned buckets, with the conditions that the functions send."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from tests.resilience.memory.errors import ServiceError

_ARRIVED = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """One version of a key; without content it is a delete marker."""

    version_id: str
    content: bytes | None

    @property
    def etag(self) -> str:
        """The tag of the content, in quotation marks."""
        return f'"{hashlib.md5(self.content or b"", usedforsecurity=False).hexdigest()}"'


def _read(body: IO[bytes]) -> bytes:
    """Read a file, and put it back for the next attempt, as the SDK does."""
    start = body.tell()
    content = body.read()
    body.seek(start)
    return content


class Body(io.BytesIO):
    """The body of a response."""

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while block := self.read(size):
            yield block


class Buckets:
    """The versions of each key of each bucket, oldest first."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], list[Version]] = {}
        self._count = 0

    def latest(self, bucket: str, key: str) -> Version | None:
        """What a key holds now."""
        versions = self.versions.get((bucket, key))
        return versions[-1] if versions and versions[-1].content is not None else None

    def keys(self, bucket: str) -> list[str]:
        """The keys of a bucket that hold something now, in order."""
        return sorted(key for of, key in self.versions if of == bucket and self.latest(bucket, key))

    def put_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        bucket, key, body = request["Bucket"], request["Key"], request["Body"]
        if request.get("IfNoneMatch") == "*" and self.latest(bucket, key):
            raise ServiceError("PreconditionFailed")
        content = body if isinstance(body, bytes) else _read(body)
        version = self._append(bucket, key, content)
        return {"ETag": version.etag, "VersionId": version.version_id}

    def get_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        version = self._find(request["Bucket"], request["Key"], request.get("VersionId"))
        content = version.content or b""
        if "IfMatch" in request and request["IfMatch"].strip('"') != version.etag.strip('"'):
            raise ServiceError("PreconditionFailed")
        response = {"ETag": version.etag, "VersionId": version.version_id, "Metadata": {}}
        if span := request.get("Range"):
            start, _, end = span.removeprefix("bytes=").partition("-")
            part = content[int(start) : int(end) + 1 if end else None]
            response["ContentRange"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(content)}"
            content = part
        return {**response, "ContentLength": len(content), "Body": Body(content)}

    def head_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self.latest(request["Bucket"], request["Key"]) is None:
            raise ServiceError("404")
        return {}

    def delete_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        bucket, key = request["Bucket"], request["Key"]
        latest = self.latest(bucket, key)
        if expected := request.get("IfMatch"):
            if latest is None:
                raise ServiceError("NoSuchKey")
            if expected != "*" and expected.strip('"') != latest.etag.strip('"'):
                raise ServiceError("PreconditionFailed")
        self._append(bucket, key, None)
        return {}

    def copy_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        source = request["CopySource"]
        version = self._find(source["Bucket"], source["Key"], source.get("VersionId"))
        if request["headers"].get("If-None-Match") == "*" and self.latest(request["Bucket"], request["Key"]):
            raise ServiceError("PreconditionFailed")
        self._append(request["Bucket"], request["Key"], version.content)
        return {}

    def list_objects_v2(self, request: Mapping[str, Any]) -> dict[str, Any]:
        keys = [key for key in self.keys(request["Bucket"]) if key.startswith(request.get("Prefix", ""))]
        return {
            "IsTruncated": False,
            "KeyCount": len(keys),
            **({"Contents": [{"Key": key, "LastModified": _ARRIVED} for key in keys]} if keys else {}),
        }

    def _find(self, bucket: str, key: str, version_id: str | None) -> Version:
        if version_id is None:
            latest = self.latest(bucket, key)
            if latest is None:
                raise ServiceError("NoSuchKey")
            return latest
        for version in self.versions.get((bucket, key), []):
            if version.version_id == version_id:
                return version
        raise ServiceError("NoSuchVersion")

    def _append(self, bucket: str, key: str, content: bytes | None) -> Version:
        self._count += 1
        version = Version(f"version-{self._count:04d}", content)
        self.versions.setdefault((bucket, key), []).append(version)
        return version
