"""The computer itself: Python, disk, clock, port, and what earlier runs left."""

import os
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path

from harness.doctor.findings import Finding, Grade, good
from harness.engine import localstack_docker, ports
from harness.paths import BUILD
from harness.process import supervisor

OLDEST_PYTHON = (3, 11)
"""The oldest Python that the harness runs on, as ``requires-python`` of pyproject.toml."""

NEEDED_BYTES = 2 * 2**30
"""Free bytes below which a first run may fail: its environments, the provider and the engine's data take about that."""

LARGE_BUILD_BYTES = 5 * 2**30
"""Bytes of the build folder from which it is worth emptying."""

SKEW = timedelta(minutes=5)
"""The difference from which AWS rejects a signed request: 5 minutes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

DATED_URL = "https://sts.amazonaws.com/"
"""Asked for the time, if no package index is configured."""

_PATIENCE_S = 3.0


def python() -> Finding:
    """The Python that runs the harness."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding(
            "Python",
            Grade.ERROR,
            f"{version} is too old.",
            f"Install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer, or set HARNESS_PYTHON.",
        )
    return good("Python", f"{version} ({sys.executable})")


def disk(folder: Path = BUILD, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> Finding:
    """The room for everything that a run creates.

    Args:
        folder: Where that is.
        free: The free bytes of a folder's disk.
    """
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    left = free(existing)
    if left < NEEDED_BYTES:
        return Finding(
            "disk",
            Grade.ERROR,
            f"{_gib(left)} are free at {existing}; a first run needs about {_gib(NEEDED_BYTES)}.",
            "Make room, or move the build folder: HARNESS_BUILD_DIR.",
        )
    return good("disk", f"{_gib(left)} are free at {existing}")


def build_size(folder: Path = BUILD) -> Finding:
    """How much the build folder holds; a file with several names counts once."""
    sizes = {(stat.st_dev, stat.st_ino): stat.st_size for stat in _files(folder)}
    total = sum(sizes.values())
    if total > LARGE_BUILD_BYTES:
        return Finding("build folder", Grade.WARNING, f"{folder} holds {_gib(total)}.", "Empty it: ./noxw -s clean")
    return good("build folder", f"{folder} holds {_gib(total)}")


def _files(folder: Path) -> Iterator[os.stat_result]:
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(path, name).lstat()
            except OSError:  # another run has deleted it
                continue


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def port(number: int = ports.DEFAULT) -> Finding:
    """The port that engines use by default."""
    if ports.is_free(number):
        return good("port", f"{number} is free")
    return Finding(
        "port",
        Grade.WARNING,
        f"{number} is taken by {ports.holder(number)}.",
        "If that is a stack of this checkout, all is well. Otherwise stop it, or use another: --port auto.",
    )


def leftovers(folder: Path = BUILD) -> Iterator[Finding]:
    """Processes and descriptions that earlier runs left.

    Args:
        folder: The build folder.
    """
    running = [
        *(process.purpose for process in supervisor.leftovers(folder / "run", orphaned_only=True)),
        *(f"the engine {name!r} in Docker" for name in localstack_docker.leftovers()),
    ]
    stacks = sorted(path.name for path in folder.glob("stack-*.json"))
    if running:
        yield Finding("leftovers", Grade.WARNING, f"Still running: {'; '.join(running)}.", "Stop it: ./noxw -s down")
    elif stacks and not supervisor.records(folder / "run"):
        yield Finding(
            "leftovers",
            Grade.WARNING,
            f"{', '.join(stacks)} describes a stack, but no engine runs.",
            "Remove it: ./noxw -s down",
        )
    else:
        yield good("leftovers", "none")


def clock(
    remote: Callable[[], datetime | None] | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Finding:
    """The clock, compared with that of a server.

    Args:
        remote: Returns a server's time; None if no server can be reached. By default, the package index is asked.
        now: Returns this computer's time.
    """
    other = (remote or server_time)()
    if other is None:
        return Finding("clock", Grade.NOTE, f"{now():%Y-%m-%d %H:%M} UTC; no server could be asked for the time.")
    difference = abs(now() - other)
    if difference > SKEW:
        return Finding(
            "clock",
            Grade.ERROR,
            f"It is {difference.total_seconds() / 60:.0f} minutes off ({now():%Y-%m-%d %H:%M} UTC).",
            "Set the clock, or let it be synchronised: AWS rejects requests from a wrong clock.",
        )
    return good("clock", f"{difference.total_seconds():.0f} s from the clock of the server that was asked")


def server_time() -> datetime | None:
    """The time of the package index or of AWS, by the ``Date`` header (RFC 9110, 6.6.1); None if none responds."""
    url = os.environ.get("UV_INDEX_URL") or os.environ.get("PIP_INDEX_URL") or DATED_URL
    if not url.startswith(("http://", "https://")):
        return None
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 -- http and https only, see above
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:  # noqa: S310 -- as above
            return parsedate_to_datetime(response.headers["Date"])
    except (OSError, HTTPException, ValueError, TypeError):
        return None
