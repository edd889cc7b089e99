"""One engine for all tests of a worker; every test creates resources with names that no other test uses."""

from collections.abc import Iterator

import pytest

from harness.engine import ACCOUNT_ID, EmbeddedEngine, local_server
from harness.process import supervisor
from tests.engine.cloud import Cloud, serving, worker


@pytest.fixture(scope="session", autouse=True)
def _own_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Engines of tests have separate folders, so that `nox -s down` in another terminal does not stop them."""
    local_server.FOLDER = tmp_path_factory.mktemp("engines")
    supervisor.RUN = tmp_path_factory.mktemp("run")


@pytest.fixture(scope="session")
def cloud(_own_folder: None) -> Iterator[Cloud]:
    with serving(EmbeddedEngine(f"test-{worker()}", port="auto")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def account() -> str:
    return ACCOUNT_ID
