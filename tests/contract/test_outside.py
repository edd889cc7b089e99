"""What the harness reads of a deployed environment, and the API key's secret, have the shape that Terraform creates."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.contract.mismatch import Mismatch, report, symbol
from harness.contract.source import Item, entries
from harness.engine.base import Endpoint, RootKeys
from harness.stack.deployment import Deployment, Stack
from invoicing.api_keys.rotation import KeyRotation, KeySecret
from tests.contract.conftest import PLATFORM, Environment

SECRET_ADDRESS = "module.invoice_platform.module.api_key_secret.aws_secretsmanager_secret_version.initial[0]"
VALUE = "k" * 40


class _Engine:
    name = "engine"
    endpoint = Endpoint(1, RootKeys("test", "test"))


class _Secrets:
    """Holds one secret."""

    def __init__(self, value: dict[str, str]) -> None:
        self.value = json.dumps(value)

    def client(self, *_: Any, **__: Any) -> "_Secrets":
        return self

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        return {"SecretString": self.value}


class _Terraform:
    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs

    def output(self) -> dict[str, Any]:
        return {"stack": self.outputs}


@pytest.fixture
def written() -> list[Item]:
    """The fields that Terraform writes into the secret. The value is write-only: no plan shows it, only the source."""
    return entries(PLATFORM, "module", "api_key_secret", "initial_value")


@pytest.fixture
def deployment() -> Deployment:
    return Deployment("dev", _Engine(), Path("zips"), Path("work"))  # type: ignore[arg-type]


def test_the_secret_that_is_planned_is_the_one_that_is_read(live: Environment, written: list[Item]) -> None:
    assert live.plan[SECRET_ADDRESS].get("secret_string_wo_version") == 1
    assert len(written) == 2


def test_rotation_reads_what_terraform_writes(written: list[Item]) -> None:
    mismatches = misread(written)

    assert not mismatches, report(mismatches)


def misread(written: list[Item]) -> list[Mismatch]:
    """The fields that rotation needs and Terraform does not write."""
    where = f"{SECRET_ADDRESS} ({', '.join(f'{item.key} in {item.where}' for item in written)})"
    try:
        KeySecret.model_validate({item.key: VALUE for item in written})
    except ValidationError as invalid:
        missing = ", ".join(".".join(map(str, error["loc"])) for error in invalid.errors())
        return [
            Mismatch(
                "The API key's secret has another shape than rotation reads",
                f"{symbol(KeySecret)} lacks {missing}",
                f"{where} has {', '.join(item.key for item in written)}",
                "Use the same names for the secret's fields in both.",
            )
        ]
    return []


def test_the_secrets_fields_have_the_values_that_their_names_promise(written: list[Item]) -> None:
    read = {KeySecret.model_fields[name].alias or name for name in KeySecret.model_fields}

    assert {item.key: item.text for item in written} == {
        "apiKey": "module.api.api_key",
        "apiKeyId": "module.api.api_key_id",
    }
    assert {item.key for item in written} == read, f"{symbol(KeyRotation._create)} writes {sorted(read)}"


def test_the_harness_reads_the_key_that_terraform_or_rotation_writes(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, written: list[Item]
) -> None:
    rotated = KeySecret(api_key_id="id", api_key=VALUE).model_dump(by_alias=True)
    first = {item.key: VALUE if item.text.endswith("api_key") else "id" for item in written}
    for value in (first, rotated):
        monkeypatch.setattr(Deployment, "_session", _Secrets(value))
        assert deployment._current_api_key("arn") == VALUE, f"{symbol(Deployment._current_api_key)} reads {value}"


def test_the_harness_finds_every_output_that_it_reads(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, live: Environment
) -> None:
    outputs = {name: "known-after-apply" if value is None else value for name, value in live.outputs.items()}
    monkeypatch.setattr(Deployment, "terraform", _Terraform(outputs))
    monkeypatch.setattr(Deployment, "_session", _Secrets({"apiKey": VALUE}))

    try:
        stack: Stack | str = deployment.describe()
    except KeyError as output:
        stack = f"{symbol(Deployment.describe)} reads the output {output}; live/{live.name} has {sorted(outputs)}"

    assert isinstance(stack, Stack), stack
    assert stack.functions.keys() == live.functions.keys()
