"""Child processes with a record each, so that none is left running by mistake.

Every process that the harness starts is recorded under ``build/run/`` before anything waits for it. So a later command
can end what a killed one left behind. A process is never ended by its number alone, because numbers are reused: its
start time must match the record. Members of its group must have the record's mark in their environment.
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
"""The folder of the records, one JSON file for each started process."""

MARK = "HARNESS_RUN_MARK"
"""The environment variable with the mark, in every recorded process and its children."""

_LINUX = platform.system() == "Linux"


@dataclass(frozen=True)
class ProcessRecord:
    """The record of a started process.

    Attributes:
        pid: Its number, also that of its process group (every recorded process leads its own session).
        started: Its start time, from `start_time`; None if it ended before that could be read.
        purpose: Its purpose, in a few words for people ("terraform apply live/dev").
        mark: The value of `MARK` in its environment.
        owner: The number of the process that started it.
        owner_started: The owner's start time.
        file: The file of the record.
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
        """Whether the process that started this one has ended."""
        return not is_alive(self.owner, self.owner_started)

    def forget(self) -> None:
        """Remove the record."""
        self.file.unlink(missing_ok=True)


def start_time(pid: int) -> str | None:
    """A process's start time, in a form that is only good for comparing; None if there is no such living process."""
    process = process_table.find(pid)
    return process.born if process else None


def is_alive(pid: int, started: str | None) -> bool:
    """Whether the process with this number and start time still runs."""
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
) -> tuple[subprocess.Popen[bytes], ProcessRecord]:
    """Start a process in its own session, and record it.

    Args:
        command: The program (a path, or a name on ``env``'s PATH) and its arguments.
        purpose: Its purpose, shown to people when it has to be cleaned up.
        env: Its complete environment; `MARK` is added.
        cwd: Its working folder.
        stdout: Where its output goes.
        stderr: Where its errors go.
        tied: Whether it gets SIGTERM when this process ends, however it ends (Linux). A small program requests the
            signal and then becomes the command. ``preexec_fn`` is no alternative: it can deadlock when threads run.
        folder: The folder of the record; `RUN` by default.

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


def record(pid: int, *, purpose: str, mark: str, folder: Path | None = None) -> ProcessRecord:
    """Record a process that leads its own session; this process is its owner."""
    folder = folder or RUN
    folder.mkdir(parents=True, exist_ok=True)
    process = ProcessRecord(
        pid=pid,
        started=start_time(pid),
        purpose=purpose,
        mark=mark,
        owner=os.getpid(),
        owner_started=start_time(os.getpid()),
        file=folder / f"{pid}-{mark[:8]}.json",
    )
    content = {key: value for key, value in asdict(process).items() if key != "file"}
    draft = process.file.with_suffix(".tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(process.file)
    return process


def records(folder: Path | None = None) -> list[ProcessRecord]:
    """Every readable record; unreadable ones (from a full disk) are removed."""
    readable = []
    for file in sorted((folder or RUN).glob("*.json")):
        try:
            readable.append(ProcessRecord(**json.loads(file.read_text(encoding="utf-8")), file=file))
        except FileNotFoundError:
            continue  # its owner removed it meanwhile
        except (ValueError, TypeError):
            file.unlink(missing_ok=True)
    return readable


def survivors(of: ProcessRecord) -> list[int]:
    """The numbers of a record's processes that still run: the process itself and the members of its group."""
    alive = [of.pid] if is_alive(of.pid, of.started) else []
    if _LINUX:
        alive += [pid for pid in _group(of.pid) if pid not in alive and _carries(pid, of.mark)]
    return alive


def terminate(of: ProcessRecord, *, grace_s: float = 10.0) -> bool:
    """End a recorded process and its group: SIGTERM, after the grace period SIGKILL; then remove the record.

    Returns:
        Whether any of them still ran.

    Args:
        of: The record.
        grace_s: Seconds to wait between the two signals.
    """
    alive = survivors(of)
    ran = bool(alive)
    for signal_number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if not alive:
            break
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS returns EPERM for a group of zombies
            os.killpg(of.pid, signal_number)  # a verified member keeps the group's number from being reused
        deadline = time.monotonic() + wait_s
        while (alive := survivors(of)) and time.monotonic() < deadline:
            time.sleep(0.02)
    of.forget()
    return ran


def leftovers(folder: Path | None = None, *, orphaned_only: bool = False) -> list[ProcessRecord]:
    """The records whose processes still run; records of ended processes are removed along the way.

    Args:
        folder: The folder of the records; `RUN` by default.
        orphaned_only: Leave out those whose owner still runs (another command in this checkout).
    """
    running = []
    for process in records(folder):
        if not survivors(process):
            if process.orphaned or process.owner == os.getpid():
                process.forget()
        elif process.orphaned or not orphaned_only:
            running.append(process)
    return running


def clean_leftovers(folder: Path | None = None, *, orphaned_only: bool = False, grace_s: float = 10.0) -> list[str]:
    """End the processes that :func:`leftovers` finds, and return their purposes."""
    return [
        process.purpose
        for process in leftovers(folder, orphaned_only=orphaned_only)
        if terminate(process, grace_s=grace_s)
    ]


def _group(pgid: int) -> list[int]:
    """The living members of a process group."""
    return [process.pid for process in process_table.running() if process.group == pgid]


def _carries(pid: int, mark: str) -> bool:
    """Whether a process has the mark in its environment; another user's process counts as having none."""
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
