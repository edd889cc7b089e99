"""The Lambda log lines of a running stack: those of all functions merged by time, as short readable text."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from harness.settings import PLATFORM
from harness.stack.deployment import Stack

POLL_S = 1.0
"""Seconds between two polls when following."""

_WARNINGS = {"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}
_PLATFORM_PREFIX = "platform."
_PLUMBING = frozenset(
    {
        *("level", "message", "timestamp", "location", "service", "cold_start", "sampling_rate", "xray_trace_id"),
        *("function_name", "function_memory_size", "function_arn", "function_request_id", "requestId"),
        *("exception", "exception_name", "stack_trace", "errorMessage", "errorType", "stackTrace"),
    }
)
"""Members of a line that are not its fields: Powertools and Lambda add them to every line, or they are shown elsewhere.

https://docs.aws.amazon.com/powertools/python/latest/core/logger/#standard-structured-keys
"""

CORRELATION = "correlation_id"
"""The field by which lines of several functions belong together."""

SUBJECT = f"{PLATFORM.traced}_id"
"""The field that names what a line is about."""


@dataclass(frozen=True, order=True)
class LogLine:
    """One log event.

    Attributes:
        at: The time, in UTC.
        function: Short name of the function.
        level: ``INFO``, ``ERROR`` ... in capitals; empty if the line has none.
        message: The line's message, followed by its exception if it has one.
        identity: The event's id, to recognise a line that was read before.
        fields: What the function says besides the message, such as the correlation id.
        request: The id of the invocation; empty if the line has none.
    """

    at: datetime
    function: str
    level: str
    message: str
    identity: str
    fields: Mapping[str, Any] = field(default_factory=dict, compare=False)
    request: str = field(default="", compare=False)

    @property
    def is_warning(self) -> bool:
        """Whether it is a warning or worse."""
        return self.level in _WARNINGS

    def document(self) -> dict[str, Any]:
        """The line in JSON types."""
        names = {"at": self.at.isoformat(timespec="milliseconds"), "function": self.function, "level": self.level}
        return {**names, "message": self.message, "request": self.request, **self.fields}


def fields_text(fields: Mapping[str, Any]) -> str:
    """Fields as ``name=value``, separated by blanks; what is no plain text is JSON."""
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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
    fields = {name: value for name, value in record.items() if name not in _PLUMBING and value not in (None, "")}
    request = str(record.get("function_request_id") or record.get("requestId") or "")
    level = str(record.get("level", "")).upper()
    return LogLine(_time(record, at), function, level, text.rstrip(), identity, fields, request)


def _time(record: Mapping[str, Any], otherwise: datetime) -> datetime:
    """When the line was written: the function says it more exactly than the log, to which it may come late."""
    try:
        written = datetime.fromisoformat(record["timestamp"])
    except (KeyError, TypeError, ValueError):
        return otherwise
    return written.astimezone(UTC) if written.tzinfo else otherwise


def invocation(message: str) -> tuple[str, float] | None:
    """The id and the duration (milliseconds) of an invocation that a line of the platform reports; None for others.

    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
    """
    try:
        line = json.loads(message)
        if line["type"] != "platform.report":
            return None
        return str(line["record"]["requestId"]), float(line["record"]["metrics"]["durationMs"])
    except (ValueError, KeyError, TypeError):
        return None


def about(found: Iterable[LogLine], subject: str, correlations: Iterable[str] = ()) -> list[LogLine]:
    """The lines about one subject, with what led to them.

    These are the lines that name it, those with a correlation id of these, and those of the same invocations, unless
    they name another subject.

    Args:
        found: The lines to choose from.
        subject: The subject's id, such as that of an invoice.
        correlations: Correlation ids that are known to belong to it.
    """
    found = list(found)
    naming = [line for line in found if line.fields.get(SUBJECT) == subject or subject in line.message]
    related = {*correlations, *(str(line.fields[CORRELATION]) for line in naming if CORRELATION in line.fields)}
    of_related = [line for line in found if line.fields.get(CORRELATION) in related]
    requests = {line.request for line in [*naming, *of_related]} - {""}
    names_it = {line.identity for line in naming}

    def is_related(line: LogLine) -> bool:
        if line.fields.get(SUBJECT) not in (None, subject):
            return False
        return line.fields[CORRELATION] in related if CORRELATION in line.fields else line.request in requests

    return [line for line in found if line.identity in names_it or is_related(line)]


def events(stack: Stack, functions: Iterable[str], since: datetime) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every event in the logs of some functions, with the function's short name; a function without a log has none.

    Args:
        stack: The running stack.
        functions: Short names, such as ``create-order``.
        since: The earliest time, with its time zone.
    """
    client = stack.session.client("logs", endpoint_url=stack.endpoint_url)
    for function in functions:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{stack.functions[function]}", startTime=int(since.timestamp() * 1000)
        )
        try:
            for page in pages:
                for event in page["events"]:
                    yield function, dict(event)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def read(found: Iterable[tuple[str, Mapping[str, Any]]]) -> list[LogLine]:
    """The lines of events, in order of time."""
    parsed = (parse(function, event["timestamp"], event["message"], event["eventId"]) for function, event in found)
    return sorted(line for line in parsed if line is not None)


def lines(stack: Stack, functions: Iterable[str], since: datetime, subject: str | None = None) -> list[LogLine]:
    """The log lines of some functions since a point in time, in order of time.

    Args:
        stack: The running stack.
        functions: Short names.
        since: The earliest time, with its time zone.
        subject: Only the lines `about` this subject.
    """
    found = read(events(stack, functions, since))
    return found if subject is None else about(found, subject)


def follow(stack: Stack, functions: Sequence[str], since: datetime, subject: str | None = None) -> Iterator[LogLine]:
    """Yield each line once, as it arrives, indefinitely; the arguments are those of `lines`.

    A line may turn out to be about the subject by a later one, so with a subject all lines are read again each time.
    """
    seen: set[str] = set()
    while True:
        for line in lines(stack, functions, since, subject):
            if line.identity not in seen:
                seen.add(line.identity)
                if subject is None:
                    since = max(since, line.at)
                yield line
        time.sleep(POLL_S)


def recent_errors(stack: Stack, since: datetime, limit: int = 12) -> list[LogLine]:
    """The last warnings and errors of all functions, for error messages."""
    return [line for line in lines(stack, sorted(stack.functions), since) if line.is_warning][-limit:]
