"""The description of a running stack: as a file for users and tests, as a shell file, and for a clone."""

import json
import os
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engine.base import Endpoint, RootKeys
from harness.errors import HarnessError
from harness.stack import deployment as stacks
from harness.stack.deployment import Stack

FIXED_KEYS = {
    "engine", "environment", "region", "endpoint_url", "api_url", "api_key", "uploads_bucket", "documents_bucket",
    "archives_bucket", "table_name", "event_bus", "functions",
}  # fmt: skip


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stacks, "BUILD", tmp_path)
    return tmp_path


@pytest.fixture
def stack() -> Stack:
    return Stack(
        engine="embedded",
        environment="dev",
        region="us-east-1",
        account_id="000000000000",
        endpoint_url="http://127.0.0.1:4566",
        api_url="http://127.0.0.1:4566/_aws/execute-api/abc/v1",
        api_key="it's a key",
        uploads_bucket="u",
        documents_bucket="d",
        archives_bucket="a",
        artifacts_bucket="artifacts",
        table_name="t",
        event_bus="b",
        functions={"create-invoice": "create-invoice-dev"},
        dead_letter_queues={},
        event_dead_letter_queues={},
        downstream_queue_url="",
        downstream_topic_arn="arn:aws:sns:us-east-1:000000000000:d",
        replica_buckets={},
        api_key_secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:k-abcdef",
        dashboard_name="d",
        alarm_topic_arn="arn:aws:sns:us-east-1:000000000000:t",
        alarms={},
        credentials={
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        },
    )


def test_description_has_the_fixed_keys_and_reads_back(stack: Stack, build: Path) -> None:
    stack.save({})

    assert json.loads((build / "stack-dev.json").read_text(encoding="utf-8")).keys() >= FIXED_KEYS
    assert Stack.load("dev") == stack


@pytest.mark.parametrize("name", ["stack-dev.json", "stack-dev.env"])
def test_files_with_a_key_are_readable_by_the_owner_only(stack: Stack, build: Path, name: str) -> None:
    before = os.umask(0)
    try:
        stack.save({})
    finally:
        os.umask(before)

    assert stat.S_IMODE((build / name).stat().st_mode) == 0o600


def test_shell_file_sets_every_variable_exactly_and_removes_foreign_ones(stack: Stack, build: Path) -> None:
    stack.save({"TF_VAR_artifacts_dir": "/a folder/with $signs"})
    script = f'. "{build}/stack-dev.env" && env'
    foreign = {
        "AWS_PROFILE": "mine",
        "AWS_SESSION_TOKEN": "old",
        "AWS_ROLE_ARN": "r",
        "AWS_ENDPOINT_URL_S3": "http://x",
        "AWS_USE_FIPS_ENDPOINT": "true",
    }
    caller = {"PATH": os.environ["PATH"], "NO_PROXY": "intern", **foreign}

    shown = subprocess.run(["/bin/sh", "-eu", "-c", script], env=caller, capture_output=True, text=True, check=True)

    variables = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
    assert variables["API_KEY"] == "it's a key"
    assert variables["API_URL"] == stack.api_url
    assert variables["TF_VAR_artifacts_dir"] == "/a folder/with $signs"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert variables["NO_PROXY"] == "127.0.0.1,localhost,intern"
    assert variables["AWS_CONFIG_FILE"] == os.devnull
    assert not foreign.keys() & variables.keys()


def test_the_harness_terraform_comes_first_on_the_callers_path(stack: Stack, build: Path) -> None:
    stack.save({}, terraform=Path("/our own/terraform"))
    script = f'. "{build}/stack-dev.env" && echo "$PATH"'

    shown = subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        env={"PATH": "/venv/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout == "/our own:/venv/bin:/usr/bin:/bin\n"


def test_a_missing_description_is_an_error_with_the_command_that_starts_a_stack() -> None:
    with pytest.raises(HarnessError, match=r"No stack of 'dev' is running.*\n.*-s up -- --env dev"):
        Stack.load("dev")


@pytest.mark.parametrize("content", ["", "{}", '{"engine": 1}', "not json"])
def test_a_broken_description_is_an_error_with_a_remedy(build: Path, content: str) -> None:
    (build / "stack-dev.json").write_text(content, encoding="utf-8")

    with pytest.raises(HarnessError, match="-s down"):
        Stack.load("dev")


def test_forgetting_removes_both_files(stack: Stack, build: Path) -> None:
    stack.save({})

    stacks.forget("dev")
    stacks.forget("dev")  # a second time is not an error

    assert not list(build.iterdir())


def test_a_clone_differs_in_its_endpoint_only(stack: Stack) -> None:
    endpoint = Endpoint(5000, RootKeys("test", "test"))

    clone = stack.on(SimpleNamespace(endpoint=endpoint))  # type: ignore[arg-type]

    assert clone.api_url == "http://127.0.0.1:5000/_aws/execute-api/abc/v1"
    assert clone.credentials["AWS_ENDPOINT_URL"] == clone.endpoint_url == "http://127.0.0.1:5000"
    assert clone.model_copy(update=stack.model_dump(include={"api_url", "credentials", "endpoint_url"})) == stack
