"""Run the engine: ``python -m embedded``.

Environment variables, besides MiniStack's own variables:

* ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``: the keys of the root user, without which nothing can be done;
* ``EMBEDDED_PORTS``: loopback ports to try in order, 0 for any free one (default ``4566``);
* ``EMBEDDED_PORT_FILE``: where to write the port once it is bound;
* ``EMBEDDED_TIED``: ``1`` to end when standard input is closed, which happens when the parent process ends, unless
  the parent has written the line ``stay``;
* ``LAMBDA_PYTHON``: the interpreter for handlers (default: the server's own);
* ``EMBEDDED_ACCOUNT_CONCURRENCY``: the account's limit of concurrent executions (default 1000);
* ``EMBEDDED_ALARM_PERIOD``: seconds between two evaluations of all alarms (default 2);
* ``EMBEDDED_RESTORE_LAG``: seconds before now to which a table can be restored at the latest (default 0);
* ``HARNESS_STRICT``: the strict behaviours of AWS to turn on, a comma-separated list (``strictness.py``).
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from embedded.strictness import UnknownSwitchError, switches_on
from emulation import listener
from emulation.parent import end_with_parent

DEFAULTS = {
    "AUTH": "true",  # enforce IAM
    "IOT_MTLS_ENABLED": "0",  # would listen on 0.0.0.0:8883
    "SFTP_ENABLED": "0",
    "PERSIST_STATE": "1",
    "S3_PERSIST": "1",
    "LOG_LEVEL": "WARNING",
    "LAMBDA_WARM_TTL_SECONDS": "30",  # a warm worker holds about 50 MB
    "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",  # AWS waits a minute
    "LAMBDA_EXECUTOR": "local",  # never Docker, even where there is one
    "MINISTACK_HOST": "localhost",
}


def main() -> int:
    """Bind, patch and serve until SIGTERM.

    Returns:
        The exit code: 0, or 1 with one line on standard error if the server cannot start.
    """
    os.umask(0o077)  # state, logs and unpacked code are for the owner alone
    if missing := [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not os.environ.get(name)]:
        _report(f"{' and '.join(missing)} must be set: the keys of the engine's root user")
        return 1
    try:
        switches_on(os.environ.get("HARNESS_STRICT", ""))
    except UnknownSwitchError as error:
        _report(str(error))
        return 1
    ports = os.environ.get("EMBEDDED_PORTS", "4566")
    bound = listener.bind([int(port) for port in ports.split(",")])
    if bound is None:
        _report(f"no port is free: {ports}")
        return 1
    port = bound.getsockname()[1]
    # MiniStack reads these when it is imported.
    os.environ.update({name: os.environ.get(name, value) for name, value in DEFAULTS.items()})
    os.environ.update(GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", DOCKER_HOST="unix:///nonexistent")
    if port_file := os.environ.get("EMBEDDED_PORT_FILE"):
        listener.write_port_file(Path(port_file), port)
    if os.environ.get("EMBEDDED_TIED") == "1":
        threading.Thread(target=end_with_parent, daemon=True).start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS rejects more than its own maximum
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else soft, hard))
    logging.basicConfig(format="%(asctime)s %(levelname)s [%(name)s] %(message)s", level=os.environ["LOG_LEVEL"])
    for package in ("embedded", "emulation"):
        logging.getLogger(package).setLevel(logging.INFO)

    from embedded.dispatcher import build
    from emulation.patch import PatchError

    try:
        app = build()
    except PatchError as error:
        _report(str(error))
        return 1
    asyncio.run(_serve_until_signal(app, bound))
    return 0


async def serve(app: Any, bound: socket.socket, ended: asyncio.Event) -> None:
    """Serve an ASGI application on a listening socket until the event is set.

    The client ends an idle connection, never the server. Hypercorn may close one whose next request it has just begun:
    that request is executed, its response is lost, and an SDK that sends it again gets "already exists". Terraform's
    provider keeps idle connections for 90 seconds, boto3 for as long as its client exists.
    https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-http.html
    """
    from hypercorn.asyncio import serve as serve_http
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{bound.detach()}"]
    config.keep_alive_timeout = 86_400
    config.graceful_timeout = 2
    config.shutdown_timeout = 15  # saving the state
    config.loglevel = "WARNING"
    await serve_http(app, config, shutdown_trigger=ended.wait)


async def _serve_until_signal(app: Any, bound: socket.socket) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, ended.set)
    await serve(app, bound, ended)


def _report(message: str) -> None:
    sys.stderr.write(f"embedded engine: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
