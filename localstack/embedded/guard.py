"""Admission of requests: the owner by root keys, handlers by their roles, everybody else to deployed APIs only.

An engine runs Lambda code as the person who started it, and any page that is open in a browser can send requests to
127.0.0.1; so can every other user of the machine. Therefore each request has to prove where it comes from:

* **Host** must be the engine's own loopback address. A page that reached it by DNS rebinding carries its own name.
* **Origin** and **Sec-Fetch-Site** must not name another site. Browsers set them, and pages cannot change them.
* **Signature**: every request is signed (Signature Version 4) by the root keys, which are random for each engine, or by
  keys that IAM or STS of this engine gave out. The engine's own endpoints (``/_...``) take root's signature only.
* **Presigned URLs** open one object of S3 (GET, HEAD, PUT), and only by keys that are not root's.

One door is open to all, as on AWS: the invocation path of a deployed API, where the API's keys and CORS decide.

See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator, responses, sigv4

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = Mapping[str, str]
Query = Mapping[str, list[str]]

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

HEALTH_PATH = "/_embedded/health"
"""Shows that the engine is up, and nothing else: the one endpoint of our own that needs no signature."""

_OWN_ENDPOINT = "/_"
_DEPLOYED_API = re.compile(r"/_aws/execute-api/[a-z0-9]+/[^/]+(/|$)|/restapis/[a-z0-9]+/[^/]+/_user_request_(/|$)")
_ALGORITHM = "AWS4-HMAC-SHA256"
_PRESIGNED_METHODS = frozenset({"GET", "HEAD", "PUT"})
_XML_SERVICES = frozenset({"iam", "monitoring", "sns", "sts"})
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Rejection:
    """Why a request is rejected, in the form of the service that it was for.

    Attributes:
        code: The error code of AWS that fits.
        message: One sentence.
        service: As the signature's scope names it; empty for unsigned requests.
    """

    code: str
    message: str
    service: str = ""

    @property
    def content_type(self) -> str:
        """JSON or XML, whichever clients of the service read."""
        return "text/xml" if self.service == "s3" or self.service in _XML_SERVICES else "application/json"

    def body(self) -> bytes:
        """The response's body."""
        if self.service == "s3":
            return f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>".encode()
        if self.service in _XML_SERVICES:
            error = f"<Type>Sender</Type><Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
            return f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
        return json.dumps({"__type": self.code, "message": self.message}).encode()


