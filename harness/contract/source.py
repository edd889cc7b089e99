"""What no plan shows, read from a module's HCL: values that only the apply will tell, and what is written and not kept.

A plan tells of an unknown value that there is one and, if it comes through a local, nothing more; of a write-only
argument it tells nothing at all.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paths import ROOT
from harness.terraform.module import Block, Expression, read


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
    """Every entry of that name in any object of a module."""
    return [item for *_, item in _entries(folder) if item.key == key]


def entries(folder: Path, kind: str, name: str, attribute: str) -> list[Item]:
    """The entries of the object that an attribute of a block is set to.

    Args:
        folder: The module's.
        kind: The block's type, such as ``module``.
        name: Its last label.
        attribute: The attribute's name.
    """
    for block in read(folder).of(kind):
        if block.name == name and attribute in block.attributes:
            expression = block.attributes[attribute]
            return list(_items(_outermost(expression.node), block, expression))
    return []


def below(folder: Path, keys: tuple[str, ...], key: str) -> list[Item]:
    """The entries of that name in the object that some keys lead to, one in the other, wherever in a module it stands.

    Args:
        folder: The module's.
        keys: Such as a function's and its permission's.
        key: The entries'.
    """
    return [item for _, _, path, item in _entries(folder) if item.key == key and path[-len(keys) :] == keys]


_ENTRY = ("object_elem_key", "expr_term")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")


def environment_of(folder: Path, function: str) -> dict[str, Item]:
    """What is written into the environment of one of the functions that a module makes from a map of them.

    That is: whatever is named like a variable below the function's key and something called ``environment``, and what
    the call of the function's module gives to all of them.

    Args:
        folder: The module's.
        function: The function's key.
    """
    found = {}
    for kind, name, path, item in _entries(folder):
        own = function in path and any("environment" in step for step in (name, *path))
        shared = kind == "module" and name == "environment" and not path
        if _VARIABLE.fullmatch(item.key) and (own or shared):
            found[item.key] = item
    return found


_Entry = tuple[str, str, tuple[str, ...], Item]


def _entries(folder: Path) -> tuple[_Entry, ...]:
    """Every entry of every object of a module: its block's type, the attribute, the keys that lead to it, itself."""
    files = sorted(folder.glob("*.tf"))
    return _read(folder, tuple(file.read_text(encoding="utf-8") for file in files))


@functools.cache
def _read(folder: Path, _: tuple[str, ...]) -> tuple[_Entry, ...]:
    """What `_entries` gives, for these very texts."""
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
            key, value = (part for part in child.children if getattr(part, "data", "") in _ENTRY)
            yield path, _item(key, value, block, expression)
            yield from _deep(value, block, expression, (*path, _text(key).strip('"')))
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
            key, value = (child for child in element.children if getattr(child, "data", "") in _ENTRY)
            yield _item(key, value, block, expression)


def _item(key: Any, value: Any, block: Block, expression: Expression) -> Item:
    file = block.file.resolve()
    place = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else f"{file.parent.name}/{file.name}"
    line = getattr(value.meta, "line", expression.line)
    return Item(f"{place}:{line}", _text(key).strip('"'), _text(value))


def _text(node: Any) -> str:
    return "".join(str(token) for token in node.scan_values(lambda _: True)).strip()
