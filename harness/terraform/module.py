"""A module's HCL, read with python-hcl2: its blocks with their positions, its variables with their types.

Only the syntax is read: nothing is evaluated. Plan tests use it to know which inputs exist and which conditions can
reject something, the documentation generator to list inputs and outputs, and the lint to check them.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
from lark.exceptions import LarkError

from harness.errors import HarnessError

_ESCAPE = re.compile(r'\\(n|r|t|"|\\|u[0-9a-fA-F]{4})')
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Expression:
    """The right side of an attribute.

    Attributes:
        text: As it is written.
        line: The line where it starts, counted from 1.
        node: Its syntax tree (lark's, with ``data`` and ``children``).
    """

    text: str
    line: int
    node: Any = field(repr=False, compare=False)

    @property
    def string(self) -> str | None:
        """The text of a string without interpolations; None for anything else."""
        pieces = template(self.node)
        return "".join(piece for piece in pieces if piece is not None) if pieces and None not in pieces else None

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """A pattern of all results of a string template, with any text for an interpolation; None for anything else."""
        pieces = template(self.node)
        if pieces is None:
            return None
        return re.compile("".join(".*" if piece is None else re.escape(piece) for piece in pieces), re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block: ``type "label" … { attributes, blocks }``.

    Attributes:
        type: Such as ``variable`` or ``validation``.
        labels: In order.
        file: The block's file.
        line: Its header's line, counted from 1.
        end: Its last line.
        attributes: By name.
        blocks: The nested blocks, in order; a ``dynamic`` block is kept as such.
    """

    type: str
    labels: tuple[str, ...]
    file: Path
    line: int
    end: int
    attributes: Mapping[str, Expression]
    blocks: tuple["Block", ...]

    @property
    def name(self) -> str:
        """The last label; empty without one."""
        return self.labels[-1] if self.labels else ""

    def every(self, kind: str) -> Iterator["Block"]:
        """The nested blocks of a type, at any depth."""
        for block in self.blocks:
            if block.type == kind:
                yield block
            yield from block.every(kind)

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}:{self.line}"


