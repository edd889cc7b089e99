"""Which LocalStack is used, the errors when there is none, and the arguments of the docker command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.engine import engine_for, localstack_docker, pythons
from harness.engine.differences import DifferenceTable
from harness.engine.localstack_adopted import AdoptedLocalStack
from harness.engine.localstack_docker import LocalStackInDocker
from harness.engine.localstack_host import LocalStackHost
from harness.errors import HarnessError
from harness.paths import ROOT
from harness.stack import lifecycle
from harness.terraform import binary
from tests.patience import HANG_S
from tests.unit.harness.engine.fake_localstack import FakeLocalStack, docker, localstack

__all__ = ["localstack"]

COMPOSE = yaml.safe_load(localstack_docker.FILE.read_text(encoding="utf-8"))["services"]["localstack"]


@pytest.fixture(autouse=True)
def _no_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALSTACK_ENDPOINT", raising=False)
    pythons.find.cache_clear()


@pytest.fixture
def _python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python 3.13 that is never run."""
    monkeypatch.setattr(pythons, "find", lambda _version: Path("/usr/bin/python3.13"))


@pytest.mark.usefixtures("_python")
def test_a_running_localstack_is_adopted(monkeypatch: pytest.MonkeyPatch, localstack: FakeLocalStack) -> None:
    monkeypatch.setenv("LOCALSTACK_ENDPOINT", localstack.url.replace("127.0.0.1", "localhost"))

    engine = engine_for("localstack")

    assert isinstance(engine, AdoptedLocalStack)
    assert engine.endpoint.url == localstack.url
    assert engine.most_accounts == 1
    assert engine.snapshots is None
    assert engine.note.endswith("verifies no keys: whoever reaches it may change it.")


@pytest.mark.usefixtures("_python")
@pytest.mark.parametrize("version", ["4.13.2", "3.8.0", "2026.5.0", None])
def test_another_version_of_an_adopted_one_is_noted(
    monkeypatch: pytest.MonkeyPatch, localstack: FakeLocalStack, version: str | None
) -> None:
    monkeypatch.setenv("LOCALSTACK_ENDPOINT", localstack.url)
    localstack.health = {"services": {}} if version is None else {"services": {}, "version": version}

    note = engine_for("localstack").note

    assert note
    assert f"version {version or 'unknown'}" in note
    assert "4.14" in note


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://127.0.0.1:4566",
            "http://localstack.example:4566",
            "http://127.0.0.1",
            "4566",
            "http://127.0.0.1:1/x",
        ),
        *("http://127.0.0.1:99999", "http://127.0.0.1:abc", "http://127.0.0.1:0", "http://[::1", "http://[::1]:4566"),
    ],
)
def test_only_an_endpoint_on_this_computer_is_adopted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LOCALSTACK_ENDPOINT", url)

    with pytest.raises(HarnessError, match="not the URL of a LocalStack on this computer"):
        engine_for("localstack")


def test_an_endpoint_that_does_not_respond_is_named_in_the_error() -> None:
    with pytest.raises(HarnessError, match=r"No LocalStack responds at http://127\.0\.0\.1:1"):
        AdoptedLocalStack("http://127.0.0.1:1", "main").wait_healthy(0)


@pytest.mark.usefixtures("_python")
def test_docker_is_used_if_its_daemon_responds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(tmp_path / "bin", "echo 28.2.2")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert isinstance(engine_for("localstack"), LocalStackInDocker)


DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"


