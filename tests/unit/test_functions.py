"""The import contracts of pyproject.toml name every function: a function that is missing there is not checked."""

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
