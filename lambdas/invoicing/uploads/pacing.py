"""How fast an upload writes: together and side by side until the table throttles, then one by one, at the table's pace.

A throttled table is short of capacity, not of time. So single writes follow, which take half the units of a
transaction, and the interval between them adapts: it grows by half with every throttled write, and shrinks a little
with every other one. In a table that is throttled for long, about one write in nine is throttled. They are made in the
file's order, because only what has no gap before it counts as progress.
"""

import random
import threading
import time
from collections.abc import Callable

FIRST_INTERVAL_S = 0.1
LONGEST_INTERVAL_S = 2.0
_GROWTH, _DECAY = 1.5, 0.95
_FREE_BELOW_S = 0.02


class Pace:
    """The interval between two writes, shared by all threads of an upload.

    Args:
        seconds_left: Seconds until the part must have stopped.
    """

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self._seconds_left = seconds_left
        self._interval_s = 0.0

    @property
    def is_free(self) -> bool:
        """Whether there is no sign that the table throttles."""
        return self._interval_s == 0

    def slow_down(self) -> None:
        """A write was throttled."""
        self._interval_s = min(max(self._interval_s * _GROWTH, FIRST_INTERVAL_S), LONGEST_INTERVAL_S)

    def speed_up(self) -> None:
        """A write was not throttled."""
        interval_s = self._interval_s * _DECAY
        self._interval_s = interval_s if interval_s >= _FREE_BELOW_S else 0.0

    def wait(self) -> bool:
        """Wait for one interval, give or take a third; returns False at once if that would take too long."""
        pause_s = self._interval_s * random.uniform(0.67, 1.33)  # noqa: S311 -- spreads writers, keeps no secret
        if pause_s > self._seconds_left():
            return False
        time.sleep(pause_s)
        return True


class Turns:
    """The order of batches that are written side by side."""

    def __init__(self) -> None:
        self._last = 0
        self._unfinished: set[int] = set()
        self._changed = threading.Condition()

    def next(self) -> int:
        """The turn of one more batch."""
        with self._changed:
            self._last += 1
            self._unfinished.add(self._last)
            return self._last

    def finish(self, turn: int) -> None:
        """The batch of this turn is written, or will not be."""
        with self._changed:
            self._unfinished.discard(turn)
            self._changed.notify_all()

    def wait_for_earlier(self, turn: int, seconds: float) -> bool:
        """Wait until all earlier batches are finished; returns whether they were in time."""
        with self._changed:
            return self._changed.wait_for(lambda: min(self._unfinished, default=turn) >= turn, max(seconds, 0))
