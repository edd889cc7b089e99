"""Python runs this at the start of a handler's process, if an engine was started with the variable HARNESS_WATCH."""

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[3])

if os.environ.get("HARNESS_WATCH"):
    sys.path.append(_ROOT)
    from harness.iam.watch import start

    sys.path.remove(_ROOT)  # otherwise a handler could import modules that are not in its zip
    start()
