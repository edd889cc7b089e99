"""What the harness asks: ``/_localstack/health`` tells which mends are at work."""

from typing import Any

from localstack.services import internal

from embedded.mend import Mend, mends

verdicts: list[tuple[Mend, bool]] = []
"""Every mend with whether it was needed; set by :func:`host.mending.mend`."""


@mends(internal, "HealthResource.on_get", needed=None)
def told_mends(original: Any) -> Any:
    """The health answer lists the mends that were applied, as ``mends``."""

    def on_get(self: Any, request: Any) -> Any:
        return {**original(self, request), "mends": [one.name for one, needed in verdicts if needed]}

    return on_get
