"""``-- --help`` explains a session instead of running it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import ROOT
from tests.patience import HANG_S


def nox(session: str, build: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nox", "-f", str(ROOT / "noxfile.py"), "-s", session, "--", *arguments]
    environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=HANG_S)


@pytest.mark.parametrize("session", ["why", "lint", "report"])
def test_a_session_of_the_shared_environment_is_explained_without_building_it(tmp_path: Path, session: str) -> None:
    run = nox(session, tmp_path, "--help")

    assert run.returncode == 0, run.stderr
    assert f"./noxw -s {session}" in run.stdout
    assert "./noxw -s environment" not in run.stdout


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_clean_with_help_deletes_nothing(tmp_path: Path, option: str) -> None:
    (tmp_path / ".created-by-invoice-platform").touch()
    (tmp_path / "kept").touch()

    run = nox("clean", tmp_path, option)

    assert run.returncode == 0, run.stderr
    assert "Delete what runs have created" in run.stdout
    assert (tmp_path / "kept").exists()
