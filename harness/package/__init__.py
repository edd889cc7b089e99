"""Packaging: one reproducible zip for each Lambda function, with only what that function imports.

``lambdas/<name>/handler.py`` becomes ``<name-with-dashes>.zip``: the function's folder, the modules of our own packages
that it reaches, and the third-party distributions that these need, less what the Lambda runtime brings by itself.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.package import archive, distributions, imports, wheels
from harness.package.distributions import Installed
from harness.package.proof import import_handler
from harness.package.target import ARM64_MACHINE, Platform, Target, platform_of
from harness.package.wheels import Wheels
from harness.paths import ROOT
from harness.process.locks import locked

__all__ = ["Artifact", "Function", "Target", "build", "functions", "verify"]

UNPACKED_LIMIT = 250 * 1024 * 1024
"""Bytes that a function with its layers may have unpacked (Lambda quotas: "250 MB, unzipped")."""

_RECIPE = 1  # part of every cache key: raise it when the same sources give other zips


@dataclass(frozen=True)
class Function:
    """A Lambda function's sources.

    Attributes:
        name: Its folder's name with dashes, such as ``create-invoice``.
        folder: Its folder.
    """

    name: str
    folder: Path

    @property
    def handler(self) -> str:
        """What Terraform's ``handler`` has to be."""
        return f"{self.folder.name}.handler.lambda_handler"


@dataclass(frozen=True)
class Artifact:
    """A zip.

    Attributes:
        function: The function's name with dashes.
        path: The zip.
        sha256: Its checksum, hexadecimal.
        size_bytes: Its size.
        unpacked_bytes: The size of what it holds.
        distributions: The third-party distributions in it.
        reused: Whether it was there already, built from the same content.
    """

    function: str
    path: Path
    sha256: str
    size_bytes: int
    unpacked_bytes: int
    distributions: tuple[str, ...] = ()
    reused: bool = False


def functions(sources: Path = ROOT / "lambdas") -> list[Function]:
    """Every function: each folder with a ``handler.py``, by name."""
    found = (handler.parent for handler in sources.glob("*/handler.py"))
    return [Function(folder.name.replace("_", "-"), folder) for folder in sorted(found)]


def build(  # noqa: PLR0913 - all but two by keyword, for tests
    target: Target,
    out_dir: Path,
    *,
    python: Path | None = None,
    sources: Path = ROOT / "lambdas",
    pyproject: Path = ROOT / "pyproject.toml",
    third_party: Wheels | None = None,
    on_built: Callable[[Artifact], None] | None = None,
) -> list[Artifact]:
    """Build every function's zip; one whose content has not changed is left as it is.

    Args:
        target: Where the functions will run.
        out_dir: Where the zips go; those of functions that are no more are removed from it.
        python: For `Target.HOST`, the interpreter that runs the handlers.
        sources: The folder of the functions and of our own packages.
        pyproject: Where the dependency group ``lambdas`` says which extras it asks for.
        third_party: The unpacked wheels; fetched by the locks unless given.
        on_built: Called as each zip is done.

    Raises:
        HarnessError: An import cannot be resolved, wheels cannot be had, or a zip is not fit for its target.
    """
    platform = platform_of(target, python)
    parts = third_party or wheels.installed(platform)
    plan = _Builder(
        platform=platform,
        sources=sources.absolute(),
        out_dir=out_dir.absolute(),
        key=parts.key,
        own=Installed(parts.functions),
        runtime=Installed(parts.runtime),
        asked=distributions.asked_extras(pyproject),
    )
    wanted = functions(sources.absolute())
    if not wanted:
        raise HarnessError(f"{sources} holds no function: no folder has a handler.py.", remedy="Is the checkout whole?")
    notes = plan.out_dir / ".built"
    notes.mkdir(parents=True, exist_ok=True)
    with locked(notes / ".lock"):  # of builds at the same time, the second finds all done
        plan.sweep(wanted)
        contents = [plan.content(function) for function in wanted]  # faults of the sources first, before any work
        artifacts = []
        with ThreadPoolExecutor(max_workers=4) as pool:  # zlib works outside the interpreter's lock
            for artifact in pool.map(plan.zipped, wanted, contents):
                artifacts.append(artifact)
                if on_built:
                    on_built(artifact)
    return artifacts


