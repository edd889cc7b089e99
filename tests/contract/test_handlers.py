"""Terraform's handlers are in their zips, and start there with only the zip and what Lambda's runtime provides."""

import ast
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import package
from harness.contract.functions import Function
from harness.contract.mismatch import Mismatch, report
from harness.package import Artifact, Target, wheels
from harness.package.proof import import_handler
from harness.package.target import platform_of
from harness.paths import BUILD
from tests.contract.conftest import Environment

PYTHON = Path(sys.executable)

IMPORT_BUDGET_S = 10.0
"""Processor seconds that a cold start may take to import its handler: Lambda ends an init phase after 10 s. The bound
catches gross errors, such as a model loaded on import: imports take about a second, and nox -s bench measures them."""


@pytest.fixture(scope="session")
def built() -> dict[str, Artifact]:
    """The zips for this computer, cached in the same folder as those of the unit tests."""
    out = BUILD / "artifacts" / f"test-{Target.HOST.value}"
    return {artifact.function: artifact for artifact in package.build(Target.HOST, out, python=PYTHON)}


def handler_mismatches(function: Function, artifact: Artifact) -> list[Mismatch]:
    """The mismatch if the handler's path is not in its zip."""
    module, _, name = function.handler.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
    with zipfile.ZipFile(artifact.path) as zipped:
        handlers = sorted(path for path in zipped.namelist() if path.endswith("/handler.py") and path.count("/") == 1)
        if file not in zipped.namelist():
            has = f"{artifact.path.name} has {', '.join(handlers)}"
        else:
            tree = ast.parse(zipped.read(file))
            functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
            if name in functions:
                return []
            has = f"lambdas/{file} has {', '.join(functions)}"
    return [
        Mismatch(
            f"The handler of {function.name} is not in its zip",
            has,
            f"{function.address} calls {function.handler}",
            "Rename the handler in both.",
        )
    ]


def test_the_handlers_are_in_their_zips(live: Environment, built: dict[str, Artifact]) -> None:
    mismatches = [
        mismatch
        for name, function in live.functions.items()
        if name in built
        for mismatch in handler_mismatches(function, built[name])
    ]

    assert not mismatches, report(mismatches)
    assert live.functions.keys() == built.keys()


def test_the_handlers_start_with_only_the_zip_and_the_planned_environment(
    environments: dict[str, Environment], built: dict[str, Artifact]
) -> None:
    """One environment is enough: both have the same variables, see tests/plan/test_parity.py."""
    planned = next(iter(environments.values()))
    runtime = wheels.installed(platform_of(Target.HOST, PYTHON)).runtime

    def start(function: Function) -> float:
        environment = planned.variables(function.name)
        zipped = built[function.name].path
        return import_handler(zipped, function.handler, python=PYTHON, runtime=runtime, environment=environment)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for function, took in zip(planned.functions.values(), pool.map(start, planned.functions.values()), strict=True):
            assert took < IMPORT_BUDGET_S, f"{function.address}: importing {function.handler} took {took:.1f} s"
