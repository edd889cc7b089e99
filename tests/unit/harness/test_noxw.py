"""The wrapper's errors: one clear message each, and nothing incomplete is left behind."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from harness.paths import ROOT
from tests.patience import HANG_S


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the wrapper and its lock only."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "noxw", tmp_path)
    shutil.copy(ROOT / "requirements" / "nox.txt", tmp_path / "requirements")
    return tmp_path


def run(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", checkout / "noxw", "-l"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )


def program(folder: Path, name: str, script: str) -> Path:
    """An executable shell script."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def tools(folder: Path) -> Path:
    """A PATH with what every system has, and no Python."""
    folder.mkdir(exist_ok=True)
    for name in ("sh", "dirname", "mkdir", "mktemp", "rm", "mv", "touch", "tail", "grep"):
        tool = shutil.which(name)
        assert tool, name
        (folder / name).symlink_to(tool)
    return folder


def test_without_python_the_message_has_the_way_to_install_one(checkout: Path, tmp_path: Path) -> None:
    ended = run(checkout, PATH=str(tools(tmp_path / "bin")))

    assert ended.returncode == 1
    assert "no Python 3.11 or newer was found on PATH" in ended.stderr
    assert "apt install python3" in ended.stderr
    assert not (checkout / ".noxw").exists()


def test_an_old_python_is_not_used(checkout: Path, tmp_path: Path) -> None:
    folder = tools(tmp_path / "bin")
    program(folder, "python3", "exit 1")  # as an old Python does in the version check

    assert "no Python 3.11 or newer" in run(checkout, PATH=str(folder)).stderr


def test_a_harness_python_that_does_not_exist_is_named_in_the_error(checkout: Path, tmp_path: Path) -> None:
    ended = run(checkout, PATH=str(tools(tmp_path / "bin")), HARNESS_PYTHON="/nowhere/python")

    assert ended.returncode == 1
    assert "HARNESS_PYTHON=/nowhere/python" in ended.stderr


def test_for_a_python_without_venv_the_message_names_the_package(checkout: Path, tmp_path: Path) -> None:
    folder = tools(tmp_path / "bin")
    program(
        folder,
        "python3",
        'case "$*" in *"-m venv"*) echo "ensurepip is not available" >&2; exit 1;; "- "*) echo 0123456789abcdef;; esac',
    )

    ended = run(checkout, PATH=str(folder))

    assert ended.returncode == 1
    assert "ensurepip is not available" in ended.stderr
    assert "apt install python3-venv" in ended.stderr
    assert not list((checkout / ".noxw").glob("new.*"))  # the incomplete environment is removed


def test_an_unreachable_index_is_reported(checkout: Path, tmp_path: Path) -> None:
    folder = tools(tmp_path / "bin")
    fake = 'mkdir -p "$3/bin"; printf "#!/bin/sh\\necho no route to the index >&2; exit 1" > "$3/bin/python"'
    fake += '; chmod +x "$3/bin/python"'
    (folder / "chmod").symlink_to(str(shutil.which("chmod")))
    program(folder, "python3", f'case "$*" in *"-m venv"*) {fake};; "- "*) echo 0123456789abcdef;; esac')

    ended = run(checkout, PATH=str(folder))

    assert ended.returncode == 1
    assert "no route to the index" in ended.stderr
    assert "Check that a Python package index is reachable" in ended.stderr
    assert not list((checkout / ".noxw").glob("0123*"))


def test_the_reason_for_an_unreachable_index_is_reported(checkout: Path, tmp_path: Path) -> None:
    """pip prints it in a warning only, and its errors say no more than that a version was not found."""
    folder = tools(tmp_path / "bin")
    warning = "WARNING: Retrying (Retry(total=0)) after connection broken by 407 Proxy Authentication Required"
    fake = f'mkdir -p "$3/bin"; printf "#!/bin/sh\\necho \'{warning}\' >&2; exit 1" > "$3/bin/python"'
    fake += '; chmod +x "$3/bin/python"'
    (folder / "chmod").symlink_to(str(shutil.which("chmod")))
    program(folder, "python3", f'case "$*" in *"-m venv"*) {fake};; "- "*) echo 0123456789abcdef;; esac')

    ended = run(checkout, PATH=str(folder))

    assert "connection broken by 407 Proxy Authentication Required" in ended.stderr