@pytest.mark.usefixtures("_python")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "responds: Cannot connect to the Docker daemon"),
        (f"echo '{DENIED}' >&2; exit 1", "no permission for Docker's socket"),
        ('case "$1" in compose) echo "not a docker command" >&2; exit 1;; *) echo 28.2.2;; esac', "Compose plugin"),
        ("exec sleep 60", "did not respond within 1.5 s"),
        ('case "$1" in compose) exec sleep 60;; *) echo 28.2.2;; esac', "did not respond within 1.5 s"),
    ],
)
def test_without_a_usable_docker_localstack_runs_as_a_process_and_the_reason_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    docker(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin")

    engine = engine_for("localstack")

    assert isinstance(engine, LocalStackHost)
    assert engine.note
    assert reason in engine.note


@pytest.mark.usefixtures("_python")
def test_without_a_docker_command_its_lack_is_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert engine_for("localstack").note == LocalStackHost.note


@pytest.mark.parametrize("where", ["adopted", "docker"])
def test_a_missing_python_is_one_error_and_docker_is_not_even_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, localstack: FakeLocalStack, where: str
) -> None:
    docker(tmp_path / "bin", f"touch {tmp_path / 'was-run'}; echo 28.2.2")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setattr(pythons, "_candidates", lambda _version: iter(()))
    if where == "adopted":
        monkeypatch.setenv("LOCALSTACK_ENDPOINT", localstack.url)

    with pytest.raises(HarnessError) as error:
        engine_for("localstack")

    assert "needs Python 3.13, with Docker and without" in error.value.what
    assert "Docker" not in error.value.remedy
    assert not (tmp_path / "was-run").exists()


@pytest.mark.usefixtures("_python")
def test_a_dead_endpoint_is_an_error_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALSTACK_ENDPOINT", "http://127.0.0.1:1")

    with pytest.raises(HarnessError, match=r"No LocalStack responds at http://127\.0\.0\.1:1\."):
        engine_for("localstack")


def test_up_reports_a_missing_engine_before_it_looks_for_terraform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_candidates", lambda _version: iter(()))
    monkeypatch.setenv("HARNESS_ENGINE", "localstack")
    monkeypatch.setattr(binary, "find", lambda: pytest.fail("it looked for Terraform, maybe to download it"))

    with pytest.raises(HarnessError, match=r"needs Python 3\.13"):
        lifecycle.up("dev", ROOT / "docs" / "sample" / "invoices.csv", port=None, ending=lifecycle.Ending.ONCE)


def test_an_interpreter_of_another_version_or_a_shim_that_fails_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="ascii")
    shim.chmod(0o755)
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\necho 3.12 /usr/bin/python3.12\n", encoding="ascii")
    other.chmod(0o755)
    right = tmp_path / "right"
    right.write_text("#!/bin/sh\necho 3.13 /opt/python3.13\n", encoding="ascii")
    right.chmod(0o755)
    monkeypatch.setattr(pythons, "_candidates", lambda _version: iter((shim, other, tmp_path / "none", right)))

    assert pythons.find("3.13") == Path("/opt/python3.13")


def test_an_interpreter_later_on_path_than_a_failing_shim_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, script in (("shims", "exit 127"), ("bin", "echo 3.13 /opt/python3.13")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "python3.13").write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (tmp_path / folder / "python3.13").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'bin'}")

    assert pythons.find("3.13") == Path("/opt/python3.13")


def test_an_interpreter_that_uv_manages_is_found_whatever_is_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed = tmp_path / "cpython-3.13.1-linux-x86_64-gnu" / "bin" / "python3.13"

    def output(command: list[str]) -> str:
        if "--managed-python" in command:
            return str(managed)
        return f"3.13 {managed}" if command[0] == str(managed) else ""

    monkeypatch.setattr(pythons, "_output", output)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))

    assert pythons.find("3.13") == managed


def test_compose_is_started_and_ended_by_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    docker(tmp_path / "bin", f'echo "$COMPOSE_PROJECT_NAME $LOCALSTACK_PORT $*" >> {calls}')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin")
    engine = LocalStackInDocker("dev", port="auto")

    engine.start()

    logs, down, up = calls.read_text(encoding="utf-8").splitlines()
    words = f"compose --file {localstack_docker.FILE} --project-name invoice-localstack-dev"
    assert words in logs
    assert down.endswith(f"{words} down --volumes --remove-orphans --timeout 10")
    assert up.endswith(f"{words} up --detach --wait")
    assert up.split()[:1] == ["invoice-localstack-dev"]
    assert up.split()[1].isdigit()


