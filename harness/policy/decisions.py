"""Expressions that decide by an id, in the arguments that a plan may leave open: no plan shows what they decide.

``policy/unknown_values.toml`` lists these arguments, because an id that AWS chooses is their value. But
``aws_sns_topic.this.arn == "" ? [aws_sns_topic.this.arn] : []`` is as open as the id, and has the same references; only
the apply shows that no alarm calls anybody. So such an argument passes an id on. Nothing that it reads may compare one,
test it, or choose by it: here, in a local, in a variable's value or in another module's output.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.policy.rules.unknowns import ROWS, TABLE
from harness.terraform.expressions import Expressions
from harness.terraform.module import Block, Expression, Module, read

_ID = re.compile(r"\b(?:aws_\w+\.\w+|module\.\w+|data\.aws_(?!partition\b|region\b)\w+)")
"""What may lead to an id that AWS chooses."""

_READ = re.compile(r"\b(?:(local|var)\.(\w+)|module\.(\w+)(?:\[[^\]]*\])?\.(\w+)|data\.(\w+)\.(\w+))")
_NAME = re.compile(r"(?<![\w.\"'-])(?!aws_)([a-z_]\w*)\.(?=\w)")
_ROOTS = frozenset({"data", "local", "module", "path", "terraform", "var"})
_BUILDING = frozenset(
    {"concat", "flatten", "format", "join", "jsonencode", "keys", "merge", "tolist", "tomap", "toset", "urlencode"}
    | {"values", "zipmap", "jsondecode"}
)
"""Functions that only put values together."""

_UNLESS_EMPTY = re.compile(r'(?P<value>[\w.]+)!=""\?(?P=value):null')
"""What is not set is left out."""

_NAMED = re.compile(r"[\w-]+(?:\.[\w-]+|\[[^\[\]*]*\])*")
"""A resource, a call or a value by its name; its instance by a key."""

_KEY = re.compile(r"\beach\.key\b")
"""Terraform plans nothing whose keys it does not know."""


@dataclass(frozen=True)
class Decision:
    """A row of ``[[decision]]``.

    Attributes:
        text: The expression.
        reason: Why what it decides is judged all the same.
    """

    text: str
    reason: str


DECISIONS = [Decision(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8")).get("decision", ())]
"""The reviewed ones."""

_REVIEWED = frozenset("".join(row.text.split()) for row in DECISIONS)


@dataclass(frozen=True)
class Value:
    """An expression where it is written.

    Attributes:
        module: The module.
        file: The file.
        expression: The expression.
        loops: What ``each`` and the iterators of dynamic blocks around it go through.
        is_loop: Whether it is such itself: whether there is anything to go through is known, or CKV_INV_904 finds it.
    """

    module: Module
    file: Path
    expression: Expression
    loops: tuple["Value", ...] = field(default=(), compare=False)
    is_loop: bool = False

    @property
    def place(self) -> str:
        """The file and line."""
        return f"{self.file.parent.name}/{self.file.name}:{self.expression.line}"

    @cached_property
    def binders(self) -> Mapping[str, list[str]]:
        """What the names of its ``for`` expressions go through."""
        over: dict[str, list[str]] = {}
        for intro in self.expression.node.find_data("for_intro"):
            *names, collection = (child for child in intro.children if getattr(child, "data", "") in _INTRODUCED)
            for name in names:
                over.setdefault(str(Expressions(name)), []).append(_source(self.file, collection))
        return over

    @property
    def key(self) -> tuple[Path, int, str]:
        """What tells it from others."""
        return self.file, self.expression.line, self.expression.text


@dataclass(frozen=True)
class Decisions:
    """The decisions by ids of a checkout.

    Attributes:
        root: The checkout.
    """

    root: Path
    _open: dict[tuple[Path, int, str], bool] = field(default_factory=dict, repr=False, compare=False)

    def problems(self) -> Iterator[str]:
        """Those that the listed arguments of all resources read, each with its place."""
        for module in self._modules:
            yield from self.problems_of(module)

    def problems_of(self, module: Module) -> Iterator[str]:
        """Those that the listed arguments of a module's resources read, each with its place."""
        for resource in module.of("resource"):
            for argument, value in values_of(module, resource, "", ()):
                name = f"{resource.labels[0]}.{argument}"
                for place, text in self.read_by(value) if is_listed(name) else ():
                    yield (
                        f"{place}: {text} decides by an id, and no plan shows what, for {name} reads it: pass the id "
                        "on without a condition, or add the expression with its reason to [[decision]] of "
                        "policy/unknown_values.toml in a review."
                    )

    def _is_source(self, text: str) -> bool:
        """Whether a text itself may lead to what nothing should decide by."""
        return bool(_ID.search(text))

    def _is_reviewed(self, text: str) -> bool:
        """Whether an expression, without blanks, decides nothing or is judged all the same."""
        return text in _REVIEWED

    def read_by(self, value: Value) -> Iterator[tuple[str, str]]:
        """The decisions in an expression and in what it reads, each with its place; without reviewed ones."""
        seen: set[tuple[Path, int, str]] = set()
        waiting = [value]
        while waiting:
            current = waiting.pop()
            if current.key not in seen:
                seen.add(current.key)
                yield from ((current.place, text) for node in judged_parts(current) for text in self._in(current, node))
                waiting += self._named(current.module, current.expression.text)
                waiting += current.loops if _bound(current.expression.text) - {*current.binders} else ()

    def _in(self, value: Value, node: Any) -> Iterator[str]:
        if not hasattr(node, "data"):
            return
        part = _deciding(node)
        if part is None or not self._is_open(value, _source(value.file, part)):
            for child in node.children:
                yield from self._in(value, child)
        elif not _UNLESS_EMPTY.fullmatch(_text(node)) and not self._is_reviewed(_text(node)):
            yield " ".join(_source(value.file, node).split())

    def _is_open(self, value: Value, text: str) -> bool:
        """Whether a part of an expression may be known after the apply only."""
        if self._is_source(text):
            return True
        bound = _bound(text)
        within = [over for name in bound for over in value.binders.get(name, ()) if over not in text]
        if any(self._is_open(value, over) for over in within):
            return True
        loops = value.loops if bound - {*value.binders} else ()
        return any(self._reads_id(each) for each in (*self._named(value.module, text), *loops))

    def _reads_id(self, value: Value) -> bool:
        if value.key not in self._open:
            self._open[value.key] = False  # an expression that leads to itself adds nothing
            self._open[value.key] = self._is_open(value, value.expression.text)
        return self._open[value.key]

    def _named(self, module: Module, text: str) -> Iterator[Value]:
        """What a text reads: locals, the arguments of its module's calls, outputs of modules, and data sources."""
        for match in _READ.finditer(text):
            kind, name, call, output, data, label = match.groups()
            if kind == "local":
                yield from _of_blocks(module, "locals", name)
            elif kind == "var":
                yield from self._passed(module, name)
            elif call:
                yield from self._outputs(module, call, output)
            elif data not in {"aws_partition", "aws_region"}:
                blocks = (block for block in module.of("data") if block.labels == (data, label))
                yield from (value for block in blocks for _, value in values_of(module, block, "", ()))

    def _passed(self, module: Module, name: str) -> Iterator[Value]:
        for caller, call in self._calls.get(module.folder, ()):
            if name in call.attributes:
                yield Value(caller, call.file, call.attributes[name], loops_of(caller, call))

    def _outputs(self, module: Module, call: str, output: str) -> Iterator[Value]:
        for called in self._modules:
            names = {block.name for caller, block in self._calls.get(called.folder, ()) if caller == module}
            for block in called.of("output") if call in names else ():
                if block.name == output:
                    yield Value(called, block.file, block.attributes["value"])

    @cached_property
    def _modules(self) -> list[Module]:
        folders = {file.parent for room in ("modules", "live") for file in self.root.glob(f"{room}/*/*.tf")}
        return [read(folder) for folder in sorted(folders)]

    @cached_property
    def _calls(self) -> Mapping[Path, list[tuple[Module, Block]]]:
        """The calls of each folder's module, with who calls."""
        calls: dict[Path, list[tuple[Module, Block]]] = {}
        for caller in self._modules:
            for call in caller.of("module"):
                if folder := _folder(call):
                    calls.setdefault(self.root / folder.relative_to(self.root.resolve()), []).append((caller, call))
        return calls


