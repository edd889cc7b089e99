"""`down` and `up` stop a LocalStack in Docker, which the harness started, and leave an adopted one running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine import localstack_docker
from harness.engine.localstack_adopted import AdoptedLocalStack
from harness.paths import ROOT
from harness.stack import lifecycle
from harness.stack.deployment import Stack
from tests.patience import HANG_S
from tests.unit.harness.engine.fake_localstack import FakeLocalStack, docker, localstack

PROJECT = [{"Name": "invoice-localstack-dev", "Status": "running(1)", "ConfigFiles": str(localstack_docker.FILE)}]

__all__ = ["localstack"]


def down(build: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`./noxw -s down` with a separate build folder."""
    caller = {name: value for name, value in os.environ.items() if name != "LOCALSTACK_ENDPOINT"}
    return subprocess.run(
        [sys.executable, "-m", "harness", "down"],
        cwd=ROOT,
        env={**caller, "HARNESS_BUILD_DIR": str(build), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )


def test_down_stops_what_runs_in_docker(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    docker(
        tmp_path / "bin",
        f"""echo "$*" >> {calls}
case "$*" in *" ls "*) echo '{json.dumps(PROJECT)}';; version*) echo 28.2.2;; esac""",
    )

    ended = down(tmp_path / "build", PATH=f"{tmp_path / 'bin'}{os.pathsep}/bin")

    assert ended.stdout == "Stopped: the engine 'dev' in Docker\n", ended.stderr
    assert any(
        "--project-name invoice-localstack-dev down --volumes" in line
        for line in calls.read_text(encoding="utf-8").splitlines()
    )


def test_down_does_not_report_a_container_that_docker_did_not_stop(tmp_path: Path) -> None:
    docker(
        tmp_path / "bin",
        f"""case "$*" in *" ls "*) echo '{json.dumps(PROJECT)}';; version*) echo 28.2.2;;
*" down "*) echo "container is stuck" >&2; exit 1;; esac""",
    )

    ended = down(tmp_path / "build", PATH=f"{tmp_path / 'bin'}{os.pathsep}/bin")

    assert ended.returncode == 1
    assert "Stopped" not in ended.stdout
    assert ended.stderr.startswith("Error: LocalStack did not stop in Docker: container is stuck\n")
    assert "Traceback" not in ended.stderr


def test_down_reports_that_an_adopted_one_was_left_running(tmp_path: Path, localstack: FakeLocalStack) -> None:
    ended = down(tmp_path / "build", PATH=str(tmp_path), LOCALSTACK_ENDPOINT=localstack.url)

    assert ended.stdout == (
        f"Left running: the LocalStack at {localstack.url}, with everything in it. "
        "The harness adopted it and did not start it.\n"
    )


def test_down_finds_an_adopted_one_by_the_stacks_description_and_removes_that(
    tmp_path: Path, localstack: FakeLocalStack
) -> None:
    file = tmp_path / "build" / "stack-dev.json"
    file.parent.mkdir()
    file.write_text(described(localstack.url).model_dump_json(), encoding="utf-8")

    ended = down(tmp_path / "build", PATH=str(tmp_path))

    assert f"Left running: the LocalStack at {localstack.url}" in ended.stdout
    assert not file.exists()


def test_up_does_not_report_stopping_an_adopted_one(
    localstack: FakeLocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.stack.deployment.BUILD", tmp_path)
    monkeypatch.setattr("harness.process.supervisor.clean_leftovers", lambda **_only: [])
    engine = AdoptedLocalStack(localstack.url, "dev")

    assert lifecycle.running_stack("dev", engine, 4000) is None
    lifecycle.start(engine)
    lifecycle.stop("dev", engine)

    output = capsys.readouterr().out
    assert "Stop" not in output
    assert "Start" not in output
    assert f"Left running: the LocalStack at {localstack.url}" in output


def test_up_uses_a_described_stack_only_if_its_endpoint_is_the_adopted_one(
    localstack: FakeLocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.stack.deployment.BUILD", tmp_path)
    monkeypatch.setattr("harness.process.supervisor.clean_leftovers", lambda **_only: [])
    engine = AdoptedLocalStack(localstack.url, "dev")

    described(localstack.url).save({})
    assert lifecycle.running_stack("dev", engine, None) == described(localstack.url)

    described("http://127.0.0.1:1").save({})
    assert lifecycle.running_stack("dev", engine, None) is None


def described(endpoint: str) -> Stack:
    """A stack of dev on a LocalStack."""
    values: dict[str, object] = {
        name: {} if "dict" in str(field.annotation) else "x" for name, field in Stack.model_fields.items()
    }
    return Stack.model_validate({**values, "engine": "localstack", "environment": "dev", "endpoint_url": endpoint})
