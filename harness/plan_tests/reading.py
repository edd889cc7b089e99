"""Reads the YAML of specs, with the position of every value, and without YAML 1.1's surprises.

``on``, ``no`` and ``2012-10-17`` are strings here; only ``true`` and ``false`` are booleans. A key that occurs twice is
an error, as is everything else that would be ignored silently.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?")
_PLAIN: Mapping[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}

SpecPlace = tuple[str | int, ...]
"""The place of a value in a file: keys and positions."""


class SpecError(Exception):
    """An empty spec, or one with an error; the message starts with file and line."""

    def __init__(self, file: Path, line: int, problem: str) -> None:
        super().__init__(f"{file}:{line}: {problem}")
        self.file = file
        self.line = line


@dataclass(frozen=True)
class Tagged:
    """A value with a tag of ours, such as ``!regex "^arn:"``.

    Attributes:
        tag: Without the exclamation mark.
        value: The value after the tag.
    """

    tag: str
    value: Any


@dataclass
class SpecFile:
    """A file that was read.

    Attributes:
        file: Its path.
        text: Its text.
        data: Its content.
        nodes: The YAML node of each value, by its place.
        lines: The line of each key or value, by its place, counted from 1.
    """

    file: Path
    text: str
    data: Any = None
    nodes: dict[SpecPlace, yaml.Node] = field(default_factory=dict)
    lines: dict[SpecPlace, int] = field(default_factory=dict)

    def error(self, place: SpecPlace, problem: str) -> SpecError:
        """An error at a place."""
        while place and place not in self.lines:
            place = place[:-1]
        return SpecError(self.file, self.lines.get(place, 1), problem)


def read(file: Path, tags: frozenset[str]) -> SpecFile:
    """Read a YAML file.

    Args:
        file: The file.
        tags: The tags that it may have.

    Raises:
        SpecError: It is not YAML, is empty, repeats a key, or uses another tag.
    """
    document = SpecFile(file, file.read_text(encoding="utf-8"))
    try:
        root = yaml.compose(document.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise SpecError(file, mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}") from None
    if root is None:
        raise SpecError(file, 1, "the file is empty")
    document.data = _build(root, (), document, tags)
    return document


def _build(node: yaml.Node, place: SpecPlace, document: SpecFile, tags: frozenset[str]) -> Any:
    document.nodes[place] = node
    document.lines.setdefault(place, node.start_mark.line + 1)
    tag = node.tag.removeprefix("!") if node.tag.startswith("!") and node.tag != "!" else ""
    if tag and tag not in tags:
        raise document.error(place, f"!{tag} is unknown: use {', '.join(f'!{name}' for name in sorted(tags))}")
    value = _value(node, place, document, tags)
    return Tagged(tag, value) if tag else value


def _value(node: yaml.Node, place: SpecPlace, document: SpecFile, tags: frozenset[str]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value) if node.style or node.tag.startswith("!") else _scalar(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_build(element, (*place, at), document, tags) for at, element in enumerate(node.value)]
    mapping: dict[str, Any] = {}
    for key, value in _pairs(node):
        name = str(key.value)
        document.lines[*place, name] = key.start_mark.line + 1
        if name in mapping:
            raise SpecError(document.file, key.start_mark.line + 1, f"{name!r} occurs twice")
        mapping[name] = _build(value, (*place, name), document, tags)
    return mapping


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    yield from node.value


def _scalar(text: str) -> object:
    if text in _PLAIN:
        return _PLAIN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
