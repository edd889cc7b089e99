"""Processes by number *and* start time, so that a number used again is never mistaken for what we started."""

import contextlib
import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LINUX = platform.system() == "Linux"


@dataclass(frozen=True, slots=True)
class Process:
    """One living process.

    Attributes:
        pid: Its number.
        group: Its process group: what an engine and the Lambda workers that it starts share.
        born: When it started, as the system writes it; equal for equal processes, otherwise opaque.
        command: Its command line, arguments separated by spaces.
    """

    pid: int
    group: int
    born: str
    command: str


def running() -> Iterator[Process]:
    """All living processes that this user may look at; zombies do not count as living."""
    if _LINUX:
        for entry in _PROC.iterdir():
            if entry.name.isdigit() and (process := _from_proc(int(entry.name))) is not None:
                yield process
    else:
        yield from _from_ps([])


def find(pid: int) -> Process | None:
    """The living process with this number, or None."""
    if _LINUX:
        return _from_proc(pid)
    return next(iter(_from_ps(["-p", str(pid)])), None)


def same(pid: int, born: str) -> Process | None:
    """The process with this number if it is the one that started at ``born``, else None."""
    process = find(pid)
    return process if process is not None and process.born == born else None


def stop(found: Callable[[], list[Process]], *, grace_s: float) -> None:
    """Ask processes to end, wait, and end those that did not.

    Args:
        found: Looks up the processes that still live; asked again and again, so that a number is never
            signalled after its process is gone.
        grace_s: Seconds between SIGTERM and SIGKILL.
    """
    for request, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        for process in found():
            # Gone meanwhile: nothing to do.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, request)
        deadline = time.monotonic() + patience_s
        while found():
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return


def _from_proc(pid: int) -> Process | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        command = (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # proc(5): the name stands in brackets and may itself hold brackets and spaces.
    state, _parent, group, *rest = stat.rpartition(")")[2].split()
    if state in {"Z", "X"}:
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    ticks_since_boot = rest[16]
    text = command.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return Process(pid, int(group), f"{boot}/{ticks_since_boot}", text)


def _from_ps(selection: list[str]) -> list[Process]:
    listed = subprocess.run(  # noqa: S603 -- a fixed program of the system, no shell
        ["/bin/ps", "-ww", *(selection or ["-ax"]), "-o", "pid=,pgid=,stat=,lstart=,command="],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": os.defpath},
    )
    found = []
    for line in listed.stdout.splitlines():
        # lstart is five words: "Sun Nov 22 14:57:17 2026".
        pid, group, state, *words = line.split(None, 8)
        if not state.startswith("Z"):
            found.append(Process(int(pid), int(group), " ".join(words[:5]), "".join(words[5:])))
    return found
