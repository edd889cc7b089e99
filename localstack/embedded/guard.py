"""The front of the engine: what ``admission.py`` rejects never reaches MiniStack."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from ministack.core import iam_evaluator, responses

from emulation.admission import Admission, Rejection, join_headers
from emulation.sigv4 import Request, Signature

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

HEALTH_PATH = "/_embedded/health"
"""Shows that the engine is up, and which patches it has; nothing of what it holds."""


class EngineKeys:
    """The root user's key, and those that MiniStack's IAM and STS gave out.

    Args:
        access_key_id: The root user's key.
        secret_access_key: Its secret.
    """

    def __init__(self, access_key_id: str, secret_access_key: str) -> None:
        self._access_key_id = access_key_id
        self._secret = secret_access_key

    def is_root(self, access_key_id: str) -> bool:
        """Whether MiniStack takes a key for root's: it does so for "test" and account numbers too."""
        return bool(iam_evaluator.is_root_access_key(access_key_id))

    def secrets_of(self, access_key_id: str, token: str) -> tuple[str, ...]:
        """The secret of a key of this engine; none for other keys that MiniStack takes for root's."""
        if access_key_id == self._access_key_id:
            return (self._secret,)
        if self.is_root(access_key_id):
            return ()
        try:
            account = iam_evaluator.find_iam_access_key_account(access_key_id) or responses.get_account_id()
        except iam_evaluator.AmbiguousAccessKeyError:
            return ()
        credential = iam_evaluator.resolve_credential(access_key_id, account, token)
        known = not isinstance(credential, iam_evaluator.CredentialResolutionError)
        return (credential.secret_access_key,) if known else ()


class Guard:
    """Admits requests.

    Args:
        access_key_id: The root user's key.
        secret_access_key: Its secret.
    """

    def __init__(self, access_key_id: str, secret_access_key: str) -> None:
        self._admission = Admission(EngineKeys(access_key_id, secret_access_key), HEALTH_PATH)

    async def check(self, scope: Scope, receive: Receive) -> tuple[Rejection | None, Receive]:
        """Whether a request is rejected, and from where its body can be read again.

        Args:
            scope: ASGI's, of type ``http``.
            receive: ASGI's. The body is read where it is signed.
        """
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        query = scope.get("query_string", b"").decode("utf-8", "replace")
        request = Request(scope["method"], path, query, join_headers(scope.get("headers", [])))
        verdict = self._admission.before_body(request)
        if not isinstance(verdict, Signature):
            return verdict, receive
        if verdict.presigned:  # its signature does not cover the body
            return self._admission.with_body(request, verdict, b""), receive
        body, again = await _read(receive)
        return self._admission.with_body(request, verdict, body), again


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and a ``receive`` that yields it once more."""
    parts: list[bytes] = []
    message: dict[str, Any] = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":  # the client is gone
            break
        parts.append(message.get("body", b""))
    body, replayed = b"".join(parts), False
    last = message

    async def again() -> dict[str, Any]:
        nonlocal replayed
        if not replayed:
            replayed = True
            return (
                last if last["type"] != "http.request" else {"type": "http.request", "body": body, "more_body": False}
            )
        return await receive()

    return body, again
