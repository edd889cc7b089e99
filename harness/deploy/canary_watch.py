"""Watching a release: synthetic traffic, round after round, and what the platform reports of it."""

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from rich.live import Live
from rich.table import Table

from harness.console import out
from harness.deploy.canary_judge import Defect, defects, files_needed, is_seen_enough
from harness.deploy.canary_traffic import CheckError, Traffic
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.version_figures import Figures, VersionFigures, Watched, new_alarms

UNCALLED = frozenset({"rotate-api-key"})
"""Functions that the synthetic traffic does not reach: their versions are watched only if somebody else calls them."""

ROUNDS = 5
"""Rounds of traffic after which a release is taken back if its versions have not had enough calls.

A time by the clock would take good versions back on a slow machine. Each round ends: what it waits for has a deadline.
"""

_LINE_EVERY_S = 10.0
_LOOK_EVERY_S = 0.5

NO_SIGN = "check deadline"
"""How a defect is caught if something did not happen in time."""
_COUNTED_S = 10.0
"""Seconds after its end until a call is counted."""


class _FoundError(Exception):
    """The figures show that a version is bad."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect.reason)
        self.defect = defect


@dataclass
class Watch:
    """One release under synthetic traffic.

    Attributes:
        traffic: The traffic.
        since: When it began, before the newest versions got calls.
        alarms_before: The alarms that were on then.
        watched: The functions; none before the newest versions get calls.
        figures: The last figures, by function and version.
    """

    traffic: Traffic
    since: datetime
    alarms_before: list[str]
    watched: list[Watched] = field(default_factory=list)
    figures: dict[tuple[str, str], Figures] = field(default_factory=dict)
    _last_look: float = 0.0
    _reader: VersionFigures | None = None

    @classmethod
    @contextmanager
    def started(cls, access: PlatformAccess) -> Iterator["Watch"]:
        """Prepare the traffic; at the end what it created is deleted."""
        with Traffic.prepared(access, uuid.uuid4().hex[:8]) as traffic:
            alarms = new_alarms(access.client("cloudwatch"), access.outputs["alarms"].values())
            yield cls(traffic, datetime.now(UTC), alarms)

    @property
    def access(self) -> PlatformAccess:
        """The platform."""
        return self.traffic.access

    def round(self) -> Defect | None:
        """One round of traffic; the defect that its checks have found, if any."""
        return next(filter(None, self._steps()), None)

    def _steps(self) -> Iterator[Defect | None]:
        """The steps of a round: None after each that is as it should be; after a defect there are no more."""
        try:
            for _ in self.traffic.round():
                yield None
        except _FoundError as found:
            yield found.defect
        except CheckError as error:
            yield Defect(f"check {error.check}", f"{error.check}: {error.found}.")
        except (BotoCoreError, ClientError, urllib3.exceptions.HTTPError) as error:
            yield Defect("check connection", f"The platform cannot be reached: {error}")

    def until_decided(self, watched: list[Watched]) -> Defect | None:
        """Watch until the newest versions had enough calls, or something is wrong.

        The figures are read after each invoice: the fewer calls a bad version gets, the better.

        Returns:
            What is wrong; None if the versions are good.
        """
        self.watched = watched
        shares = [each.weight for each in watched if each.name not in UNCALLED]
        self.traffic.files = max(map(files_needed, shares), default=1)
        self.traffic.look = self._look
        with _Display(self) as display:
            for _ in range(ROUNDS):
                for found in self._steps():
                    self.read()
                    display.show()
                    defect = found or self._defect()
                    if defect:
                        return defect
                if is_seen_enough(self.watched, self.figures, UNCALLED):
                    return None
        return Defect("deadline", f"After {ROUNDS} rounds of traffic the newest versions have not had enough calls.")

    def _look(self) -> None:
        """Read the figures while the traffic waits: a call that fails is noticed before it is repeated."""
        if time.monotonic() - self._last_look > _LOOK_EVERY_S:
            self._last_look = time.monotonic()
            self.read()
            if defect := self._defect():
                raise _FoundError(defect)

    def _defect(self) -> Defect | None:
        """What is wrong according to the figures and the alarms, if anything."""
        for defect in defects(self.watched, self.figures):
            return defect
        names = self.access.outputs["alarms"].values()
        alarms = new_alarms(self.access.client("cloudwatch"), names, self.alarms_before)
        return Defect(f"alarm {alarms[0]}", f"The alarm {alarms[0]} has started.") if alarms else None

    def await_calls(self) -> None:
        """Wait until each newest version has a call that is counted, or all that may hang have ended; read the figures.

        A call is counted when it ends, and one that hangs ends with its function's time-out.
        """
        deadline = time.monotonic() + max((each.timeout_s for each in self.watched), default=0) + _COUNTED_S
        self.read()
        while not all(self.figures.get((each.name, each.newest), Figures()).calls for each in self.watched):
            if time.monotonic() > deadline:
                return
            time.sleep(1)
            self.read()

    def read(self) -> None:
        """Read the figures of the watched functions."""
        if self._reader is None or self._reader.watched != self.watched:
            secrets = {"the API's key": self.traffic.key}
            self._reader = VersionFigures(self.access.client, self.watched, self.since, secrets)
        self.figures = self._reader.read()

    def table(self) -> Table:
        """The figures as a table: each version with its share, calls, errors and p95."""
        table = Table("Function", "Version", "Weight", "Calls", "Errors", "p95 ms", "Memory MB")
        for each in self.watched:
            shares = {each.stable: 1 - each.weight, each.newest: each.weight}
            for version in each.versions:
                figures = self.figures.get((each.name, version), Figures())
                table.add_row(
                    each.name if version == each.stable else "",
                    f"{version} (new)" if version == each.newest else version,
                    f"{shares[version]:.0%}",
                    str(figures.calls),
                    f"[red]{figures.errors}[/]" if figures.errors else "0",
                    f"{figures.p95_ms:.0f}",
                    str(figures.memory_mb or ""),
                )
        return table

    def rows(self) -> list[dict[str, Any]]:
        """The figures for the report."""
        return [
            {
                "function": each.name,
                "version": version,
                "newest": version == each.newest,
                "weight": each.weight if version == each.newest else 1 - each.weight,
                **_row(self.figures.get((each.name, version), Figures())),
            }
            for each in self.watched
            for version in each.versions
        ]


def _row(figures: Figures) -> Mapping[str, Any]:
    return {
        "calls": figures.calls,
        "errors": figures.errors,
        "p50_ms": round(figures.p50_ms),
        "p95_ms": round(figures.p95_ms),
        "memory_mb": figures.memory_mb,
        "first_call": figures.first_call,
    }


class _Display:
    """The table while it changes on a terminal; elsewhere a line from time to time, and the table at the end."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._live = Live(console=out, transient=True, auto_refresh=False) if out.is_terminal else None
        self._last_line = time.monotonic()

    def __enter__(self) -> "_Display":
        if self._live:
            self._live.start()
        return self

    def show(self) -> None:
        """Show the figures as they are now."""
        if self._live:
            self._live.update(self._watch.table(), refresh=True)
        elif time.monotonic() - self._last_line > _LINE_EVERY_S:
            self._last_line = time.monotonic()
            rows = [row for row in self._watch.rows() if row["newest"]]
            out.print(
                f"  {sum(row['calls'] for row in rows)} calls of the newest versions, "
                f"{sum(row['errors'] for row in rows)} errors"
            )

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
        out.print(self._watch.table())
