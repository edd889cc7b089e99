"""One engine for all tests of a worker; every test makes resources of its own names."""

from collections.abc import Iterator

import pytest

from harness.engine import ACCOUNT_ID, EmbeddedEngine
from tests.engine.cloud import Cloud, worker


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    engine = EmbeddedEngine(f"test-{worker()}", port="auto")
    if engine.is_running:
        engine.stop()  # of a run that was killed
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        yield Cloud(engine)
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def account() -> str:
    return ACCOUNT_ID
