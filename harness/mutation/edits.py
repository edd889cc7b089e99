"""Single edits of Terraform files: where they are possible, and the file's text afterwards.

The syntax tree that python-hcl2 reads locates an edit; the edit itself changes the text. Everything else in the file
stays as it is, including comments and format.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from harness.terraform.expressions import Element, Expressions
from harness.terraform.module import Block, Expression, read_file, read_values


@dataclass(frozen=True)
class TerraformFile:
    """A file that can be edited.

    Attributes:
        name: Its path in the repository, with slashes.
        text: Its content.
        blocks: Its top-level blocks; a ``.tfvars`` file is one block ``values`` whose label is its folder's name.
    """

    name: str
    text: str = field(repr=False)
    blocks: tuple[Block, ...] = field(repr=False)

    @classmethod
    def read(cls, root: Path, file: Path) -> "TerraformFile":
        """Read a file below a root.

        Raises:
            HarnessError: It is not HCL.
        """
        text = file.read_text(encoding="utf-8")
        parsed = read_file(file) if file.suffix == ".tf" else (read_values(file),)
        return cls(file.relative_to(root).as_posix(), text, parsed)


@dataclass(frozen=True)
class Edit:
    """One edit of one file.

    Attributes:
        file: The file's path in the repository.
        place: The block and attribute, such as ``aws_lambda_function.this/tracing_config``.
        start: Where the replaced text starts, as an offset into the file; likewise `end`.
        before: The text that is replaced.
        after: The new text.
        line: The line of the start, counted from 1.
    """

    file: str
    place: str
    start: int
    end: int
    before: str
    after: str
    line: int

    def apply_to(self, text: str) -> str:
        """The file's text with this edit.

        Raises:
            ValueError: The text is not the one that the edit is for.
        """
        if text[self.start : self.end] != self.before:
            raise ValueError(f"{self.file}:{self.line} has changed since the edit was found")
        return text[: self.start] + self.after + text[self.end :]


Finder = Callable[[TerraformFile], Iterator[Edit]]
"""Finds every place in a file where an operator's edit is possible."""


def blocks(source: TerraformFile, selector: str) -> Iterator[tuple[str, Block]]:
    """The blocks that a selector names, each with its place.

    Args:
        source: The file.
        selector: ``type.label.label`` with as many labels as matter, then ``/`` and nested blocks likewise, with the
            wildcards ``*`` and ``?``: ``resource.aws_sqs_queue``, ``data.*/statement/condition``,
            ``resource.aws_dynamodb_table/dynamic.ttl``. Several are joined by ``|``.
    """
    for alternative in selector.split("|"):
        head, *nested = alternative.split("/")
        matches = [(_title(block), block) for block in source.blocks if _is(block, head)]
        for step in nested:
            matches = [
                (f"{place}/{_title(inner)}", inner)
                for place, block in matches
                for inner in block.blocks
                if _is(inner, step)
            ]
        yield from matches


def _is(block: Block, step: str) -> bool:
    kind, *labels = step.split(".")
    return fnmatchcase(block.type, kind) and all(
        at < len(block.labels) and fnmatchcase(block.labels[at], label) for at, label in enumerate(labels)
    )


def _title(block: Block) -> str:
    """A block as people call it: a resource by its address, a statement by its sid."""
    sid = block.attributes.get("sid")
    words = [*((block.type,) if block.type not in {"resource", "dynamic"} else ()), *block.labels]
    return ".".join(words) + (f"[{sid.string}]" if sid and sid.string else "")


@dataclass(frozen=True)
class Part:
    """A value that an edit changes: an attribute's, or that of an element in it.

    Attributes:
        place: The block and the attribute.
        start: Where the attribute or element begins, as an offset into the file.
        value: The value.
    """

    place: str
    start: int
    value: Expressions


@dataclass(frozen=True)
class Target:
    """Which values an edit changes.

    Attributes:
        select: The blocks, as for :func:`blocks`.
        attribute: Their attributes; a name with the wildcards ``*`` and ``?``.
        key: The elements in the attributes' values whose key matches this regular expression completely, at any depth;
            ``[]`` for the elements of a list; empty for the values themselves.
        was: A regular expression that must match the value completely; of a string, without the quotes.
    """

    select: str
    attribute: str
    key: str = ""
    was: str = ".*"

    def parts(self, source: TerraformFile) -> Iterator[Part]:
        """The values in a file, whatever they are now."""
        for place, block in blocks(source, self.select):
            for name, value in block.attributes.items():
                if fnmatchcase(name, self.attribute):
                    at = f"{place}.{name}" if block.type != VALUES else name
                    yield from self._inside(at, source.text.rfind("\n", 0, _span(source.text, value)[0]) + 1, value)

    def _inside(self, place: str, start: int, value: Expression) -> Iterator[Part]:
        whole = Expressions(value.node)
        elements: Iterable[Element] = [Element("", start, whole)]
        if self.key == LIST:
            elements = whole.items
        elif self.key:
            elements = [element for element in whole.elements if re.fullmatch(self.key, element.key)]
        yield from (Part(place, element.start, element.value) for element in elements)

    def match(self, text: str) -> re.Match[str] | None:
        """The match of `was` with a value's text."""
        return re.fullmatch(self.was, text, re.DOTALL)


