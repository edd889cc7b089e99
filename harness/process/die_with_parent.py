"""Run a command that ends when its parent ends (Linux): ``python -I -S die_with_parent.py <parent> <command> ...``.

``<parent>`` is the parent's process number. `harness.process.supervisor.spawn` runs this file by its path. A start must
cost only milliseconds, so this imports no more of the standard library than it needs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become(parent: int, command: list[str]) -> None:
    """Request SIGTERM at the parent's end (prctl(2); the setting survives exec), then become the command."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)  # the parent ended before the request
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command of spawn's caller
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
