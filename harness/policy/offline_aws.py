"""An AWS that knows whose account it is and nothing else: live folders are planned unmodified, without an engine.

A live folder's provider asks STS which account it is in (``allowed_account_ids``), and an ``import`` block reads the
bucket that it adopts; the backend finds no state. Everything else that a plan asked of AWS would make it depend on what
exists there: it is refused.
"""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT_ID = "000000000000"
"""The account of every plan that the gate makes."""

_IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{ACCOUNT_ID}:root</Arn><UserId>{ACCOUNT_ID}</UserId><Account>{ACCOUNT_ID}</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>offline</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""

_REFUSED = "<Error><Code>{code}</Code><Message>A plan of the policy gate reads nothing from AWS.</Message></Error>"


_EMPTY = "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"

_KEY = re.compile(r"/[^/?]+/[^?]+")  # path style: /bucket/key


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Who is asking: STS's question, and the only one that has an answer."""
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if b"Action=GetCallerIdentity" in asked:
            self._answer(200, _IDENTITY)
        else:
            self._answer(403, _REFUSED.format(code="AccessDenied"))

    def do_HEAD(self) -> None:
        """The buckets of the state and of an ``import`` block are there; no object is."""
        self._answer(404 if _KEY.match(self.path) else 200, "")

    def do_GET(self) -> None:
        """No state, no workspaces, no bucket settings."""
        if "list-type=2" in self.path:
            self._answer(200, _EMPTY)
        elif _KEY.match(self.path):
            self._answer(404, _REFUSED.format(code="NoSuchKey"))
        else:
            self._answer(405, _REFUSED.format(code="MethodNotAllowed"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _answer(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: providers do when they end."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def offline_aws() -> Iterator[str]:
    """Serve it on a free port of this computer, and give its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
