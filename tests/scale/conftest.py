"""The figures that these tests measure, recorded in build/results/scale.json, and a stack to measure on."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.results import record
from harness.stack.deployment import Stack
from harness.stack.snapshot import clone_source

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))


@pytest.fixture(scope="session")
def figures() -> Iterator[dict[str, Any]]:
    """Filled by the tests and recorded at the end, also if one of them fails."""
    started = time.monotonic()
    measured: dict[str, Any] = {}
    yield measured
    record("scale", {**measured, "seconds": round(time.monotonic() - started, 1)})


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A fresh one for each test."""
    with clone_source("dev").clone("scale") as (clone, _):
        yield clone
