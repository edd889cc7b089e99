"""Tell what the engine of ``HARNESS_ENGINE`` lacks here: ``python -m harness.engine`` ends with 0 if nothing."""

import sys

from harness.console import expected_faults
from harness.engine import engine_for

if __name__ == "__main__":
    with expected_faults():
        engine_for()
    sys.exit(0)
