"""The distributions that a function needs: those of the modules that it imports, and what these require in turn."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from harness.errors import HarnessError
from harness.package.imports import Import
from harness.package.markers import Requirement, canonical, parse

_KEPT_METADATA = frozenset({"METADATA", "entry_points.txt"})  # read through importlib.metadata at run time
_TESTS = frozenset({"tests", "__pycache__"})


@dataclass(frozen=True)
class Installed:
    """The distributions that are unpacked in one folder."""

    folder: Path

    @cached_property
    def by_name(self) -> Mapping[str, Distribution]:
        """The distributions by their canonical names."""
        installed = distributions(path=[str(self.folder)])
        return {canonical(distribution.metadata["Name"]): distribution for distribution in installed}

    @cached_property
    def _owners(self) -> Mapping[str, frozenset[str]]:
        """The distributions with a file in each module or package, by its dotted name."""
        owners: dict[str, set[str]] = {}
        for name, distribution in self.by_name.items():
            for file in distribution.files or ():
                for module in _modules(PurePosixPath(file)):
                    owners.setdefault(module, set()).add(name)
        return {module: frozenset(names) for module, names in owners.items()}

    def providing(self, module: str) -> frozenset[str]:
        """The owners of the longest known prefix of a dotted name; empty if not even its top is known."""
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            owners = self._owners.get(".".join(parts[:length]))
            if owners:
                return owners
        return frozenset()

    @cached_property
    def _shipped(self) -> dict[str, list[tuple[str, Path]]]:
        return {}

    def files(self, name: str) -> list[tuple[str, Path]]:
        """The files of a distribution that ship: each one's name in the zip, and its path."""
        if name not in self._shipped:
            entries = [PurePosixPath(file) for file in self.by_name[name].files or ()]
            self._shipped[name] = [(entry.as_posix(), self.folder / entry) for entry in entries if _ships(entry)]
        return self._shipped[name]

    @cached_property
    def _required(self) -> dict[str, list[Requirement]]:
        return {}

    def requires(self, name: str, extras: frozenset[str], markers: Mapping[str, str]) -> list[str]:
        """The names of the distributions that one requires on a target, with some extras."""
        if name not in self._required:
            self._required[name] = [parse(text) for text in self.by_name[name].requires or ()]
        return [each.name for each in self._required[name] if each.applies(markers, extras)]


@lru_cache(maxsize=8)
def installed_in(folder: Path) -> Installed:
    """The distributions in a folder that never changes; a process that builds again has read them already."""
    return Installed(folder)


def needed(
    imports: Iterable[Import],
    *,
    functions: Installed,
    runtime: Installed,
    extras: Mapping[str, frozenset[str]],
    markers: Mapping[str, str],
) -> list[str]:
    """The distributions to ship for some imports, sorted.

    Args:
        imports: The imports of a function besides its own code and the standard library.
        functions: The distributions that may be shipped.
        runtime: The distributions that the Lambda runtime brings: they count as present and are left out.
        extras: The requested extras of each distribution.
        markers: The target's environment markers.

    Raises:
        HarnessError: A module is in neither, or a distribution that another one requires is missing.
    """
    imported: set[str] = set()
    for statement in sorted(imports):
        if runtime.providing(statement.module):
            continue
        owners = functions.providing(statement.module)
        if not owners and not statement.optional:
            raise HarnessError(
                f"{statement.file}:{statement.line} imports {statement.module}, which no package of the group "
                "`lambdas` provides.",
                remedy="Correct the import, or add its package to the group `lambdas` in pyproject.toml and run "
                "./noxw -s lock.",
            )
        imported |= owners
    waiting, closure = sorted(imported), set[str]()
    while waiting:
        name = waiting.pop()
        if name in closure or name in runtime.by_name:
            continue
        if name not in functions.by_name:
            raise HarnessError(
                f"The package {name} is required by another one, but is not locked.",
                remedy="To refresh the locks: ./noxw -s lock",
            )
        closure.add(name)
        waiting += functions.requires(name, extras.get(name, frozenset()), markers)
    return sorted(closure)


def requested_extras(pyproject: Path, group: str = "lambdas") -> dict[str, frozenset[str]]:
    """The extras that a dependency group requests for each distribution, by canonical name."""
    entries = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"][group]
    extras: dict[str, frozenset[str]] = {}
    for entry in entries:
        if isinstance(entry, str):
            requirement = parse(entry)
            extras[requirement.name] = extras.get(requirement.name, frozenset()) | requirement.extras
    return extras


def _modules(file: PurePosixPath) -> Iterator[str]:
    """The dotted names that a file makes importable: its own and those of its packages."""
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
    """Whether a wheel's file is useful in a function: no scripts, caches, tests or stubs, and little metadata."""
    if ".." in entry.parts or entry.parts[0] == "bin" or entry.suffix in {".pyc", ".pyi"}:
        return False
    if entry.parts[0].endswith(".dist-info"):
        return len(entry.parts) == 2 and entry.name in _KEPT_METADATA
    return not _TESTS & set(entry.parts[:-1])
