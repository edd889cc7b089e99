"""Fixtures for all tests of the harness."""

from collections.abc import Iterator

import coverage
import pytest


@pytest.fixture(scope="module", autouse=True)
def _without_coverage() -> Iterator[None]:
    """Pause coverage: it measures lambdas/invoicing, which the harness does not run, and tracing costs time."""
    measurement = coverage.Coverage.current()
    if measurement is None:
        yield
        return
    measurement.stop()
    yield
    measurement.start()