@dataclass(frozen=True)
class Type:
    """A type constraint.

    Attributes:
        kind: ``string``, ``number``, ``bool``, ``any``, ``list``, ``set``, ``map``, ``tuple`` or ``object``.
        item: The type of the elements of a list, set or map.
        attributes: An object's attributes by name: the type, and the default's text, which is None if required.
    """

    kind: str
    item: "Type | None" = None
    attributes: Mapping[str, tuple["Type", str | None]] = field(default_factory=dict)

    def leaves(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Type", str | None]]:
        """Every object attribute below, as its path (``*`` for any element), its type and its default's text."""
        if self.item:
            yield from self.item.leaves((*path, "*"))
        for name, (kind, default) in self.attributes.items():
            yield (*path, name), kind, default
            yield from kind.leaves((*path, name))


@dataclass(frozen=True)
class Variable:
    """An input of a module.

    Attributes:
        name: Its name.
        type: Its type.
        type_text: The type as it is written.
        default: The default as it is written; None if the input is required.
        description: One sentence.
        block: The complete declaration.
    """

    name: str
    type: Type
    type_text: str
    default: str | None
    description: str
    block: Block


@dataclass(frozen=True)
class Module:
    """A folder of ``*.tf`` files.

    Attributes:
        folder: Its folder, which has the module's name.
        blocks: The top-level blocks, in the order of files and lines.
    """

    folder: Path
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def of(self, kind: str) -> tuple[Block, ...]:
        """The top-level blocks of a type."""
        return tuple(block for block in self.blocks if block.type == kind)

    @functools.cached_property
    def variables(self) -> Mapping[str, Variable]:
        """The inputs, by name."""
        return {block.name: _variable(block) for block in self.of("variable")}

    @functools.cached_property
    def conditions(self) -> tuple[Block, ...]:
        """Everything that can reject something: ``validation``, ``precondition`` and ``postcondition`` blocks."""
        kinds = ("validation", "precondition", "postcondition")
        return tuple(condition for block in self.blocks for kind in kinds for condition in block.every(kind))

    @functools.cached_property
    def provider_aliases(self) -> tuple[str, ...]:
        """The provider configurations that a caller must pass besides the default one: ``aws.replica``."""
        return tuple(
            alias
            for terraform in self.of("terraform")
            for required in terraform.every("required_providers")
            for provider in required.attributes.values()
            for aliases in re.findall(r"configuration_aliases\s*=\s*\[([^\]]*)\]", provider.text)
            for alias in re.findall(r"[\w-]+\.[\w-]+", aliases)
        )

    @functools.cached_property
    def calls(self) -> tuple[str, ...]:
        """The names of the sibling modules that it calls (``source = "../<name>"``)."""
        sources = (block.attributes["source"].string or "" for block in self.of("module"))
        return tuple(dict.fromkeys(source.removeprefix("../") for source in sources if source.startswith("../")))


def read(folder: Path) -> Module:
    """Read a module.

    Raises:
        HarnessError: A file is not HCL; the message has the parser's position.
    """
    blocks = [block for file in sorted(folder.glob("*.tf")) for block in read_file(file)]
    return Module(folder, tuple(blocks))


def read_file(file: Path) -> tuple[Block, ...]:
    """The top-level blocks of one file.

    Raises:
        HarnessError: It is not HCL.
    """
    text = file.read_text(encoding="utf-8")
    return _parsed(file, text)


def read_values(file: Path) -> Block:
    """A ``.tfvars`` file, as a block ``values`` that is named after the file's folder.

    Raises:
        HarnessError: It is not HCL.
    """
    text = file.read_text(encoding="utf-8")
    body = _body(file, text)
    return Block("values", (file.parent.name,), file, 1, text.count("\n"), _attributes_of(body, text), ())


@functools.cache
def _parsed(file: Path, text: str) -> tuple[Block, ...]:
    return tuple(_block(node, file, text) for node in _children(_body(file, text), "block"))


def _body(file: Path, text: str) -> Any:
    try:
        return _tree(text if text.endswith("\n") else text + "\n").children[0]
    except LarkError as error:  # raised by python-hcl2's parser
        raise HarnessError(
            f"{file} cannot be read as HCL: {str(error).splitlines()[0]}",
            remedy="`terraform fmt` shows what is wrong with it.",
        ) from error


@functools.cache
def _tree(text: str) -> Any:
    """A file's syntax tree, parsed once for all copies of the file: nothing modifies it."""
    return hcl2.parses_to_tree(text)


def template(node: Any) -> list[str | None] | None:
    """A string's pieces, None for each interpolation; None if the expression is not a string."""
    while getattr(node, "data", "") == "expr_term" and len(_trees(node)) == 1 and len(node.children) == 1:
        node = node.children[0]
    if getattr(node, "data", "") != "string":
        return None
    pieces: list[str | None] = []
    for part in _children(node, "string_part"):
        inner = part.children[0]
        pieces.append(None if hasattr(inner, "data") else _unescaped(str(inner)))
    return pieces


def _unescaped(text: str) -> str:
    plain = _ESCAPE.sub(lambda m: _ESCAPED.get(m[1]) or chr(int(m[1][1:], 16)), text)
    return plain.replace("$${", "${").replace("%%{", "%{")


def _trees(node: Any) -> list[Any]:
    return [child for child in node.children if hasattr(child, "data")]


def _children(node: Any, kind: str) -> list[Any]:
    return [child for child in _trees(node) if child.data == kind]


def _slice(node: Any, text: str) -> str:
    """The source of a node, without the line breaks and comments that the grammar adds to its end."""
    last = node
    while hasattr(last, "data"):
        solid = [child for child in last.children if getattr(child, "data", "") != "new_line_or_comment"]
        if not solid:
            break
        last = solid[-1]
    end = last.end_pos if hasattr(last, "end_pos") and last.end_pos is not None else node.meta.end_pos
    return text[node.meta.start_pos : end].strip()


def _block(node: Any, file: Path, text: str) -> Block:
    kind, *labels = (_label(child) for child in _trees(node) if child.data in {"identifier", "string"})
    body = next(iter(_children(node, "body")))
    return Block(
        type=kind,
        labels=tuple(labels),
        file=file,
        line=node.meta.line,
        end=node.meta.end_line,
        attributes=_attributes_of(body, text),
        blocks=tuple(_block(child, file, text) for child in _children(body, "block")),
    )


def _attributes_of(body: Any, text: str) -> dict[str, Expression]:
    attributes = {}
    for attribute in _children(body, "attribute"):
        name, value = (child for child in _trees(attribute) if child.data not in {"eq", "new_line_or_comment"})
        attributes[_label(name)] = Expression(_slice(value, text), value.meta.line, value)
    return attributes


def _label(node: Any) -> str:
    if node.data == "string":
        return "".join(piece or "" for piece in template(node) or ())
    return "".join(str(child) for child in node.children)


def _variable(block: Block) -> Variable:
    kind = block.attributes.get("type")
    default = block.attributes.get("default")
    description = block.attributes.get("description")
    return Variable(
        name=block.name,
        type=type_of(kind.node, kind.text) if kind else Type("any"),
        type_text=kind.text if kind else "any",
        default=default.text if default else None,
        description=(description.string if description else None) or "",
        block=block,
    )


def type_of(node: Any, text: str = "") -> Type:
    """Read a type constraint's syntax tree."""
    while node.data == "expr_term":
        node = _trees(node)[0]
    if node.data == "identifier":
        return Type(_label(node))
    if node.data != "function_call":
        return Type("any")
    kind = _label(_trees(node)[0])
    arguments = [argument for holder in _children(node, "arguments") for argument in _trees(holder)]
    if kind != "object" or not arguments:
        return Type(kind, item=type_of(arguments[0], text) if arguments and kind in {"list", "set", "map"} else None)
    return Type(kind, attributes=dict(_attributes(arguments[0], text)))


def _attributes(node: Any, text: str) -> Iterator[tuple[str, tuple[Type, str | None]]]:
    while node.data == "expr_term":
        node = _trees(node)[0]
    for element in _children(node, "object_elem"):
        key, value = (child for child in _trees(element) if child.data in {"object_elem_key", "expr_term"})
        yield source_of(key), _optional(value, text)


def _optional(node: Any, text: str) -> tuple[Type, str | None]:
    """An attribute's type and its default's text: None if it is required."""
    inner = node
    while inner.data == "expr_term":
        inner = _trees(inner)[0]
    if inner.data == "function_call" and _label(_trees(inner)[0]) == "optional":
        kind, *default = (argument for holder in _children(inner, "arguments") for argument in _trees(holder))
        return type_of(kind, text), source_of(default[0]) if default else "null"
    return type_of(node, text), None


def source_of(node: Any) -> str:
    """A small expression as text again, from its tokens."""
    return "".join(str(token) for token in node.scan_values(lambda _: True)).strip()
