"""The pictures of docs/architecture.md and the tables of the READMEs show the folders as they are."""

import re
import tomllib
from pathlib import Path

import pytest

from harness.paths import ROOT

PACKAGES = {"invoicing": ROOT / "lambdas" / "invoicing", "harness": ROOT / "harness"}
READMES = {"invoicing": ROOT / "lambdas" / "README.md", "harness": ROOT / "harness" / "README.md"}
NO_ROOM = {"__init__", "__pycache__"}

Floors = list[set[str]]


def pictured(package: str) -> Floors:
    """The rooms of the package's picture, floor by floor from the top."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition(f"`{PACKAGES[package].relative_to(ROOT)}`\n\n```mermaid\n")[2].partition("```")[0]
    floors = re.findall(r"subgraph floor\d.*?\n(.*?)\n  end", section, re.DOTALL)
    return [set(re.findall(r'\["<b>(\w+)</b>', floor)) for floor in floors]


def linted(package: str) -> Floors:
    """The layers of the package's import contract, from the top."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (entry for entry in settings["contracts"] if entry.get("containers") == [package])
    return [set(layer.split(" | ")) for layer in contract["layers"]]


def modules(folder: Path) -> set[str]:
    """The names of the modules and packages in a folder."""
    return {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - NO_ROOM


def described(package: str, room: str) -> set[str]:
    """The modules in the table below the room's heading in the package's README."""
    text = READMES[package].read_text(encoding="utf-8")
    (section,) = re.findall(rf"^### `?{room}`?(?![\w/])[^\n]*\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    return {name.removesuffix(".py") for name in re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)}


def rooms(package: str) -> list[str]:
    return sorted(path.name for path in PACKAGES[package].iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_house_is_drawn_as_it_is_linted_and_built(package: str) -> None:
    floors = pictured(package)

    assert floors == linted(package)
    assert set.union(*floors) == modules(PACKAGES[package])


@pytest.mark.parametrize(("package", "room"), [(package, room) for package in PACKAGES for room in rooms(package)])
def test_a_readme_lists_the_modules_of_a_room(package: str, room: str) -> None:
    subpackages = {name for name in modules(PACKAGES[package] / room) if (PACKAGES[package] / room / name).is_dir()}

    assert described(package, room) == modules(PACKAGES[package] / room) - subpackages


@pytest.mark.parametrize("folder", ["tests", "modules", "live", "localstack", "docs/decisions", "lambdas", "policy"])
def test_a_readme_names_everything_in_its_folder(folder: str) -> None:
    """Every subfolder; of decisions, every page."""
    readme = (ROOT / folder / "README.md").read_text(encoding="utf-8")

    entries = {
        path.name
        for path in (ROOT / folder).iterdir()
        if not path.name.startswith(".") and (path.is_dir() or folder.startswith("docs"))
    }

    missing = {
        name for name in entries - NO_ROOM - {"README.md"} if not re.search(rf"[`(/]{re.escape(name)}\b", readme)
    }
    assert missing == set()


def test_the_way_of_an_invoice_names_the_functions() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    functions = {path.parent.name.replace("_", "-") for path in (ROOT / "lambdas").glob("*/handler.py")}

    assert {function for function in functions if function not in text} == set()
