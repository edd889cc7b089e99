"""rotate-api-key, step by step as Secrets Manager requests it, with a crash before and after every write."""

import json
import re
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto.core import DEFAULT_ACCOUNT_ID
from moto.secretsmanager.models import secretsmanager_backends

from invoicing.api_keys.secret_versions import SecretVersions

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PREFIX = "invoice-api-key-dev"
SECRET = "invoice-api-keys-dev"
VERSION = "00000000-0000-4000-8000-000000000001"


class Died(Exception):
    """The function's process ended in the middle."""


class Rotation:
    """A secret, a usage plan with the first key, and Secrets Manager's part of the protocol."""

    def __init__(self, load: Callable[..., ModuleType], context: Any) -> None:
        self.secrets, self.gateway = boto3.client("secretsmanager"), boto3.client("apigateway")
        self.plan = self.gateway.create_usage_plan(name="invoice-api-dev")["id"]
        self.first = self.gateway.create_api_key(name="invoice-api-dev", value="f" * 40, enabled=True)
        self.gateway.create_usage_plan_key(usagePlanId=self.plan, keyId=self.first["id"], keyType="API_KEY")
        value = {"apiKeyId": self.first["id"], "apiKey": "f" * 40}
        self.arn = self.secrets.create_secret(Name=SECRET, SecretString=json.dumps(value))["ARN"]
        self.set_rotation(on=True)
        self.handler = load("rotate_api_key", USAGE_PLAN_ID=self.plan)
        self._context = context

    @property
    def _state(self) -> Any:
        return secretsmanager_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].secrets[SECRET]

    def set_rotation(self, *, on: bool) -> None:
        self._state.rotation_requested, self._state.rotation_enabled = True, on

    def begin(self) -> str:
        """RotateSecret's own part: an empty version labelled AWSPENDING (moto would run the function in Docker)."""
        token = str(uuid.uuid4())
        self._state.remove_version_stages_from_old_versions(["AWSPENDING"])
        self._state.versions[token] = {"createdate": 0, "version_id": token, "version_stages": ["AWSPENDING"]}
        return token

    def step(self, step: str, token: str) -> None:
        event = {"Step": step, "SecretId": self.arn, "ClientRequestToken": token, "RotationToken": "new"}
        assert self.handler.lambda_handler(event, self._context) is None

    def steps(self, token: str) -> None:
        for step in STEPS:
            self.step(step, token)

    def rotate(self) -> str:
        token = self.begin()
        self.steps(token)
        return token

    def value(self, label: str = "AWSCURRENT") -> dict[str, str]:
        response = self.secrets.get_secret_value(SecretId=SECRET, VersionStage=label)["SecretString"]
        value: dict[str, str] = json.loads(response)
        return value

    def keys(self) -> dict[str, bool]:
        """Whether requests with each existing key are accepted: enabled, and in the plan."""
        planned = {key["id"] for key in self.gateway.get_usage_plan_keys(usagePlanId=self.plan)["items"]}
        keys = self.gateway.get_api_keys()["items"]
        return {key["id"]: key["enabled"] and key["id"] in planned for key in keys}

    def state(self) -> Any:
        return self.secrets.describe_secret(SecretId=SECRET)["VersionIdsToStages"], self.keys(), self.value()


@pytest.fixture
def rotation(load: Callable[..., ModuleType], context: Any) -> Rotation:
    return Rotation(load, context)


def test_a_rotation_creates_a_new_key_and_keeps_the_previous_one(rotation: Rotation) -> None:
    token = rotation.rotate()

    secret = rotation.value()
    assert secret["apiKeyId"] != rotation.first["id"]
    assert len(secret["apiKey"]) == 40
    assert rotation.keys() == {secret["apiKeyId"]: True, rotation.first["id"]: True}
    key = rotation.gateway.get_api_key(apiKey=secret["apiKeyId"], includeValue=True)
    assert (key["name"], key["value"]) == (f"{PREFIX}-{token[:8]}", secret["apiKey"])
    assert rotation.value("AWSPREVIOUS")["apiKeyId"] == rotation.first["id"]


