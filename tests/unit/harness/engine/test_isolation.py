"""The caller's AWS identity, endpoints and proxies do not reach the harness."""

import os

import boto3
import pytest

from harness.engine import isolate


def test_aws_settings_are_removed_and_the_rest_stays() -> None:
    environment = {
        "AWS_PROFILE": "mine",
        "AWS_ENDPOINT_URL": "http://elsewhere.example",
        "AWS_ENDPOINT_URL_S3": "http://elsewhere.example",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_MAX_ATTEMPTS": "7",
        "HOME": "/home/me",
    }

    isolate(environment)

    loopback = "127.0.0.1,localhost"
    assert environment == {"AWS_MAX_ATTEMPTS": "7", "HOME": "/home/me", "NO_PROXY": loopback, "no_proxy": loopback}


def test_loopback_is_added_once_to_the_hosts_without_proxy() -> None:
    environment = {"NO_PROXY": "intern.example,localhost"}

    isolate(environment)
    isolate(environment)

    assert environment["NO_PROXY"] == "127.0.0.1,localhost,intern.example"


def test_boto3_works_beside_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    isolate(os.environ)

    boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1").client("sqs")
