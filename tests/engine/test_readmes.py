"""The READMEs of the engines list every module and every patch, in the words of the docstrings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.paths import ROOT

LOCALSTACK = ROOT / "localstack"
READMES = {"embedded": "README.md", "emulation": "README.md", "host": "host/README.md"}
"""Packages with the README that lists their modules."""


def sources(package: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every module of a package, with its syntax tree."""
    for path in sorted((LOCALSTACK / package).glob("*.py")):
        if path.name != "__init__.py":
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def summary(node: ast.Module | ast.FunctionDef) -> str:
    """The first line of a docstring as Markdown."""
    line = (ast.get_docstring(node) or "").splitlines()[0]
    return re.sub(r":func:`(\w+)`", r"`\1`", line).replace("``", "`")


def is_patch(node: ast.stmt) -> bool:
    """Whether a statement defines a function with the decorator ``@patches(…)``."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "patches"
        for decorator in node.decorator_list
    )


@pytest.mark.parametrize("package", READMES)
def test_a_readme_lists_every_module(package: str) -> None:
    readme = (LOCALSTACK / READMES[package]).read_text(encoding="utf-8").splitlines()

    rows = [f"| `{path.name}` | {summary(tree)} |" for path, tree in sources(package)]

    assert rows
    assert [row for row in rows if row not in readme] == []


@pytest.mark.parametrize("package", ["embedded", "host"])
def test_a_readme_describes_every_patch(package: str) -> None:
    readme = (LOCALSTACK / READMES[package]).read_text(encoding="utf-8").splitlines()

    rows = [
        f"| `{path.name}` | `{node.name}` | {summary(node)} |"
        for path, tree in sources(package)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and is_patch(node)
    ]

    assert rows
    assert [row for row in rows if row not in readme] == []


@pytest.mark.parametrize("readme", sorted(set(READMES.values())))
def test_a_readme_lists_only_modules_that_exist(readme: str) -> None:
    packages = [package for package, file in READMES.items() if file == readme]
    modules = {path.name for package in packages for path in (LOCALSTACK / package).glob("*.py")}

    rows = re.findall(r"^\| `(\w+\.py)` \|", (LOCALSTACK / readme).read_text(encoding="utf-8"), re.MULTILINE)

    assert set(rows) <= modules
