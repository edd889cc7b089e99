"""What `python -m harness` imports is in its lock: `up` runs in an environment that has nothing else.

Tests run in the environment `dev`, which has more, so no other test can see that something is missing. Modules of the
harness that a function imports are left out: they belong to the commands that run in `dev` only.
"""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from harness.paths import ROOT

START = "harness.__main__"


def module_file(module: str) -> Path | None:
    """The file of one of the repository's own modules; None if it is another's."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports when it is imported, and others' modules that its functions import."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    blocks = list(ast.walk(tree))
    for_checkers = {
        node
        for block in blocks
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    later = {node for block in blocks if isinstance(block, ast.FunctionDef) for node in ast.walk(block)}
    for node in blocks:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if node not in for_checkers:
            yield from (name for name in names if node not in later or not module_file(name))


def foreign_imports(start: str) -> dict[str, str]:
    """The other projects' top-level modules that a module reaches, each with a module that imports it."""
    waiting, seen, foreign = [start], {start}, {}
    while waiting:
        module = waiting.pop()
        file = module_file(module)
        assert file is not None
        parents = {module.rpartition(".")[0]} - {""}
        for name in {*imported(file), *parents}:
            if module_file(name) and name not in seen:
                seen.add(name)
                waiting.append(name)
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and not (ROOT / top).exists():
                foreign.setdefault(top, module)
    return foreign


def test_everything_that_the_harness_imports_is_in_its_lock() -> None:
    lock = (ROOT / "requirements" / "harness.txt").read_text(encoding="utf-8")
    pinned = {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    providers = packages_distributions()

    missing = {
        f"{top} (imported by {module})"
        for top, module in foreign_imports(START).items()
        if not {canonicalize_name(name) for name in providers.get(top, ())} & pinned
    }

    assert missing == set(), "Add them to the group `harness` of pyproject.toml, then: ./noxw -s lock"


def test_the_imports_are_followed() -> None:
    assert {"boto3", "rich", "pydantic"} <= foreign_imports(START).keys()


def test_both_environments_have_the_same_versions() -> None:
    """What is installed for one is there for the other: without a network, `up` runs where tests have run."""
    versions = {
        lock: dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE))
        for lock in ("harness", "dev")
    }

    assert versions["harness"].items() <= versions["dev"].items()
