"""Stand-ins for Docker and LocalStack: a script named `docker`, and a server with LocalStack's health check."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def docker(folder: Path, script: str) -> None:
    """A `docker` that runs a shell script."""
    folder.mkdir(exist_ok=True)
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    (folder / "docker").chmod(0o755)


@dataclass
class FakeLocalStack:
    """A server that looks like LocalStack.

    Attributes:
        url: Its URL.
        health: The content of its health check.
    """

    url: str
    health: dict[str, object] = field(default_factory=lambda: {"services": {}, "version": "4.14.0"})


@pytest.fixture
def localstack() -> Iterator[FakeLocalStack]:
    """A fake LocalStack on a free port."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(fake.health).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        fake = FakeLocalStack(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield fake
        server.shutdown()