def test_a_key_lasts_two_rotations_and_terraforms_key_is_disabled_not_deleted(rotation: Rotation) -> None:
    key_ids = []
    for _ in range(3):
        rotation.rotate()
        key_ids.append(rotation.value()["apiKeyId"])

    assert len(set(key_ids)) == 3
    assert rotation.keys() == {key_ids[2]: True, key_ids[1]: True, rotation.first["id"]: False}


def test_other_keys_are_not_changed(rotation: Rotation) -> None:
    other = [f"{PREFIX}-preview-01234567", f"{PREFIX}-short", "invoice-api-key-prod-01234567", f"x{PREFIX}-01234567"]
    for name in other:
        rotation.gateway.create_api_key(name=name, enabled=True)
    stray = rotation.gateway.create_api_key(name=f"{PREFIX}-01234567", enabled=True)["id"]  # of a rotation that failed

    rotation.rotate()

    names = {key["name"]: key["enabled"] for key in rotation.gateway.get_api_keys()["items"]}
    assert all(names[name] for name in other)
    assert stray not in rotation.keys()  # noqa: SIM118 -- a method of ours


@pytest.mark.parametrize("step", STEPS)
def test_a_step_done_twice_changes_nothing(rotation: Rotation, step: str) -> None:
    rotation.rotate()
    token = rotation.begin()
    for earlier in STEPS[: STEPS.index(step) + 1]:
        rotation.step(earlier, token)
    before = rotation.state()

    rotation.step(step, token)

    assert rotation.state() == before


@pytest.mark.parametrize("step", STEPS)
def test_a_repeated_rotation_that_is_done_changes_nothing(rotation: Rotation, step: str) -> None:
    rotation.rotate()
    token = rotation.rotate()
    before = rotation.state()

    rotation.step(step, token)

    assert rotation.state() == before


