"""Signature Version 4, on the server's side: whose signature a request claims, and whether a secret made it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

ALGORITHM = "AWS4-HMAC-SHA256"

_UNSIGNED = "UNSIGNED-PAYLOAD"
_CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_STAMP = "%Y%m%dT%H%M%SZ"
_CLOCK_SKEW = timedelta(minutes=5)  # AWS: 5 or 15 minutes, by service; here both sides have one clock
_LONGEST_LIFE_S = 7 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived.

    Attributes:
        method: Its method.
        path: Its path, still encoded.
        query: Its query string.
        headers: Values by lower-case name; those of repeated names joined by commas.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    def parameters(self) -> list[tuple[str, str]]:
        """The names and values of the query string, decoded; a plus sign is a space."""
        return parse_qsl(self.query, keep_blank_values=True)

    def parameter(self, name: str) -> str:
        """The value of a parameter that is there once, else nothing."""
        values = [value for parameter, value in self.parameters() if parameter == name]
        return values[0] if len(values) == 1 else ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says about its signature; nothing of it is verified yet.

    Attributes:
        access_key_id: The key that signed.
        scope: Date, region, service and ``aws4_request``.
        signed_headers: Lower-case names.
        digest: The signature itself.
        time: When it was made, as the request spells it.
        token: The session token, if there is any.
        presigned: It is in the query string, and covers no body.
    """

    access_key_id: str
    scope: tuple[str, str, str, str]
    signed_headers: tuple[str, ...]
    digest: str
    time: str
    token: str
    presigned: bool

    @property
    def service(self) -> str:
        """The service that the request is for."""
        return self.scope[2]


def read(request: Request) -> Signature | None:
    """The signature in the header ``Authorization``, or in the query string; None if it has none that is complete."""
    if "authorization" in request.headers:
        algorithm, _, rest = request.headers["authorization"].partition(" ")
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        time, token = request.headers.get("x-amz-date", ""), request.headers.get("x-amz-security-token", "")
        return _signature(algorithm, parts, time, token, presigned=False)
    names = ("Credential", "SignedHeaders", "Signature")
    parts = {name: request.parameter(f"X-Amz-{name}") for name in names}
    time, token = request.parameter("X-Amz-Date"), request.parameter("X-Amz-Security-Token")
    return _signature(request.parameter("X-Amz-Algorithm"), parts, time, token, presigned=True)


def _signature(algorithm: str, parts: Mapping[str, str], time: str, token: str, *, presigned: bool) -> Signature | None:
    key, *scope = parts.get("Credential", "").split("/")
    names, digest = parts.get("SignedHeaders", ""), parts.get("Signature", "")
    if algorithm != ALGORITHM or len(scope) != 4 or not (key and names and digest and time):
        return None
    date, region, service, end = scope
    return Signature(key, (date, region, service, end), tuple(names.split(";")), digest, time, token, presigned)


def untimely(request: Request, signature: Signature) -> str | None:
    """Why a signature is too old or too new; None if it is neither."""
    try:
        made = datetime.strptime(signature.time, _STAMP).replace(tzinfo=UTC)
        life_s = int(request.parameter("X-Amz-Expires") or 0) if signature.presigned else 0
    except ValueError:
        return f"The time {signature.time!r} or the life of the signature cannot be read."
    if not signature.time.startswith(signature.scope[0]):
        return "The date of the signature's scope is not that of the request."
    now = datetime.now(UTC)
    if signature.presigned and not 0 < life_s <= _LONGEST_LIFE_S:
        return "A presigned URL is valid for at most seven days."
    last = made + (timedelta(seconds=life_s) if signature.presigned else _CLOCK_SKEW)
    if not made - _CLOCK_SKEW <= now <= last:
        return f"The signature of {signature.time} is not valid at {now.strftime(_STAMP)}."
    return None


def is_made_by(secret: str, request: Request, signature: Signature, body: bytes) -> bool:
    """Whether a secret key made a signature for just this request.

    Args:
        secret: The secret access key.
        request: The request.
        signature: What it claims.
        body: Its body, which a presigned URL does not cover.
    """
    key = f"AWS4{secret}".encode()
    for part in signature.scope:
        key = _hmac(key, part)
    digest = _hmac(key, _string_to_sign(request, signature, body)).hex()
    if not hmac.compare_digest(digest.encode(), signature.digest.encode()):
        return False
    chunked = request.headers.get("x-amz-content-sha256", "").startswith(_CHUNKED)
    return signature.presigned or not chunked or _chunks_are_signed(key, signature, body)


def _string_to_sign(request: Request, signature: Signature, body: bytes) -> str:
    if signature.presigned:
        payload = _UNSIGNED
    else:
        payload = request.headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
    canonical = [
        request.method,
        request.path if signature.service == "s3" else quote(_normal(request.path), safe="/-_.~"),
        "&".join(
            f"{name}={value}"
            for name, value in sorted((_encoded(name), _encoded(value)) for name, value in request.parameters())
            if name != "X-Amz-Signature" or not signature.presigned
        ),
        *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signature.signed_headers),
        "",
        ";".join(signature.signed_headers),
        payload,
    ]
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    return "\n".join([ALGORITHM, signature.time, "/".join(signature.scope), hashed])


def _chunks_are_signed(key: bytes, signature: Signature, body: bytes) -> bool:
    """Whether each chunk of a body in the coding ``aws-chunked`` is signed, from the first to the empty last one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """
    previous, rest = signature.digest, body
    nothing = hashlib.sha256(b"").hexdigest()
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        size, _, digest = head.decode("latin-1").partition(";chunk-signature=")
        try:
            length = int(size, 16)
        except ValueError:
            return False
        scope, chunk = "/".join(signature.scope), hashlib.sha256(rest[:length]).hexdigest()
        lines = [f"{ALGORITHM}-PAYLOAD", signature.time, scope, previous, nothing, chunk]
        previous = _hmac(key, "\n".join(lines)).hex()
        if not hmac.compare_digest(previous.encode(), digest.strip().encode()):
            return False
        if length == 0:
            return True
        rest = rest[length + 2 :]
    return False


def _normal(path: str) -> str:
    """The path without empty segments, ``.`` and ``..``."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in {"", "."}:
            segments.append(segment)
    return "/" + "/".join(segments) + ("/" if path.endswith("/") and segments else "")


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
