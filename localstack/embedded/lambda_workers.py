"""Lambda: workers end with the alias that led to their version."""

import threading
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc as lam

from emulation.patch import patches, source_lacks

_superseded: set[str] = set()
_lock = threading.Lock()
"""The pools of workers, by their key, that end after the invocations that they run now."""


def _led_to(function: str) -> set[str]:
    """The versions to which an alias of a function leads, by its weights too."""
    versions = {"$LATEST"}
    for alias in (lam._functions[function].get("aliases") or {}).values():
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        versions |= {str(alias.get("FunctionVersion")), *weights}
    return versions


def _end_superseded(function: str) -> None:
    """End the idle workers of versions to which no alias leads; the others end when they are given back."""
    led_to, prefix = _led_to(function), f"{get_account_id()}:{get_region()}:{function}:"
    idle = []
    with _lock, runtime._lock:
        for key, workers in runtime._workers.items():
            if not key.startswith(prefix):
                continue
            if key.removeprefix(prefix) in led_to:
                _superseded.discard(key)
                continue
            _superseded.add(key)
            idle += [worker for worker in workers if not worker.in_use]
            workers[:] = [worker for worker in workers if worker.in_use]
    runtime.kill_workers(idle)


@patches(lam, "_update_alias", needed=source_lacks("kill_workers"))
def superseded_workers(original: Any) -> Any:
    """When an alias moves, the workers of the version before end: at once if idle, or else after their invocation.

    AWS: ends environments that get no calls; which ones, and when, it does not promise.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
    MiniStack: keeps one of each version for good, 27 after an afternoon of edits.
    """

    def update_alias(function: str, alias: str, data: Any) -> Any:
        response = original(function, alias, data)
        if response[0] == 200:
            _end_superseded(function)
        return response

    return update_alias


@patches(lam, "release_worker", needed=source_lacks("kill_workers"))
def last_invocation(original: Any) -> Any:
    """A worker of a superseded version ends when its invocation has; see :func:`superseded_workers`."""

    def release(worker: Any) -> None:
        if worker is not None and _superseded:
            key = runtime._worker_key(worker.func_name, worker.config, worker.config.get("Version", "$LATEST"))
            with _lock, runtime._lock:
                ends = key in _superseded
                if ends:
                    runtime._workers[key] = [other for other in runtime._workers.get(key, ()) if other is not worker]
            if ends:
                runtime.kill_workers([worker])
        original(worker)

    return release
