"""Packaging: one reproducible zip for each Lambda function, with only what that function imports.

``lambdas/<name>/handler.py`` becomes ``<name-with-dashes>.zip``. It contains the function's folder, the modules of our
own packages that it imports directly or indirectly, and the third-party distributions that these need. What the Lambda
runtime brings by itself is left out. docs/decisions/0009-imports-decide-what-ships.md has the reasons. Beside each zip
is its bill of materials, ``<name-with-dashes>.cdx.json``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.errors import HarnessError
from harness.files import content_key, write_whole
from harness.package import archive, distributions, imports, sbom, wheels
from harness.package.distributions import Installed, installed_in
from harness.package.proof import import_handler
from harness.package.target import ARM64_MACHINE, Platform, Target, platform_of
from harness.package.wheels import Wheels
from harness.paths import ROOT
from harness.process.locks import locked

__all__ = ["Artifact", "FunctionSource", "Target", "build", "functions", "placeholders", "verify"]

UNPACKED_LIMIT = 250 * 1024 * 1024
"""The most bytes that a function with its layers may have unpacked (Lambda quotas: "250 MB, unzipped")."""

_FORMAT = 2  # part of every cache key: raise it when the same sources result in different zips


@dataclass(frozen=True)
class FunctionSource:
    """The sources of a Lambda function.

    Attributes:
        name: Its folder's name with dashes, such as ``create-invoice``.
        folder: Its folder.
    """

    name: str
    folder: Path

    @property
    def handler(self) -> str:
        """The value for Terraform's ``handler``."""
        return f"{self.folder.name}.handler.lambda_handler"


@dataclass(frozen=True)
class Artifact:
    """The zip of a function.

    Attributes:
        function: The function's name with dashes.
        path: The zip.
        sha256: Its checksum, hexadecimal.
        size_bytes: Its size.
        unpacked_bytes: The size of its content.
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


def functions(sources: Path = ROOT / "lambdas") -> list[FunctionSource]:
    """Every function: each folder with a ``handler.py``, by name."""
    folders = (handler.parent for handler in sources.glob("*/handler.py"))
    return [FunctionSource(folder.name.replace("_", "-"), folder) for folder in sorted(folders)]


def placeholders(folder: Path, sources: Path = ROOT / "lambdas") -> Path:
    """Put an empty zip for each function into a folder, and return it: plans need zips, whatever is in them.

    Args:
        folder: The folder, which need not exist.
        sources: The folder of the functions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for function in functions(sources):
        zip_file = folder / f"{function.name}.zip"
        if not zip_file.exists():
            zip_file.write_bytes(b"PK\x05\x06" + bytes(18))  # an archive without entries
    return folder


def build(  # noqa: PLR0913 - all but two by keyword, for tests
    target: Target,
    out_dir: Path,
    *,
    python: Path | None = None,
    sources: Path = ROOT / "lambdas",
    pyproject: Path = ROOT / "pyproject.toml",
    third_party: Wheels | None = None,
) -> list[Artifact]:
    """Build every function's zip; a zip whose content has not changed is reused.

    Args:
        target: Where the functions will run.
        out_dir: The folder for the zips; zips of functions that no longer exist are removed from it.
        python: For `Target.HOST`, the interpreter that runs the handlers.
        sources: The folder of the functions and of our own packages.
        pyproject: The file whose dependency group ``lambdas`` has the requested extras.
        third_party: The unpacked wheels; by default they are fetched as the locks say.

    Raises:
        HarnessError: An import cannot be resolved, wheels cannot be fetched, or a zip cannot run on its target.
    """
    platform = platform_of(target, python)
    unpacked = third_party or wheels.installed(platform)
    builder = _Builder(
        platform=platform,
        sources=sources.absolute(),
        out_dir=out_dir.absolute(),
        key=unpacked.key,
        available=installed_in(unpacked.functions),
        runtime=installed_in(unpacked.runtime),
        extras=distributions.requested_extras(pyproject),
    )
    all_functions = functions(sources.absolute())
    if not all_functions:
        raise HarnessError(
            f"{sources} has no function: no folder in it has a handler.py.",
            remedy="Check that the checkout is complete.",
        )
    notes = builder.out_dir / ".built"
    notes.mkdir(parents=True, exist_ok=True)
    with locked(notes / ".lock"):  # of two builds at the same time, the second one reuses the first one's zips
        builder.remove_obsolete(all_functions)
        contents = [
            builder.content(function) for function in all_functions
        ]  # errors in the sources come before any zip
        with ThreadPoolExecutor(max_workers=4) as pool:  # libdeflate works outside the interpreter's lock
            return list(pool.map(builder.artifact, all_functions, contents))


