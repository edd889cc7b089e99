"""A local AWS that knows its account id and nothing else: live folders are planned unmodified, without an engine.

A live folder's provider asks STS for its account (``allowed_account_ids``), an ``import`` block reads the bucket that
it adopts, and the backend finds no state; the workspace of a preview is there, and as empty. Any other call to AWS
would make the plan depend on what exists there: it gets an error.
"""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT_ID = "000000000000"
"""The account of every plan that the gate creates."""

_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId><Account>{account}</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>offline</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""

_ERROR = "<Error><Code>{code}</Code><Message>A plan of the policy gate reads nothing from AWS.</Message></Error>"


WORKSPACE = "pr-00001"
"""The one workspace besides ``default``: a preview's, named as `harness.deploy.preview` names them."""

_LIST = (
    "<ListBucketResult><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>"
    f"<Contents><Key>env:/{WORKSPACE}/dev/terraform.tfstate</Key></Contents></ListBucketResult>"
)

_KEY = re.compile(r"/[^/?]+/[^?]+")  # path style: /bucket/key


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        """STS's GetCallerIdentity is the only call that succeeds."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if b"Action=GetCallerIdentity" in body:
            self._respond(200, _IDENTITY.format(account=self.server.account))
        else:
            self._respond(403, _ERROR.format(code="AccessDenied"))

    def do_HEAD(self) -> None:
        """The buckets of the state and of an ``import`` block exist; no object does."""
        self._respond(404 if _KEY.match(self.path) else 200, "")

    def do_GET(self) -> None:
        """No state, no workspaces, no bucket settings."""
        if "list-type=2" in self.path:
            self._respond(200, _LIST)
        elif _KEY.match(self.path):
            self._respond(404, _ERROR.format(code="NoSuchKey"))
        else:
            self._respond(405, _ERROR.format(code="MethodNotAllowed"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def _respond(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, account: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.account = account

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up: providers do so when they end."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def offline_aws(account: str = ACCOUNT_ID) -> Iterator[str]:
    """Serve it on a free port of this computer, and yield its URL.

    Args:
        account: The account that the caller belongs to.
    """
    server = _Server(account)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