def test_composes_own_error_is_in_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(tmp_path / "bin", 'case "$*" in *" up "*) echo "no such image" >&2; exit 1;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin")

    with pytest.raises(HarnessError, match="no such image"):
        LocalStackInDocker("dev", port="auto").start()


def test_projects_of_this_checkout_are_found_among_others() -> None:
    projects = [
        {"Name": "invoice-localstack-dev", "ConfigFiles": str(localstack_docker.FILE)},
        {"Name": "other", "ConfigFiles": str(localstack_docker.FILE)},
        {"Name": "invoice-localstack-prod", "ConfigFiles": "/another/checkout/localstack/compose.yaml"},
        {"Name": "invoice-localstack-e2e-gw0", "ConfigFiles": str(localstack_docker.FILE)},
    ]

    assert localstack_docker.parse_projects(json.dumps(projects)) == ["dev", "e2e-gw0"]
    assert localstack_docker.parse_projects("") == []


def test_compose_file_is_pinned_bound_to_loopback_and_holds_no_token() -> None:
    assert COMPOSE["image"] == "localstack/localstack:${LOCALSTACK_TAG:-4.14.0}"
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["ports"])
    assert COMPOSE["environment"]["LOCALSTACK_AUTH_TOKEN"] is None
    assert COMPOSE["healthcheck"]["test"]


def test_health_check_waits_for_what_the_init_hook_leaves() -> None:
    hook = ROOT / "localstack" / "init" / "10-ready.sh"

    assert os.access(hook, os.X_OK)
    assert f"touch {COMPOSE['healthcheck']['test'][-1]}" in hook.read_text(encoding="utf-8")
    assert subprocess.run(["/bin/sh", "-n", hook], check=False).returncode == 0
    assert "./init:/etc/localstack/init/ready.d:ro" in COMPOSE["volumes"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("[{feature: a, engine: moon, behaviour: b, aws: c, source: 'https://x'}]", "engine"),
        ("[{feature: a, engine: moto, behaviour: '', aws: c, source: 'https://x'}]", "behaviour"),
        ("[{feature: a, engine: moto, behaviour: b, aws: c, source: hearsay}]", "source"),
        ("[{feature: a, engine: moto, behaviour: b, aws: c, source: 'https://x', more: d}]", "more"),
    ],
)
def test_a_malformed_row_is_an_error(rows: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        DifferenceTable.parse(f"differences: {rows}")


def test_a_difference_listed_twice_is_an_error() -> None:
    row = "{feature: a, engine: moto, behaviour: b, aws: c, source: 'https://x'}"

    with pytest.raises(HarnessError, match="twice"):
        DifferenceTable.parse(f"differences: [{row}, {row}]")


@pytest.mark.parametrize(
    "command",
    [["harness.engine"], ["pytest", "tests/e2e", "-n", "auto", "-p", "no:schemathesis"]],
    ids=lambda it: it[0],
)
def test_a_session_without_its_engine_ends_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """Also with ``-n auto``: pytest then calls a hook first, and prints a traceback for most errors in hooks."""
    monkeypatch.setenv("PATH", str(tmp_path))
    without_python = {
        "HARNESS_ENGINE": "localstack",
        "PYENV_ROOT": str(tmp_path),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path),
    }

    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **without_python},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )

    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert ended.returncode != 0
    assert lines[0].lower().startswith("error: harness_engine=localstack needs python 3.13, with docker and without")
    assert len(lines) == 2


@pytest.mark.usefixtures("_python")
@pytest.mark.parametrize(("found", "is_reported"), [({"s3 bucket": 3, "sqs queue": 1}, True), ({}, False)])
def test_what_an_adopted_one_holds_is_reported_before_anything_is_applied(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    localstack: FakeLocalStack,
    found: dict[str, int],
    is_reported: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setenv("LOCALSTACK_ENDPOINT", localstack.url)
    monkeypatch.setattr(lifecycle, "holdings", lambda _environment: found)

    lifecycle.start(engine_for("localstack"))

    printed = capsys.readouterr().out
    assert (f"The LocalStack at {localstack.url} is not empty: 3 × s3 bucket, 1 × sqs queue." in printed) is is_reported