class Guard:
    """Admits requests.

    Args:
        access_key_id: The root user's key.
        secret_access_key: Its secret.
    """

    def __init__(self, access_key_id: str, secret_access_key: str) -> None:
        self._access_key_id = access_key_id
        self._secret = secret_access_key

    async def check(self, scope: Scope, receive: Receive) -> tuple[Rejection | None, Receive]:
        """Whether a request is rejected, and from where its body can be read again.

        Args:
            scope: ASGI's, of type ``http``.
            receive: ASGI's. The body is read where it is signed.
        """
        headers = _headers(scope)
        foreign = _foreign(headers)
        if is_deployed_api(scope["path"]) and (foreign is None or foreign.code == "ForeignOrigin"):
            return None, receive
        if foreign is not None or (scope["path"] == HEALTH_PATH and scope["method"] == "GET"):
            return foreign, receive
        query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
        if "authorization" not in headers:
            return self._presigned(scope, headers, query), receive
        return await self._signed(scope, headers, query, receive)

    def _presigned(self, scope: Scope, headers: Headers, query: Query) -> Rejection | None:
        """A URL that somebody else signed; MiniStack's S3 verifies the signature itself."""
        credential, method = _only(query, "X-Amz-Credential"), scope["method"]
        if _only(query, "X-Amz-Algorithm") != _ALGORITHM or not _only(query, "X-Amz-Signature") or not credential:
            return Rejection("MissingAuthenticationToken", "The request is not signed.")
        key, _, _, service, _ = credential.split("/") if credential.count("/") == 4 else [""] * 5
        routed = "x-amz-target" in headers or scope["path"].startswith(_OWN_ENDPOINT)  # to another service, or to us
        if service != "s3" or method not in _PRESIGNED_METHODS or routed:
            return Rejection("AccessDenied", "A presigned URL opens one object of S3, by GET, HEAD or PUT.", "s3")
        if scope["path"].strip("/").count("/") == 0:
            return Rejection("AccessDenied", "A presigned URL opens one object of S3, not a bucket.", "s3")
        if set(query) & {"AWSAccessKeyId", "Signature"} or iam_evaluator.is_root_access_key(key):
            return Rejection("AccessDenied", "URLs that the root user presigned are not honoured.", "s3")
        return None

    async def _signed(
        self, scope: Scope, headers: Headers, query: Query, receive: Receive
    ) -> tuple[Rejection | None, Receive]:
        signature = sigv4.parse_header_signature(headers) if headers["authorization"].startswith(_ALGORITHM) else None
        if signature is None or isinstance(signature, tuple):
            code, message = signature or ("IncompleteSignature", f"The request is not signed by {_ALGORITHM}.")
            return Rejection(code, message), receive
        service = signature.service
        secret = self._secret_of(signature.access_key_id, headers.get("x-amz-security-token", ""))
        if secret is None:
            message = "The security token included in the request is invalid."
            return Rejection("UnrecognizedClientException", message, service), receive
        if scope["path"].startswith(_OWN_ENDPOINT) and signature.access_key_id != self._access_key_id:
            return Rejection("AccessDenied", "The engine's own endpoints are for its root user.", service), receive
        if failure := sigv4.request_time_failure(signature):
            return Rejection(*failure, service), receive
        body, again = await _read(receive)
        raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        failure = sigv4.header_signature_failure(
            signature, secret, scope["method"], raw_path, query, headers, body
        ) or _changed_body(headers, body)
        return Rejection(*failure, service) if failure else None, again

    def _secret_of(self, access_key_id: str, token: str) -> str | None:
        """The secret of the root user's key, or of a key of this engine's IAM or STS; None if there is none."""
        if hmac.compare_digest(access_key_id.encode(), self._access_key_id.encode()):
            return self._secret
        if iam_evaluator.is_root_access_key(access_key_id):  # MiniStack takes "test" and account numbers for root's
            return None
        try:
            account = iam_evaluator.find_iam_access_key_account(access_key_id) or responses.get_account_id()
        except iam_evaluator.AmbiguousAccessKeyError:
            return None
        credential = iam_evaluator.resolve_credential(access_key_id, account, token)
        return None if isinstance(credential, iam_evaluator.CredentialResolutionError) else credential.secret_access_key


def is_deployed_api(path: str) -> bool:
    """Whether a path invokes a deployed API, where the API itself decides who may."""
    return _DEPLOYED_API.match(path) is not None and "/../" not in path


def _foreign(headers: Headers) -> Rejection | None:
    """A request of another site's page, or one that reached us under a foreign name."""
    host = headers.get("host", "")
    if urlsplit(f"//{host}").hostname not in LOOPBACK_NAMES:
        return Rejection("ForeignHost", f"The host {host!r} is not this machine's loopback.")
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if (origin is not None and origin != f"http://{host}") or site not in {"none", "same-origin"}:
        return Rejection("ForeignOrigin", f"A page of {origin or 'another site'} has no access to the engine.")
    return None


def _headers(scope: Scope) -> dict[str, str]:
    """Lower-case names; values of repeated ones joined by a comma, as the signature's canonical form has them."""
    headers: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _only(query: Query, name: str) -> str:
    values = query.get(name, [])
    return values[0] if len(values) == 1 else ""


def _changed_body(headers: Headers, body: bytes) -> tuple[str, str] | None:
    """A body that is not the one whose digest was signed."""
    digest = headers.get("x-amz-content-sha256", "")
    if _HEX_DIGEST.fullmatch(digest) and not hmac.compare_digest(hashlib.sha256(body).hexdigest(), digest):
        return "XAmzContentSHA256Mismatch", "The body does not match the digest in x-amz-content-sha256."
    return None


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
