"""The places where the functions' sources call something, so that every call has a contract."""

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.paths import ROOT

LAMBDAS = ROOT / "lambdas"


def sources() -> list[Path]:
    """The functions' own sources."""
    return sorted(path for path in LAMBDAS.rglob("*.py") if "__pycache__" not in path.parts)


def calls(*names: str) -> set[str]:
    """``file: Class.function`` of every call of a method, or of a paginator, with one of these names."""
    return {
        f"{path.relative_to(ROOT).as_posix()}: {qualified}"
        for path in sources()
        for qualified, call in _calls(ast.parse(path.read_text(encoding="utf-8")), "")
        if _method(call) in names
    }


def literals(name: str) -> set[str]:
    """The texts that calls of a function may pass as its first argument: ``count("A" if x else "B")`` has two."""
    return {
        part.value
        for path in sources()
        for _, call in _calls(ast.parse(path.read_text(encoding="utf-8")), "")
        if isinstance(call.func, ast.Name) and call.func.id == name and call.args
        for part in ast.walk(_chosen(call.args[0]))
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def environment() -> dict[str, str]:
    """The variables that sources read from the environment directly, and the file that reads each."""
    files = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _read(node):
                files[name] = path.relative_to(ROOT).as_posix()
    return files


def _read(node: ast.AST) -> Iterator[str]:
    """``os.environ["X"]``, ``os.environ.get("X")``, ``os.getenv("X")``, ``"X" in os.environ``."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
            yield name
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[ast.Constant(value=str(name)), *_]
        ):
            yield name
        case ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *_]):
            yield name
        case ast.Compare(left=ast.Constant(value=str(name)), comparators=[ast.Attribute(attr="environ")]):
            yield name


def _method(call: ast.Call) -> str:
    if not isinstance(call.func, ast.Attribute):
        return ""
    if call.func.attr == "get_paginator" and call.args and isinstance(call.args[0], ast.Constant):
        return str(call.args[0].value)
    return call.func.attr


def _chosen(node: ast.expr) -> ast.Module:
    """The texts of an expression, without the condition that chooses between them."""
    parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    return ast.Module(body=[ast.Expr(part) for part in parts], type_ignores=[])


def _calls(node: ast.AST, qualified: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inner = qualified
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{qualified}.{child.name}".lstrip(".")
        if isinstance(child, ast.Call):
            yield qualified, child
        yield from _calls(child, inner)
