"""The request in progress, as the patches of API Gateway's data plane see it."""

import contextvars
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Exchange:
    """One request to a deployed REST API; the fields are filled in while it is served.

    Attributes:
        headers: Values by lower-case name; ASGI does not keep the client's spelling.
        query: The values of each parameter.
        stage: The stage's name.
        method: The HTTP method.
        path: The path below the stage, with a leading slash.
        request_id: The function's ``requestContext.requestId``; empty until a function is called.
        integration_ms: The duration of the integration; None if none was called.
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
