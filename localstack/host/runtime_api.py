"""The Lambda Runtime API for one process: what a function's runtime asks for events, and answers them to.

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
    """An invocation for the runtime: its payload and the headers that tell the rest."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Word:
    """What a runtime said, or that it ended.

    Attributes:
        kind: ``ready`` for an event; ``response`` or ``error`` to one; ``init-error``; ``exit``.
        request_id: Which event is answered.
        body: The answer.
    """

    kind: Literal["ready", "response", "error", "init-error", "exit"]
    request_id: str = ""
    body: bytes = b""


class RuntimeApi(ThreadingHTTPServer):
    """Serves one runtime on a loopback port of its own; ``events`` go in, ``words`` come out."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.words: queue.Queue[Word] = queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """What ``AWS_LAMBDA_RUNTIME_API`` has to be."""
        return f"{HOST}:{self.server_address[1]}"

    def close(self) -> None:
        """Stop serving; a runtime that waits for an event is let go."""
        self.events.put(None)
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A runtime that was killed drops its connection: nothing to tell."""
        _log.debug("connection of %s dropped: %s", client_address, request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for each answer; http.server flushes after each request
    server: RuntimeApi

    def log_message(self, *_arguments: object) -> None:
        """Say nothing of requests."""

    def do_GET(self) -> None:
        if not self.path.endswith("/runtime/invocation/next"):
            self._answer(404)
            return
        self.server.words.put(Word("ready"))
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            self._answer(410)
        else:
            self._answer(200, event.body, event.headers)

    def do_POST(self) -> None:
        # /2018-06-01/runtime/invocation/<id>/response|error, or /2018-06-01/runtime/init/error
        _version, _runtime, subject, *rest = [*urlsplit(self.path).path.strip("/").split("/"), "", ""]
        body = self._body()
        if subject == "init":
            word = Word("init-error", body=body)
        elif rest[1:2] == ["response"]:
            word = Word("response", rest[0], body)
        elif rest[1:2] == ["error"]:
            word = Word("error", rest[0], body)
        else:
            self._answer(404)
            return
        self._answer(202, b'{"status":"OK"}')
        self.server.words.put(word)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
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
