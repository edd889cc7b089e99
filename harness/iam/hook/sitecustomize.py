"""Python runs this at the start of a handler's process, if an engine has been told to watch its handlers."""

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[3])

if os.environ.get("HARNESS_WATCH"):
    sys.path.append(_ROOT)
    from harness.iam.watch import start

    sys.path.remove(_ROOT)  # a handler must not find by it what its zip does not hold
    start()
