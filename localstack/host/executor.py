"""Lambda functions as local processes instead of containers.

Each execution environment owns one process and one :class:`~host.runtime_api.RuntimeApi`. Python functions run under
``awslambdaric``, AWS's own runtime client; ``provided*`` runtimes run their own ``bootstrap``.
LocalStack does everything else: pooling, concurrency, retries, dead-letter queues, logs, metrics.
"""

import contextlib
import json
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from localstack.config import LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from host import enforcement, platform_logs
from host.platform_logs import Report
from host.runtime_api import HOST, Event, RuntimeApi, RuntimeMessage

_INHERITED = ("LANG", "LC_ALL", "SSL_CERT_FILE", "LD_LIBRARY_PATH")


class LocalRuntimeExecutor(RuntimeExecutor):  # type: ignore[misc] # LocalStack has no types here
    """One execution environment; LocalStack creates, starts, invokes and stops it."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 -- LocalStack's name
        super().__init__(id=id, function_version=function_version)
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}
        self._stopped = False
        self._lock = threading.RLock()
        self._folder = Path(tempfile.mkdtemp(prefix=f"lambda-{function_version.id.function_name}-"))
        self._log = self._folder / "log"
        self._log_read = 0
        self._init_ms: float | None = None

    # --- start and stop -----------------------------------------------------------------------------------------

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code and the layers.

        Raises:
            LambdaRuntimeException: The function cannot run as a local process.
        """
        config = function_version.config
        if not config.code:
            raise LambdaRuntimeException("Container images cannot run without Docker")
        for code in (config.code, *(layer.code for layer in config.layers or [])):
            code.prepare_for_execution()
        _command(str(config.runtime), config.handler, str(config.code.get_unzipped_code_location()))

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Do nothing: LocalStack deletes the unpacked code."""

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process with Lambda's variables, and wait until it requests its first event."""
        config = self.function_version.config
        code = str(config.code.get_unzipped_code_location())
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        variables = {name: str(value) for name, value in env_vars.items()}
        folder = str(self._folder)
        fixed = {"LAMBDA_TASK_ROOT": code, "HOME": folder, "TMPDIR": folder, "PYTHONUNBUFFERED": "1"}
        watched = enforcement.variables(config.role, self.function_version.id.region, self._folder)
        self._environment = {"PATH": os.defpath, **inherited, **variables, **fixed, **watched}
        layers = [str(layer.code.get_unzipped_code_location()) for layer in config.layers or []]
        if layers:  # in place of /opt/python and /opt/bin
            paths = [*([watched["PYTHONPATH"]] if watched else []), *(f"{layer}/python" for layer in layers)]
            self._environment["PYTHONPATH"] = os.pathsep.join(paths)
            self._environment["PATH"] = os.pathsep.join([*(f"{layer}/bin" for layer in layers), os.defpath])
        self._spawn()

    def stop(self) -> None:
        """End the process; it does not start again."""
        self._stopped = True
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self) -> None:
        config = self.function_version.config
        code = self._environment["LAMBDA_TASK_ROOT"]
        started = time.perf_counter()
        with self._lock:
            if self._stopped:
                raise LambdaRuntimeException("Execution environment stopped")
            enforcement.refresh(config.role, self._environment, self._folder)
            self._api = api = RuntimeApi()
            with self._log.open("ab") as log:
                self._process = process = subprocess.Popen(  # noqa: S603 -- the function's own code, no shell
                    _command(str(config.runtime), config.handler, code),
                    cwd=code,
                    env={**self._environment, "AWS_LAMBDA_RUNTIME_API": api.address},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )  # in LocalStack's process group, to end with it
        threading.Thread(target=_report_exit, args=(process, api), daemon=True).start()
        first = api.messages.get()
        if first.kind == "init-error":
            raise StatusErrorException("Environment startup failed", payload=first.body)
        if first.kind != "ready":
            message = f"Error: Runtime exited with error: exit status {process.returncode}"
            raise StatusErrorException("Runtime exited during startup", payload=_error("Runtime.ExitError", message))
        self._init_ms = (time.perf_counter() - started) * 1000

    def _kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            api, self._api = self._api, None
        if process is not None:
            # Without notice, as on AWS: without extensions a function has 0 ms to shut down.
            # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        if api is not None:
            api.close()

    # --- invocation ---------------------------------------------------------------------------------------------

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run the handler once; a process that times out or dies is replaced at the next invocation."""
        config, request_id = self.function_version.config, payload["invoke-id"]
        as_json = (config.logging_config or {}).get("LogFormat") == "JSON"
        if self._process is None:
            try:
                self._spawn()
            except StatusErrorException as error:
                self._kill()
                return InvocationResult(request_id, error.payload, is_error=True, logs=self.get_logs())
        enforcement.refresh(config.role, self._environment, self._folder)
        logs_before = self.get_logs()
        head = platform_logs.start(request_id, self.function_version.id.qualifier, as_json=as_json)
        started = time.perf_counter()
        status, body = self._run(payload, request_id, config.timeout)
        duration_ms = (time.perf_counter() - started) * 1000
        report = Report(status, duration_ms, config.memory_size, self._peak_mb(), self._init_ms)
        self._init_ms = None
        if status in {"timeout", "failure"}:
            self._kill()
        handler_logs = self.get_logs()
        if status == "timeout" and not as_json:
            handler_logs += f"{platform_logs.now()} {request_id} Task timed out after {config.timeout:.2f} seconds\n"
        logs = logs_before + head + handler_logs + platform_logs.end(request_id, report, as_json=as_json)
        return InvocationResult(request_id, body, is_error=status != "success", logs=logs)

    def _run(self, payload: dict[str, str], request_id: str, timeout_s: int) -> tuple[str, bytes]:
        """Send the event and wait for the end.

        Returns:
            The status of the invocation, and the response or the error.
        """
        api, process = self._api, self._process
        assert api is not None  # noqa: S101 -- _spawn sets both
        assert process is not None  # noqa: S101
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": payload["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": payload.get("trace-id") or "",
        }
        api.events.put(Event(payload["payload"].encode(), headers))
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                runtime_message = api.messages.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
                return "timeout", _error("Sandbox.Timedout", message)
            if runtime_message.kind == "exit":
                code = process.returncode
                reason = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
                message = f"RequestId: {request_id} Error: Runtime exited with error: {reason}"
                return "failure", _error("Runtime.ExitError", message)
            if runtime_message.request_id == request_id:
                return _outcome(runtime_message)

    def _peak_mb(self) -> int:
        if self._process is not None:
            with contextlib.suppress(OSError, StopIteration):
                status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii", errors="replace")
                line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                return int(line.split()[1]) // 1024
        kilobytes = 1024 if sys.platform == "darwin" else 1  # getrusage(2): macOS counts bytes
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // kilobytes // 1024

    def get_logs(self) -> str:
        """The output of the process since the last call."""
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_read)
                written = log.read()
        except FileNotFoundError:
            return ""
        self._log_read += len(written)
        text = written.decode("utf-8", "replace").replace("\r", "\n")
        return text if not text or text.endswith("\n") else text + "\n"

    # --- addresses ----------------------------------------------------------------------------------------------

    def get_address(self) -> str:
        """The address of the execution environment."""
        return HOST

    def get_endpoint_from_executor(self) -> str:
        """The address of LocalStack for the execution environment."""
        return HOST

    def get_runtime_endpoint(self) -> str:
        """Empty: only LocalStack's own init program uses it."""
        return ""


