"""Which zips of earlier deployments stay in the bucket."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from harness.stack import code_history
from harness.terraform.run import Terraform

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

START = datetime(2026, 1, 1, tzinfo=UTC)


def zip_key(number: int, function: str = "create-invoice") -> str:
    """The key of one of a function's zips."""
    return f"functions/{function}/{number:064x}.zip"


def state_of(*keys: str, bucket: str = "zips", **more: Any) -> dict[str, Any]:
    """A state with one uploaded object for each key."""
    instances = [{"index_key": key, "attributes": {"bucket": bucket, "key": key}} for key in keys]
    return {"resources": [{"mode": "managed", "type": "aws_s3_object", "name": "code", "instances": instances, **more}]}


class FixedState:
    """Stands in for Terraform on a root whose state is known."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    def state(self) -> dict[str, Any]:
        """The state."""
        return self._state


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="zips")
        yield client


def kept_in(folder: Path) -> dict[str, list[str]]:
    """The content of the list that `keep` writes."""
    return cast("dict[str, list[str]]", json.loads((folder / "kept.json").read_text(encoding="utf-8")))


def test_the_last_eleven_uploads_of_each_function_stay() -> None:
    uploads = [(zip_key(number), START + timedelta(days=number)) for number in range(15)]
    uploads.append((zip_key(99, "get-invoice"), START))

    kept = code_history.newest(uploads, {key for key, _ in uploads})

    assert kept == [*(zip_key(number) for number in range(4, 15)), zip_key(99, "get-invoice")]


def test_a_zip_that_is_added_takes_the_place_of_the_oldest() -> None:
    uploads = [(zip_key(number), START + timedelta(days=number)) for number in range(11)]
    uploads.append((zip_key(99, "get-invoice"), START))

    kept = code_history.newest(uploads, {key for key, _ in uploads}, arriving=[zip_key(11)])

    assert kept == [*(zip_key(number) for number in range(1, 11)), zip_key(99, "get-invoice")]


def test_a_changed_file_is_a_zip_that_is_added(s3: "S3Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_history, "KEPT", 1)
    s3.put_object(Bucket="zips", Key=zip_key(1), Body=b"1")
    (tmp_path / "create-invoice.zip").write_bytes(b"changed")

    code_history.keep(cast("Terraform", FixedState(state_of(zip_key(1)))), s3, tmp_path)

    assert kept_in(tmp_path) == {"zips": []}


def test_what_terraform_does_not_know_is_not_kept() -> None:
    kept = code_history.newest([(zip_key(1), START), (zip_key(2), START)], {zip_key(1)})

    assert kept == [zip_key(1)]


def test_only_zips_that_are_named_by_their_content_are_found_in_the_state() -> None:
    state = state_of(zip_key(1), "functions/create-invoice.zip", "report.json")

    assert code_history.in_state(state) == {"zips": {zip_key(1)}}


def test_a_state_without_zips_has_none() -> None:
    assert code_history.in_state({}) == {}


def test_the_list_names_what_is_in_the_state_and_in_the_bucket(s3: "S3Client", tmp_path: Path) -> None:
    s3.put_object(Bucket="zips", Key=zip_key(1), Body=b"1")
    s3.put_object(Bucket="zips", Key=zip_key(2), Body=b"2")

    code_history.keep(cast("Terraform", FixedState(state_of(zip_key(1), zip_key(3)))), s3, tmp_path)

    assert kept_in(tmp_path) == {"zips": [zip_key(1)]}


def test_a_bucket_that_is_gone_has_nothing_to_keep(s3: "S3Client", tmp_path: Path) -> None:
    code_history.keep(cast("Terraform", FixedState(state_of(zip_key(1), bucket="gone"))), s3, tmp_path)

    assert kept_in(tmp_path) == {"gone": []}
