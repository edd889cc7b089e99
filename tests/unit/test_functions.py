"""What has to name every function names it, and says where a new one is missing: lambdas/README.md has the steps."""

import ast
import tomllib
from typing import Any

import pytest

from harness.package import functions
from harness.paths import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
FUNCTIONS = {function.folder.name for function in functions()}
CONTRACTS: dict[str, Any] = {contract["id"]: contract for contract in PYPROJECT["contracts"]}


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("root_packages", PYPROJECT["root_packages"]),
        ("handlers-on-top: protected_modules", CONTRACTS["handlers-on-top"]["protected_modules"]),
        ("harness-without-lambdas: forbidden_modules", CONTRACTS["harness-without-lambdas"]["forbidden_modules"]),
        ("lambdas-without-harness: source_modules", CONTRACTS["lambdas-without-harness"]["source_modules"]),
    ],
)
def test_the_contracts_name_every_function(place: str, names: list[str]) -> None:
    listed = {name.removesuffix(".handler") for name in names} - {"harness", "invoicing"}

    assert listed == FUNCTIONS, f"pyproject.toml, [tool.importlinter], {place}"


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_function_has_tests_of_its_handler(function: str) -> None:
    """A test loads a handler by its name, as Lambda does."""
    folder = ROOT / "tests/unit/handlers"
    names = {
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }

    assert function in names, f"no test in {folder.relative_to(ROOT)} loads {function!r}: add test_{function}.py"


def test_every_function_has_a_short_call_for_the_tests_of_its_grants() -> None:
    source = (ROOT / "tests/e2e/test_iam.py").read_text(encoding="utf-8")
    (flows,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Flows"]

    methods = {node.name for node in flows.body if isinstance(node, ast.FunctionDef)}

    assert methods >= FUNCTIONS, "tests/e2e/test_iam.py, class Flows: one short call of each function"


@pytest.mark.parametrize("page", ["lambdas/README.md", "docs/architecture.md"])
def test_the_pages_name_every_function(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").replace("_", "-")

    missing = [function for function in sorted(FUNCTIONS) if function.replace("_", "-") not in text]

    assert missing == [], f"{page} does not name these"
