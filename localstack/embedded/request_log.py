"""What the engine's log says of requests: each 5xx response, and each request that a client sends again.

Clients retry silently for minutes. What they tell in the end is the last answer, such as "already exists" for a
request that was carried out the first time, and whose answer was lost on its way.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_log = logging.getLogger("embedded.request_log")

Scope = MutableMapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_REMEMBERED = 2000
"""The calls whose answers are remembered; an SDK sends one again within seconds."""


class RequestLog:
    """Writes to the log what no client tells.

    SDKs name a call and the attempt: ``amz-sdk-invocation-id``, and ``amz-sdk-request: attempt=2; max=25``.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, int] = OrderedDict()

    def watch(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> Send:
        """The same way to answer a request, which logs on the way.

        Args:
            scope: The request.
            headers: Its headers.
            send: Sends the parts of the answer.
        """
        call = headers.get(b"amz-sdk-invocation-id", b"")
        name = f"{scope.get('method')} {scope['path']} {headers.get(b'x-amz-target', b'').decode('latin-1')}".strip()
        self._log_again(call, name, headers.get(b"amz-sdk-request", b"").decode("latin-1"))
        self._remember(call, 0)
        status = 0

        async def watch(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._remember(call, status)
            elif message["type"] == "http.response.body" and status >= 500:
                body = message.get("body", b"")[:300].decode(errors="replace").replace("\n", " ")
                _log.error("%d for %s: %s", status, name, body)
                status = 0  # log each response once
            await send(message)

        return watch

    def _log_again(self, call: bytes, name: str, attempt: str) -> None:
        before = self._answers.get(call)
        if before is None or before >= 400:
            return  # the first attempt, or one after a failure that the client was told
        answered = f"although it was answered with {before}" if before else "before it was answered"
        _log.error("%s was sent again, %s (%s)", name, answered, attempt)

    def _remember(self, call: bytes, status: int) -> None:
        if call:
            self._answers[call] = status
            self._answers.move_to_end(call)
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
