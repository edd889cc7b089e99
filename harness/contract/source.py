"""What no plan shows, read from a module's HCL: unknown values, and values that are written and not kept.

Of an unknown value, a plan shows that it exists and, if the value comes through a local, nothing more. Of a write-only
argument it shows nothing at all.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paths import ROOT
from harness.terraform.module import Block, Expression, read, source_of


@dataclass(frozen=True)
class Item:
    """One entry of an object: ``KEY = value``.

    Attributes:
        where: File, line and block.
        key: Its name.
        text: The value as it is written.
    """

    where: str
    key: str
    text: str


def items(folder: Path, key: str) -> list[Item]:
    """Every entry with this key in any object of a module."""
    return [item for *_, item in _entries(folder) if item.key == key]


def entries(folder: Path, kind: str, name: str, attribute: str) -> list[Item]:
    """The entries of the object that a block's attribute is set to.

    Args:
        folder: The module's folder.
        kind: The block's type, such as ``module``.
        name: The block's last label.
        attribute: The attribute's name.
    """
    for block in read(folder).of(kind):
        if block.name == name and attribute in block.attributes:
            expression = block.attributes[attribute]
            return list(_items(_outermost(expression.node), block, expression))
    return []


def below(folder: Path, keys: tuple[str, ...], key: str) -> list[Item]:
    """The entries with this key in every object that is reached by nested keys, anywhere in a module.

    Args:
        folder: The module's folder.
        keys: The nested keys, such as a function's and its permission's.
        key: The entries' key.
    """
    return [item for _, _, path, item in _entries(folder) if item.key == key and path[-len(keys) :] == keys]


_BETWEEN = ("", "new_line_or_comment")
"""What is between the key and the value of an entry: tokens, which have no name, and comments."""

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")


def environment_of(folder: Path, function: str) -> dict[str, Item]:
    """What a module's source sets in the environment of one of the functions that it creates from a map.

    These are the entries that are named like a variable, below the function's key and something called
    ``environment``, and those that the call of the function's module passes to all functions.

    Args:
        folder: The module's folder.
        function: The function's key.
    """
    environment = {}
    for kind, name, path, item in _entries(folder):
        of_function = function in path and any("environment" in step for step in (name, *path))
        shared = kind == "module" and name == "environment" and not path
        if _VARIABLE.fullmatch(item.key) and (of_function or shared):
            environment[item.key] = item
    return environment


_Entry = tuple[str, str, tuple[str, ...], Item]


def _entries(folder: Path) -> tuple[_Entry, ...]:
    """Every entry of every object of a module: its block's type, the attribute, the keys that lead to it, the entry."""
    files = sorted(folder.glob("*.tf"))
    return _read(folder, tuple(file.read_text(encoding="utf-8") for file in files))


@functools.cache
def _read(folder: Path, _: tuple[str, ...]) -> tuple[_Entry, ...]:
    """The result of `_entries`, cached for these texts."""
    return tuple(
        (block.type, name, path, item)
        for block in read(folder).blocks
        for name, expression in block.attributes.items()
        for path, item in _deep(expression.node, block, expression)
    )


def _deep(
    node: Any, block: Block, expression: Expression, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Item]]:
    """Every entry of every object in an expression, with the keys that lead to it."""
    for child in node.children if hasattr(node, "children") else ():
        if getattr(child, "data", "") == "object_elem":
            key, value = (part for part in child.children if getattr(part, "data", "") not in _BETWEEN)
            yield path, _item(key, value, block, expression)
            yield from _deep(value, block, expression, (*path, source_of(key).strip('"')))
        else:
            yield from _deep(child, block, expression, path)


def _outermost(node: Any) -> Any:
    while getattr(node, "data", "") != "object":
        inner = [child for child in node.children if hasattr(child, "data")]
        if not inner:
            return node
        node = inner[0]
    return node


def _items(node: Any, block: Block, expression: Expression) -> Iterator[Item]:
    for element in node.children:
        if getattr(element, "data", "") == "object_elem":
            key, value = (child for child in element.children if getattr(child, "data", "") not in _BETWEEN)
            yield _item(key, value, block, expression)


def _item(key: Any, value: Any, block: Block, expression: Expression) -> Item:
    file = block.file.resolve()
    place = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else f"{file.parent.name}/{file.name}"
    line = getattr(value.meta, "line", expression.line)
    return Item(f"{place}:{line}", source_of(key).strip('"'), source_of(value))
