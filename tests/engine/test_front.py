"""The server keeps connections that clients keep: it would lose responses to requests that it has executed."""

import select
import socket
import subprocess
from collections.abc import Iterator

import pytest

from harness.engine.embedded import EmbeddedEngine
from harness.paths import ROOT

SPEED = 100
CLIENT_IDLE_S = 90
"""How long the AWS SDK for Go keeps an idle connection (``DefaultHTTPTransportIdleConnTimeout``)."""

HURRIED_SERVER = f"""
import asyncio, selectors, socket
from embedded.__main__ import serve

class Selector(selectors.DefaultSelector):
    def select(self, timeout=None):
        return super().select(timeout and timeout / {SPEED})

class Loop(asyncio.SelectorEventLoop):
    def time(self):
        return super().time() * {SPEED}

async def app(scope, receive, send):
    message = await receive()
    if scope["type"] == "lifespan":
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
    else:
        await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}})
        await send({{"type": "http.response.body", "body": b"ok"}})

async def main():
    bound = socket.create_server(("127.0.0.1", 0))
    print(bound.getsockname()[1], flush=True)
    await serve(app, bound, asyncio.Event())

asyncio.Runner(loop_factory=lambda: Loop(Selector())).run(main())
"""
"""The engine's server, for which a second takes ten milliseconds."""


@pytest.fixture
def hurried_port() -> Iterator[int]:
    python = EmbeddedEngine("front").server_python
    environment = {"PYTHONPATH": str(ROOT / "localstack")}
    with subprocess.Popen([python, "-c", HURRIED_SERVER], env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield int(server.stdout.readline())
        finally:
            server.kill()


def test_the_server_does_not_close_a_connection_that_terraform_still_keeps(hurried_port: int) -> None:
    with socket.create_connection(("127.0.0.1", hurried_port), timeout=30) as connection:
        first = ask(connection)

        closed, _, _ = select.select([connection], [], [], 1.2 * CLIENT_IDLE_S / SPEED)

        assert (first, closed) == ("HTTP/1.1 200", [])
        assert ask(connection) == "HTTP/1.1 200"


def ask(connection: socket.socket) -> str:
    """The first words of a response, which is read whole."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    response = b""
    while not response.endswith(b"ok"):
        part = connection.recv(4096)
        assert part, f"the server closed the connection after {response!r}"
        response += part
    return response[:12].decode()
