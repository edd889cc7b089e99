"""The world in memory, the figures of the session, and how long it may take."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import EXTRA
from tests.resilience.faults import Fault
from tests.resilience.memory.account import Memory
from tests.resilience.world import World, world

CallsAfter = dict[tuple[str, int, Fault], int]
"""How many calls a run has: by its scenario, and the number and the kind of its one fault."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--nights", type=int, default=0, help="run all pairs of faults, and a million schedules for each night"
    )


@pytest.fixture(scope="session")
def nights(request: pytest.FixtureRequest) -> int:
    """How many nights the session may take; 0 in the default run."""
    return int(request.config.getoption("--nights", default=0))


@pytest.fixture(scope="module")
def _memory() -> Iterator[World]:
    with world(Memory) as made:
        yield made


@pytest.fixture
def memory(_memory: World) -> World:
    """An account in memory."""
    _memory.reset()
    return _memory


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the session writes to ``build/results/resilience.json`` besides the tests' own counts."""
    return request.config.stash.setdefault(EXTRA, {})


@pytest.fixture(scope="session")
def calls_after() -> CallsAfter:
    """What the runs with one fault have found, for those with two."""
    return {}