VALUES = "values"
"""The type of the block that a ``.tfvars`` file is."""

LIST = "[]"


def never(select: str) -> Finder:
    """Create no instance of a resource. Removing its block would leave references to nothing."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for place, block in blocks(source, select):
            for name, nothing in (("count", "0"), ("for_each", "{}")):
                current = block.attributes.get(name)
                if current:
                    yield _edit(source, place, *_span(source.text, current), nothing)
                    break
            else:
                at = _lines(source.text, block.line, block.line)[1]
                yield _edit(source, place, at, at, "  count = 0\n")

    return find


def without_block(select: str) -> Finder:
    """Remove a block."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for place, block in blocks(source, select):
            yield _edit(source, place, *_lines(source.text, block.line, block.end), "")

    return find


def without(target: Target) -> Finder:
    """Remove the lines of an attribute, so that its default holds, or of an element."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            start = source.text.rfind("\n", 0, part.start) + 1
            after = source.text.find("\n", part.value.end) + 1
            rest = source.text[part.value.end : after].strip().removeprefix(",").lstrip()
            alone = not source.text[start : part.start].strip() and (not rest or rest.startswith("#"))
            if alone and target.match(_text(source, part.value)):  # else it shares its line with others
                yield _edit(source, part.place, start, after, "")

    return find


def setting(target: Target, value: str) -> Finder:
    r"""Set a value that is different; ``\1`` stands for what the first group of `Target.was` matches."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            yield from _set(source, part.place, part.value, target.match(_text(source, part.value)), value)

    return find


def defaulting(target: Target, value: str) -> Finder:
    """Set the default of an attribute of an object type: the second argument of ``optional``."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            for default in part.value.arguments("optional")[1:]:
                yield from _set(source, part.place, default, target.match(_text(source, default)), value)

    return find


def replacing_strings(target: Target, value: str, *, first: bool = False) -> Finder:
    """Replace strings anywhere in a value; each is a separate edit.

    Args:
        target: Which values, and which strings in them (`Target.was`).
        value: What to write for a string, with its quotes.
        first: Only a value's first string.
    """

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            for string in part.value.strings[: 1 if first else None]:
                match = target.match(_text(source, string)[1:-1])
                yield from _set(source, part.place, string, match, value)

    return find


def replacing_text(target: Target, value: str) -> Finder:
    """Replace each part of a value's text that `Target.was` matches, for operators and parts of strings."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            for match in re.finditer(target.was, _text(source, part.value)):
                start = part.value.start
                yield _edit(source, part.place, start + match.start(), start + match.end(), match.expand(value))

    return find


def inserting(target: Target, text: str) -> Finder:
    """Insert text before an element."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            if target.match(_text(source, part.value)):
                yield _edit(source, part.place, part.start, part.start, text)

    return find


def renaming(target: Target, name: str, companion: str) -> Finder:
    """Give an attribute another name, and remove the attribute that follows it and belongs to it."""

    def find(source: TerraformFile) -> Iterator[Edit]:
        for part in target.parts(source):
            second = re.compile(rf"\s+{re.escape(companion)}\s*=.*").match(source.text, part.value.end)
            if second:
                start = part.start + len(source.text[part.start :]) - len(source.text[part.start :].lstrip())
                yield _edit(source, part.place, start, second.end(), f"{name} = {_text(source, part.value)}")

    return find


def but_not(word: str, find: Finder) -> Finder:
    """The finds of another finder, except places with a word in them: a denial that is widened protects no less."""

    def rest(source: TerraformFile) -> Iterator[Edit]:
        yield from (edit for edit in find(source) if word not in edit.place)

    return rest


def only_in(files: str, find: Finder) -> Finder:
    """The finds of another finder in files whose path matches a pattern with ``*`` and ``?``."""

    def rest(source: TerraformFile) -> Iterator[Edit]:
        if fnmatchcase(source.name, files):
            yield from find(source)

    return rest


def _set(
    source: TerraformFile, place: str, current: Expressions, match: re.Match[str] | None, value: str
) -> Iterator[Edit]:
    after = match.expand(value) if match else None
    if after is not None and after != _text(source, current):
        yield _edit(source, place, current.start, current.end, after)


def _text(source: TerraformFile, value: Expressions) -> str:
    return source.text[value.start : value.end]


def _edit(source: TerraformFile, place: str, start: int, end: int, after: str) -> Edit:
    line = source.text.count("\n", 0, start) + 1
    return Edit(source.name, place, start, end, source.text[start:end], after, line)


def _lines(text: str, first: int, last: int) -> tuple[int, int]:
    """The offsets of a range of lines, counted from 1, including the last one's line break."""
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    return starts[first - 1], starts[last]


def _span(text: str, value: Expression) -> tuple[int, int]:
    start: int = value.node.meta.start_pos
    while text[start].isspace():
        start += 1
    return start, start + len(value.text)
