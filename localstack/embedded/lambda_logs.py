"""Lambda: JSON logs."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import cloudwatch_logs as logs
from ministack.services import lambda_svc as lam

from embedded.lambda_runtime import failure, memory
from emulation.patch import patches, source_lacks


@patches(lam, "_emit_lambda_logs", needed=source_lacks("LogFormat"))
def json_logs(original: Any) -> Any:
    """A function with JSON logging writes one JSON object per event.

    AWS: platform events (``platform.start``, ``platform.report``) by the system log level, the first with the time at
    which the invocation began, the latter with ``maxMemoryUsedMB``; lines of the handler that are not JSON are wrapped;
    an unhandled exception is one ERROR object.
    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
    MiniStack: writes the START/END/REPORT lines of the text format.
    """

    def emit(
        func: Any,
        request_id: str,
        text: str,
        error: bool,
        duration_ms: int,
        *,
        log_source: str | None = None,
    ) -> None:
        config = func.get("config") or func
        settings = config.get("LoggingConfig") or {}
        if settings.get("LogFormat") != "JSON":
            original(func, request_id, text, error, duration_ms, log_source=log_source)
            return
        group = settings.get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
        messages = _messages(config, request_id, text, error=error, duration_ms=duration_ms)
        _write(group, config.get("Version", "$LATEST"), messages)

    return emit


def _messages(config: Any, request_id: str, text: str, *, error: bool, duration_ms: int) -> list[dict[str, Any]]:
    ended = datetime.now(UTC)
    now = _text(ended)
    details = getattr(failure, "last", None) or {}
    if error and details.get("trace"):
        text = text.removesuffix(details["trace"])
    messages = [_application(line, now, request_id) for line in text.splitlines() if line.strip()]
    if error:
        messages.append(
            {
                "timestamp": now,
                "level": "ERROR",
                "message": details.get("error", ""),
                "errorType": details.get("type", ""),
                "stackTrace": details.get("stack") or [],
                "requestId": request_id,
            }
        )
    level = (config.get("LoggingConfig") or {}).get("SystemLogLevel") or "INFO"
    start: list[dict[str, Any]] = []
    report: list[dict[str, Any]] = []
    if level in {"DEBUG", "INFO"}:
        record = {"requestId": request_id, "version": config.get("Version", "$LATEST")}
        begun = _text(ended - timedelta(milliseconds=duration_ms))
        start = [{"time": begun, "type": "platform.start", "record": record}]
    if error or level in {"DEBUG", "INFO"}:
        metrics = {
            "durationMs": duration_ms,
            "billedDurationMs": duration_ms,
            "memorySizeMB": config.get("MemorySize", 128),
        }
        if peak_mb := getattr(memory, "peak_mb", None):
            metrics["maxMemoryUsedMB"] = peak_mb
        record = {"requestId": request_id, "metrics": metrics, "status": "error" if error else "success"}
        report = [{"time": now, "type": "platform.report", "record": record}]
    return [*start, *messages, *report]


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _application(line: str, now: str, request_id: str) -> dict[str, Any]:
    if line.startswith("{"):
        try:
            content = json.loads(line)
        except ValueError:
            content = None
        if isinstance(content, dict):
            return content
    return {"timestamp": now, "level": "INFO", "message": line, "requestId": request_id}


def _write(group: str, version: str, messages: list[dict[str, Any]]) -> None:
    if group not in logs._log_groups:
        logs._create_log_group({"logGroupName": group})
    today = datetime.now(UTC).strftime("%Y/%m/%d")
    stream = f"{today}/[{version}]{new_uuid().replace('-', '')}"
    logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": _timestamp(message, now_ms), "message": json.dumps(message)} for message in messages]
    logs._append_log_events(
        logs._log_groups[group]["streams"][stream], [{**event, "ingestionTime": now_ms} for event in events]
    )
    logs._fanout_to_subscription_filters(group, stream, events)


def _timestamp(message: dict[str, Any], now_ms: int) -> int:
    """When the start of an invocation was logged; everything else is logged at its end here."""
    if message.get("type") != "platform.start":
        return now_ms
    return int(datetime.fromisoformat(message["time"]).timestamp() * 1000)
