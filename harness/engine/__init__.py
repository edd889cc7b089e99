"""Local engines: the AWS accounts on this computer that everything else deploys to.

``HARNESS_ENGINE=aws`` stands for a real account. It has no engine: only the command ``deploy`` works on it (see
`harness.deploy.account`). docs/decisions/0008-engines.md has the reasons for the engines.
"""

import os
from typing import Literal

from harness.engine.base import ACCOUNT_ID, REGION, Engine
from harness.engine.embedded import EmbeddedEngine
from harness.engine.localstack import localstack
from harness.errors import HarnessError

__all__ = [
    "ACCOUNT_ID",
    "REGION",
    "EmbeddedEngine",
    "Engine",
    "engine_for",
    "engine_name",
]

_NAMES = ("embedded", "localstack", "aws")


def engine_name() -> str:
    """The value of ``HARNESS_ENGINE``; ``embedded`` if it is unset or empty."""
    return os.environ.get("HARNESS_ENGINE") or "embedded"


def engine_for(name: str | None = None, *, instance: str = "main", port: int | Literal["auto"] | None = None) -> Engine:
    """The requested engine, not yet started.

    Args:
        name: ``embedded`` or ``localstack``, or None for the value of ``HARNESS_ENGINE``.
        instance: Engines with different instance names run side by side.
        port: A loopback port, ``"auto"`` for 4566 or a free one, None for ``HARNESS_PORT`` or else ``"auto"``.

    Raises:
        HarnessError: There is no such engine, the name is ``aws``, or something that the engine needs is missing.
    """
    name = name or engine_name()
    if name not in _NAMES:
        raise HarnessError(
            f"There is no engine {name!r}.", remedy=f"Set HARNESS_ENGINE to one of: {', '.join(_NAMES)}."
        )
    if name == "embedded":
        return EmbeddedEngine(instance, port=_port(port))
    if name == "localstack":
        return localstack(instance, port=_port(port))
    raise HarnessError(
        "This needs a local engine, and HARNESS_ENGINE=aws is a real account.",
        remedy="Use HARNESS_ENGINE=embedded or localstack. Only `deploy` works on AWS.",
    )


def _port(port: int | Literal["auto"] | None) -> int | Literal["auto"]:
    if port is not None:
        return port
    text = os.environ.get("HARNESS_PORT", "auto")
    if text == "auto":
        return "auto"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise HarnessError(f"HARNESS_PORT={text!r} is not a port.", remedy='Set it to 1 to 65535, or to "auto".')
    return int(text)