def _report_exit(process: subprocess.Popen[bytes], api: RuntimeApi) -> None:
    process.wait()
    api.messages.put(RuntimeMessage("exit"))


def _command(runtime: str, handler: str, code: str) -> list[str]:
    if runtime.startswith("python"):
        # Below the engine's folder: bytecode is kept for the next cold start, and the command names that folder.
        cache = f"pycache_prefix={tempfile.gettempdir()}/pycache"
        return [os.environ.get("LAMBDA_PYTHON") or sys.executable, "-X", cache, "-m", "awslambdaric", handler]
    if runtime.startswith("provided"):
        return [f"{code}/bootstrap", handler]
    raise LambdaRuntimeException(f"Runtime {runtime} cannot run without Docker here")


def _outcome(message: RuntimeMessage) -> tuple[str, bytes]:
    """The outcome of an invocation: a response over 6 MB is an error (Lambda quotas: invocation payload)."""
    limit = int(LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES)
    if message.kind != "response":
        return "error", message.body
    if len(message.body) > limit:
        text = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
        return "error", _error("Function.ResponseSizeTooLarge", text)
    return "success", message.body


def _error(kind: str, message: str) -> bytes:
    body: dict[str, Any] = {"errorType": kind, "errorMessage": message}
    return json.dumps(body).encode()
