"""What a function imports, read from its source: the part of our own code that it reaches, and what others must bring.

Read with ``ast``, never run. Imports inside functions count; those under ``if TYPE_CHECKING`` do not, for they never
run; those in a ``try`` that catches ImportError are optional. A module that is loaded by its name as text counts when
the text is a literal.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
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
"""Modules that an older interpreter counts as its own and the Lambda runtime's 3.13 lacks (PEP 594, 632 and others)."""

STANDARD = frozenset(sys.stdlib_module_names) - REMOVED_BY_313
"""The standard library of the Lambda runtime."""


@dataclass(frozen=True, order=True)
class Import:
    """One import of one module.

    Attributes:
        module: The dotted name as written; for ``from a import b`` it is ``a.b``, which may be a name in ``a``.
        file: Where it stands.
        line: The line in it.
        optional: Whether the code goes on without the module.
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
    """What a function reaches.

    Attributes:
        files: The files of our own that have to be shipped.
        foreign: The imports of modules that are neither ours nor the standard library's.
    """

    files: set[Path] = field(default_factory=set)
    foreign: set[Import] = field(default_factory=set)


def reach(function: Path, sources: Path) -> Reach:
    """Follow the imports of a function's folder through our own packages.

    Args:
        function: The function's folder; all that is in it ships.
        sources: The folder that is on the import path (``lambdas``): its packages are our own.

    Raises:
        HarnessError: A file does not parse, or asks for a module of ours that does not exist.
    """
    found = Reach(files={file for file in function.rglob("*") if ships(file, function)})
    waiting = sorted(file for file in found.files if file.suffix == ".py")
    while waiting:
        for one in imports_of(waiting.pop(), sources):
            if one.top in STANDARD:
                continue
            if not _is_ours(one.top, sources):
                found.foreign.add(one)
                continue
            fresh = _files_of(one, sources) - found.files
            found.files |= fresh
            waiting += sorted(fresh)
    return found


def ships(file: Path, function: Path) -> bool:
    """Whether a file of a function's folder is part of the function; caches and hidden files are not."""
    parts = file.relative_to(function).parts
    return file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts)


def imports_of(file: Path, sources: Path) -> tuple[Import, ...]:
    """Every import of a file, relative ones made absolute.

    Raises:
        HarnessError: The file does not parse.
    """
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as problem:
        raise HarnessError(f"{file}:{problem.lineno} does not parse: {problem.msg}.", remedy="Fix the line.") from None
    package = ".".join(file.relative_to(sources).parent.parts)
    return tuple(_imports(tree.body, file, package, optional=False))


def _imports(nodes: list[ast.stmt], file: Path, package: str, *, optional: bool) -> Iterator[Import]:
    """The imports of statements, in every depth."""
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
    """The blocks of statements within a compound statement."""
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
        raise HarnessError(f"{file}:{line} imports relatively beyond its top package.", remedy="Use the absolute name.")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if module else base


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def _catches_import_error(kind: ast.expr | None) -> bool:
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    wanted = {"ImportError", "ModuleNotFoundError", "Exception"}
    return any(name is None or getattr(name, "id", "") in wanted for name in names)


def _is_ours(top: str, sources: Path) -> bool:
    return (sources / top).is_dir() or (sources / f"{top}.py").is_file()


def _files_of(one: Import, sources: Path) -> set[Path]:
    """The files that are run when a module of ours is imported: itself and the ``__init__`` of each package above."""
    files: set[Path] = set()
    at = sources
    parts = one.module.split(".")
    for depth, part in enumerate(parts):
        if (at / part).is_dir():
            at /= part
            if (at / "__init__.py").is_file():
                files.add(at / "__init__.py")
        elif (at / f"{part}.py").is_file():
            return files | {at / f"{part}.py"}
        elif depth == len(parts) - 1 and depth > 0 and at / "__init__.py" in files:
            return files  # `from package import name`: a name that the package defines
        else:
            missing = ".".join(parts[: depth + 1])
            raise HarnessError(
                f"{one.file}:{one.line} imports {one.module}, but {sources.name}/ has no module {missing}.",
                remedy="Correct the import, or add the module.",
            )
    return files
