"""The smoke test's place in a deploy, and what it deletes where objects are copied to a second region."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import urllib3

from harness.deploy import pipeline, smoke, smoke_cleanup
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.smoke_queues import DeadLetters
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


class Http:
    """An API that answers with the statuses that it is given, the last one for ever, and with the PDF at any URL."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    def request(self, _method: str, url: str, **_: object) -> urllib3.HTTPResponse:
        if url == "https://documents.example/1":
            return urllib3.HTTPResponse(b"%PDF-1.4", status=200)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        body = {"status": "paid", "documentUrl": "https://documents.example/1"}
        return urllib3.HTTPResponse(json.dumps(body).encode(), status=status)


def run_on(*statuses: int) -> smoke.SmokeTest:
    api: Any = Http(*statuses)
    platform = PlatformAccess("dev", "https://api.example/v1", OUTPUTS, lambda _: None, api)
    return smoke.SmokeTest(platform, "1", DeadLetters(platform, {}))


@pytest.mark.parametrize("status", [429, 503, 504])
def test_a_request_is_sent_again_after_an_answer_that_asks_for_it(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "POLL_S", 0.0)

    assert run_on(status, status, 200).check_document("key", "1") == len(b"%PDF-1.4")
    run_on(status, 200).pay("key", "1")


def test_an_api_that_never_answers_in_time_fails_with_its_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "POLL_S", 0.0)
    monkeypatch.setattr(smoke, "DEADLINE_S", 0.0)

    with pytest.raises(HarnessError, match=r"GET /invoices/1 returned status 504"):
        run_on(504).check_document("key", "1")


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_an_error_that_repeating_does_not_heal_fails_at_once(status: int) -> None:
    with pytest.raises(HarnessError, match=f"returned status {status}"):
        run_on(status, 200).check_document("key", "1")
