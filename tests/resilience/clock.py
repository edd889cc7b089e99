"""A clock that the test moves, in the place of every clock and every pause of the functions. Nothing waits."""

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

START = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Clock:
    """The time of a run; `sleep` and `monotonic` stand in for those of Python's module ``time``."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin at `START`."""
        self._seconds = 0.0

    def now(self) -> datetime:
        """This moment, in UTC."""
        return START + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Seconds since the beginning of the run."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._seconds += max(0.0, seconds)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Give this clock to all modules of the functions that look at one, or wait."""
        patch.setattr("invoicing.runtime.clock.now", self.now)
        for module in ("table.retries", "table.store", "uploads.intake", "uploads.pacing", "uploads.part_import"):
            patch.setattr(f"invoicing.{module}.time", self)


class InOrder:
    """An executor that does each task at once, in the caller's thread: the same order of calls in each run."""

    def __init__(self, _workers: int) -> None:
        pass

    def submit(self, task: Any, *arguments: Any) -> "Future[Any]":
        """Do the task. An error is in the future, as it is with threads; what ends the process ends it here, too."""
        future: Future[Any] = Future()
        try:
            future.set_result(task(*arguments))
        except Exception as error:  # noqa: BLE001 -- the executor's own contract
            future.set_exception(error)
        return future

    def shutdown(self, *, cancel_futures: bool) -> None:
        """Nothing is left to cancel."""
        assert cancel_futures
