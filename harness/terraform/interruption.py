"""Terraform interrupted on an account: one signal, then patience until its state is written and unlocked.

After a second signal Terraform prints "Two interrupts received. Exiting immediately. Note that data loss may have
occurred." So it gets one, and nothing ends it after that.
"""

import subprocess
from pathlib import Path

from harness.console import err
from harness.process.supervisor import SupervisedProcess

REPEAT_S = 60.0
"""Seconds between two lines about a Terraform that has not ended yet."""

ERRORED = "errored.tfstate"
"""The file in the root folder that Terraform writes the state to when its backend does not take it."""


def await_end(process: subprocess.Popen[bytes], record: SupervisedProcess, root: Path) -> str:
    """Interrupt Terraform if it runs, once, and wait for its end, however long that takes.

    A Ctrl-C during the wait is reported and not passed on.

    Returns:
        How it ended, in one line.
    """
    if process.poll() is None:
        record.interrupt()
        err.print(
            f"Terraform (process {process.pid}) finishes the operations in progress, writes its state and releases "
            "the lock. This can take minutes. Please wait."
        )
    while process.poll() is None:
        try:
            process.wait(REPEAT_S)
        except subprocess.TimeoutExpired:
            err.print(f"Still waiting for Terraform (process {process.pid}) to write its state.")
        except KeyboardInterrupt:
            err.print(
                f"Not passed on: a second interrupt would end Terraform (process {process.pid}) with its state "
                "unwritten. Still waiting."
            )
    return _last_line(process.returncode, root)


def _last_line(exit_code: int, root: Path) -> str:
    folder = f"live/{root.name}"
    if (root / ERRORED).exists():
        return (
            f"Interrupted. The backend did not take the state: it is in {root / ERRORED}. Keep that file, and push it: "
            f"terraform -chdir={folder} state push {ERRORED} (docs/runbooks/stuck-lock.md)."
        )
    if exit_code < 0:
        return (
            f"Interrupted, and then somebody killed Terraform: its state may be incomplete and locked. "
            f"docs/runbooks/stuck-lock.md shows what to do with {folder}."
        )
    return (
        f"Interrupted. Terraform has written its state and released the lock of {folder}: run the same command again."
    )