def verify(
    artifact: Artifact, python: Path, *, runtime: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Prove that a zip built for this computer lacks nothing: import its handler with the runtime's packages alone.

    Args:
        artifact: What `build` made for `Target.HOST`.
        python: The interpreter that it was built for.
        runtime: The folder with the packages that the Lambda runtime brings; by its lock unless given.
        environment: Variables that the function needs when it is imported.

    Raises:
        HarnessError: Something is missing; it names what.
    """
    handler = f"{artifact.function.replace('-', '_')}.handler.lambda_handler"
    runtime = runtime or wheels.installed(platform_of(Target.HOST, python)).runtime
    import_handler(artifact.path, handler, python=python, runtime=runtime, environment=environment)


@dataclass(frozen=True)
class _Content:
    """What goes into a zip: files by their names in it, and the distributions that some of them come from."""

    entries: Mapping[str, Path]
    distributions: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class _Builder:
    """One run of `build`."""

    platform: Platform
    sources: Path
    out_dir: Path
    key: str
    own: Installed
    runtime: Installed
    asked: Mapping[str, frozenset[str]]

    def sweep(self, wanted: Sequence[Function]) -> None:
        """Remove the zips of functions that are no more: Terraform must not find them."""
        names = {function.name for function in wanted}
        for zipped in self.out_dir.glob("*.zip"):
            if zipped.stem not in names:
                zipped.unlink()
                self._note(zipped.stem).unlink(missing_ok=True)

    def content(self, function: Function) -> _Content:
        """Decide what a function ships."""
        reach = imports.reach(function.folder, self.sources)
        shipped = distributions.needed(
            reach.foreign,
            functions=self.own,
            runtime=self.runtime,
            asked=self.asked,
            markers=self.platform.markers,
        )
        ours = {file.relative_to(self.sources).as_posix(): file for file in reach.files}
        key = hashlib.sha256(f"{_RECIPE} {self.key} {' '.join(shipped)}".encode())
        for name in sorted(ours):
            key.update(f"\n{name} {archive.digest(ours[name])}".encode())
        theirs = dict(file for name in shipped for file in self.own.files(name))
        return _Content({**theirs, **ours}, tuple(shipped), key.hexdigest())

    def zipped(self, function: Function, content: _Content) -> Artifact:
        """Write a function's zip, unless the one that is there was made from the same content."""
        path = self.out_dir / f"{function.name}.zip"
        kept = self._kept(path, content.key)
        if kept:
            return kept
        unpacked = sum(file.stat().st_size for file in content.entries.values())
        self._check(function, content, unpacked)
        archive.write(content.entries, path)
        made = Artifact(
            function=function.name,
            path=path,
            sha256=archive.digest(path),
            size_bytes=path.stat().st_size,
            unpacked_bytes=unpacked,
            distributions=content.distributions,
        )
        note = {"key": content.key, **asdict(made), "path": path.name}
        draft = self._note(f"{function.name}.{os.getpid()}")
        draft.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        draft.replace(self._note(function.name))
        return made

    def _kept(self, path: Path, key: str) -> Artifact | None:
        """The zip of an earlier run, if its note has the key and its bytes are the note's."""
        note = self._note(path.stem)
        if not path.is_file() or not note.is_file():
            return None
        try:
            said = json.loads(note.read_text(encoding="utf-8"))
            if said.pop("key") != key or said["sha256"] != archive.digest(path):
                return None
        except (ValueError, KeyError):
            return None
        return Artifact(
            **{**said, "path": path, "distributions": tuple(said["distributions"]), "reused": True},
        )

    def _note(self, name: str) -> Path:
        return self.out_dir / ".built" / f"{name}.json"

    def _check(self, function: Function, content: _Content, unpacked: int) -> None:
        """Refuse a zip that AWS would refuse, or that could not run there."""
        if self.platform.target is not Target.AWS:
            return
        if unpacked >= UNPACKED_LIMIT:
            raise HarnessError(
                f"{function.name} is {unpacked / 2**20:.0f} MB unpacked; Lambda takes less than 250 MB.",
                remedy=f"It ships {', '.join(content.distributions)}: import less.",
            )
        for name, file in _shared_objects(content.entries):
            header = file.read_bytes()[:20]
            if header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != ARM64_MACHINE:
                raise HarnessError(
                    f"{name} of {function.name} is not built for arm64 Linux.",
                    remedy="Delete build/wheels and build again; if it stays, the package has no arm64 wheel.",
                )


def _shared_objects(entries: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """The entries that the loader maps: ``.so``, also with a version behind it."""
    for name, file in sorted(entries.items()):
        if ".so" in Path(name).suffixes:
            yield name, file
