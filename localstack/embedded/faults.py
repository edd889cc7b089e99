"""What the engine answers when its own code fails: an error that no client tries again.

Without an answer, or with a 500, SDKs repeat a request for minutes (Terraform's provider: 25 times) while the cause
stays the same, and then tell of a closed connection. They repeat 500, 502, 503 and 504, but not 501.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from emulation import sigv4
from emulation.admission import Rejection, join_headers

_log = logging.getLogger("embedded.faults")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STATUS = 501
CODE = "EngineFault"


async def serve(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request; if the application fails before it answers, tell the client why.

    Args:
        app: The application.
        scope: ASGI's, of type ``http``.
        receive: ASGI's.
        send: ASGI's.

    Raises:
        Exception: The application's own, if a part of the answer is sent already: the server closes the connection.
    """
    begun = False

    async def watched(message: dict[str, Any]) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, receive, watched)
    except Exception as fault:
        if begun:
            raise
        _log.exception("%s %s failed", scope["method"], scope["path"])
        await _tell(fault, scope, send)


async def _tell(fault: Exception, scope: Scope, send: Send) -> None:
    where = traceback.extract_tb(fault.__traceback__)[-1]
    place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
    message = f"The engine's own code failed, AWS has not: {type(fault).__name__}: {fault} ({place})."
    answer = Rejection(CODE, message, _service(scope))
    body = answer.body()
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", CODE.encode()),
    ]
    await send({"type": "http.response.start", "status": STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _service(scope: Scope) -> str:
    path = quote(scope["path"])
    query = scope.get("query_string", b"").decode("utf-8", "replace")
    request = sigv4.Request(scope["method"], path, query, join_headers(scope.get("headers", [])))
    signature = sigv4.read(request)
    return signature.service if signature else ""
