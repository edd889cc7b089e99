"""One LocalStack for the tests of each file: functions leave listening sockets (on loopback) in its process."""

from collections.abc import Iterator

import pytest

from harness.engine.localstack_host import LocalStackHost
from tests.engine.cloud import Cloud, serving, worker


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with serving(LocalStackHost(f"host-{worker()}", port="auto")) as cloud:
        yield cloud