def verify(
    artifact: Artifact, python: Path, *, runtime: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Prove that a zip for this computer is complete: import its handler with only the runtime's packages beside it.

    Args:
        artifact: A result of `build` for `Target.HOST`.
        python: The interpreter that it was built for.
        runtime: The folder with the packages that the Lambda runtime brings; by default they are fetched as its lock
            says.
        environment: Variables that the function needs when it is imported.

    Raises:
        HarnessError: Something is missing; the message names it.
    """
    handler = f"{artifact.function.replace('-', '_')}.handler.lambda_handler"
    runtime = runtime or wheels.installed(platform_of(Target.HOST, python)).runtime
    import_handler(artifact.path, handler, python=python, runtime=runtime, environment=environment)


@dataclass(frozen=True)
class _Content:
    """The content of a zip: its files by their names in the zip, and the distributions that some of them come from."""

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
    available: Installed
    runtime: Installed
    extras: Mapping[str, frozenset[str]]
    modules: dict[str, set[Path]] = field(default_factory=dict)

    def remove_obsolete(self, existing: Sequence[FunctionSource]) -> None:
        """Remove the zips of functions that no longer exist: Terraform must not find them."""
        names = {function.name for function in existing}
        for zip_file in self.out_dir.glob("*.zip"):
            if zip_file.stem not in names:
                zip_file.unlink()
                _bill(zip_file).unlink(missing_ok=True)
                self._note(zip_file.stem).unlink(missing_ok=True)

    def content(self, function: FunctionSource) -> _Content:
        """The content of a function's zip."""
        reach = imports.reach(function.folder, self.sources, self.modules)
        shipped = distributions.needed(
            reach.foreign,
            functions=self.available,
            runtime=self.runtime,
            extras=self.extras,
            markers=self.platform.markers,
        )
        ours = {file.relative_to(self.sources).as_posix(): file for file in reach.files}
        key = content_key((f"{_FORMAT} {self.key} {' '.join(shipped)}", *sorted(ours.values())), root=self.sources)
        theirs = dict(file for name in shipped for file in self.available.files(name))
        return _Content({**theirs, **ours}, tuple(shipped), key)

    def artifact(self, function: FunctionSource, content: _Content) -> Artifact:
        """Write a function's zip, unless the existing one was built from the same content."""
        path = self.out_dir / f"{function.name}.zip"
        existing = self._reusable(path, content.key)
        if existing:
            return existing
        unpacked = sum(file.stat().st_size for file in content.entries.values())
        self._check(function, content, unpacked)
        archive.write(content.entries, path)
        sha256 = archive.digest(path)
        sbom.write(function.name, sha256, [self.available.by_name[name] for name in content.distributions], _bill(path))
        artifact = Artifact(
            function=function.name,
            path=path,
            sha256=sha256,
            size_bytes=path.stat().st_size,
            unpacked_bytes=unpacked,
            distributions=content.distributions,
        )
        note = {"key": content.key, **asdict(artifact), "path": path.name}
        write_whole(self._note(function.name), json.dumps(note, indent=2) + "\n")
        return artifact

    def _reusable(self, path: Path, key: str) -> Artifact | None:
        """The zip of an earlier run, if its note has the same key and its bytes match the note's checksum."""
        note = self._note(path.stem)
        if not (path.is_file() and note.is_file() and _bill(path).is_file()):
            return None
        try:
            values = json.loads(note.read_text(encoding="utf-8"))
            if values.pop("key") != key or values["sha256"] != archive.digest(path):
                return None
        except (ValueError, KeyError):
            return None
        return Artifact(
            **{**values, "path": path, "distributions": tuple(values["distributions"]), "reused": True},
        )

    def _note(self, name: str) -> Path:
        return self.out_dir / ".built" / f"{name}.json"

    def _check(self, function: FunctionSource, content: _Content, unpacked: int) -> None:
        """Raise HarnessError for a zip that AWS would reject, or that could not run there."""
        if self.platform.target is not Target.AWS:
            return
        if unpacked >= UNPACKED_LIMIT:
            raise HarnessError(
                f"The zip of {function.name} has {unpacked / 2**20:.0f} MB unpacked; Lambda takes less than 250 MB.",
                remedy=f"Import less. It ships {', '.join(content.distributions)}.",
            )
        for name, file in _shared_objects(content.entries):
            header = file.read_bytes()[:20]
            if header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != ARM64_MACHINE:
                raise HarnessError(
                    f"{name} of {function.name} is not built for arm64 Linux.",
                    remedy="Delete build/wheels and build again. If it happens again, the package has no arm64 wheel.",
                )


def _bill(zip_file: Path) -> Path:
    """The bill of materials of a zip, beside it."""
    return zip_file.with_suffix(sbom.SUFFIX)


def _shared_objects(entries: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """The shared objects: ``.so``, also with a version after it."""
    for name, file in sorted(entries.items()):
        if ".so" in Path(name).suffixes:
            yield name, file
