"""Signature Version 4 on the server's side, with botocore as the client; no engine runs."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulation import sigv4
from emulation.admission import deployed_api, join_headers
from emulation.sigv4 import Request

KEYS = Credentials("LOCALKEY", "secret/+=", "to/ken")
HOST = "http://127.0.0.1:4566"


def received(request: AWSRequest) -> Request:
    """What a server receives of a client's request."""
    prepared = request.prepare()
    url = urlsplit(prepared.url)
    headers: dict[str, Any] = dict(prepared.headers)  # text, or bytes once they are signed
    text = {name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}
    sent = {"Host": url.netloc} | text
    joined = join_headers((name.encode(), value.encode()) for name, value in sent.items())
    return Request(str(request.method), url.path or "/", url.query, joined)


@pytest.mark.parametrize(
    "path", ["/", "/a/b", "/a%20b/%C3%BC", "/a//b/../c/", "/functions/arn%3Aaws%3Alambda/x", "/~-_."]
)
@pytest.mark.parametrize("query", ["", "?b=2&a=1&a=0", "?x=a%2Fb%20c&empty=&flag", "?x=%2B%20&y=~"])
@pytest.mark.parametrize("service", ["s3", "lambda"])
def test_a_clients_signature_is_verified(path: str, query: str, service: str) -> None:
    request = AWSRequest("POST", HOST + path + query, data=b"body", headers={"X-Amz-Meta-A": " two  blanks "})
    (S3SigV4Auth if service == "s3" else SigV4Auth)(KEYS, service, "us-east-1").add_auth(request)
    arrived = received(request)
    signature = sigv4.read(arrived)

    assert signature is not None
    assert (signature.access_key_id, signature.service, signature.token) == ("LOCALKEY", service, "to/ken")
    assert sigv4.untimely(arrived, signature) is None
    assert sigv4.is_made_by("secret/+=", arrived, signature, b"body")
    assert not sigv4.is_made_by("other", arrived, signature, b"body")
    for changed in (
        Request("PUT", arrived.path, arrived.query, arrived.headers),
        Request("POST", "/other", arrived.query, arrived.headers),
        Request("POST", arrived.path, "other=1", arrived.headers),
        Request("POST", arrived.path, arrived.query, {**arrived.headers, "host": "evil.example"}),
    ):
        assert not sigv4.is_made_by("secret/+=", changed, signature, b"body")


def test_the_body_is_covered() -> None:
    request = AWSRequest("POST", HOST + "/", data=b"body")
    SigV4Auth(KEYS, "iam", "us-east-1").add_auth(request)
    arrived = received(request)
    signature = sigv4.read(arrived)

    assert signature is not None
    assert not sigv4.is_made_by("secret/+=", arrived, signature, b"other")


def test_a_presigned_url_is_verified_while_it_lives() -> None:
    request = AWSRequest("GET", f"{HOST}/bucket/a%20b.pdf?versionId=1")
    S3SigV4QueryAuth(KEYS, "s3", "us-east-1", expires=60).add_auth(request)
    arrived = received(request)
    signature = sigv4.read(arrived)

    assert signature is not None
    assert signature.presigned
    assert sigv4.untimely(arrived, signature) is None
    assert sigv4.is_made_by("secret/+=", arrived, signature, b"")
    for old, new in (("X-Amz-Expires=60", "X-Amz-Expires=61"), ("versionId=1", "versionId=2")):
        changed = Request("GET", arrived.path, arrived.query.replace(old, new), arrived.headers)
        assert not sigv4.is_made_by("secret/+=", changed, signature, b"")
    for life in ("0", "-1", "604801", "x", ""):
        query = arrived.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={life}")
        assert sigv4.untimely(Request("GET", arrived.path, query, arrived.headers), signature)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_signature_is_rejected(minutes: int) -> None:
    time = datetime.now(UTC) + timedelta(minutes=minutes)
    authorization = f"{sigv4.ALGORITHM} Credential=K/{time:%Y%m%d}/r/iam/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"authorization": authorization, "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ")}
    request = Request("GET", "/", "", headers)
    signature = sigv4.read(request)

    assert signature is not None
    assert sigv4.untimely(request, signature)


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Basic dGVzdDp0ZXN0", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=K", "AWS test:signature",
        "AWS4-HMAC-SHA256 Credential=K/1/2/3/4/5, SignedHeaders=host, Signature=0",
        "AWS4-ECDSA-P256-SHA256 Credential=K/1/s3/aws4_request, SignedHeaders=host, Signature=0",
    ],
)  # fmt: skip
def test_what_is_not_a_whole_signature_is_none(authorization: str) -> None:
    headers = {"authorization": authorization, "x-amz-date": "20260101T000000Z"}

    assert sigv4.read(Request("GET", "/", "X-Amz-Signature=0", headers)) is None


def test_every_chunk_of_a_streamed_body_is_covered() -> None:
    # GIVEN a body in the coding aws-chunked
    headers = {"X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    request = AWSRequest("PUT", f"{HOST}/bucket/key", data=b"", headers=headers)
    SigV4Auth(KEYS, "s3", "us-east-1").add_auth(request)
    arrived = received(request)
    signature = sigv4.read(arrived)
    assert signature is not None
    key = b"AWS4secret/+="
    for part in signature.scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    previous, body, nothing = signature.digest, b"", hashlib.sha256(b"").hexdigest()
    for chunk in (b"first\r\nchunk", b"second", b""):
        lines = ["AWS4-HMAC-SHA256-PAYLOAD", signature.time, "/".join(signature.scope), previous, nothing]
        text = "\n".join([*lines, hashlib.sha256(chunk).hexdigest()])
        previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"

    # THEN it is accepted as it is, and not otherwise
    assert sigv4.is_made_by("secret/+=", arrived, signature, body)
    for changed in (body.replace(b"second", b"sesame"), body[:20], b"", b"zz\r\n", body.replace(b"\r\n0;", b"\r\n1;")):
        assert not sigv4.is_made_by("secret/+=", arrived, signature, changed)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/_aws/execute-api/a1/v1", ("a1", "v1")),
        ("/_aws/execute-api/a1/v1/x/y", ("a1", "v1")),
        ("/_aws/execute-api/a1/v%31/", ("a1", "v1")),
        ("/restapis/a1/v1/_user_request_/x", ("a1", "v1")),
        ("/restapis/a1/v1/_user_request_x", None),
        ("/restapis/a1/stages/v1", None),
        ("/_aws/execute-api/a1", None),
        ("/_aws/execute-api/A1/v1", None),
        ("/_aws/execute-api/a1/v1/../../..", None),
        ("/_aws/execute-api/a1/v1/%2e%2e/x", None),
        ("/_aws/execute-api/a1/..%2f..", None),
        ("//_aws/execute-api/a1/v1", None),
        ("/x/_aws/execute-api/a1/v1", None),
    ],
)
def test_only_the_paths_of_apis_are_theirs(path: str, expected: tuple[str, str] | None) -> None:
    assert deployed_api(path) == expected
