"""What the contract tests share: one plan of each live environment, and the functions' code, loaded once."""

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
from harness.plan.graph import PlanGraph
from harness.policy import plans
from harness.stack import deployment
from tests.contract.code import LoadedFunction

PLATFORM = ROOT / "modules" / "invoice-platform"
ENVIRONMENTS = tuple(deployment.environments())


@dataclass(frozen=True)
class Environment:
    """A live folder as it is planned."""

    name: str
    plan: PlanGraph

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
        return [each for each in planned_routes(self.plan, self.functions) if isinstance(each, Route)]

    @cached_property
    def unknown_paths(self) -> list[Mismatch]:
        """Methods whose path the plan does not show."""
        return [each for each in planned_routes(self.plan, self.functions) if isinstance(each, Mismatch)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-table", action="store_true", help="write the table of unit tests from the plan")


@pytest.fixture(scope="session")
def environments() -> dict[str, Environment]:
    """Every live environment, planned in parallel, or read from the cache: see `harness.plan.store`."""
    folders = [ROOT / "live" / name for name in ENVIRONMENTS]
    with ThreadPoolExecutor() as pool:
        return {
            root.environment: Environment(root.environment, root.planned)
            for root in pool.map(plans.stored_plan, folders)
        }


@pytest.fixture(params=ENVIRONMENTS)
def live(request: pytest.FixtureRequest, environments: dict[str, Environment]) -> Environment:
    """One live environment after the other."""
    return environments[request.param]


@pytest.fixture(scope="session")
def code(environments: dict[str, Environment]) -> dict[str, LoadedFunction]:
    """The functions' code, each loaded with its variables in the first environment."""
    planned = next(iter(environments.values()))
    return {
        function.name: LoadedFunction.load(
            function.name, planned.variables(function.name) if function.name in planned.functions else {}
        )
        for function in package.functions()
    }
