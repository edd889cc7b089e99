"""Become a command that ends when its starter ends: ``python -I -S tied.py <starter's pid> <command> ...`` (Linux).

`harness.process.supervisor.spawn` runs this file by path, alone, because a start must cost milliseconds: import nothing
more.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become(parent: int, command: list[str]) -> None:
    """Ask for SIGTERM at the parent's end (prctl(2); it survives exec), then turn into the command."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)  # it ended before the tie was made
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command that spawn was given
    except OSError as problem:
        sys.stderr.write(f"{command[0]}: {problem.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
