"""Single edits of Terraform files: where they are possible, and the file's text afterwards.

The syntax tree that python-hcl2 reads locates an edit; the edit itself changes the text. Everything else in the file
stays as it is, including comments and format.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from harness.terraform.module import Block, Expression, read_file


@dataclass(frozen=True)
class Source:
    """A file that can be edited.

    Attributes:
        name: Its path in the repository, with slashes.
        text: Its content.
        blocks: Its top-level blocks; none for a ``.tfvars`` file, which has attributes only.
    """

    name: str
    text: str = field(repr=False)
    blocks: tuple[Block, ...] = field(repr=False)

    @classmethod
    def read(cls, root: Path, file: Path) -> "Source":
        """Read a file below a root.

        Raises:
            HarnessError: It is not HCL.
        """
        text = file.read_text(encoding="utf-8")
        return cls(file.relative_to(root).as_posix(), text, read_file(file) if file.suffix == ".tf" else ())


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


Finder = Callable[[Source], Iterator[Edit]]
"""Finds every place in a file where an operator's edit is possible."""


def blocks(source: Source, selector: str) -> Iterator[tuple[str, Block]]:
    """The blocks that a selector names, each with its place.

    Args:
        source: The file.
        selector: ``type.label.label`` with as many labels as matter, then ``/`` and nested blocks likewise, with the
            wildcards ``*`` and ``?``: ``resource.aws_sqs_queue``, ``data.*/statement/condition``,
            ``resource.aws_dynamodb_table/dynamic.ttl``.
    """
    head, *nested = selector.split("/")
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


def without_block(selector: str) -> Finder:
    """Remove a block."""

    def find(source: Source) -> Iterator[Edit]:
        for place, block in blocks(source, selector):
            yield _edit(source, place, *_lines(source.text, block.line, block.end), "")

    return find


def without(selector: str, attribute: str) -> Finder:
    """Remove an attribute, so that its default holds."""

    def find(source: Source) -> Iterator[Edit]:
        for place, block in blocks(source, selector):
            value = block.attributes.get(attribute)
            if value:
                start, end = _span(source.text, value)
                start = source.text.rfind("\n", 0, start) + 1
                after = source.text.find("\n", end) + 1
                rest = source.text[end:after].strip()
                if not rest or rest.startswith("#"):  # else it shares its line with others
                    yield _edit(source, f"{place}.{attribute}", start, after, "")

    return find


def setting(selector: str, attribute: str, value: str) -> Finder:
    """Set an attribute to a value, where it exists and has a different one."""

    def find(source: Source) -> Iterator[Edit]:
        for place, block in blocks(source, selector):
            current = block.attributes.get(attribute)
            if current and current.text != value:
                yield _edit(source, f"{place}.{attribute}", *_span(source.text, current), value)

    return find


def adding(selector: str, line: str) -> Finder:
    """Add a line at the beginning of a block."""

    def find(source: Source) -> Iterator[Edit]:
        for place, block in blocks(source, selector):
            at = _lines(source.text, block.line, block.line)[1]
            yield _edit(source, place, at, at, f"  {line}\n")

    return find


def never(selector: str) -> Finder:
    """Create no instance of a resource. Removing its block would leave references to nothing."""

    def find(source: Source) -> Iterator[Edit]:
        for place, block in blocks(source, selector):
            for name, nothing in (("count", "0"), ("for_each", "{}")):
                current = block.attributes.get(name)
                if current:
                    yield _edit(source, place, *_span(source.text, current), nothing)
                    break
            else:
                at = _lines(source.text, block.line, block.line)[1]
                yield _edit(source, place, at, at, "  count = 0\n")

    return find


def but_not(word: str, find: Finder) -> Finder:
    """The finds of another finder, except places with a word in them: a denial that is widened protects no less."""

    def rest(source: Source) -> Iterator[Edit]:
        yield from (edit for edit in find(source) if word not in edit.place)

    return rest


def replacing(selector: str, attribute: str, pattern: str, replacement: str) -> Finder:
    """Replace what a regular expression matches in an attribute's expression; each match is a separate edit."""

    def find(source: Source) -> Iterator[Edit]:
        for place, block in blocks(source, selector):
            for name, value in block.attributes.items():
                if not fnmatchcase(name, attribute):
                    continue
                start, end = _span(source.text, value)
                yield from _replaced(source, f"{place}.{name}", pattern, replacement, (start, end))

    return find


def in_text(files: str, pattern: str, replacement: str) -> Finder:
    """The same in a file's whole text, in files whose path matches a pattern with ``*`` and ``?``."""

    def find(source: Source) -> Iterator[Edit]:
        if fnmatchcase(source.name, files):
            yield from _replaced(source, "", pattern, replacement, (0, len(source.text)))

    return find


def _replaced(source: Source, place: str, pattern: str, replacement: str, span: tuple[int, int]) -> Iterator[Edit]:
    start, end = span
    for match in re.finditer(pattern, source.text[start:end], re.MULTILINE):
        after = match.expand(replacement)
        if after != match[0]:
            yield _edit(source, place, start + match.start(), start + match.end(), after)


def _edit(source: Source, place: str, start: int, end: int, after: str) -> Edit:
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
