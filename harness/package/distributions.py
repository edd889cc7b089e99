"""Which distributions a function needs: from the modules it imports, through what those declare that they require."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from harness.errors import HarnessError
from harness.package.imports import Import
from harness.package.markers import canonical, parse

_KEPT_METADATA = frozenset({"METADATA", "entry_points.txt"})  # what importlib.metadata is asked for at run time
_TESTS = frozenset({"tests", "__pycache__"})


@dataclass(frozen=True)
class Installed:
    """The distributions that are unpacked in one folder."""

    folder: Path

    @cached_property
    def by_name(self) -> Mapping[str, Distribution]:
        """Each by its canonical name."""
        found = distributions(path=[str(self.folder)])
        return {canonical(one.metadata["Name"]): one for one in found}

    @cached_property
    def _owners(self) -> Mapping[str, frozenset[str]]:
        """The distributions that have a part in each module or package, by its dotted name."""
        owners: dict[str, set[str]] = {}
        for name, one in self.by_name.items():
            for file in one.files or ():
                for module in _modules(PurePosixPath(file)):
                    owners.setdefault(module, set()).add(name)
        return {module: frozenset(names) for module, names in owners.items()}

    def providing(self, module: str) -> frozenset[str]:
        """The distributions that the longest known part of a dotted name belongs to; empty if not even its top is."""
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            owners = self._owners.get(".".join(parts[:length]))
            if owners:
                return owners
        return frozenset()

    def files(self, name: str) -> Iterator[tuple[str, Path]]:
        """The files of a distribution that ship: their names within the zip, and where they are."""
        for file in self.by_name[name].files or ():
            entry = PurePosixPath(file)
            if _ships(entry):
                yield entry.as_posix(), self.folder / entry


def needed(
    imports: Iterable[Import],
    *,
    functions: Installed,
    runtime: Installed,
    asked: Mapping[str, frozenset[str]],
    markers: Mapping[str, str],
) -> list[str]:
    """The distributions to ship for some imports, sorted.

    Args:
        imports: What a function imports besides its own code and the standard library.
        functions: What may be shipped.
        runtime: What the Lambda runtime brings: counts as present and is left out.
        asked: The extras with which each distribution was asked for.
        markers: The target's environment markers.

    Raises:
        HarnessError: A module is in neither, or a distribution that another one requires is missing.
    """
    wanted: set[str] = set()
    for one in sorted(imports):
        if runtime.providing(one.module):
            continue
        owners = functions.providing(one.module)
        if not owners and not one.optional:
            raise HarnessError(
                f"{one.file}:{one.line} imports {one.module}, which no package of the lambdas group brings.",
                remedy="Correct the import, or add its package to the group `lambdas` in pyproject.toml and run "
                "`nox -s lock`.",
            )
        wanted |= owners
    waiting, closure = sorted(wanted), set[str]()
    while waiting:
        name = waiting.pop()
        if name in closure or name in runtime.by_name:
            continue
        if name not in functions.by_name:
            raise HarnessError(f"{name} is required by another package, but not locked.", remedy="Run `nox -s lock`.")
        closure.add(name)
        waiting += _requires(functions.by_name[name], asked.get(name, frozenset()), markers)
    return sorted(closure)


def asked_extras(pyproject: Path, group: str = "lambdas") -> dict[str, frozenset[str]]:
    """The extras with which a dependency group asks for each distribution, by canonical name."""
    entries = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"][group]
    asked: dict[str, frozenset[str]] = {}
    for entry in entries:
        if isinstance(entry, str):
            one = parse(entry)
            asked[one.name] = asked.get(one.name, frozenset()) | one.extras
    return asked


def _requires(one: Distribution, extras: frozenset[str], markers: Mapping[str, str]) -> Iterator[str]:
    """What a distribution requires, asked for with some extras, on a target."""
    for text in one.requires or ():
        requirement = parse(text)
        if requirement.wanted(markers, extras):
            yield requirement.name


def _modules(file: PurePosixPath) -> Iterator[str]:
    """The dotted names that a file makes importable: its own and its packages'."""
    if (
        file.suffix not in {".py", ".so", ".pyd"}
        or ".." in file.parts
        or file.parts[0].endswith((".dist-info", ".libs"))
    ):
        return
    stem = file.name.partition(".")[0]
    parts = [*file.parts[:-1], *([] if stem == "__init__" else [stem])]
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _ships(entry: PurePosixPath) -> bool:
    """Whether a wheel's file is of use in a function: no scripts, no caches, no tests, no stubs, little metadata."""
    if ".." in entry.parts or entry.parts[0] == "bin" or entry.suffix in {".pyc", ".pyi"}:
        return False
    if entry.parts[0].endswith(".dist-info"):
        return len(entry.parts) == 2 and entry.name in _KEPT_METADATA
    return not _TESTS & set(entry.parts[:-1])
