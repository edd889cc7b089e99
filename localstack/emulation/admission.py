"""Admission of requests: the owner by root keys, handlers by their roles, everybody else to deployed APIs only.

An engine runs Lambda code as the person who started it, and any page that is open in a browser can send requests to
127.0.0.1; so can every other user of the machine. Therefore each request has to prove where it comes from:

* **Host** must be the engine's own loopback address. A page that reached it by DNS rebinding carries its own name.
* **Origin** and **Sec-Fetch-Site** must not name another site. Browsers set them, and pages cannot change them.
* **Signature**: every request is signed (Signature Version 4) by the root keys, which are random for each engine, or by
  keys that IAM or STS of this engine gave out. The engine's own endpoints (``/_...``) take root's signature only.
* **Presigned URLs** open one object of S3 (GET, HEAD, PUT), and only by keys that are not root's.

One door is open to all, as on AWS: the invocation path of a deployed API, where the API's keys and CORS decide.

The engine `embedded` and `host` each have a front that uses this module: ``guard.py``.

See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote
from xml.sax.saxutils import escape

from emulation import sigv4
from emulation.sigv4 import Request, Signature

_LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
"""A Host is a name and a port, nothing more (https://www.rfc-editor.org/rfc/rfc9110#section-7.2): no user, no path."""

_OWN_ENDPOINT = "/_"
_DEPLOYED_API = re.compile(
    r"/_aws/execute-api/([a-z0-9]+)/([^/]+)(?:/|$)|/restapis/([a-z0-9]+)/([^/]+)/_user_request_(?:/|$)"
)
_PRESIGNED_METHODS = frozenset({"GET", "HEAD", "PUT"})
_OLD_SIGNATURE = frozenset({"AWSAccessKeyId", "Signature"})
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


class Keys(Protocol):
    """The access keys that an engine knows."""

    def is_root(self, access_key_id: str) -> bool:
        """Whether a key is, or could count as, the root user's."""

    def secrets_of(self, access_key_id: str, token: str) -> tuple[str, ...]:
        """The secrets that a request with a key and a session token may be signed with; none for an unknown key."""


class Admission:
    """Admits requests.

    Args:
        keys: The keys of the engine.
        health_path: The one endpoint of the engine's own that needs no signature, for GET.
    """

    def __init__(self, keys: Keys, health_path: str) -> None:
        self._keys = keys
        self._health_path = health_path

    def before_body(self, request: Request) -> Rejection | Signature | None:
        """Judge a request by its head.

        Returns:
            Why it is rejected, or None if it is admitted. Or the signature that :meth:`with_body` has to verify.
        """
        foreign = _foreign(request.headers)
        if deployed_api(request.path) and (foreign is None or foreign.code == "ForeignOrigin"):
            return None
        if foreign is not None or (request.path == self._health_path and request.method == "GET"):
            return foreign
        signature = sigv4.read(request)
        if signature is None and "authorization" in request.headers:
            return Rejection("IncompleteSignature", f"The request is not signed by {sigv4.ALGORITHM}.")
        if signature is None:
            return Rejection("MissingAuthenticationToken", "The request is not signed.")
        return self._reject(request, signature) or signature

    def with_body(self, request: Request, signature: Signature, body: bytes) -> Rejection | None:
        """Verify the signature of a request and its body; returns why it is rejected."""
        secrets = self._keys.secrets_of(signature.access_key_id, signature.token)
        if not secrets:
            message = "The security token included in the request is invalid."
            return Rejection("UnrecognizedClientException", message, signature.service)
        if not any(sigv4.is_made_by(secret, request, signature, body) for secret in secrets):
            message = "The signature is not the one that the secret key makes for this request."
            return Rejection("SignatureDoesNotMatch", message, signature.service)
        digest = request.headers.get("x-amz-content-sha256", "")
        has_digest = not signature.presigned and _HEX_DIGEST.fullmatch(digest)
        if has_digest and not hmac.compare_digest(hashlib.sha256(body).hexdigest(), digest):
            message = "The body does not match the digest in x-amz-content-sha256."
            return Rejection("XAmzContentSHA256Mismatch", message, signature.service)
        return None

    def _reject(self, request: Request, signature: Signature) -> Rejection | None:
        """Reject what no valid signature would admit."""
        path, is_root = unquote(request.path), self._keys.is_root(signature.access_key_id)
        own = path.lstrip("/").startswith(_OWN_ENDPOINT.lstrip("/"))
        if signature.presigned:
            if signature.service != "s3" or request.method not in _PRESIGNED_METHODS or own or _routed(request):
                return Rejection("AccessDenied", "A presigned URL opens one object of S3, by GET, HEAD or PUT.", "s3")
            if "/" not in path.strip("/"):
                return Rejection("AccessDenied", "A presigned URL opens one object of S3, not a bucket.", "s3")
            if is_root or _OLD_SIGNATURE & {name for name, _ in request.parameters()}:
                return Rejection("AccessDenied", "URLs that the root user presigned are not honoured.", "s3")
        elif own and not is_root:
            return Rejection("AccessDenied", "The engine's own endpoints are for its root user.", signature.service)
        if late := sigv4.untimely(request, signature):
            return Rejection("RequestTimeTooSkewed", late, signature.service)
        return None


def deployed_api(path: str) -> tuple[str, str] | None:
    """The API and stage that a path invokes, where the API itself decides who may; None for every other path."""
    match = _DEPLOYED_API.match(path)
    if match is None or "/../" in f"{unquote(path)}/":
        return None
    return match[1] or match[3], unquote(match[2] or match[4])


def join_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; values of repeated ones joined by a comma, as the signature's canonical form has them."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        joined[key] = f"{joined[key]},{text}" if key in joined else text
    return joined


def _routed(request: Request) -> bool:
    """Whether a header routes the request to another service than the one that its path and signature name."""
    return "x-amz-target" in request.headers


def _foreign(headers: Mapping[str, str]) -> Rejection | None:
    """A request of another site's page, or one that reached us under a foreign name."""
    host = headers.get("host", "")
    if not _LOOPBACK_HOST.fullmatch(host):
        return Rejection("ForeignHost", f"The host {host!r} is not this machine's loopback.")
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if (origin is not None and origin != f"http://{host}") or site not in {"none", "same-origin"}:
        return Rejection("ForeignOrigin", f"A page of {origin or 'another site'} has no access to the engine.")
    return None
