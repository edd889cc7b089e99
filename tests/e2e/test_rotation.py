"""The API's key, rotated by Secrets Manager through the deployed function: clients have one rotation to switch keys."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from harness.engine import Engine
from harness.stack.deployment import Deployment, Stack
from harness.stack.snapshot import clone_source

pytestmark = pytest.mark.xdist_group("rotation")


@pytest.fixture(scope="module")
def apart() -> Iterator[tuple[Stack, Engine]]:
    """A separate stack, because other tests use the key that is retired here."""
    with clone_source("dev").clone("e2e-rotation") as clone:
        yield clone


@pytest.fixture(scope="module")
def secrets(apart: tuple[Stack, Engine]) -> Any:
    stack, _ = apart
    return stack.session.client("secretsmanager", endpoint_url=stack.endpoint_url)


def test_each_key_works_until_the_rotation_after_the_next(
    apart: tuple[Stack, Engine], secrets: Any, wait: Callable[..., Any], tmp_path: Path
) -> None:
    stack, engine = apart
    deployment = Deployment(stack.environment, engine, tmp_path, tmp_path)

    def current() -> str:
        return str(json.loads(secrets.get_secret_value(SecretId=stack.api_key_secret_arn)["SecretString"])["apiKey"])

    def rotate() -> str:
        before = current()
        secrets.rotate_secret(SecretId=stack.api_key_secret_arn)
        return str(wait(lambda: value if (value := current()) != before else None, "the rotation"))

    def statuses(*keys: str) -> list[int]:
        url = f"{stack.api_url}/invoices?limit=1"
        return [urllib3.request("GET", url, headers={"x-api-key": key}, timeout=35.0).status for key in keys]

    first = current()
    assert first == stack.api_key
    assert statuses(first) == [200]

    second = rotate()
    assert statuses(first, second) == [200, 200]

    third = rotate()
    wait(lambda: statuses(first, second, third) == [403, 200, 200] or None, "the first key to be retired")
    assert deployment._current_api_key(stack.api_key_secret_arn) == third


def test_secret_is_encrypted_with_the_environments_key_and_rotates_by_itself(
    apart: tuple[Stack, Engine], secrets: Any
) -> None:
    stack, _ = apart
    kms = stack.session.client("kms", endpoint_url=stack.endpoint_url)

    secret = secrets.describe_secret(SecretId=stack.api_key_secret_arn)

    assert secret["RotationEnabled"] is True
    assert secret["RotationRules"]["AutomaticallyAfterDays"] == 90
    assert secret["KmsKeyId"] == kms.describe_key(KeyId="alias/invoice-platform-dev")["KeyMetadata"]["Arn"]
