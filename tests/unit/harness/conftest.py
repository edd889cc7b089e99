"""What the tests of the harness share."""

from collections.abc import Iterator

import coverage
import pytest


@pytest.fixture(scope="module", autouse=True)
def _measured_by_the_other_tests() -> Iterator[None]:
    """Coverage is taken of lambdas/invoicing, of which the harness runs nothing: tracing would only make it slower."""
    measuring = coverage.Coverage.current()
    if measuring is None:
        yield
        return
    measuring.stop()
    yield
    measuring.start()
