"""Who owns the build folder: one `up` at a time, ended in order however its end is asked for."""

import contextlib
import fcntl
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import IO

from harness.console import out
from harness.errors import HarnessError
from harness.paths import BUILD

PATIENCE_S = 10.0
"""How long to wait for an earlier `up`: one whose terminal was just closed needs a few seconds to stop its engine."""

PARENT_POLL_S = 0.5


@contextlib.contextmanager
def sole_owner() -> Iterator[None]:
    """Hold the build folder's lock; the kernel gives it back however this process ends.

    Raises:
        HarnessError: Another `up` of this checkout holds it.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "up.lock").open("a+", encoding="ascii") as lock:
        _acquire(lock)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _acquire(lock: IO[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    said = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            if time.monotonic() > deadline:
                raise HarnessError(
                    f"Another `nox -s up` of this checkout is at work (process {owner}).",
                    remedy="Stop it with Ctrl-C, or with ./noxw -s down, then try again.",
                ) from None
            if not said:
                out.print(f"[dim]Waiting for another `up` (process {owner}) to end …[/]")
                said = True
            time.sleep(0.2)
        else:
            return


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C; under nox, the death of the parent too, so that no orphan goes on.

    Main thread only (signal handlers live there).
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # Once: a closed terminal sends SIGHUP, and the parent's death is noticed besides; the second must not cut the
        # clean-up short. Ctrl-C can, for a person who does not want to wait.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, interrupt)
    done = threading.Event()
    if os.environ.get("HARNESS_WATCH_PARENT"):
        threading.Thread(target=_watch, args=(os.getppid(), done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(parent: int, done: threading.Event) -> None:
    """Interrupt this process once its parent is gone (it is then a child of init or of a subreaper)."""
    while not done.wait(PARENT_POLL_S):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
