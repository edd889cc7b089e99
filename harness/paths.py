"""Where things lie: the repository and its build folder.

Everything that a run makes (environments, zips, engine state, Terraform's working data, results) lies under one
build folder, so that deleting it returns the checkout to how it was cloned.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root folder."""

BUILD = Path(os.environ.get("HARNESS_BUILD_DIR") or ROOT / "build").resolve()
"""The folder for everything made by a run; ``HARNESS_BUILD_DIR`` moves it."""
