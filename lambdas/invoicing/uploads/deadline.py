"""The time of one invocation: how long a part may read rows, and the error when nothing was done in that time."""

from collections.abc import Callable

RESERVE_SECONDS = 6.0
"""Seconds of the invocation that are kept free when a part stops: to finish what has begun, and to report.

Long enough for a checkpoint that a throttled table accepts late (`invoicing.uploads.progress.PATIENCE_S`).
"""


class OutOfTimeError(Exception):
    """The invocation's time ran out before a single invoice was handled."""


class Deadline:
    """When a part must stop reading.

    Args:
        remaining: Seconds that are left of this invocation.
    """

    def __init__(self, remaining: Callable[[], float]) -> None:
        self._remaining = remaining

    def seconds_left(self) -> float:
        """Seconds until the part must stop; negative after that."""
        return self._remaining() - RESERVE_SECONDS

    def check(self) -> None:
        """Do nothing before the deadline.

        Raises:
            OutOfTimeError: the deadline has passed.
        """
        if self.seconds_left() < 0:
            raise OutOfTimeError("short of time: this invocation did not handle a single invoice")

    def allows(self, seconds: float) -> bool:
        """Whether the invocation has this many seconds left, its reserve included."""
        return self._remaining() >= seconds