WRITES = [
    ("create", "_gateway", "create_api_key"),
    ("create", "_secrets", "put_secret_value"),
    ("set", "_gateway", "create_usage_plan_key"),
    ("finish", "_gateway", "update_api_key"),
    ("finish", "_gateway", "delete_api_key"),
    ("finish", "_secrets", "update_secret_version_stage"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("step", "of", "operation"), WRITES)
def test_a_repetition_recovers_from_a_crash_at_any_write(
    rotation: Rotation, monkeypatch: pytest.MonkeyPatch, step: str, of: str, operation: str, moment: str
) -> None:  # fmt: skip
    rotation.rotate()
    rotation.rotate()
    kept = rotation.value()["apiKeyId"]
    token = rotation.begin()
    real = rotation.handler.keys._gateway if of == "_gateway" else None
    crashed = []

    def crash_in(client: Any) -> None:
        write = getattr(client, operation)

        def call(**request: Any) -> Any:
            if crashed:
                return write(**request)
            crashed.append(operation)
            if moment == "after":
                write(**request)
            raise Died

        monkeypatch.setattr(client, operation, call)

    if real is not None:
        crash_in(real)
    else:
        monkeypatch.setattr("invoicing.api_keys.secret_versions.client", lambda _: rotation.secrets)
        crash_in(rotation.secrets)
    with pytest.raises(Died):
        rotation.steps(token)
    assert crashed == [operation]
    assert rotation.keys()[kept], f"{step} crashed, and the key that clients use is not accepted"

    rotation.steps(token)

    assert rotation.keys() == {rotation.value()["apiKeyId"]: True, kept: True, rotation.first["id"]: False}
    names = [key["name"] for key in rotation.gateway.get_api_keys()["items"]]
    assert names.count(f"{PREFIX}-{token[:8]}") == 1


def test_a_token_of_no_pending_rotation_is_rejected(rotation: Rotation) -> None:
    old = rotation.rotate()
    rotation.rotate()
    pending = rotation.begin()
    before = rotation.state()

    for token in (old, str(uuid.uuid4())):
        for step in STEPS:
            with pytest.raises(Exception, match=rf"{token} .* is not being rotated to \(pending: {pending}\)"):
                rotation.step(step, token)

    assert rotation.state() == before


@pytest.mark.parametrize("change", [{"Step": "dropSecret"}, {"ClientRequestToken": "x"}, {"SecretId": ""}])
def test_an_event_that_is_not_of_a_rotation_is_rejected(
    rotation: Rotation, change: dict[str, str], context: Any
) -> None:
    event = {"Step": "createSecret", "SecretId": rotation.arn, "ClientRequestToken": rotation.begin()}
    with pytest.raises(ValueError, match=next(iter(change))):
        rotation.handler.lambda_handler(event | change, context)


def test_a_secret_without_rotation_is_rejected(rotation: Rotation) -> None:
    token = rotation.begin()
    rotation.set_rotation(on=False)
    with pytest.raises(Exception, match="not set up for rotation"):
        rotation.step("createSecret", token)


@pytest.mark.parametrize(("rest", "labels"), [({}, {VERSION: ["AWSCURRENT"]}), ({"RotationEnabled": False}, None)])
def test_a_secret_that_does_not_say_whether_it_rotates_is_being_set_up(
    aws: str, rest: dict[str, bool], labels: dict[str, list[str]] | None
) -> None:
    """Secrets Manager tests the function before it turns rotation on."""
    secrets = boto3.client("secretsmanager", region_name=aws)
    stub = Stubber(secrets)
    arn = f"arn:aws:secretsmanager:{aws}:123456789012:secret:{SECRET}-abcdef"
    stub.add_response("describe_secret", {"ARN": arn, "VersionIdsToStages": {VERSION: ["AWSCURRENT"]}, **rest})

    with stub:
        assert SecretVersions(SECRET, secrets).labels() == labels


def test_the_value_of_a_key_is_alphanumeric(rotation: Rotation) -> None:
    """Of twenty keys: random characters of another alphabet would show."""
    values = []
    for _ in range(20):
        rotation.rotate()
        values.append(rotation.value()["apiKey"])

    assert [value for value in values if not re.fullmatch("[A-Za-z0-9]{40}", value)] == []
    assert len(set(values)) == 20


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_out_of_order_is_rejected(rotation: Rotation, step: str) -> None:
    with pytest.raises(Exception, match="is still empty: createSecret comes first"):
        rotation.step(step, rotation.begin())


def test_a_key_that_is_not_accepted_is_never_promoted(rotation: Rotation) -> None:
    token = rotation.begin()
    rotation.step("createSecret", token)
    with pytest.raises(Exception, match=f"is not in usage plan {rotation.plan}"):
        rotation.step("testSecret", token)
    rotation.step("setSecret", token)
    key = rotation.value("AWSPENDING")["apiKeyId"]
    rotation.gateway.update_api_key(
        apiKey=key, patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}]
    )
    with pytest.raises(Exception, match="is disabled"):
        rotation.step("testSecret", token)
    rotation.gateway.delete_api_key(apiKey=key)
    for step in STEPS[1:]:
        with pytest.raises(Exception, match=f"API key {key} of version {token} no longer exists"):
            rotation.step(step, token)
    assert rotation.value()["apiKeyId"] == rotation.first["id"]


def test_a_secret_with_another_value_than_the_key_is_rejected(rotation: Rotation) -> None:
    token = rotation.begin()
    rotation.step("createSecret", token)
    rotation.step("setSecret", token)
    value = rotation.value("AWSPENDING") | {"apiKey": "somebody-elses-value-0123456789"}
    rotation._state.versions[token]["secret_string"] = json.dumps(value)
    with pytest.raises(Exception, match="has another value than version"):
        rotation.step("testSecret", token)


@pytest.mark.parametrize("value", ["secret text", "[]", '{"apiKey": "0123456789012345678901"}'])
def test_a_malformed_version_is_rejected_without_showing_its_value(rotation: Rotation, value: str) -> None:
    token = rotation.begin()
    rotation._state.versions[token]["secret_string"] = value
    with pytest.raises(Exception, match=r'is not {"apiKeyId": \.\.\., "apiKey": \.\.\.}') as error:
        rotation.step("createSecret", token)
    assert value not in str(error.value)


def test_nothing_logged_holds_a_keys_value(rotation: Rotation, caplog: pytest.LogCaptureFixture) -> None:
    rotation.rotate()
    logged = [str(vars(record)) for record in caplog.records]
    assert sum("Rotation step done" in line for line in logged) == len(STEPS)
    assert [line for line in logged if rotation.value()["apiKey"] in line] == []
    assert rotation.value()["apiKey"] not in repr(rotation.handler.keys.get(rotation.value()["apiKeyId"]))
