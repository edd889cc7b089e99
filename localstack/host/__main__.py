"""Run LocalStack: ``python -m host``.

Environment variables, besides LocalStack's own variables:

* ``HOST_PORTS``: loopback ports to try in order, 0 for any free one (default ``4566``);
* ``HOST_PORT_FILE``: where to write the port once it is bound;
* ``HOST_TIED``: ``1`` to end when standard input is closed, which happens when the parent process ends, unless the
  parent has written the line ``stay``;
* ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``: the root user's keys;
* ``HOST_FOLDER``: where LocalStack keeps its files;
* ``LAMBDA_PYTHON``: the interpreter for Python handlers; it has boto3 and ``awslambdaric`` (default: the server's own);
* ``HOST_ALARM_PERIOD``: the most seconds between two evaluations of an alarm (default 300: each costs CPU time).
"""

import os
import sys
import threading
from pathlib import Path

from emulation import listener
from emulation.parent import end_with_parent

DEFAULTS = {
    "LAMBDA_RUNTIME_EXECUTOR": "local",  # host.executor
    "LAMBDA_RETRY_BASE_DELAY": "1",  # seconds; AWS waits a minute
    "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "60",  # seconds for a cold start; 20 can be short
    "LAMBDA_KEEPALIVE_MS": "30000",  # a warm worker holds about 50 MB
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.25",  # AWS polls a stream four times a second; the default is 1
    "PROVIDER_OVERRIDE_DYNAMODB": "moto",  # the default is a Java program that is downloaded at the first call
    "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
    "OVERRIDE_IN_DOCKER": "0",
    "DNS_ADDRESS": "0",  # no name server
    "SQS_ENDPOINT_STRATEGY": "off",  # queue URLs have the host of the request
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DISABLE_EVENTS": "1",  # no usage statistics
    "EAGER_SERVICE_LOADING": "0",
    "LS_LOG": "error",
}


def main() -> int:
    """Bind, patch and serve until SIGTERM.

    Returns:
        The exit code: 0, or 1 with one line on standard error if the server cannot start.
    """
    ports = os.environ.get("HOST_PORTS", "4566")
    bound = listener.bind([int(port) for port in ports.split(",")])
    if bound is None:
        _report(f"no port is free: {ports}")
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
        listener.write_port_file(Path(port_file), port)
    if os.environ.get("HOST_TIED") == "1":
        threading.Thread(target=end_with_parent, daemon=True).start()

    from host import internal_calls  # noqa: F401, I001 -- before any module that copies LocalStack's constant
    from localstack.runtime.main import main as serve

    from emulation.patch import PatchError
    from host import patching

    try:
        patching.patch_localstack(bound)
    except PatchError as error:
        _report(str(error))
        return 1
    try:
        serve()
    except SystemExit as ended:  # all is stopped, but Python would wait for the threads that LocalStack leaves behind
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    return 0


def _report(message: str) -> None:
    sys.stderr.write(f"LocalStack on the host: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
