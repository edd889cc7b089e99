"""What an account holds, counted on moto."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from harness.stack import inventory
from harness.stack.inventory import holdings

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kinds = {("s3", "bucket"), ("sqs", "queue"), ("events", "bus")}
    names = {key: value for key, value in inventory._NAMES.items() if key in kinds}
    monkeypatch.setattr(inventory, "_NAMES", names)
    with mock_aws():
        yield


def client(service: str) -> inventory.Client:
    return boto3.Session("test", "test", region_name="us-east-1").client(service)  # type: ignore[call-overload]


def test_an_untouched_account_holds_nothing() -> None:
    assert holdings(CREDENTIALS) == {}


def test_resources_are_counted_by_kind() -> None:
    for name in ("somebodys-first", "somebodys-second"):
        client("s3").create_bucket(Bucket=name)
    client("sqs").create_queue(QueueName="somebodys")

    assert holdings(CREDENTIALS) == {"s3 bucket": 2, "sqs queue": 1}


def test_a_service_that_is_missing_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    client("sqs").create_queue(QueueName="somebodys")

    def missing(_client: inventory.Client) -> Iterator[str]:
        raise ClientError({"Error": {"Code": "InternalFailure"}}, "ListBuckets")

    monkeypatch.setitem(inventory._NAMES, ("s3", "bucket"), missing)  # type: ignore[arg-type]

    assert holdings(CREDENTIALS) == {"sqs queue": 1}
