"""An AWS that knows whose account it is and nothing else: so that live folders are planned unmodified, without an engine.

A live folder's provider asks STS which account it is in (``allowed_account_ids``), and an ``import`` block reads the bucket
that it adopts. Everything else that a plan asked of AWS would make it depend on what exists there: it is refused.
"""

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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if b"Action=GetCallerIdentity" in asked:
            self._answer(200, _IDENTITY)
        else:
            self._answer(403, _REFUSED.format(code="AccessDenied"))

    def do_HEAD(self) -> None:  # the bucket that an import block adopts
        self._answer(200, "")

    def do_GET(self) -> None:  # its settings: none of them
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


@contextmanager
def offline_aws() -> Iterator[str]:
    """Serve it on a free port of this computer, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
