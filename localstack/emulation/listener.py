"""The loopback port that a server listens on."""

import socket
from pathlib import Path


def bind(ports: list[int]) -> socket.socket | None:
    """Listen on the first free port of 127.0.0.1.

    Args:
        ports: The candidates in order; 0 stands for any free port.

    Returns:
        The listening socket, or None if no candidate is free.
    """
    for port in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(100)  # at once: a bound port that nobody listens on can be bound again by another engine
        except OSError:
            listener.close()
        else:
            return listener
    return None


def write_port_file(path: Path, port: int) -> None:
    """Write the port for the parent process, which never sees a partly written file."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(str(port), encoding="ascii")
    draft.replace(path)
