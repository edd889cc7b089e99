"""One `up` or `deploy` at a time in a build folder, and a clean shutdown on every signal."""

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
"""Seconds to wait for an earlier `up`: one whose terminal was just closed needs a few seconds to stop its engine."""

PARENT_POLL_S = 0.5
"""Seconds between two checks whether the parent process is alive."""


@contextlib.contextmanager
def sole_owner() -> Iterator[None]:
    """Hold the build folder's lock. The kernel releases it when this process ends, however it ends.

    Raises:
        HarnessError: Another `up` or `deploy` of this checkout holds it.
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
    announced = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            if time.monotonic() > deadline:
                raise HarnessError(
                    f"Another `up` or `deploy` is running in this checkout (process {owner}).",
                    remedy="Stop it with Ctrl-C or with ./noxw -s down, then try again.",
                ) from None
            if not announced:
                out.print(f"[dim]Waiting for another `up` or `deploy` (process {owner}) to end …[/]")
                announced = True
            time.sleep(0.2)
        else:
            return


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, and under nox the end of the parent too, so that no orphan keeps running.

    Main thread only: Python allows signal handlers only there.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # Only once: a closed terminal sends SIGHUP and also ends the parent. The second signal must not cut the
        # clean-up short. Ctrl-C still can, for a person who does not want to wait.
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
