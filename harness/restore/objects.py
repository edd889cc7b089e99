"""Objects as they were at a time: from the bucket's own versions, or from its copy in the second region.

Nothing is deleted: an object that came later stays, and each one that is put back is a new version, so that this can be
taken back, too. https://docs.aws.amazon.com/AmazonS3/latest/userguide/RestoringPreviousVersions.html
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Reason = Literal["deleted", "overwritten", "lost"]


@dataclass(frozen=True)
class Version:
    """One version of an object, or the mark of its deletion.

    Attributes:
        at: When it was written; S3 keeps full seconds.
        id: Its id; in a bucket that was not versioned then ``null``.
        etag: The digest of its content; empty for a deletion.
        size: Bytes.
    """

    at: datetime
    id: str
    etag: str = ""
    size: int = 0

    @property
    def is_deletion(self) -> bool:
        """Whether the object was deleted by it."""
        return not self.etag


@dataclass(frozen=True)
class Lost:
    """An object that is not as it was.

    Attributes:
        key: Its key.
        reason: ``deleted`` or ``overwritten`` since then; ``lost`` if the bucket has no version of it any more.
        bucket: The bucket that has the version to put back.
        version: That version.
    """

    key: str
    reason: Reason
    bucket: str
    version: Version


def lost(client: Any, bucket: str, prefix: str, moment: datetime) -> list[Lost]:
    """The objects of a bucket that have another content now than at a time.

    Args:
        client: A client of S3 in the bucket's region.
        bucket: The bucket, which keeps versions.
        prefix: What the keys begin with; empty for all.
        moment: The time.
    """
    found = []
    for key, versions in sorted(_versions(client, bucket, prefix).items()):
        then, now = _at(versions, moment), versions[0]
        if then is None or then.is_deletion or now.etag == then.etag:
            continue
        found.append(Lost(key, "deleted" if now.is_deletion else "overwritten", bucket, then))
    return found


def lost_altogether(client: Any, bucket: str, copy: str, prefix: str, moment: datetime) -> list[Lost]:
    """The objects that a bucket has no version of, and its copy in another region had at a time.

    Args:
        client: A client of S3; boto3 follows a bucket to its region.
        bucket: The bucket.
        copy: The bucket that it is replicated to.
        prefix: What the keys begin with; empty for all.
        moment: The time.
    """
    kept = _versions(client, bucket, prefix)
    found = []
    for key, copied in sorted(_versions(client, copy, prefix).items()):
        then, own = _at(copied, moment), kept.get(key, [])
        if then is None or then.is_deletion or _at(own, moment) is not None:
            continue
        if not own or own[0].etag != then.etag:  # else it was put back
            found.append(Lost(key, "lost", copy, then))
    return found


def put_back(client: Any, bucket: str, objects: Iterable[Lost]) -> Iterator[Lost]:
    """Make the version of each object its newest; yield each once it is.

    Args:
        client: A client of S3 in the bucket's region.
        bucket: The bucket.
        objects: What is put back.
    """
    for each in objects:
        version = {"Bucket": each.bucket, "Key": each.key, "VersionId": each.version.id}
        client.copy(version, bucket, each.key)
        yield each


def _at(versions: list[Version], moment: datetime) -> Version | None:
    """The version that was the newest at a time; None if there was none."""
    return next((version for version in versions if version.at <= moment), None)


def _versions(client: Any, bucket: str, prefix: str) -> dict[str, list[Version]]:
    """The versions of each object, the newest first."""
    found: dict[str, list[tuple[bool, Version]]] = defaultdict(list)
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Versions", []):
            version = Version(entry["LastModified"], entry["VersionId"], entry["ETag"], entry["Size"])
            found[entry["Key"]].append((entry["IsLatest"], version))
        for entry in page.get("DeleteMarkers", []):
            found[entry["Key"]].append((entry["IsLatest"], Version(entry["LastModified"], entry["VersionId"])))
    return {
        key: [version for _, version in sorted(each, key=lambda one: (one[0], one[1].at), reverse=True)]
        for key, each in found.items()
    }
