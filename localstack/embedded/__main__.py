"""Serve: ``python -m embedded``.

Reads from the environment, besides MiniStack's own variables:

* ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``: the keys of the root user, without which nothing can be done;
* ``EMBEDDED_PORTS``: loopback ports to try in order, 0 for any free one (default ``4566``);
* ``EMBEDDED_PORT_FILE``: where to write the port once it is bound;
* ``EMBEDDED_TIED``: ``1`` to end when standard input is closed, that is when the parent has ended, unless the parent
  has written the line ``stay`` before;
* ``LAMBDA_PYTHON``: the interpreter for handlers (default: the server's own);
* ``EMBEDDED_ALARM_PERIOD``: seconds between two evaluations of all alarms (default 2).
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

from embedded.parent import end_with_parent

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
    """Bind, patch, serve until SIGTERM; 0, or 1 with a line on standard error when it cannot."""
    os.umask(0o077)  # state, logs and unpacked code are the owner's alone
    if missing := [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not os.environ.get(name)]:
        _tell(f"{' and '.join(missing)} must be set: the keys of the engine's root user")
        return 1
    bound = _bind([int(text) for text in os.environ.get("EMBEDDED_PORTS", "4566").split(",")])
    if bound is None:
        _tell("no port is free: " + os.environ.get("EMBEDDED_PORTS", "4566"))
        return 1
    port = bound.getsockname()[1]
    # MiniStack reads these when it is imported.
    os.environ.update({name: os.environ.get(name, value) for name, value in DEFAULTS.items()})
    os.environ.update(GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", DOCKER_HOST="unix:///nonexistent")
    if port_file := os.environ.get("EMBEDDED_PORT_FILE"):
        half_written = Path(f"{port_file}.new")
        half_written.write_text(str(port), encoding="ascii")
        half_written.replace(port_file)
    if os.environ.get("EMBEDDED_TIED") == "1":
        threading.Thread(target=end_with_parent, daemon=True).start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses more than its own maximum
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else soft, hard))
    logging.basicConfig(format="%(asctime)s %(levelname)s [%(name)s] %(message)s", level=os.environ["LOG_LEVEL"])
    logging.getLogger("embedded").setLevel(logging.INFO)

    from embedded import patch
    from embedded.dispatcher import build

    try:
        app = build()
    except patch.PatchError as refusal:
        _tell(str(refusal))
        return 1
    asyncio.run(_serve(app, bound))
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


async def _serve(app: object, bound: socket.socket) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{bound.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.shutdown_timeout = 15  # saving the state
    config.loglevel = "WARNING"
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for request in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(request, ended.set)
    await serve(app, config, shutdown_trigger=ended.wait)  # type: ignore[arg-type]


def _tell(what: str) -> None:
    sys.stderr.write(f"embedded engine: {what}\n")


if __name__ == "__main__":
    sys.exit(main())
