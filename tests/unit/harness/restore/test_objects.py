"""Objects are put back as they were at a time, from versions or from the copy in the second region."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import moto
import pytest

from harness.errors import HarnessError
from harness.restore import objects
from harness.restore.objects import Lost, Version, lost, lost_altogether
from harness.restore.objects_run import ObjectsRequest, Place

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


class Buckets:
    """Buckets with the versions of their objects: key to (minute, content), without content for a deletion."""

    def __init__(self, **buckets: dict[str, list[tuple[int, str]]]) -> None:
        self._buckets = buckets

    def get_paginator(self, operation: str) -> "Buckets":
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 -- as boto3
        for key, versions in self._buckets[Bucket].items():
            if not key.startswith(Prefix):
                continue
            entries = [
                {
                    "Key": key,
                    "VersionId": f"v{minute}",
                    "LastModified": at(minute),
                    "IsLatest": minute == versions[-1][0],
                    "ETag": content,
                    "Size": len(content),
                }
                for minute, content in versions
            ]
            yield {"Versions": [entry for entry in entries if entry["ETag"]]}
            yield {"DeleteMarkers": [entry for entry in entries if not entry["ETag"]]}


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        pytest.param([(-5, "a")], "", id="as it was"),
        pytest.param([(-5, "a"), (5, "")], "deleted", id="deleted"),
        pytest.param([(-5, "a"), (5, "b")], "overwritten", id="overwritten"),
        pytest.param([(-5, "a"), (5, "b"), (6, "a")], "", id="overwritten and put back"),
        pytest.param([(-5, "a"), (5, "a")], "", id="overwritten by the same"),
        pytest.param([(-9, "a"), (-5, "")], "", id="was deleted before"),
        pytest.param([(-9, "a"), (-5, ""), (5, "b")], "", id="was deleted before, and came again"),
        pytest.param([(5, "a"), (6, "")], "", id="came later"),
        pytest.param([(0, "a"), (5, "")], "deleted", id="written at that second"),
    ],
)
def test_an_object_is_lost_if_its_content_of_then_is_not_the_newest(
    versions: list[tuple[int, str]], reason: str
) -> None:
    found = lost(Buckets(b={"2026/11/a.pdf": versions}), "b", "", NOON)

    assert [(each.key, each.reason) for each in found] == ([("2026/11/a.pdf", reason)] if reason else [])


def test_the_version_of_then_is_put_back() -> None:
    versions = [(-9, "a"), (-5, "b"), (5, "c"), (6, "")]

    [found] = lost(Buckets(b={"a.pdf": versions}), "b", "", NOON)

    assert found == Lost("a.pdf", "deleted", "b", Version(at(-5), "v-5", "b", 1))


def test_a_prefix_limits_what_is_put_back() -> None:
    buckets = Buckets(b={"2026/10/a.pdf": [(-5, "a"), (5, "")], "2026/11/a.pdf": [(-5, "a"), (5, "")]})

    assert [each.key for each in lost(buckets, "b", "2026/11/", NOON)] == ["2026/11/a.pdf"]


def test_what_a_bucket_has_no_version_of_comes_from_the_copy() -> None:
    """Deletions of versions are not replicated (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html)."""
    bucket = {"kept": [(-5, "a")], "deleted": [(-5, "a"), (5, "")]}
    copy = {
        "kept": [(-5, "a")],
        "deleted": [(-5, "a")],
        "lost": [(-5, "a")],
        "lost, and written again": [(-5, "a")],
        "came later": [(5, "a")],
        "deleted before": [(-9, "a"), (-5, "")],
        "put back": [(-5, "a")],
    }
    bucket["put back"] = [(8, "a")]
    bucket["lost, and written again"] = [(7, "b")]

    found = lost_altogether(Buckets(b=bucket, c=copy), "b", "c", "", NOON)

    assert [(each.key, each.reason, each.bucket) for each in found] == [
        ("lost", "lost", "c"),
        ("lost, and written again", "lost", "c"),
    ]


def test_the_versions_become_the_newest_and_nothing_is_deleted() -> None:
    with moto.mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("bucket", "copy"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        good = s3.put_object(Bucket="bucket", Key="x", Body=b"good", Metadata={"page": "1"})["VersionId"]
        s3.put_object(Bucket="bucket", Key="x", Body=b"bad")
        copied = s3.put_object(Bucket="copy", Key="y", Body=b"copied")["VersionId"]
        wanted = [
            Lost("x", "overwritten", "bucket", Version(NOON, good)),
            Lost("y", "lost", "copy", Version(NOON, copied)),
        ]

        assert [*objects.put_back(s3, "bucket", wanted)] == wanted

        restored = s3.get_object(Bucket="bucket", Key="x")
        assert (restored["Body"].read(), restored["Metadata"]) == (b"good", {"page": "1"})
        assert s3.get_object(Bucket="bucket", Key="y")["Body"].read() == b"copied"
        assert len(s3.list_object_versions(Bucket="bucket", Prefix="x")["Versions"]) == 3


def place(purpose: str, prefix: str = "") -> Place:
    outputs = {"documents_bucket": "documents", "uploads_bucket": "uploads", "replica_buckets": {"documents": "copies"}}
    access: Any = SimpleNamespace(state_bucket="states", outputs=lambda: outputs)
    return Place.of(ObjectsRequest("dev", purpose, prefix, NOON, lambda: True), access)


def test_a_purpose_is_a_bucket_and_the_state_is_the_environments_part_of_one() -> None:
    assert place("documents", "2026/") == Place("documents", "2026/", "copies")
    assert place("uploads") == Place("uploads")
    assert place("state") == Place("states", "dev/")


def test_an_old_lock_is_not_put_back() -> None:
    deleted = [(-5, "a"), (5, "")]
    buckets = Buckets(states={"dev/terraform.tfstate.tflock": deleted, "dev/terraform.tfstate": deleted})

    assert [each.key for each in place("state").differing(buckets, NOON)] == ["dev/terraform.tfstate"]


@pytest.mark.parametrize(
    "keys", [("dev/terraform.tfstate",), ("dev/terraform.tfstate", "dev/terraform.tfstate.tflock")]
)
def test_nothing_is_put_back_where_somebody_works(keys: tuple[str, ...]) -> None:
    client: Any = SimpleNamespace(list_objects_v2=lambda **_: {"Contents": [{"Key": key} for key in keys]})

    if len(keys) == 1:
        place("state").check_unlocked(client)
    else:
        with pytest.raises(HarnessError, match="a command works with this state"):
            place("state").check_unlocked(client)
