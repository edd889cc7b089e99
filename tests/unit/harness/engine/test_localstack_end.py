"""What `down` and `up` do to a LocalStack in Docker, which is ours, and to one that was adopted, which is not."""

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
from tests.unit.harness.engine.fake_localstack import Listening, docker, listening

PROJECT = [{"Name": "invoice-localstack-dev", "Status": "running(1)", "ConfigFiles": str(localstack_docker.FILE)}]

__all__ = ["listening"]


def down(build: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`./noxw -s down` with a build folder of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "LOCALSTACK_ENDPOINT"}
    return subprocess.run(
        [sys.executable, "-m", "harness", "down"],
        cwd=ROOT,
        env={**kept, "HARNESS_BUILD_DIR": str(build), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_down_stops_what_runs_in_docker(tmp_path: Path) -> None:
    said = tmp_path / "said"
    docker(
        tmp_path / "bin",
        f"""echo "$*" >> {said}
case "$*" in *" ls "*) echo '{json.dumps(PROJECT)}';; version*) echo 28.2.2;; esac""",
    )

    ended = down(tmp_path / "build", PATH=f"{tmp_path / 'bin'}{os.pathsep}/bin")

    assert ended.stdout == "Stopped: the engine 'dev' in Docker\n", ended.stderr
    assert any(
        "--project-name invoice-localstack-dev down --volumes" in line
        for line in said.read_text(encoding="utf-8").splitlines()
    )


def test_down_does_not_claim_to_have_stopped_what_docker_kept(tmp_path: Path) -> None:
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


def test_down_says_that_an_adopted_one_was_left_running(tmp_path: Path, listening: Listening) -> None:
    ended = down(tmp_path / "build", PATH=str(tmp_path), LOCALSTACK_ENDPOINT=listening.url)

    assert ended.stdout == (
        f"Left running: the LocalStack at {listening.url}, with everything in it. "
        "The harness adopted it and did not start it.\n"
    )


def test_down_finds_an_adopted_one_by_the_description_and_drops_that(tmp_path: Path, listening: Listening) -> None:
    file = tmp_path / "build" / "stack-dev.json"
    file.parent.mkdir()
    file.write_text(described(listening.url).model_dump_json(), encoding="utf-8")

    ended = down(tmp_path / "build", PATH=str(tmp_path))

    assert f"Left running: the LocalStack at {listening.url}" in ended.stdout
    assert not file.exists()


def test_up_does_not_claim_to_stop_an_adopted_one(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.stack.deployment.BUILD", tmp_path)
    monkeypatch.setattr("harness.process.supervisor.clean_leftovers", lambda **_only: [])
    engine = AdoptedLocalStack(listening.url, "dev")

    assert lifecycle.running_stack("dev", engine, 4000) is None
    lifecycle.start(engine)
    lifecycle.stop("dev", engine)

    told = capsys.readouterr().out
    assert "Stop" not in told
    assert "Start" not in told
    assert f"Left running: the LocalStack at {listening.url}" in told


def test_up_uses_a_stack_of_an_adopted_one_only_where_that_is(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.stack.deployment.BUILD", tmp_path)
    monkeypatch.setattr("harness.process.supervisor.clean_leftovers", lambda **_only: [])
    engine = AdoptedLocalStack(listening.url, "dev")

    described(listening.url).save({})
    assert lifecycle.running_stack("dev", engine, None) == described(listening.url)

    described("http://127.0.0.1:1").save({})
    assert lifecycle.running_stack("dev", engine, None) is None


def described(endpoint: str) -> Stack:
    """A stack of dev on a LocalStack."""
    given: dict[str, object] = {
        name: {} if "dict" in str(field.annotation) else "x" for name, field in Stack.model_fields.items()
    }
    return Stack.model_validate({**given, "engine": "localstack", "environment": "dev", "endpoint_url": endpoint})
