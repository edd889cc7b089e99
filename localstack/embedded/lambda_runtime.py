"""Lambda: the worker process that a handler runs in."""

import inspect
import math
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.services import lambda_svc as lam

from emulation.patch import patches, source_has, source_lacks

_END_OF_LOG = "\x1eend of invocation"
"""A worker's last line on standard error for an invocation; 0x1e is ASCII's record separator."""
_LOG_TIMEOUT_S = 1.0
_FINAL_LOG_TIMEOUT_S = 0.25

failure = threading.local()
"""``failure.last``: the worker's report if the last invocation of this thread failed, or else None."""

memory = threading.local()
"""``memory.peak_mb``: the most memory that the worker of this thread's last invocation ever had; None if unknown."""

cold_start = threading.local()
"""``cold_start.seconds``: what the start of a worker took in this thread's current invocation."""

_PLAIN_FAILURE = '{"status": "error", "error": str(e), "trace": traceback.format_exc()'
_DETAILED_FAILURE = (
    '{"status": "ok", "failed": True, "error": str(e), "trace": traceback.format_exc(), "type": type(e).__name__, '
    '"stack": traceback.format_tb(e.__traceback__)[1:]'
)
_LAST_FLUSH = "        _real_stdout.flush()\n\nrun()"


@patches(runtime, "_PYTHON_WORKER_SCRIPT", needed=source_has(_LAST_FLUSH))
def worker_report(original: str) -> str:
    """The worker reports an exception's class and stack, and marks the end of an invocation's log.

    AWS: a failed invocation returns ``errorType``, ``errorMessage`` and ``stackTrace``.
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    MiniStack: the type is always ``Runtime.HandlerError``; it waits up to 50 ms for log lines, and later lines count
    as the next invocation's.
    """
    script = original.replace(_PLAIN_FAILURE, _DETAILED_FAILURE)
    mark = f"        sys.stderr.flush()\n        os.write(2, {_END_OF_LOG.encode() + bytes([10])!r})\n"
    return script.replace(_LAST_FLUSH, mark + _LAST_FLUSH)


@patches(runtime, "Worker._drain_stderr_bounded", needed=source_has("first_line_wait"))
def complete_logs(_original: Any) -> Any:
    """An invocation's log is complete as soon as its worker marks the end.

    AWS: every line of an invocation is among the log events of this invocation.
    MiniStack: see :func:`worker_report`.
    """

    def drain(self: Any, **_waits: float) -> str:
        lines: list[str] = []
        # A worker that has died, or another runtime than Python, writes no mark.
        alive = self._proc is not None and str(self.config.get("Runtime", "")).startswith("python")
        while True:
            try:
                line = self._stderr_queue.get(timeout=_LOG_TIMEOUT_S if alive else _FINAL_LOG_TIMEOUT_S)
            except runtime.queue.Empty:
                break
            if line == _END_OF_LOG:
                break
            lines.append(line)
        return "\n".join(lines)

    return drain


@patches(runtime, "Worker.invoke", needed=source_lacks('"type"'))
def surviving_worker(original: Any) -> Any:
    """An exception does not end the worker; its details are kept for the response.

    AWS: the execution environment, and what modules keep in it, outlives an exception of the handler.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    MiniStack: ends a worker that reports an error, so that each failure costs a cold start. Here the worker reports
    a success with the details of the failure (:func:`worker_report`), which this patch turns into an error.
    """

    def invoke(self: Any, *arguments: Any, **options: Any) -> Any:
        report = original(self, *arguments, **options)
        if report.get("failed"):
            report["status"] = "error"
        failure.last = report if report.get("status") == "error" else None
        memory.peak_mb = _peak_mb(self._proc.pid) if self._proc is not None else None
        return report

    return invoke


def _peak_mb(process: int) -> int | None:
    """The peak resident memory of a process, in MB; None where the system does not have ``/proc``.

    https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
    """
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return math.ceil(int(peak[1]) / 1024) if peak else None


@patches(lam, "_execute_function_warm", needed=source_has('"Runtime.HandlerError"'))
def failure_response(original: Any) -> Any:
    """A failed invocation returns the exception's class and stack; see :func:`worker_report`."""

    def execute(func: Any, event: Any, request_id: str) -> Any:
        failure.last, memory.peak_mb = None, None
        result = original(func, event, request_id)
        details = failure.last or {}
        if result.get("error") and isinstance(result.get("body"), dict):
            result["body"]["requestId"] = request_id
            if details.get("type"):
                result["body"].update(errorType=details["type"], stackTrace=details.get("stack") or [])
        return result

    return execute


@patches(runtime, "_detect_runtime_binary", needed=source_has("sys.executable"))
def handler_interpreter(original: Any) -> Any:
    """Python handlers run on the interpreter that ``LAMBDA_PYTHON`` names.

    AWS: a function can import what its zip contains, and boto3.
    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-dependencies
    MiniStack: runs them on the server's interpreter, with all of the server's libraries.
    """

    def detect(name: str) -> Any:
        binary, script = original(name)
        return (os.environ.get("LAMBDA_PYTHON", binary) if name.startswith("python") else binary), script

    return detect


class _HandlerOs:
    """The module ``os`` as :mod:`ministack.core.lambda_runtime` sees it: with the environment that handlers inherit."""

    def __init__(self, real: Any) -> None:
        self._real = real
        hook, watch = os.environ.get("LAMBDA_HOOK"), os.environ.get("HARNESS_WATCH")
        self.environ = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "HOME": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 -- no ~/.aws of the developer's
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108
            "GATEWAY_PORT": os.environ.get("GATEWAY_PORT", ""),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            # Only if tests request it: the AWS calls of handlers are recorded (harness.iam.watch).
            **({"PYTHONPATH": hook, "HARNESS_WATCH": watch} if hook and watch else {}),
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@patches(runtime, "os", needed=inspect.ismodule)
def handler_environment(original: Any) -> Any:
    """Handlers see Lambda's variables and their own, not the server's.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    MiniStack: passes on the whole environment of the server, with its ``PYTHONPATH`` and settings.
    """
    return _HandlerOs(original)


@patches(runtime, "Worker._spawn", needed=source_lacks("AWS_EXECUTION_ENV"))
def runtime_variables(original: Any) -> Any:
    """Handlers have all of Lambda's own variables: handler, log group, log format, execution environment.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    MiniStack: leaves out the ones that are listed here.
    """

    def spawn(self: Any) -> None:
        config = self.config
        logging_config = config.get("LoggingConfig") or {}
        variables = {
            "_HANDLER": config.get("Handler", ""),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": logging_config.get("LogFormat") or "Text",
            "AWS_LAMBDA_LOG_GROUP_NAME": logging_config.get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}",
        }
        if logging_config.get("LogFormat") == "JSON":
            variables["AWS_LAMBDA_LOG_LEVEL"] = logging_config.get("ApplicationLogLevel") or "INFO"
        configured = (config.get("Environment") or {}).get("Variables") or {}
        self.config = {**config, "Environment": {"Variables": {**configured, **variables}}}
        started = time.monotonic()
        try:
            original(self)
        finally:
            self.config = config
            cold_start.seconds = time.monotonic() - started

    return spawn
