"""The verbs' command line: what it takes, and what it refuses before anything is started."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.__main__ import main, parser
from harness.paths import ROOT


@pytest.mark.parametrize("bad", ["0", "65536", "http", "-1", ""])
def test_port_out_of_range_is_refused(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["up", f"--port={bad}"])

    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_once_and_detach_exclude_each_other() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "--once", "--detach"])


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_since_takes_a_length_of_time(text: str, seconds: int) -> None:
    assert parser().parse_args(["logs", "--since", text]).since.total_seconds() == seconds


@pytest.mark.parametrize("bad", ["10", "m", "", "10w"])
def test_since_without_a_unit_is_refused(bad: str) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["logs", "--since", bad])


def test_unknown_environment_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--env", "nowhere"])

    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "'nowhere'" in said
    assert "dev" in said


def up(*arguments: str, build: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``up`` as a process of its own with a build folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "harness", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(build), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_csv_that_does_not_exist_is_said_before_anything_starts(tmp_path: Path) -> None:
    ended = up("--once", "--csv", str(tmp_path / "none.csv"), build=tmp_path / "build")

    assert ended.returncode == 1
    assert "none.csv cannot be read: No such file or directory" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "build" / "engine").exists()


def test_no_terraform_is_said_before_anything_starts(tmp_path: Path) -> None:
    started = time.monotonic()

    ended = up("--once", build=tmp_path / "build", PATH=str(tmp_path), HARNESS_NO_DOWNLOAD="1")

    assert ended.returncode == 1
    assert "Terraform" in ended.stderr
    assert "HARNESS_TERRAFORM" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "build" / "engine").exists()
    assert time.monotonic() - started < 30
