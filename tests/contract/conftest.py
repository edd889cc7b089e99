"""What the contract tests share: the plan of each live environment, made once, and the code, loaded once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from harness import package
from harness.contract.functions import Function, functions_of
from harness.contract.mismatch import Mismatch
from harness.contract.routes import Route, planned_routes
from harness.contract.settings import variables
from harness.paths import ROOT
from harness.plan.planned import Planned
from harness.policy import plans
from harness.stack import deployment
from tests.contract.code import Loaded

PLATFORM = ROOT / "modules" / "invoice-platform"
ENVIRONMENTS = tuple(deployment.environments())


@dataclass(frozen=True)
class Environment:
    """A live folder as it is planned."""

    name: str
    plan: Planned

    @cached_property
    def functions(self) -> dict[str, Function]:
        return functions_of(self.plan, PLATFORM)

    def variables(self, function: str) -> dict[str, str]:
        """The environment that a function starts with."""
        return variables(self.functions[function], self.functions.values())

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        """What is in the root's output ``stack``; None for what only the apply will know."""
        stack = self.plan.document["output_changes"]["stack"]
        return {**dict.fromkeys(stack["after_unknown"]), **stack["after"]}

    @cached_property
    def routes(self) -> list[Route]:
        return [one for one in planned_routes(self.plan, self.functions) if isinstance(one, Route)]

    @cached_property
    def untold(self) -> list[Mismatch]:
        """Methods whose route the plan does not tell."""
        return [one for one in planned_routes(self.plan, self.functions) if isinstance(one, Mismatch)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-table", action="store_true", help="write the table of unit tests from the plan")


@pytest.fixture(scope="session")
def environments() -> dict[str, Environment]:
    """Every live environment, planned side by side, or found planned: see `harness.plan.store`."""
    folders = [ROOT / "live" / name for name in ENVIRONMENTS]
    with ThreadPoolExecutor() as pool:
        return {root.environment: Environment(root.environment, root.planned) for root in pool.map(plans.kept, folders)}


@pytest.fixture(params=ENVIRONMENTS)
def live(request: pytest.FixtureRequest, environments: dict[str, Environment]) -> Environment:
    """One live environment after the other."""
    return environments[request.param]


@pytest.fixture(scope="session")
def code(environments: dict[str, Environment]) -> dict[str, Loaded]:
    """The functions' code, each loaded with what the first environment gives it."""
    planned = next(iter(environments.values()))
    return {
        one.name: Loaded.load(one.name, planned.variables(one.name) if one.name in planned.functions else {})
        for one in package.functions()
    }
