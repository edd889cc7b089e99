"""The Lambda log lines of a running stack: those of all functions merged by time, as short readable text."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from harness.stack.deployment import Stack

POLL_S = 1.0
"""Seconds between two polls when following."""

_WARNINGS = {"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}
_PLATFORM_PREFIX = "platform."


@dataclass(frozen=True, order=True)
class LogLine:
    """One log event.

    Attributes:
        at: The time, in UTC.
        function: Short name of the function.
        level: ``INFO``, ``ERROR`` ... in capitals; empty if the line has none.
        message: The line's message, followed by its exception if it has one.
        identity: The event's id, to recognise a line that was read before.
    """

    at: datetime
    function: str
    level: str
    message: str
    identity: str

    @property
    def is_warning(self) -> bool:
        """Whether it is a warning or worse."""
        return self.level in _WARNINGS


def parse(function: str, timestamp_ms: int, message: str, identity: str) -> LogLine | None:
    """Read one CloudWatch Logs event; None for the platform's own start and report lines and for metrics.

    Handlers log JSON (Powertools) and the platform logs JSON (``LoggingConfig``); anything else is kept as it is.
    """
    at = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    try:
        record = json.loads(message)
    except ValueError:
        return LogLine(at, function, "", message.rstrip(), identity)
    if not isinstance(record, dict):
        return LogLine(at, function, "", message.rstrip(), identity)
    if str(record.get("type", "")).startswith(_PLATFORM_PREFIX) or "_aws" in record:
        return None
    content = record.get("message", record.get("errorMessage", message))
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    if kind := record.get("errorType"):
        text = f"{kind}: {text}"
    if cause := record.get("exception"):
        text = f"{text}\n{cause}"
    return LogLine(at, function, str(record.get("level", "")).upper(), text.rstrip(), identity)


def lines(stack: Stack, functions: list[str], since: datetime) -> list[LogLine]:
    """Every log line of some functions since a point in time, in order of time.

    Args:
        stack: The running stack.
        functions: Short names, such as ``create-invoice``.
        since: The earliest time, with its time zone.
    """
    client = stack.session.client("logs", endpoint_url=stack.endpoint_url)
    merged: list[LogLine] = []
    for function in functions:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{stack.functions[function]}", startTime=int(since.timestamp() * 1000)
        )
        try:
            for page in pages:
                for event in page["events"]:
                    line = parse(function, event["timestamp"], event["message"], event["eventId"])
                    if line is not None:
                        merged.append(line)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
    return sorted(merged)


def follow(stack: Stack, functions: list[str], since: datetime) -> Iterator[LogLine]:
    """Yield each line once, as it arrives, indefinitely."""
    seen: set[str] = set()
    while True:
        for line in lines(stack, functions, since):
            if line.identity not in seen:
                seen.add(line.identity)
                since = max(since, line.at)
                yield line
        time.sleep(POLL_S)


def recent_errors(stack: Stack, since: datetime, limit: int = 12) -> list[LogLine]:
    """The last warnings and errors of all functions, for error messages."""
    return [line for line in lines(stack, sorted(stack.functions), since) if line.is_warning][-limit:]
