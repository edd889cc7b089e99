"""The ASGI application: access checks and the ``/_embedded/`` paths; MiniStack serves everything else."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ministack.app as ministack
from ministack.core import persistence

from embedded import (  # noqa: F401 -- importing a module registers its patches
    MINISTACK_VERSION,
    apigateway_control,
    apigateway_mock,
    apigateway_observe,
    apigateway_proxy,
    apigateway_validation,
    cloudwatch_alarms,
    cloudwatch_logs,
    cloudwatch_protocol,
    dynamodb,
    eventbridge,
    iam_wildcards,
    lambda_async,
    lambda_code,
    lambda_invoke,
    lambda_logs,
    lambda_runtime,
    lambda_streams,
    s3,
    s3_request_metrics,
    secretsmanager,
    secretsmanager_versions,
    services,
    transport,
)
from emulation.patch import Product, apply_patches

_log = logging.getLogger("embedded.dispatcher")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_EXECUTE_API = ("/_aws/execute-api/", "/restapis/")


def build() -> App:
    """Apply the patches, add the services that MiniStack lacks, and return the application.

    Raises:
        PatchError: MiniStack is not the version that the patches are written for.
    """
    verdicts = apply_patches(Product("MiniStack", "ministack", MINISTACK_VERSION, "engine.txt"))
    services.add_services()
    lambda_code.delete_unused()
    return Dispatcher(ministack.app, [patch.name for patch, needed in verdicts if needed])


class Dispatcher:
    """Rejects foreign requests, serves ``/_embedded/*``, passes the rest on, and logs every 5xx response."""

    def __init__(self, inner: App, applied: list[str]) -> None:
        self._inner = inner
        self._applied = applied
        self._alarms: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            self._alarms = asyncio.create_task(cloudwatch_alarms.evaluate_forever(_alarm_period()))
            await self._inner(scope, receive, send)
            self._alarms.cancel()
            return
        headers = dict(scope.get("headers", []))
        if reason := _rejection(scope, headers):
            _log.warning("rejected %s %s: %s", scope.get("method"), scope["path"], reason)
            await _respond(send, 403, {"message": reason})
        elif scope["path"] == "/_embedded/health":
            await _respond(send, 200, {"status": "ok", "ministack": MINISTACK_VERSION, "patches": self._applied})
        elif scope["path"] == "/_embedded/save" and scope.get("method") == "POST":
            missing = save_state()
            await _respond(send, 500 if missing else 200, {"not_saved": missing})
        else:
            transport.plain_http.set(headers.get(b"x-forwarded-proto") == b"http")
            await self._inner(scope, receive, _log_failures(scope, headers, send))


def save_state() -> list[str]:
    """Write every service's state to ``STATE_DIR``, as a shutdown does.

    Returns:
        The services whose state could not be written.
    """
    # MiniStack's own function: it knows every service that holds state.
    states = ministack._build_persistence_save_dict()
    folder = Path(persistence.STATE_DIR)
    for stale in folder.glob("*.json"):
        stale.unlink()
    persistence.save_all(states)
    return [name for name, state in states.items() if not (folder / f"{name}.json").exists() and state() is not None]


def _rejection(scope: Scope, headers: dict[bytes, bytes]) -> str | None:
    """The reason to reject a request, or None.

    Any page open in a browser can send requests to 127.0.0.1. After DNS rebinding, the request
    carries the page's own host name; a call across origins carries an Origin. Browsers may reach the paths of a
    deployed API, where its CORS settings decide as on AWS, and presigned URLs, which carry their own permission.
    """
    host = urlsplit("//" + headers.get(b"host", b"").decode("latin-1")).hostname
    if not _is_loopback(host):
        return f"The host {host!r} is not a loopback address of this machine."
    origin = headers.get(b"origin")
    if (
        origin is None
        or scope["path"].startswith(_EXECUTE_API)
        or ".execute-api." in (host or "")
        or b"Signature=" in scope.get("query_string", b"")  # of version 2 or 4
    ):
        return None
    if not _is_loopback(urlsplit(origin.decode("latin-1")).hostname):
        return f"A page from {origin.decode('latin-1')!r} may not access the engine."
    return None


def _is_loopback(host: str | None) -> bool:
    return host in {"127.0.0.1", "localhost", "::1"} or (host or "").endswith(".localhost")


def _log_failures(scope: Scope, headers: dict[bytes, bytes], send: Send) -> Send:
    """Log each 5xx response with its request and the start of its body: clients may retry silently for minutes."""
    status = 0

    async def watch(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body" and status >= 500:
            target = headers.get(b"x-amz-target", b"").decode("latin-1")
            body = message.get("body", b"")[:300].decode(errors="replace").replace("\n", " ")
            _log.error("%d for %s %s %s: %s", status, scope.get("method"), scope["path"], target, body)
            status = 0  # log each response once
        await send(message)

    return watch


async def _respond(send: Send, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # The client may have closed the connection.
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _alarm_period() -> float:
    return float(os.environ.get("EMBEDDED_ALARM_PERIOD", "2"))
