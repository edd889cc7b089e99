"""Importing two hundred megabytes takes no more memory than importing one, and fits the smallest function."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLACK_KB = 30_000
"""One megabyte does not fill the window of rows on their way to the table; the larger files do."""


@pytest.fixture(scope="module")
def measured() -> dict[int, dict[str, Any]]:
    measurements = {}
    for megabytes in (1, 20, 200):
        run = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "data" / "import_memory.py"), str(megabytes)],
            env={"PYTHONPATH": str(ROOT / "lambdas"), "PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=True,
            timeout=1800,
        )
        measurements[megabytes] = json.loads(run.stdout)
    return measurements


def test_memory_is_flat(measured: dict[int, dict[str, Any]], figures: dict[str, Any]) -> None:
    figures["memory"] = list(measured.values())

    peaks = {megabytes: measurement["peak_kilobytes"] for megabytes, measurement in measured.items()}

    assert peaks[200] < peaks[1] + SLACK_KB, peaks
    assert peaks[200] < peaks[20] + 10_000, peaks  # the window is full long before twenty
    assert peaks[200] < 256_000, peaks  # half of the memory that the function has in dev
