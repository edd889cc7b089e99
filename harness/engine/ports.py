"""Loopback ports: whether one is free, and which process holds it."""

import contextlib
import socket
from pathlib import Path

from harness.process import process_table

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
    """The process that listens on a port, as "pid 4711 (command)"; "another process" if the system does not show it.

    Read from Linux' ``/proc/net/tcp`` and the descriptors of the processes that this user may inspect.
    """
    inodes = _listening_inodes(port)
    if inodes:
        for process in process_table.running():
            descriptors = Path(f"/proc/{process.pid}/fd")
            with contextlib.suppress(PermissionError, FileNotFoundError, ProcessLookupError):
                for descriptor in descriptors.iterdir():
                    with contextlib.suppress(FileNotFoundError):
                        if str(descriptor.readlink()) in inodes:
                            return f"pid {process.pid} ({process.command[:80]})"
    return "another process"


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text(encoding="ascii").splitlines()[1:]:
            # proc(5): "sl local_address rem_address st ... uid timeout inode"; st 0A is LISTEN.
            words = line.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{words[9]}]")
    return inodes


def any_free() -> int:
    """A port that is free now; another process may take it at any time."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