def is_listed(argument: str) -> bool:
    """Whether a plan may leave an argument open, or something in it: ``aws_sns_topic_policy.arn``."""
    patterns = (pattern for row in ROWS if row.is_id for pattern in row.arguments)
    return any(fnmatchcase(argument, pattern) for pattern in patterns)


def values_of(module: Module, block: Block, path: str, loops: tuple[Value, ...]) -> Iterator[tuple[str, Value]]:
    """The arguments of a block and of those in it, each with its name and what its iterators go through."""
    own = loops_of(module, block) if not path else ()
    for name, expression in block.attributes.items():
        yield f"{path}{name}", Value(module, block.file, expression, (*loops, *own))
    for inner in block.blocks:
        if inner.type == "dynamic":
            over = Value(module, inner.file, inner.attributes["for_each"], (*loops, *own), is_loop=True)
            for content in inner.blocks:
                yield from values_of(module, content, f"{path}{inner.name}.", (*loops, *own, over))
        elif inner.type != "lifecycle":
            yield from values_of(module, inner, f"{path}{inner.type}.", (*loops, *own))


def loops_of(module: Module, block: Block) -> tuple[Value, ...]:
    """The values that a loop goes through; none without a loop."""
    over = block.attributes.get("for_each")
    return (Value(module, block.file, over, is_loop=True),) if over else ()


