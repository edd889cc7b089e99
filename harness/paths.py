"""Where things are: the repository and its build folder.

A run puts everything that it creates (environments, zips, engine state, Terraform's working data, results) under one
build folder. Deleting that folder returns the checkout to how it was cloned.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root folder."""

BUILD = Path(os.environ.get("HARNESS_BUILD_DIR") or ROOT / "build").resolve()
"""The folder for everything that a run creates; ``HARNESS_BUILD_DIR`` moves it."""
