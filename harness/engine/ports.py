"""Loopback ports: whether one is free, and which process holds it."""

import contextlib
import socket

import psutil

from harness.errors import HarnessError

LOOPBACK = "127.0.0.1"
"""The only address that engines listen on."""

DEFAULT = 4566
"""The port that local AWS engines traditionally listen on."""


def is_free(port: int) -> bool:
    """True if a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """The process that listens on a port, as "pid 4711 (command)"; "another process" if the system does not show it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"pid {connection.pid} ({command[:80]})"
    return "another process"


def require_free(port: int) -> None:
    """Raise HarnessError, which names the holder, if a port is taken."""
    if not is_free(port):
        raise HarnessError(
            f"Port {port} is taken by {holder(port)}.",
            remedy="Stop that process, or use another port: --port auto takes a free one.",
        )


def any_free() -> int:
    """A port that is free now; another process may take it at any time."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
