"""The smoke test's place in a deploy, and what it deletes where objects are copied to a second region."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness.deploy import pipeline, smoke, smoke_cleanup
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.smoke_access import PlatformAccess
from harness.errors import HarnessError

OUTPUTS: Mapping[str, Any] = {"documents_bucket": "documents", "replica_buckets": {"documents": "copies"}}


class S3:
    """Two buckets; an object of the first is copied to the second only after some looks at its status."""

    def __init__(self, pending: int) -> None:
        self.pending = pending
        self.versions = {"documents": ["2026/11/a.pdf"], "copies": []}
        self.deleted: list[tuple[str, str, str]] = []

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, "Contents" if operation == "list_objects_v2" else "Versions")

    def head_object(self, **request: str) -> dict[str, str]:
        self.pending -= 1
        if self.pending > 0:
            return {"ReplicationStatus": "PENDING"}
        assert request == {"Bucket": "documents", "Key": "2026/11/a.pdf"}
        self.versions["copies"] = self.versions["documents"]
        return {"ReplicationStatus": "COMPLETED"}

    def delete_object(self, **request: str) -> None:
        self.deleted.append((request["Bucket"], request["Key"], request["VersionId"]))


class Pages:
    """The one page of a list."""

    def __init__(self, s3: S3, member: str) -> None:
        self._s3, self._member = s3, member

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        keys = [key for key in self._s3.versions[request["Bucket"]] if key == request["Prefix"]]
        yield {self._member: [{"Key": key, "VersionId": "1"} for key in keys]}


def access(s3: S3) -> PlatformAccess:
    return PlatformAccess("prod", "https://api.example/v1", OUTPUTS, lambda _: s3)


def test_a_copy_in_the_second_region_is_awaited_and_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_cleanup, "_PAUSE_S", 0.0)
    s3 = S3(pending=3)

    smoke_cleanup.delete_objects(access(s3), "documents", "2026/11/a.pdf")

    assert s3.deleted == [("documents", "2026/11/a.pdf", "1"), ("copies", "2026/11/a.pdf", "1")]


def test_an_object_that_is_never_copied_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_cleanup, "_PAUSE_S", 0.0)
    monkeypatch.setattr(smoke_cleanup, "REPLICATION_S", 0.0)

    with pytest.raises(HarnessError, match=r"s3://documents/2026/11/a.pdf is not copied to the second region"):
        smoke_cleanup.delete_objects(access(S3(pending=9)), "documents", "2026/11/a.pdf")


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environments that were tested."""
    environments: list[str] = []
    monkeypatch.setattr(smoke, "run", lambda access: environments.append(access.environment))
    return environments


def test_a_deploy_is_tested(tested: list[str]) -> None:
    report = DeployReport("prod", "embedded")

    pipeline._test(access(S3(0)), DeployRequest("prod"), report)

    assert (tested, report.smoke) == (["prod"], "passed")


def test_the_test_can_be_left_out(tested: list[str]) -> None:
    report = DeployReport("prod", "embedded")

    pipeline._test(access(S3(0)), DeployRequest("prod", smoke=False), report)

    assert (tested, report.smoke) == ([], "left out")


def test_a_failed_test_fails_the_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: PlatformAccess) -> None:
        raise HarnessError("The smoke test of prod failed.", remedy="Look.")

    monkeypatch.setattr(smoke, "run", fail)
    report = DeployReport("prod", "embedded")

    with pytest.raises(HarnessError):
        pipeline._test(access(S3(0)), DeployRequest("prod"), report)

    assert report.smoke == "failed"
