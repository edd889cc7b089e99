"""An import takes no more memory for two hundred megabytes than for one; the largest document fits its function."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from invoicing.domain.models import MAX_LINES

ROOT = Path(__file__).resolve().parents[2]
SLACK_KB = 30_000
"""One megabyte does not fill the window of rows on their way to the table; the larger files do."""


@pytest.fixture(scope="module")
def measured() -> dict[int, dict[str, Any]]:
    return {megabytes: measure("import_memory.py", megabytes) for megabytes in (1, 20, 200)}


def measure(script: str, size: int) -> dict[str, Any]:
    """Run a script of tests/data in a process of its own, and return the figures that it prints."""
    path = f"{ROOT / 'lambdas'}{os.pathsep}{ROOT}"
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "data" / script), str(size)],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=1800,
    )
    figures: dict[str, Any] = json.loads(run.stdout)
    return figures


def test_memory_is_flat(measured: dict[int, dict[str, Any]], figures: dict[str, Any]) -> None:
    figures["memory"] = list(measured.values())

    peaks = {megabytes: measurement["peak_kilobytes"] for megabytes, measurement in measured.items()}

    assert peaks[200] < peaks[1] + SLACK_KB, peaks
    assert peaks[200] < peaks[20] + 10_000, peaks  # the window is full long before twenty
    assert peaks[200] < 256_000, peaks  # half of the memory that the function has in dev


def test_the_largest_document_fits_its_function(figures: dict[str, Any]) -> None:
    figures["document"] = document = measure("pdf_memory.py", MAX_LINES)

    assert document["bytes"] > 100_000, document
    assert document["peak_kilobytes"] < 256_000, document  # half of the memory that the function has in dev
