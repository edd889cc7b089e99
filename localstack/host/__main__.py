"""Serve: ``python -m host``.

Reads from the environment, besides LocalStack's own variables:

* ``HOST_PORTS``: loopback ports to try in order, 0 for any free one (default ``4566``);
* ``HOST_PORT_FILE``: where to write the port once it is bound;
* ``HOST_TIED``: ``1`` to end when standard input is closed, that is when the parent has ended, unless the parent has
  written the line ``stay`` before;
* ``HOST_FOLDER``: where LocalStack keeps its files;
* ``LAMBDA_PYTHON``: the interpreter for Python handlers; it has boto3 and ``awslambdaric`` (default: the server's own);
* ``HOST_ALARM_PERIOD``: seconds between two evaluations of an alarm at most (default 300: each costs).
"""

import os
import socket
import sys
import threading
from pathlib import Path

from embedded.parent import end_with_parent

DEFAULTS = {
    "LAMBDA_RUNTIME_EXECUTOR": "local",  # host.executor
    "LAMBDA_RETRY_BASE_DELAY": "1",  # seconds; AWS waits a minute
    "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "60",  # seconds for a cold start; 20 can be short
    "LAMBDA_KEEPALIVE_MS": "30000",  # a warm worker holds about 50 MB
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.25",  # as AWS asks a stream; the default is 1
    "PROVIDER_OVERRIDE_DYNAMODB": "moto",  # the default is a Java program that is downloaded at the first call
    "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
    "OVERRIDE_IN_DOCKER": "0",
    "DNS_ADDRESS": "0",  # no name server
    "SQS_ENDPOINT_STRATEGY": "off",  # queue URLs on the very host that was asked
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DISABLE_EVENTS": "1",  # no usage statistics
    "EAGER_SERVICE_LOADING": "0",
    "LS_LOG": "error",
}


def main() -> int:
    """Bind, patch, serve until SIGTERM; 0, or 1 with a line on standard error when it cannot."""
    bound = _bind([int(text) for text in os.environ.get("HOST_PORTS", "4566").split(",")])
    if bound is None:
        _tell("no port is free: " + os.environ.get("HOST_PORTS", "4566"))
        return 1
    port = bound.getsockname()[1]
    folder = os.environ["HOST_FOLDER"]
    # LocalStack reads these when it is imported.
    os.environ.update({name: os.environ.get(name, value) for name, value in DEFAULTS.items()})
    os.environ.update(
        GATEWAY_LISTEN=f"127.0.0.1:{port}",
        LOCALSTACK_HOST=f"127.0.0.1:{port}",
        FILESYSTEM_ROOT=f"{folder}/localstack",
        DOCKER_HOST="unix:///nonexistent",  # never Docker, even where there is one
    )
    if port_file := os.environ.get("HOST_PORT_FILE"):
        half_written = Path(f"{port_file}.new")
        half_written.write_text(str(port), encoding="ascii")
        half_written.replace(port_file)
    if os.environ.get("HOST_TIED") == "1":
        threading.Thread(target=end_with_parent, daemon=True).start()

    from localstack.runtime.main import main as serve

    from embedded.patch import PatchError
    from host import patching

    try:
        patching.patch(bound)
    except PatchError as refusal:
        _tell(str(refusal))
        return 1
    try:
        serve()
    except SystemExit as ended:  # all is stopped, but Python would wait for threads that LocalStack leaves waiting
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    return 0


def _bind(candidates: list[int]) -> socket.socket | None:
    for port in candidates:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(100)  # at once: another engine that only binds too would not be stopped
        except OSError:
            listener.close()
        else:
            return listener
    return None


def _tell(what: str) -> None:
    sys.stderr.write(f"LocalStack on the host: {what}\n")


if __name__ == "__main__":
    sys.exit(main())
