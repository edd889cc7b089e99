"""One LocalStack for the tests of each file: functions leave listening sockets (on loopback) in its process."""

from collections.abc import Iterator

import pytest

from harness.engine.localstack_host import LocalStackHost
from tests.engine.cloud import Cloud, worker


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    engine = LocalStackHost(f"host-{worker()}", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        yield Cloud(engine)
    finally:
        engine.stop()
