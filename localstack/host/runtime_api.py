"""The Lambda Runtime API for one process: a function's runtime fetches events from it, and posts the responses.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import logging
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

_log = logging.getLogger("host.runtime_api")

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Event:
    """An invocation for the runtime: its payload, and headers with its id, deadline and function."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class RuntimeMessage:
    """A message from a runtime, or the fact that it has ended.

    Attributes:
        kind: ``ready`` for the next event; ``response`` or ``error`` for an event; ``init-error``; ``exit``.
        request_id: The id of the event, for ``response`` and ``error``.
        body: The response or the error.
    """

    kind: Literal["ready", "response", "error", "init-error", "exit"]
    request_id: str = ""
    body: bytes = b""


class RuntimeApi(ThreadingHTTPServer):
    """The server for one runtime, on a separate loopback port: ``events`` go in, ``messages`` come out."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.messages: queue.Queue[RuntimeMessage] = queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """The value for ``AWS_LAMBDA_RUNTIME_API``."""
        return f"{HOST}:{self.server_address[1]}"

    def close(self) -> None:
        """Stop serving; a runtime that waits for an event gets status 410."""
        self.events.put(None)
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log a dropped connection at debug level only: a killed runtime drops it."""
        _log.debug("the connection of %s was dropped: %s", client_address, request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for each response; http.server flushes after each request
    server: RuntimeApi

    def log_message(self, *_arguments: object) -> None:
        """Do not log requests."""

    def do_GET(self) -> None:
        if not self.path.endswith("/runtime/invocation/next"):
            self._respond(404)
            return
        self.server.messages.put(RuntimeMessage("ready"))
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            self._respond(410)
        else:
            self._respond(200, event.body, event.headers)

    def do_POST(self) -> None:
        # /2018-06-01/runtime/invocation/<id>/response|error, or /2018-06-01/runtime/init/error
        _version, _runtime, subject, *rest = [*urlsplit(self.path).path.strip("/").split("/"), "", ""]
        body = self._body()
        if subject == "init":
            message = RuntimeMessage("init-error", body=body)
        elif rest[1:2] == ["response"]:
            message = RuntimeMessage("response", rest[0], body)
        elif rest[1:2] == ["error"]:
            message = RuntimeMessage("error", rest[0], body)
        else:
            self._respond(404)
            return
        self._respond(202, b'{"status":"OK"}')
        self.server.messages.put(message)

    def _respond(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)
