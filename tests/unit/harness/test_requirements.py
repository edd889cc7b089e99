"""The lock files match pyproject.toml and are fit to be committed: a hash for every file, no address of an index."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.paths import ROOT

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def direct(group: str) -> list[Requirement]:
    """The requirements of a group and of the groups that it includes."""
    requirements = []
    for entry in GROUPS[group]:
        requirements += direct(entry["include-group"]) if isinstance(entry, dict) else [Requirement(entry)]
    return requirements


def locked(group: str) -> str:
    return (ROOT / "requirements" / f"{group}.txt").read_text(encoding="utf-8")


def test_every_group_has_a_lock_and_every_lock_a_group() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_lock_satisfies_its_group(group: str) -> None:
    pins = {canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(locked(group))}

    for requirement in direct(group):
        pinned = pins.get(canonicalize_name(requirement.name))
        assert pinned is not None, f"{requirement} is not in requirements/{group}.txt: ./noxw -s lock"
        assert requirement.specifier.contains(pinned), f"{requirement} does not allow {pinned}: ./noxw -s lock"


@pytest.mark.parametrize("group", GROUPS)
def test_every_pin_has_hashes_and_no_line_has_an_address(group: str) -> None:
    text = locked(group)
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE))

    assert all("--hash=sha256:" in entry for entry in entries if PIN.match(entry))
    assert "://" not in text
    assert not re.search(r"^ *(-i|-f|--(extra-)?index-url|--find-links)", text, re.MULTILINE)
