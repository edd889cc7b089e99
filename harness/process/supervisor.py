"""Child processes that outlive nothing they should not: recorded, identified, ended.

Whatever the harness starts is written down under ``build/run/`` before anybody waits for it, so that a later command
can end what a killed one left behind. A process is never ended by its number alone: numbers are reused. It must have
started when the record says it did, or, for the members of its group, carry the record's mark in its environment.
"""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from harness.paths import BUILD
from harness.process import die_with_parent, process_table

RUN = BUILD / "run"
"""The folder of the records, one JSON file for each process that was started."""

MARK = "HARNESS_RUN_MARK"
"""Environment variable that every recorded process and its children carry."""

_LINUX = platform.system() == "Linux"


@dataclass(frozen=True)
class Recorded:
    """A process as it was written down when it started.

    Attributes:
        pid: Its number, also that of its process group (every recorded process leads its own session).
        started: When it started, as `start_time` tells it; None if it was gone before it could be asked.
        purpose: What it was for, in a few words for people ("terraform apply live/dev").
        mark: The value of `MARK` in its environment.
        owner: The number of the process that started it.
        owner_started: When that one started.
        file: The record.
    """

    pid: int
    started: str | None
    purpose: str
    mark: str
    owner: int
    owner_started: str | None
    file: Path

    @property
    def orphaned(self) -> bool:
        """Whether the process that started this one is gone."""
        return not is_alive(self.owner, self.owner_started)

    def forget(self) -> None:
        """Remove the record."""
        self.file.unlink(missing_ok=True)


def start_time(pid: int) -> str | None:
    """When a process started, in a form that is only good for comparing; None if there is no such living process."""
    process = process_table.find(pid)
    return process.born if process else None


def is_alive(pid: int, started: str | None) -> bool:
    """Whether the very process that had this number at that start time still runs."""
    return started is not None and start_time(pid) == started


def spawn(  # noqa: PLR0913 - Popen's own vocabulary, all by keyword
    command: Sequence[str | Path],
    *,
    purpose: str,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    tied: bool = True,
    folder: Path | None = None,
) -> tuple[subprocess.Popen[bytes], Recorded]:
    """Start a process in its own session, and write it down.

    Args:
        command: The program (a path, or a name that ``env``'s PATH finds) and its arguments.
        purpose: What it is for, shown to people when it has to be cleaned up.
        env: Its whole environment; `MARK` is added.
        cwd: Its working folder.
        stdout: Where its output goes.
        stderr: Where its errors go.
        tied: Whether it gets SIGTERM when this process ends, however it ends (Linux). The tie is made by a small
            program that then becomes the command, not by ``preexec_fn``, which can deadlock when threads run.
        folder: Where to keep the record; `RUN` unless told otherwise.

    Raises:
        OSError: The program cannot be started.
    """
    mark = uuid.uuid4().hex
    environment = {**env, MARK: mark}
    words = [str(word) for word in command]
    if tied and _LINUX:
        words = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *words]
    process = subprocess.Popen(  # noqa: S603 - the caller's own command, no shell
        words,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    return process, record(process.pid, purpose=purpose, mark=mark, folder=folder)


def record(pid: int, *, purpose: str, mark: str, folder: Path | None = None) -> Recorded:
    """Write down a process that leads its own session, and that this process answers for."""
    folder = folder or RUN
    folder.mkdir(parents=True, exist_ok=True)
    written = Recorded(
        pid=pid,
        started=start_time(pid),
        purpose=purpose,
        mark=mark,
        owner=os.getpid(),
        owner_started=start_time(os.getpid()),
        file=folder / f"{pid}-{mark[:8]}.json",
    )
    content = {key: value for key, value in asdict(written).items() if key != "file"}
    draft = written.file.with_suffix(".tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(written.file)
    return written


def recorded(folder: Path | None = None) -> list[Recorded]:
    """Every readable record; unreadable ones (a disk that was full) are removed."""
    found = []
    for file in sorted((folder or RUN).glob("*.json")):
        try:
            found.append(Recorded(**json.loads(file.read_text(encoding="utf-8")), file=file))
        except FileNotFoundError:
            continue  # its owner removed it meanwhile
        except (ValueError, TypeError):
            file.unlink(missing_ok=True)
    return found


def survivors(of: Recorded) -> list[int]:
    """The numbers of the processes of a record that still run: itself and the members of its group."""
    alive = [of.pid] if is_alive(of.pid, of.started) else []
    if _LINUX:
        alive += [pid for pid in _group(of.pid) if pid not in alive and _carries(pid, of.mark)]
    return alive


def terminate(of: Recorded, *, grace_s: float = 10.0) -> bool:
    """End a recorded process and its group: SIGTERM, after the grace SIGKILL; then forget it.

    Returns:
        Whether anything still ran.

    Args:
        of: The record.
        grace_s: Seconds to wait between the two signals.
    """
    alive = survivors(of)
    ran = bool(alive)
    for signal_number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if not alive:
            break
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
            os.killpg(of.pid, signal_number)  # a verified member keeps the group's number from being reused
        deadline = time.monotonic() + wait_s
        while (alive := survivors(of)) and time.monotonic() < deadline:
            time.sleep(0.02)
    of.forget()
    return ran


def leftovers(folder: Path | None = None, *, orphaned_only: bool = False) -> list[Recorded]:
    """The records whose processes still run; records of ended ones are removed on the way.

    Args:
        folder: Where the records are.
        orphaned_only: Leave out those whose starter still runs (another command at work in this checkout).
    """
    left = []
    for one in recorded(folder):
        if not survivors(one):
            if one.orphaned or one.owner == os.getpid():
                one.forget()
        elif one.orphaned or not orphaned_only:
            left.append(one)
    return left


def clean_leftovers(folder: Path | None = None, *, orphaned_only: bool = False, grace_s: float = 10.0) -> list[str]:
    """End what is left, and tell what it was for."""
    return [one.purpose for one in leftovers(folder, orphaned_only=orphaned_only) if terminate(one, grace_s=grace_s)]


def _group(pgid: int) -> list[int]:
    """The living members of a process group."""
    return [process.pid for process in process_table.running() if process.group == pgid]


def _carries(pid: int, mark: str) -> bool:
    """Whether a process has the mark in its environment; another user's is not ours."""
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
