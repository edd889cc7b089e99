"""What the log of a function says of each of its versions: memory, the first call, secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

OVERLAP_S = 30.0
"""Seconds before the newest event from which a log is read again: events of other environments may arrive later."""

_VERSION = re.compile(r"\[(\d+)\]")
"""The version in the name of a log stream: ``2026/11/29/[7]…``.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""


@dataclass(frozen=True)
class Noted:
    """What a log says of one version.

    Attributes:
        memory_mb: The most memory that one of its environments has used; None if no report of a call says.
        first_call: The time of its first event, in seconds since 1970; None without one.
        secrets: The names of the secrets that are in the log.
    """

    memory_mb: int | None = None
    first_call: float | None = None
    secrets: tuple[str, ...] = ()

    def and_event(self, event: Mapping[str, Any], secrets: Mapping[str, str]) -> "Noted":
        """This, and what an event says. The same event again changes nothing."""
        at, message = event["timestamp"] / 1000, event["message"]
        used = _memory(message)
        found = {name for name, secret in secrets.items() if secret in message}
        return replace(
            self,
            memory_mb=self.memory_mb if used is None else max(used, self.memory_mb or 0),
            first_call=min(at, self.first_call or at),
            secrets=tuple(sorted({*self.secrets, *found})),
        )


@dataclass
class VersionLogs:
    """Reads the log of one function; each read goes on where the last one ended, so that a long watch stays fast.

    Attributes:
        function: Its full name.
        since: Older events are not read.
        secrets: What no log may contain, by a name for messages.
    """

    function: str
    since: datetime
    secrets: Mapping[str, str]
    _noted: dict[str, Noted] = field(default_factory=dict)
    _newest_ms: int = 0

    def read(self, client: Any) -> Mapping[str, Noted]:
        """What the log says of each version that has an event."""
        for version, event in self._events(client):
            self._noted[version] = self._noted.get(version, Noted()).and_event(event, self.secrets)
            self._newest_ms = max(self._newest_ms, event["timestamp"])
        return self._noted

    def _events(self, client: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The events that may not have been read yet, each with its version."""
        start_ms = max(round(self.since.timestamp() * 1000), self._newest_ms - round(OVERLAP_S * 1000))
        pages = client.get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=f"/aws/lambda/{self.function}", startTime=start_ms):
            for event in page["events"]:
                version = _VERSION.search(event["logStreamName"])
                if version:
                    yield version[1], event


def _memory(message: str) -> int | None:
    """The memory in the report of a call; None if the line is none.

    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
    """
    if '"platform.report"' not in message:
        return None
    try:
        used = json.loads(message)["record"]["metrics"].get("maxMemoryUsedMB")
    except (ValueError, KeyError, TypeError):
        return None
    return None if used is None else int(used)
