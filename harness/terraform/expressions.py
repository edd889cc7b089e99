"""The parts of an expression, read from its syntax tree: references, comprehensions, elements, strings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_REFERENCE = re.compile(r"\b(var|local)\.([A-Za-z_][A-Za-z0-9_-]*)")


@dataclass(frozen=True)
class Reference:
    """A variable or a local that an expression reads: ``var.routes``.

    Attributes:
        kind: ``var`` or ``local``.
        name: Its name.
        indexed: Whether only one of its elements is read: ``var.routes["get"]``.
    """

    kind: str
    name: str
    indexed: bool = False


@dataclass(frozen=True)
class Comprehension:
    """A ``for`` expression.

    Attributes:
        key: The first name after ``for``: the key of an object's elements, or a list's element.
        over: The collection.
        condition: What follows ``if``; None without a filter.
    """

    key: str
    over: "Expressions"
    condition: "Expressions | None"


@dataclass(frozen=True)
class Element:
    """One element of an object or of a list, such as ``queue_depth = optional(number, 0)``.

    Attributes:
        key: Its key as it is written, without quotes; empty in a list.
        start: Where it begins, as an offset into the file.
        value: Its value.
    """

    key: str
    start: int
    value: "Expressions"


@dataclass(frozen=True)
class Expressions:
    """An expression and all expressions in it.

    Attributes:
        node: Its syntax tree (lark's).
    """

    node: Any = field(repr=False)

    @cached_property
    def _tokens(self) -> list[Any]:
        return list(_solid(self.node))

    @property
    def start(self) -> int:
        """Where it begins, as an offset into the file."""
        first = self._tokens[0]
        return int(first.start_pos) + len(first) - len(first.lstrip())

    @property
    def end(self) -> int:
        """Where it ends, without the comments and line breaks that follow it."""
        last = self._tokens[-1]
        return int(last.end_pos) - (len(last) - len(last.rstrip()))

    def __str__(self) -> str:
        return "".join(self._tokens).strip()

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The variables and locals that it reads, in templates too."""
        plain = [
            Reference(kind, str(node.children[1].children[-1].children[0]))
            for node in self._every("get_attr_expr_term")
            if (kind := str(Expressions(node.children[0]))) in {"var", "local"}
        ]
        indexed = [
            Reference(match[1], match[2], indexed=True)
            for node in self._every("index_expr_term")
            if (match := _REFERENCE.fullmatch(str(Expressions(node.children[0]))))
        ]
        heredocs = [Reference(*pair) for token in self._tokens if "<<" in token for pair in _REFERENCE.findall(token)]
        return (*plain, *indexed, *heredocs)

    @cached_property
    def comprehensions(self) -> tuple[Comprehension, ...]:
        """Its ``for`` expressions, the outer ones first."""
        return tuple(
            Comprehension(
                str(Expressions(_child(intro, "identifier"))),
                Expressions(_children(intro, "expr_term")[-1]),
                Expressions(condition.children[-1]) if (condition := _child(loop, "for_cond")) else None,
            )
            for loop in self._every("for_object_expr", "for_tuple_expr")
            for intro in _children(loop, "for_intro")
        )

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """The elements of all objects in it."""
        return tuple(
            Element(str(key).strip('"'), key.start, Expressions(node.children[-1]))
            for node in self._every("object_elem")
            for key in map(Expressions, _children(node, "object_elem_key"))
        )

    @cached_property
    def items(self) -> tuple[Element, ...]:
        """The elements of the first list in it."""
        first = next(self._every("tuple"), None)
        parts = [Expressions(node) for node in _trees_of(first)] if first is not None else []
        return tuple(Element("", part.start, part) for part in parts)

    @cached_property
    def strings(self) -> tuple["Expressions", ...]:
        """The strings without interpolations."""
        return tuple(
            Expressions(node)
            for node in self._every("string")
            if all(not hasattr(piece, "data") for part in _children(node, "string_part") for piece in part.children)
        )

    def arguments(self, function: str) -> tuple["Expressions", ...]:
        """The arguments of the first call of a function in it; none if it is not called."""
        for node in self._every("function_call"):
            if str(Expressions(node.children[0])) == function:
                return tuple(Expressions(part) for holder in _children(node, "arguments") for part in _trees_of(holder))
        return ()

    def _every(self, *kinds: str) -> Iterator[Any]:
        """The trees of some kinds, in the order of the source."""
        return (node for node in self.node.iter_subtrees_topdown() if node.data in kinds)


def _solid(node: Any) -> Iterator[Any]:
    """A tree's tokens, without comments and line breaks."""
    for child in node.children:
        if not hasattr(child, "data"):
            yield child
        elif child.data != "new_line_or_comment":
            yield from _solid(child)


def _children(node: Any, kind: str) -> list[Any]:
    return [child for child in node.children if getattr(child, "data", "") == kind]


def _child(node: Any, kind: str) -> Any:
    return next(iter(_children(node, kind)), None)


def _trees_of(node: Any) -> list[Any]:
    return [child for child in node.children if getattr(child, "data", "new_line_or_comment") != "new_line_or_comment"]
