"""Engines: the AWS account that everything else deploys to, local or real."""

import os
from typing import Literal

from harness.engine.base import ACCOUNT_ID, REGION, Engine, aws_environment, isolate
from harness.engine.embedded import EmbeddedEngine
from harness.engine.local_server import clean_leftovers, leftovers
from harness.engine.localstack import localstack
from harness.errors import HarnessError

__all__ = [
    "ACCOUNT_ID",
    "REGION",
    "EmbeddedEngine",
    "Engine",
    "aws_environment",
    "clean_leftovers",
    "engine_for",
    "engine_name",
    "isolate",
    "leftovers",
]

_NAMES = ("embedded", "localstack", "aws")


def engine_name() -> str:
    """What ``HARNESS_ENGINE`` says; ``embedded`` if it says nothing."""
    return os.environ.get("HARNESS_ENGINE") or "embedded"


def engine_for(name: str | None = None, *, instance: str = "main", port: int | Literal["auto"] | None = None) -> Engine:
    """The engine that the caller wants, not yet started.

    Args:
        name: ``embedded`` or ``localstack``, or None for what ``HARNESS_ENGINE`` says.
        instance: Engines with different instance names run side by side.
        port: A loopback port, ``"auto"`` for 4566 or a free one, None for ``HARNESS_PORT`` or else ``"auto"``.

    Raises:
        HarnessError: There is no such engine, it is not available yet, or what it needs is missing.
    """
    wanted = name or engine_name()
    if wanted not in _NAMES:
        raise HarnessError(f"There is no engine {wanted!r}.", remedy=f"HARNESS_ENGINE is one of: {', '.join(_NAMES)}.")
    if wanted == "embedded":
        return EmbeddedEngine(instance, port=_port(port))
    if wanted == "localstack":
        return localstack(instance, port=_port(port))
    raise HarnessError(
        f"The engine {wanted!r} is not available yet.", remedy="Use HARNESS_ENGINE=embedded or localstack."
    )


def _port(port: int | Literal["auto"] | None) -> int | Literal["auto"]:
    if port is not None:
        return port
    text = os.environ.get("HARNESS_PORT", "auto")
    if text == "auto":
        return "auto"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise HarnessError(f"HARNESS_PORT={text!r} is not a port.", remedy='Give a number from 1 to 65535, or "auto".')
    return int(text)