def _of_blocks(module: Module, kind: str, name: str) -> Iterator[Value]:
    for block in module.of(kind):
        if name in block.attributes:
            yield Value(module, block.file, block.attributes[name])


def _folder(call: Block) -> Path | None:
    source = call.attributes["source"].string if "source" in call.attributes else None
    folder = (call.file.parent / source).resolve() if source and source.startswith(".") else None
    return folder if folder and folder.parent.name == "modules" else None


_INTRODUCED = frozenset({"expr_term", "identifier", "conditional", "binary_op"})


def _bound(text: str) -> set[str]:
    """The names in an expression that a loop has given: ``each``, iterators of dynamic blocks, and those of ``for``."""
    return {match[1] for match in _NAME.finditer(_KEY.sub("", text))} - _ROOTS


def judged_parts(value: Value) -> list[Any]:
    """An expression; of what a loop goes through only the values, where it is empty unless a condition holds."""
    node = value.expression.node
    return [*node.children[1:]] if value.is_loop and node.data == "conditional" else [node]


def _deciding(node: Any) -> Any:
    """The part of an expression by which it decides: a condition, a key, what it takes or chooses from; or None."""
    kind = getattr(node, "data", "")
    if kind == "conditional":
        return node.children[0]
    if kind in {"binary_op", "for_cond", "unary_op"}:
        return node
    if kind == "index_expr_term":  # an index on what a call, a loop or a splat puts together chooses one of it
        return node.children[-1] if _NAMED.fullmatch(_text(node.children[0])) else node.children[0]
    if kind == "function_call" and _text(node.children[0]) == "lookup":
        return _arguments(node)[1]
    if kind == "function_call" and _text(node.children[0]) not in _BUILDING:
        return node
    return None


def _arguments(call: Any) -> list[Any]:
    holders = [child for child in call.children if getattr(child, "data", "") == "arguments"]
    return [child for holder in holders for child in holder.children if getattr(child, "data", "") not in _BLANK]


_BLANK = frozenset({"", "new_line_or_comment"})


def _text(node: Any) -> str:
    """An expression without blanks."""
    return "".join(str(Expressions(node)).split())


def _source(file: Path, node: Any) -> str:
    """An expression as it is written."""
    part = Expressions(node)
    return file.read_text(encoding="utf-8")[part.start : part.end]
