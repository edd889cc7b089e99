"""What the patches of API Gateway's data plane know of the request in hand."""

import contextvars
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Exchange:
    """One request to a deployed REST API, filled in while it is served.

    Attributes:
        headers: By lower-case name; ASGI has lost the client's spelling.
        query: Each parameter's values.
        stage: The stage's name.
        method: The HTTP method.
        path: Below the stage, with a leading slash.
        request_id: What the function sees as ``requestContext.requestId``; empty until a function was called.
        integration_ms: How long the integration took; None if none was called.
    """

    headers: dict[str, Any] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)
    stage: str = ""
    method: str = ""
    path: str = "/"
    request_id: str = ""
    integration_ms: float | None = None


current: contextvars.ContextVar[Exchange] = contextvars.ContextVar("exchange")
"""The exchange of the running task."""
