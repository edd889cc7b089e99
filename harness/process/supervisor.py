"""Child processes with a record each, so that none is left running by mistake.

Every process that the harness starts is recorded under ``build/run/`` before anything waits for it. So a later command
can end what a killed one left behind. A process is never ended by its number alone, because numbers are reused: its
start time must match the record. Members of its group must have the record's mark in their environment, or run
something in a folder that is the process's own.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import IO, Self

import psutil

from harness.paths import BUILD
from harness.process import die_with_parent

RUN = BUILD / "run"
"""The folder of the records, one JSON file for each started process."""

MARK = "HARNESS_RUN_MARK"
"""The environment variable with the mark, in every recorded process and in the children that inherit it."""


class Tie(Enum):
    """How a process ends when the process that started it ends, however that ends."""

    SIGNAL = "SIGTERM"
    """It gets SIGTERM (Linux). A small program requests the signal and then becomes the command. ``preexec_fn`` is no
    alternative: it can deadlock when threads run."""

    STDIN = "standard input"
    """Its standard input is closed, and it ends by itself then. `SupervisedProcess.release` unties it: ``stay``."""

    NONE = "nothing"
    """It runs on to its own end, and is never killed: it may hold what is written nowhere else."""


@dataclass
class SupervisedProcess:
    """A started process and its record.

    Attributes:
        pid: Its number, also that of its process group (every recorded process leads its own session).
        started: Its start time, from `start_time`; None if it ended before that could be read.
        purpose: Its purpose, in a few words for people ("terraform apply live/dev").
        mark: The value of `MARK` in its environment.
        owner: The number of the process that started it; None once it was released.
        owner_started: The owner's start time.
        file: The file of the record.
        leader_first: Whether it ends its children in order: they are signalled only after it has ended.
        finishes: Whether it runs to its own end. It gets one SIGINT, it alone, and is not killed: see `Tie.NONE`.
        interrupted: Whether it got that SIGINT. Terraform takes a second signal as an order to drop its state.
        traces: Files and folders that are deleted with it. Members of its group that run one are recognised by that.
        child: The process itself, for its owner.
    """

    pid: int
    started: float | None
    purpose: str
    mark: str
    owner: int | None
    owner_started: float | None
    file: Path
    leader_first: bool = False
    finishes: bool = False
    interrupted: bool = False
    traces: list[str] = field(default_factory=list)
    child: subprocess.Popen[bytes] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def load(cls, file: Path) -> Self | None:
        """Read a record; None if there is none. An unreadable one (from a full disk) is removed."""
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")), file=file)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            file.unlink(missing_ok=True)
            return None

    @property
    def is_alive(self) -> bool:
        """Whether the process itself still runs."""
        return is_alive(self.pid, self.started)

    @property
    def orphaned(self) -> bool:
        """Whether the process that started this one has ended without releasing it."""
        return self.owner is not None and not is_alive(self.owner, self.owner_started)

    def save(self) -> None:
        """Write the record, completely or not at all."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        content = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in {"file", "child"}}
        draft = self.file.with_suffix(".tmp")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.file)

    def forget(self) -> None:
        """Remove the record."""
        self.file.unlink(missing_ok=True)

    def describe(self, purpose: str) -> None:
        """Record what has become known of its purpose."""
        self.purpose = purpose
        self.save()

    def release(self) -> None:
        """Let it keep running after this process, which started it with `Tie.STDIN`, has ended."""
        if self.child is None or self.child.stdin is None or self.child.stdin.closed:
            return
        self.owner = self.owner_started = None
        self.save()
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self.child.stdin.write(b"stay\n")
            self.child.stdin.close()

    def interrupt(self) -> None:
        """Send it SIGINT, and none of its children; never a second time."""
        if not self.interrupted and self.is_alive:
            self.interrupted = True
            self.save()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    def survivors(self) -> list[int]:
        """The numbers of its processes that still run: the process itself first, then the members of its group."""
        alive = [self.pid] if self.is_alive else []
        return alive + [member.pid for member in _group(self.pid) if member.pid not in alive and self._owns(member)]

    def terminate(self, *, grace_s: float = 10.0) -> bool:
        """End it and its group: SIGTERM, after the grace period SIGKILL; then remove its traces and its record.

        One that `finishes` gets one SIGINT and keeps its record while it runs.

        Returns:
            Whether any of them still ran.

        Args:
            grace_s: Seconds to wait between the two signals.
        """
        ran = bool(self.survivors())
        if self.finishes:
            self.interrupt()
            _wait(lambda: self.is_alive, grace_s)
            if self.is_alive:
                self.describe(f"{self.purpose.partition(' (')[0]} (process {self.pid} still ends by itself)")
                return ran
        if self.leader_first and self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            _wait(lambda: self.is_alive, grace_s)
            grace_s = 0.5  # for what it should have ended
        for signal_number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
            if not self.survivors():
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(self.pid, signal_number)  # a verified member keeps the group's number from being reused
            _wait(self.survivors, wait_s)
        if self.child is not None and start_time(self.pid) is None:
            if self.child.stdin is not None:
                self.child.stdin.close()
            self.child.wait()  # at once: it has ended
        for trace in map(Path, self.traces):
            shutil.rmtree(trace, ignore_errors=True) if trace.is_dir() else trace.unlink(missing_ok=True)
        self.forget()
        return ran

    def _owns(self, member: psutil.Process) -> bool:
        """Whether a member of the group is one of this process's; another user's process counts as foreign."""
        with contextlib.suppress(psutil.Error):
            command = " ".join(member.cmdline())
            return any(trace in command for trace in self.traces) or member.environ().get(MARK) == self.mark
        return False


