"""Processes by number *and* start time, so that a process with a reused number is never taken for the original."""

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
        group: Its process group, which an engine shares with the Lambda workers that it starts.
        born: When it started, as the system writes it; only good for comparing.
        command: Its command line, arguments separated by spaces.
    """

    pid: int
    group: int
    born: str
    command: str


def running() -> Iterator[Process]:
    """All living processes that this user may inspect; zombies do not count as living."""
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


def stop(living: Callable[[], list[Process]], *, grace_s: float) -> None:
    """Send processes SIGTERM, wait, and send SIGKILL to those that still live.

    Args:
        living: Returns the processes that still live. It is called repeatedly, so that a number is never signalled
            after its process has ended.
        grace_s: Seconds between SIGTERM and SIGKILL.
    """
    for signal_number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        for process in living():
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(process.pid, signal_number)
        deadline = time.monotonic() + patience_s
        while living():
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
    # proc(5): the name is in brackets and may itself contain brackets and spaces.
    state, _parent, group, *rest = stat.rpartition(")")[2].split()
    if state in {"Z", "X"}:
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    ticks_since_boot = rest[16]
    text = command.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return Process(pid, int(group), f"{boot}/{ticks_since_boot}", text)


def _from_ps(selection: list[str]) -> list[Process]:
    ps = subprocess.run(  # noqa: S603 -- a fixed program of the system, no shell
        ["/bin/ps", "-ww", *(selection or ["-ax"]), "-o", "pid=,pgid=,stat=,lstart=,command="],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": os.defpath},
    )
    processes = []
    for line in ps.stdout.splitlines():
        # lstart is five words: "Sun Nov 22 14:57:17 2026".
        pid, group, state, *words = line.split(None, 8)
        if not state.startswith("Z"):
            processes.append(Process(int(pid), int(group), " ".join(words[:5]), "".join(words[5:])))
    return processes
