"""Stand-ins for what LocalStack needs or is: a script named `docker`, and a server that tells its health."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def docker(folder: Path, script: str) -> None:
    """A `docker` that does what a script says."""
    folder.mkdir(exist_ok=True)
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    (folder / "docker").chmod(0o755)


@dataclass
class Listening:
    """A server that takes itself for LocalStack.

    Attributes:
        url: Where it listens.
        health: What it tells of its health.
    """

    url: str
    health: dict[str, object] = field(default_factory=lambda: {"services": {}, "version": "4.14.0"})


@pytest.fixture
def listening() -> Iterator[Listening]:
    """One on a free port."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told.health).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        told = Listening(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield told
        server.shutdown()