def start_time(pid: int) -> float | None:
    """A process's start time, which is only good for comparing; None if there is no such living process.

    On Linux it is counted from the boot, so that setting the clock does not change it.
    """
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return round(process.create_time() - (psutil.boot_time() if psutil.LINUX else 0), 2)
    return None


def is_alive(pid: int, started: float | None) -> bool:
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
    tie: Tie = Tie.SIGNAL,
    leader_first: bool = False,
    traces: Sequence[Path] = (),
    folder: Path | None = None,
) -> tuple[subprocess.Popen[bytes], SupervisedProcess]:
    """Start a process in its own session, tied to this one, and record it.

    Args:
        command: The program (a path, or a name on ``env``'s PATH) and its arguments.
        purpose: Its purpose, shown to people when it has to be cleaned up.
        env: Its complete environment; `MARK` is added.
        cwd: Its working folder.
        stdout: Where its output goes.
        stderr: Where its errors go.
        tie: How it ends when this process ends.
        leader_first: See `SupervisedProcess`.
        traces: See `SupervisedProcess`.
        folder: The folder of the record; `RUN` by default.

    Raises:
        OSError: The program cannot be started.
    """
    mark = uuid.uuid4().hex
    words = [str(word) for word in command]
    if tie is Tie.SIGNAL and psutil.LINUX:
        words = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *words]
    child = subprocess.Popen(  # noqa: S603 - the caller's own command, no shell
        words,
        cwd=cwd,
        env={**env, MARK: mark},
        stdin=subprocess.PIPE if tie is Tie.STDIN else subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,  # its own group, out of reach of the terminal's Ctrl-C
    )
    process = SupervisedProcess(
        pid=child.pid,
        started=start_time(child.pid),
        purpose=purpose,
        mark=mark,
        owner=os.getpid(),
        owner_started=start_time(os.getpid()),
        file=(folder or RUN) / f"{child.pid}-{mark[:8]}.json",
        leader_first=leader_first,
        finishes=tie is Tie.NONE,
        traces=[str(trace) for trace in traces],
        child=child,
    )
    process.save()
    return child, process


def records(folder: Path | None = None) -> list[SupervisedProcess]:
    """Every recorded process, the latest first: what was started by an earlier one ends before it."""
    loaded = map(SupervisedProcess.load, (folder or RUN).glob("*.json"))
    return sorted(filter(None, loaded), key=lambda process: process.started or 0, reverse=True)


def leftovers(folder: Path | None = None, *, orphaned_only: bool = False) -> list[SupervisedProcess]:
    """The recorded processes that still run; records of ended processes are removed along the way.

    Args:
        folder: The folder of the records; `RUN` by default.
        orphaned_only: Leave out those that were released, and those whose owner still runs (another command in this
            checkout).
    """
    running = []
    for process in records(folder):
        if not process.survivors():
            if process.orphaned or process.owner in {None, os.getpid()}:
                process.forget()
        elif process.orphaned or not orphaned_only:
            running.append(process)
    return running


def clean_leftovers(folder: Path | None = None, *, orphaned_only: bool = False, grace_s: float = 10.0) -> list[str]:
    """End the processes that :func:`leftovers` finds, and return their purposes."""
    return [
        process.purpose
        for process in leftovers(folder, orphaned_only=orphaned_only)
        if process.terminate(grace_s=grace_s)
    ]


def _group(number: int) -> list[psutil.Process]:
    """The living members of a process group."""
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(pid) == number and start_time(pid) is not None:
                members.append(psutil.Process(pid))
    return members


def _wait(alive: Callable[[], object], seconds: float) -> None:
    """Return once nothing is alive, or after some seconds; `psutil.wait_procs` would take children's exit codes."""
    deadline = time.monotonic() + seconds
    while alive() and time.monotonic() < deadline:
        time.sleep(0.02)
