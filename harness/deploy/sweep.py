"""Sweeps by hand: the function that the clock starts every hour is called until nothing is left to find."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.console import ProgressStep, out
from harness.deploy.invocation import Invoker
from harness.errors import HarnessError

OLDEST = timedelta(days=400)
"""How long before a period what has changed in it may have been created, if nobody says it."""

MOST_CALLS = 1_000
"""Calls of one sweep. Each looks at a thousand things or more."""


@dataclass(frozen=True)
class Period:
    """A period, both ends included, in UTC."""

    first: datetime
    last: datetime

    def event(self) -> dict[str, str]:
        """As the function reads it."""
        return {"from": _text(self.first), "to": _text(self.last)}


@dataclass
class Figures:
    """What a sweep did.

    Attributes:
        counts: What was healed, by what it waited for.
        failed: The ids of what cannot be healed.
        calls: Calls of the function.
    """

    counts: dict[str, int] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    calls: int = 0

    @property
    def healed(self) -> int:
        """How many there were in all."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        return ", ".join(f"{number} {name}" for name, number in self.counts.items() if number) or "nothing to heal"


class Sweeper:
    """Sweeps of one environment.

    Args:
        invoker: Calls the function.
        function: Its short name.
    """

    def __init__(self, invoker: Invoker, function: str) -> None:
        self._invoker, self._function = invoker, function

    def run(
        self, *, older_than_minutes: int = 0, since: datetime | None = None, period: Period | None = None
    ) -> Figures:
        """Find and heal everything.

        Args:
            older_than_minutes: What was created later is left alone.
            since: The creation from which on it looks; None for where the sweep before has ended, or, with a period,
                for `OLDEST` before it.
            period: The period whose changes are published again.

        Raises:
            HarnessError: The function failed.
        """
        request: dict[str, Any] = {"task": "sweep", "olderThanMinutes": older_than_minutes}
        if period:
            request["changed"] = period.event()
            since = since or period.first - OLDEST
        if since:
            request["since"] = _text(since)
        figures = Figures()
        for _ in range(MOST_CALLS):
            response = self._call({**request})
            figures.calls += 1
            figures.failed |= {*response["failed"]}
            for name, value in response.items():
                if isinstance(value, int) and not isinstance(value, bool):
                    figures.counts[name] = figures.counts.get(name, 0) + value
            if not response["more"]:
                return figures
            if since:
                request["since"] = response["place"] or request["since"]
        raise HarnessError(
            f"The sweep has not ended after {MOST_CALLS} calls.", remedy="Call it again; it goes on where it stopped."
        )

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        result = self._invoker.call(self._function, request)
        if result.error:
            raise HarnessError(
                f"{self._function} could not sweep: {result.error}",
                remedy=f"Look at its log: ./noxw -s logs -- {self._function} --since 5m",
            )
        response: dict[str, Any] = result.response
        return response


def show(sweeper: Sweeper, *, older_than_minutes: int, since: datetime | None, period: Period | None) -> None:
    """Sweep, and print what was found.

    Raises:
        HarnessError: Something cannot be healed.
    """
    with ProgressStep("Sweep") as step:
        figures = sweeper.run(older_than_minutes=older_than_minutes, since=since, period=period)
        step.conclude(str(figures))
    if figures.failed:
        raise HarnessError(
            f"{len(figures.failed)} cannot be healed: {', '.join(sorted(figures.failed)[:10])}",
            remedy="The function's log has the reason of each: docs/runbooks/sweep.md",
        )
    out.print("Nothing waits any more that the platform can heal by itself.")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
