"""``python -m harness.policy``: scan everything, print and write the verdict, and fail if there is anything to fix."""

import sys
import time

from harness.console import ProgressStep, expected_errors
from harness.policy import gate, report


def main() -> None:
    """Scan; exit code 1 if anything is left to fix."""
    started = time.monotonic()
    with expected_errors():
        with ProgressStep("Scanning source and plans") as step:
            verdict = gate.scan()
            step.conclude(f"{verdict.to_fix} to fix")
        seconds = time.monotonic() - started
        report.write(verdict, seconds=seconds)
        report.show(verdict, seconds=seconds)
    sys.exit(0 if verdict.green else 1)


if __name__ == "__main__":
    main()
