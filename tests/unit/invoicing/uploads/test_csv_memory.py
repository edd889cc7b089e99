"""Memory does not grow with the file (40 MB here; the `scale` session takes 200)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
SLACK_KB = 30_000
"""The small file does not fill the window of rows on their way to the table, the large one does."""


def memory_of_import(megabytes: int, *options: str) -> dict[str, float]:
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "data" / "import_memory.py"), str(megabytes), *options],
        env={
            "PYTHONPATH": f"{ROOT / 'lambdas'}{os.pathsep}{ROOT}",
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=1200,
    )
    measurement: dict[str, float] = json.loads(run.stdout)
    return measurement


@pytest.mark.volume
def test_memory_is_flat_from_one_megabyte_to_forty() -> None:
    small, large = memory_of_import(1), memory_of_import(40)

    assert large["rows"] > 35 * small["rows"]
    assert large["created"] == pytest.approx(9 * large["rejected"], rel=0.02)
    assert large["peak_kilobytes"] < small["peak_kilobytes"] + SLACK_KB, (small, large)


@pytest.mark.volume
def test_memory_is_flat_if_the_rows_of_all_invoices_stand_apart() -> None:
    """The rows are put together in temporary files; as many invoices come out as went in."""
    small, large = memory_of_import(1, "--apart"), memory_of_import(20, "--apart")

    assert large["created"] + large["rejected"] == 20_000_000 // (20 * 900)
    assert large["rows"] > 20_000
    assert large["peak_kilobytes"] < small["peak_kilobytes"] + SLACK_KB, (small, large)
