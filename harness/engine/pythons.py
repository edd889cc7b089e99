"""Find a Python of a certain version: on PATH, under pyenv, or managed by uv."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from uv import find_uv_bin

PATIENCE_S = 3.0
"""Seconds for an interpreter to print its version; a shim that hangs is skipped."""


@cache
def find(version: str) -> Path | None:
    """An interpreter of this version that runs, or None.

    Args:
        version: Major and minor, such as ``3.13``.
    """
    interpreters = (_base(candidate, version) for candidate in _candidates(version))
    return next((interpreter for interpreter in interpreters if interpreter), None)


def _candidates(version: str) -> Iterator[Path]:
    # pyenv puts a shim on PATH, which runs only a version that is selected there; one later on PATH may run.
    for folder in os.get_exec_path():
        if program := shutil.which(f"python{version}", path=folder):
            yield Path(program)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    for name in ("python3", "python"):
        if program := shutil.which(name):
            yield Path(program)
    # Only those that uv manages: otherwise it would run those on PATH again, and give up at a shim that does not run.
    managed = _output(
        [find_uv_bin(), "python", "find", version, "--no-python-downloads", "--no-project", "--managed-python"]
    )
    if managed:
        yield Path(managed)


def _base(candidate: Path, version: str) -> Path | None:
    """A candidate's base interpreter if it has the version; not the candidate, whose environment may be deleted."""
    script = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    candidate_version, _, path = _output([str(candidate), "-c", script]).partition(" ")
    return Path(path) if candidate_version == version else None


def _output(command: list[str]) -> str:
    try:
        process = subprocess.run(  # noqa: S603 -- an interpreter, or uv from our own environment; no shell
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
