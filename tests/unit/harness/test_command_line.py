"""The command line of the harness: what it accepts, and the errors that come before anything is started."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.__main__ import main, parser
from harness.paths import ROOT
from tests.patience import HANG_S


@pytest.mark.parametrize("bad", ["0", "65536", "http", "-1", ""])
def test_a_port_out_of_range_is_an_error(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["up", f"--port={bad}"])

    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_once_and_detach_exclude_each_other() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "--once", "--detach"])


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_since_accepts_a_duration(text: str, seconds: int) -> None:
    assert parser().parse_args(["logs", "--since", text]).since.total_seconds() == seconds


@pytest.mark.parametrize("bad", ["10", "m", "", "10w"])
def test_since_without_a_number_and_a_known_unit_is_an_error(bad: str) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["logs", "--since", bad])


def test_for_an_unknown_environment_the_message_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--env", "nowhere"])

    message = capsys.readouterr().err
    assert ended.value.code == 1
    assert "'nowhere'" in message
    assert "dev" in message


def up(*arguments: str, build: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``up`` in a separate process with a separate build folder."""
    return subprocess.run(
        [sys.executable, "-m", "harness", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(build), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )


def test_a_csv_that_does_not_exist_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    ended = up("--once", "--csv", str(tmp_path / "none.csv"), build=tmp_path / "build")

    assert ended.returncode == 1
    assert "none.csv cannot be read: No such file or directory" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "build" / "engine").exists()


def test_a_missing_terraform_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    started = time.monotonic()

    ended = up("--once", build=tmp_path / "build", PATH=str(tmp_path), HARNESS_NO_DOWNLOAD="1")

    assert ended.returncode == 1
    assert "Terraform" in ended.stderr
    assert "HARNESS_TERRAFORM" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "build" / "engine").exists()
    assert time.monotonic() - started < 30


def test_down_says_as_json_what_it_stopped(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "harness", "down", "--json"],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
    )

    assert json.loads(run.stdout) == {"stopped": [], "left_running": []}


@pytest.mark.parametrize(("variable", "is_coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_no_color_takes_away_the_colours(tmp_path: Path, variable: str, is_coloured: bool) -> None:  # noqa: FBT001 -- what is expected
    environment = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "NO_COLOR"}}
    environment |= {"HARNESS_BUILD_DIR": str(tmp_path), "TERM": "xterm", "FORCE_COLOR": "1", variable: "1"}

    command = [sys.executable, "-m", "harness", "logs"]
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=HANG_S
    )

    assert "No stack of 'dev' is running" in run.stderr
    assert ("\x1b[1;31m" in run.stderr) is is_coloured


def test_who_closes_the_pipe_gets_no_traceback(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m harness doctor --json | true; echo "${{PIPESTATUS[0]}}"'

    run = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )

    assert run.stdout.strip() == "141"
    assert "Traceback" not in run.stderr
