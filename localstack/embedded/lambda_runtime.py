"""Lambda: the process that a handler runs in."""

import inspect
import os
import threading
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.services import lambda_svc as lam

from emulation.patch import patches, source_has, source_lacks

_END_OF_LOG = "\x1eend of invocation"
"""A worker's last line on standard error for an invocation; 0x1e is ASCII's record separator."""
_LOG_PATIENCE_S = 1.0
_LAST_PATIENCE_S = 0.25

failure = threading.local()
"""``failure.last``: how the last invocation of this thread failed, as its worker told, or None."""

_PLAIN_FAILURE = '{"status": "error", "error": str(e), "trace": traceback.format_exc()'
_TOLD_FAILURE = (
    '{"status": "ok", "failed": True, "error": str(e), "trace": traceback.format_exc(), "type": type(e).__name__, '
    '"stack": traceback.format_tb(e.__traceback__)[1:]'
)
_LAST_FLUSH = "        _real_stdout.flush()\n\nrun()"


@patches(runtime, "_PYTHON_WORKER_SCRIPT", needed=source_has(_LAST_FLUSH))
def worker_tells_more(original: str) -> str:
    """The worker reports an exception's class and stack, and marks the end of an invocation's log.

    AWS: a failed invocation answers ``errorType``, ``errorMessage`` and ``stackTrace``.
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    MiniStack: always ``Runtime.HandlerError``; it waits up to 50 ms for log lines and attributes late ones to the next
    invocation.
    """
    told = original.replace(_PLAIN_FAILURE, _TOLD_FAILURE)
    mark = f"        sys.stderr.flush()\n        os.write(2, {_END_OF_LOG.encode() + bytes([10])!r})\n"
    return told.replace(_LAST_FLUSH, mark + _LAST_FLUSH)


@patches(runtime, "Worker._drain_stderr_bounded", needed=source_has("first_line_wait"))
def complete_logs(_original: Any) -> Any:
    """An invocation's log is complete when its worker says so, and then at once.

    AWS: every line of an invocation is in its own log events.
    MiniStack: see :func:`worker_tells_more`.
    """

    def drain(self: Any, **_waits: float) -> str:
        lines: list[str] = []
        # A worker that died, or a runtime without the mark, leaves it out.
        alive = self._proc is not None and str(self.config.get("Runtime", "")).startswith("python")
        while True:
            try:
                line = self._stderr_queue.get(timeout=_LOG_PATIENCE_S if alive else _LAST_PATIENCE_S)
            except runtime.queue.Empty:
                break
            if line == _END_OF_LOG:
                break
            lines.append(line)
        return "\n".join(lines)

    return drain


@patches(runtime, "Worker.invoke", needed=source_lacks('"type"'))
def remembered_failure(original: Any) -> Any:
    """An exception does not end the worker; how it failed stays known until the answer is made.

    AWS: the execution environment, and what modules keep in it, outlives an exception of the handler.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    MiniStack: ends a worker that reports an error, so that each failure costs a cold start. Ours reports it as an
    answer (:func:`worker_tells_more`), which is made an error again here.
    """

    def invoke(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = original(self, *arguments, **options)
        if answer.get("failed"):
            answer["status"] = "error"
        failure.last = answer if answer.get("status") == "error" else None
        return answer

    return invoke


@patches(lam, "_execute_function_warm", needed=source_has('"Runtime.HandlerError"'))
def failure_answer(original: Any) -> Any:
    """A failed invocation answers the exception's class and stack; see :func:`worker_tells_more`."""

    def execute(func: Any, event: Any, request_id: str) -> Any:
        failure.last = None
        result = original(func, event, request_id)
        told = failure.last or {}
        if result.get("error") and isinstance(result.get("body"), dict):
            result["body"]["requestId"] = request_id
            if told.get("type"):
                result["body"].update(errorType=told["type"], stackTrace=told.get("stack") or [])
        return result

    return execute


@patches(runtime, "_detect_runtime_binary", needed=source_has("sys.executable"))
def handler_interpreter(original: Any) -> Any:
    """Python handlers run on the interpreter that ``LAMBDA_PYTHON`` names.

    AWS: a function has what its zip holds, and boto3.
    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-dependencies
    MiniStack: the server's own interpreter, with all of the server's libraries.
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
            # Only when tests ask for it: what handlers do on AWS is noted (harness.iam.watch).
            **({"PYTHONPATH": hook, "HARNESS_WATCH": watch} if hook and watch else {}),
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@patches(runtime, "os", needed=inspect.ismodule)
def handler_environment(original: Any) -> Any:
    """Handlers see Lambda's variables and their own, not the server's.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    MiniStack: the whole environment of the server, its ``PYTHONPATH`` and settings among it.
    """
    return _HandlerOs(original)


@patches(runtime, "Worker._spawn", needed=source_lacks("AWS_EXECUTION_ENV"))
def defined_variables(original: Any) -> Any:
    """Lambda's own variables that MiniStack leaves out: handler, log group, log format, execution environment.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """

    def spawn(self: Any) -> None:
        config = self.config
        logging_config = config.get("LoggingConfig") or {}
        defined = {
            "_HANDLER": config.get("Handler", ""),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": logging_config.get("LogFormat") or "Text",
            "AWS_LAMBDA_LOG_GROUP_NAME": logging_config.get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}",
        }
        if logging_config.get("LogFormat") == "JSON":
            defined["AWS_LAMBDA_LOG_LEVEL"] = logging_config.get("ApplicationLogLevel") or "INFO"
        own = (config.get("Environment") or {}).get("Variables") or {}
        self.config = {**config, "Environment": {"Variables": {**own, **defined}}}
        try:
            original(self)
        finally:
            self.config = config

    return spawn
