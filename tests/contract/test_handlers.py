"""What Terraform calls is in the zip, and starts there with nothing but the zip and what Lambda's runtime brings."""

import ast
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import package
from harness.contract.functions import Function
from harness.contract.mismatch import Mismatch, told
from harness.package import Artifact, Target, wheels
from harness.package.proof import import_handler
from harness.package.target import platform_of
from harness.paths import BUILD
from tests.contract.conftest import Environment

PYTHON = Path(sys.executable)

IMPORT_BUDGET_S = 10.0
"""Processor seconds that a cold start may take to import its handler: Lambda ends an init phase after 10 s. A bound for
what is absurd, such as a model loaded on import; they take about one, and nox -s bench measures them."""


@pytest.fixture(scope="session")
def built() -> dict[str, Artifact]:
    """The zips for this computer; kept, in the folder that the unit tier's lie in."""
    out = BUILD / "artifacts" / f"test-{Target.HOST.value}"
    return {one.function: one for one in package.build(Target.HOST, out, python=PYTHON)}


def missing(function: Function, artifact: Artifact) -> list[Mismatch]:
    """What is wrong with the path of a handler in its zip."""
    module, _, name = function.handler.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
    with zipfile.ZipFile(artifact.path) as zipped:
        handlers = sorted(one for one in zipped.namelist() if one.endswith("/handler.py") and one.count("/") == 1)
        if file not in zipped.namelist():
            has = f"{artifact.path.name} has {', '.join(handlers)}"
        else:
            tree = ast.parse(zipped.read(file))
            functions = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
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
    found = [
        one for name, function in live.functions.items() if name in built for one in missing(function, built[name])
    ]

    assert not found, told(found)
    assert live.functions.keys() == built.keys()


def test_the_handlers_start_with_what_the_zip_and_the_plan_give_them(
    environments: dict[str, Environment], built: dict[str, Artifact]
) -> None:
    """One environment will do: both have the same variables, see tests/plan/test_parity.py."""
    planned = next(iter(environments.values()))
    runtime = wheels.installed(platform_of(Target.HOST, PYTHON)).runtime

    def start(function: Function) -> float:
        environment = planned.variables(function.name)
        zipped = built[function.name].path
        return import_handler(zipped, function.handler, python=PYTHON, runtime=runtime, environment=environment)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for function, took in zip(planned.functions.values(), pool.map(start, planned.functions.values()), strict=True):
            assert took < IMPORT_BUDGET_S, f"{function.address}: importing {function.handler} took {took:.1f} s"
