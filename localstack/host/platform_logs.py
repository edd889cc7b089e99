"""The log lines that Lambda itself writes before and after those of an invocation, as text or as JSON.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The content of an invocation's last log line.

    Attributes:
        status: The outcome: ``success``, ``error``, ``failure`` or ``timeout``.
        duration_ms: The duration of the handler.
        memory_mb: The memory of the function's configuration.
        peak_mb: The most memory that it used.
        init_ms: The duration of the cold start; None for a warm start.
    """

    status: str
    duration_ms: float
    memory_mb: int
    peak_mb: int
    init_ms: float | None


def now() -> str:
    """The current time in Lambda's format: UTC, with milliseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def start(request_id: str, version: str, *, as_json: bool) -> str:
    """The first line of an invocation."""
    if as_json:
        return _event("platform.start", {"requestId": request_id, "version": version})
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str, report: Report, *, as_json: bool) -> str:
    """The last line or lines of an invocation."""
    billed = int(report.duration_ms) + 1
    if as_json:
        metrics = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": billed,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.peak_mb,
            **({} if report.init_ms is None else {"initDurationMs": round(report.init_ms, 3)}),
        }
        return _event("platform.report", {"requestId": request_id, "metrics": metrics, "status": report.status})
    init = "" if report.init_ms is None else f"\tInit Duration: {report.init_ms:.2f} ms"
    return (
        f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {report.duration_ms:.2f} ms\t"
        f"Billed Duration: {billed} ms\tMemory Size: {report.memory_mb} MB\tMax Memory Used: {report.peak_mb} MB"
        f"{init}\n"
    )


def _event(kind: str, record: dict[str, object]) -> str:
    return json.dumps({"time": now(), "type": kind, "record": record}) + "\n"
