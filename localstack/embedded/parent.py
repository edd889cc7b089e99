"""The tie to whoever started the server: it ends when that has ended, unless it was told to stay."""

import os
import signal


def end_with_parent() -> None:
    """Wait for the end of standard input, and end this process then; a line ``stay`` before it lets it live on."""
    with open(0, "rb", buffering=0, closefd=False) as parent:  # sys.stdin's lock would be missed at the very end
        told = parent.readline()
    if told != b"stay\n":
        os.kill(os.getpid(), signal.SIGTERM)
