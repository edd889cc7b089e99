"""The imports of a function, read from its source: the files of our own code that it needs, and third-party modules.

The source is parsed with ``ast`` and never run:

* Imports inside functions count.
* Imports under ``if TYPE_CHECKING`` do not count, because they never run.
* Imports in a ``try`` that catches ImportError are optional.
* A module that is loaded by name counts if the name is a string literal.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from harness.errors import HarnessError

REMOVED_BY_313 = frozenset(
    [
        "aifc",
        "asynchat",
        "asyncore",
        "audioop",
        "cgi",
        "cgitb",
        "chunk",
        "crypt",
        "distutils",
        "imghdr",
        "imp",
        "lib2to3",
        "mailcap",
        "msilib",
        "nis",
        "nntplib",
        "ossaudiodev",
        "pipes",
        "smtpd",
        "sndhdr",
        "spwd",
        "sunau",
        "telnetlib",
        "uu",
        "xdrlib",
    ]
)
"""Modules that are part of an older standard library and missing in the Lambda runtime's 3.13 (PEP 594, 632 ...)."""

STANDARD = frozenset(sys.stdlib_module_names) - REMOVED_BY_313
"""The standard library of the Lambda runtime."""


@dataclass(frozen=True, order=True)
class Import:
    """One import of one module.

    Attributes:
        module: The dotted name as written; for ``from a import b`` it is ``a.b``, which may be a name in ``a``.
        file: The file of the import.
        line: The line in that file.
        optional: Whether the code continues without the module.
    """

    module: str
    file: Path
    line: int
    optional: bool = False

    @property
    def top(self) -> str:
        """The first part of the dotted name."""
        return self.module.partition(".")[0]


@dataclass
class Reach:
    """The code that a function needs.

    Attributes:
        files: Our own files that have to be shipped.
        foreign: The imports of modules that are neither ours nor the standard library's.
    """

    files: set[Path] = field(default_factory=set)
    foreign: set[Import] = field(default_factory=set)


def reach(function: Path, sources: Path, known: dict[str, set[Path]] | None = None) -> Reach:
    """Follow the imports of a function's folder through our own packages.

    Args:
        function: The function's folder; all its files ship.
        sources: The folder on the import path (``lambdas``): the packages in it are our own.
        known: The files of each of our modules that other functions import, to look for them once; it is filled.

    Raises:
        HarnessError: A file does not parse, or imports a module of ours that does not exist.
    """
    total = Reach(files={file for file in function.rglob("*") if ships(file, function)})
    waiting = sorted(file for file in total.files if file.suffix == ".py")
    known = {} if known is None else known
    while waiting:
        for statement in imports_of(waiting.pop(), sources):
            if statement.top in STANDARD:
                continue
            if statement.module not in known and not _is_ours(statement.top, sources):
                total.foreign.add(statement)
                continue
            if statement.module not in known:
                known[statement.module] = _files_of(statement, sources)
            new = known[statement.module] - total.files
            total.files |= new
            waiting += sorted(new)
    return total


def ships(file: Path, function: Path) -> bool:
    """Whether a file in a function's folder ships; caches and hidden files do not."""
    parts = file.relative_to(function).parts
    return file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts)


def imports_of(file: Path, sources: Path) -> tuple[Import, ...]:
    """Every import of a file, with absolute names.

    Raises:
        HarnessError: The file does not parse.
    """
    return _parsed(file, ".".join(file.relative_to(sources).parent.parts), file.read_bytes())


@lru_cache(maxsize=1024)  # most files are of several functions, and most are as they were at the last build
def _parsed(file: Path, package: str, content: bytes) -> tuple[Import, ...]:
    try:
        tree = ast.parse(content, filename=str(file))
    except SyntaxError as error:
        raise HarnessError(f"{file}:{error.lineno} does not parse: {error.msg}.", remedy="Fix that line.") from None
    return tuple(_imports(tree.body, file, package, optional=False))


def _imports(nodes: list[ast.stmt], file: Path, package: str, *, optional: bool) -> Iterator[Import]:
    """The imports of statements, at every depth."""
    for node in nodes:
        match node:
            case ast.Import(names=names):
                for name in names:
                    yield Import(name.name, file, node.lineno, optional)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = _absolute(module or "", package, level, file, node.lineno)
                for name in names:
                    yield Import(base if name.name == "*" else f"{base}.{name.name}", file, node.lineno, optional)
            case ast.If(test=test, orelse=otherwise) if _is_type_checking(test):
                yield from _imports(otherwise, file, package, optional=optional)
            case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=last):
                caught = optional or any(_catches_import_error(handler.type) for handler in handlers)
                yield from _imports(body, file, package, optional=caught)
                for handler in handlers:
                    yield from _imports(handler.body, file, package, optional=optional)
                yield from _imports([*otherwise, *last], file, package, optional=optional)
            case _:
                yield from _by_name(node, file, optional=optional)
                for block in _blocks(node):
                    yield from _imports(block, file, package, optional=optional)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of statements in a compound statement."""
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    if isinstance(node, ast.Match):
        for case in node.cases:
            yield case.body


def _by_name(node: ast.stmt, file: Path, *, optional: bool) -> Iterator[Import]:
    """Modules loaded by ``import_module("literal")`` or ``__import__("literal")`` in a statement's own expressions."""
    waiting: list[ast.AST] = [node]
    while waiting:
        current = waiting.pop()
        waiting += [child for child in ast.iter_child_nodes(current) if not isinstance(child, ast.stmt)]
        if not isinstance(current, ast.Call) or not current.args:
            continue
        called = current.func.attr if isinstance(current.func, ast.Attribute) else getattr(current.func, "id", "")
        first = current.args[0]
        if (
            called in {"import_module", "__import__"}
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
        ):
            yield Import(first.value, file, current.lineno, optional)


def _absolute(module: str, package: str, level: int, file: Path, line: int) -> str:
    """The absolute name of a relative import (the language reference's rules)."""
    if level == 0:
        return module
    parts = package.split(".")
    if level > len(parts) or not package:
        raise HarnessError(
            f"{file}:{line} has a relative import that goes beyond its top package.", remedy="Use the absolute name."
        )
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if module else base


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def _catches_import_error(kind: ast.expr | None) -> bool:
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    catching = {"ImportError", "ModuleNotFoundError", "Exception"}
    return any(name is None or getattr(name, "id", "") in catching for name in names)


def _is_ours(top: str, sources: Path) -> bool:
    return (sources / top).is_dir() or (sources / f"{top}.py").is_file()


def _files_of(statement: Import, sources: Path) -> set[Path]:
    """The files that run when a module of ours is imported: its own, and the ``__init__`` of each package above it."""
    files: set[Path] = set()
    folder = sources
    parts = statement.module.split(".")
    for depth, part in enumerate(parts):
        if (folder / part).is_dir():
            folder /= part
            if (folder / "__init__.py").is_file():
                files.add(folder / "__init__.py")
        elif (folder / f"{part}.py").is_file():
            return files | {folder / f"{part}.py"}
        elif depth == len(parts) - 1 and depth > 0 and folder / "__init__.py" in files:
            return files  # `from package import name`: a name that the package defines
        else:
            missing = ".".join(parts[: depth + 1])
            raise HarnessError(
                f"{statement.file}:{statement.line} imports {statement.module}, but {sources.name}/ has no module "
                f"{missing}.",
                remedy="Correct the import, or add the module.",
            )
    return files
