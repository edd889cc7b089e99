"""The ASGI application: access checks and the ``/_embedded/`` paths; MiniStack serves everything else."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import ministack.app as ministack
from ministack.core import persistence

from embedded import (  # noqa: F401 -- importing a module registers its patches
    MINISTACK_VERSION,
    apigateway_control,
    apigateway_deployments,
    apigateway_mock,
    apigateway_observe,
    apigateway_proxy,
    apigateway_tags,
    apigateway_updates,
    apigateway_validation,
    cloudwatch_alarms,
    cloudwatch_logs,
    cloudwatch_protocol,
    connections,
    consistency,
    dynamodb,
    dynamodb_capacity,
    dynamodb_recovery,
    dynamodb_scans,
    eventbridge,
    faults,
    guard,
    iam_dependents,
    iam_resources,
    iam_wildcards,
    lambda_async,
    lambda_code,
    lambda_concurrency,
    lambda_invoke,
    lambda_logs,
    lambda_runtime,
    lambda_streams,
    lambda_workers,
    permissions,
    recorded_requests,
    s3,
    s3_request_metrics,
    secretsmanager,
    secretsmanager_versions,
    services,
    sts,
    transport,
)
from embedded.request_log import RequestLog
from embedded.strictness import SWITCHES, strict
from emulation.patch import Product, apply_patches

_log = logging.getLogger("embedded.dispatcher")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def build() -> App:
    """Apply the patches, add the services that MiniStack lacks, and return the application.

    Raises:
        PatchError: MiniStack is not the version that the patches are written for.
    """
    verdicts = apply_patches(Product("MiniStack", "ministack", MINISTACK_VERSION, "engine.txt"))
    services.add_services()
    lambda_code.delete_unused()
    owner = guard.Guard(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    return Dispatcher(ministack.app, [patch.name for patch, needed in verdicts if needed], owner)


class Dispatcher:
    """Rejects foreign requests, serves ``/_embedded/*``, passes the rest on, and logs what failed."""

    def __init__(self, inner: App, applied: list[str], admission: guard.Guard) -> None:
        self._inner = inner
        self._applied = applied
        self._guard = admission
        self._strict = [switch for switch in SWITCHES if strict(switch)]
        self._log = RequestLog()
        self._alarms: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            self._alarms = asyncio.create_task(cloudwatch_alarms.evaluate_forever(_alarm_period()))
            await self._inner(scope, receive, send)
            self._alarms.cancel()
            return
        if scope["type"] != "http":
            return  # no WebSocket of ours: closing without a word rejects the handshake
        headers = dict(scope.get("headers", []))
        rejection, receive = await self._guard.check(scope, receive)
        if rejection:
            _log.warning("rejected %s %s: %s: %s", scope["method"], scope["path"], rejection.code, rejection.message)
            await _respond(send, 403, rejection.content_type, rejection.body())
        elif scope["path"] == guard.HEALTH_PATH:
            health = {"status": "ok", "ministack": MINISTACK_VERSION, "patches": self._applied, "strict": self._strict}
            await _respond_json(send, 200, health)
        elif scope["path"] == "/_embedded/save" and scope.get("method") == "POST":
            missing = save_state()
            await _respond_json(send, 500 if missing else 200, {"not_saved": missing})
        else:
            transport.plain_http.set(headers.get(b"x-forwarded-proto") == b"http")
            await faults.serve(self._inner, scope, receive, self._log.watch(scope, headers, send))


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


async def _respond_json(send: Send, status: int, content: dict[str, Any]) -> None:
    await _respond(send, status, "application/json", json.dumps(content).encode())


async def _respond(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    # The client may have closed the connection.
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _alarm_period() -> float:
    return float(os.environ.get("EMBEDDED_ALARM_PERIOD", "2"))
