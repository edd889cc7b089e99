"""Where a Python of a given version is: on PATH, under pyenv, or known to uv."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from uv import find_uv_bin

PATIENCE_S = 3.0
"""Seconds for an interpreter to tell its version; a shim that hangs is not one."""


@cache
def find(version: str) -> Path | None:
    """An interpreter of this version that runs, or None.

    Args:
        version: Major and minor, such as ``3.13``.
    """
    return next((found for candidate in _candidates(version) if (found := _real(candidate, version))), None)


def _candidates(version: str) -> Iterator[Path]:
    # pyenv puts a shim on PATH, which runs only a version that was chosen there; what it hides may run.
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield Path(found)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    for name in ("python3", "python"):
        if found := shutil.which(name):
            yield Path(found)
    # Its own only: it would ask those on PATH once more, and give up at a shim that does not run.
    told = _output(
        [find_uv_bin(), "python", "find", version, "--no-python-downloads", "--no-project", "--managed-python"]
    )
    if told:
        yield Path(told)


def _real(candidate: Path, version: str) -> Path | None:
    """The interpreter behind a name (a virtual environment may be deleted), if it has the version."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    has, _, path = _output([str(candidate), "-c", ask]).partition(" ")
    return Path(path) if has == version else None


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 -- an interpreter, or uv from our own environment; no shell
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
