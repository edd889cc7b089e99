"""Where a value of a module's resource is written: the call of the module, or the entry that the call passes on.

A finding on ``module.platform.module.function["a"].aws_iam_role_policy.this`` is about a block of the module lambda.
What has to be changed may be there, or where a caller writes the argument or the statement that the finding names.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.plan.graph import ModulePath, PlanGraph, module_path
from harness.policy.blocks import Blocks
from harness.policy.checkov import normal
from harness.policy.finding import Finding
from harness.terraform.module import Block, Module, read, read_values

_STATEMENT = re.compile(r"\bstatement (?P<sid>\w+)")
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
"""The name of an environment variable."""

_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r'"([\w-]+)"')
_REFERENCE = re.compile(r"\b(var|local)\.(\w+)")
_KEY = re.compile(r'\["([^"]+)"\]$')
_TEXT = re.compile(r'"([^"]+)"')
_NAME = re.compile(r"[a-z][\w-]{2,}")
"""What a finding quotes that is no name of a rule or an index: an expression, a statistic, an ARN."""

_ENTRY = re.compile(r'"(.+)"\s*=>?\s')
_WORDS = re.compile(r"[a-z]{3}")
_INTERPOLATION = re.compile(r"\$\{[^{}]*\}")
_PASSED_ON = re.compile(r"var\.(\w+)(?:\.\w+)*")


def written_at(plan: PlanGraph, finding: Finding, blocks: Blocks) -> str:
    """The file and line in the innermost caller of a resource's module; empty for a resource of the root.

    Args:
        plan: The plan that the finding is on.
        finding: The finding.
        blocks: The blocks of the checkout.
    """
    path = module_path(finding.address)
    if path and (here := _in_module(blocks.root / folder_of(plan, path), finding)):
        return _place(*here, blocks)
    if len(path) < 2:  # the root's own call passes everything on
        return ""
    folder, (name, key) = folder_of(plan, path[:-1]), path[-1]
    entries = [*_STATEMENT.findall(finding.message), *_VARIABLE.findall(finding.message)]
    for entry in entries if isinstance(key, str) else ():
        for file, line in _entries(blocks.root / folder, str(key), entry):
            return _place(file, line, blocks)
    for argument in [*_quoting(blocks.root / folder, name, finding), *_arguments(plan, finding, blocks)]:
        if found := _argument_at(plan, path, argument, finding, blocks):
            return found
    place = blocks.place(f"{normal(folder)}/module.{name}")  # of an example, its README
    return f"{place[0]}:{place[1]}" if place else ""


def _in_module(folder: Path, finding: Finding) -> tuple[Path, int] | None:
    """Where the resource's own module writes the text that a finding quotes, or the entry for the resource's key."""
    key = _KEY.search(finding.address)
    texts = {text for text in _TEXT.findall(finding.message) if not _NAME.fullmatch(text)}
    lines = [
        (file, number, line)
        for file in sorted(folder.glob("*.tf"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    ]
    quoting = [(file, number) for file, number, line in lines if any(f'"{text}"' in line for text in texts)]
    if len(quoting) == 1:
        return quoting[0]
    entries = ((file, number, _ENTRY.search(line)) for file, number, line in lines)
    for file, number, entry in entries if key else ():
        if key and entry and _WORDS.search(_INTERPOLATION.sub("", entry[1])) and _is_for(entry[1], key[1]):
            return file, number
    return None


def _is_for(template: str, key: str) -> bool:
    """Whether a template, such as ``queue/${name}/depth``, may become a key."""
    return re.fullmatch(".+".join(re.escape(part) for part in _INTERPOLATION.split(template)), key) is not None


def _place(file: Path, line: int, blocks: Blocks) -> str:
    return f"{file.relative_to(blocks.root).as_posix()}:{line}"


def _arguments(plan: PlanGraph, finding: Finding, blocks: Blocks) -> Iterator[str]:
    """The variables of the module from which a finding's resource takes what the finding names, the most exact first.

    From the source: a plan has no dynamic blocks, and no locals.
    """
    folder, _, name = plan.definition(finding.address).rpartition("/")
    words = dict.fromkeys(_WORD.findall(finding.message))
    module = read(blocks.root / folder)
    for block in (each for each in module.of("resource") if ".".join(each.labels) == name):
        for text in _named_in(block, frozenset(words)):
            yield from _variables(module, text, frozenset())
    yield from words


def _quoting(folder: Path, call: str, finding: Finding) -> Iterator[str]:
    """The arguments of a module's call that write a name which the finding has in quotes, as a key or as a text."""
    names = "|".join(re.escape(name) for name in _QUOTED.findall(finding.message))
    if not names:
        return
    entry = re.compile(rf'(?<![\w-])(?:{names})"?\s*=|"(?:{names})"')
    for block in read(folder).of("module"):
        yield from (name for name, value in block.attributes.items() if block.name == call and entry.search(value.text))


def _named_in(block: Block, words: frozenset[str]) -> Iterator[str]:
    """The expressions of what a finding names: arguments, and everything in blocks."""
    yield from (value.text for name, value in block.attributes.items() if name in words)
    for inner in block.blocks:
        named = {inner.type, *inner.labels} & words
        yield from _all_in(inner) if named else _named_in(inner, words)


def _all_in(block: Block) -> Iterator[str]:
    yield from (value.text for value in block.attributes.values())
    for inner in block.blocks:
        yield from _all_in(inner)


def _variables(module: Module, text: str, seen: frozenset[str]) -> Iterator[str]:
    """The variables that an expression reads, also through locals."""
    for kind, name in _REFERENCE.findall(text):
        if kind == "var":
            yield name
        elif name not in seen:
            for holder in module.of("locals"):
                if name in holder.attributes:
                    yield from _variables(module, holder.attributes[name].text, seen | {name})


def _argument_at(plan: PlanGraph, path: ModulePath, argument: str, finding: Finding, blocks: Blocks) -> str:
    """Where the callers of a module write an argument: an argument that only passes a variable on is followed."""
    folder = blocks.root / folder_of(plan, path[:-1])
    calls = [block for block in read(folder).of("module") if block.name == path[-1][0]] if folder.is_dir() else []
    if not calls or argument not in calls[0].attributes:
        return ""
    value = calls[0].attributes[argument]
    if passed := _PASSED_ON.fullmatch(value.text):
        if len(path) > 1 and (found := _argument_at(plan, path[:-1], passed[1], finding, blocks)):
            return found
        values = folder / "terraform.tfvars"
        if len(path) == 1 and values.is_file() and passed[1] in (written := read_values(values)).attributes:
            return _place(values, _line_in(written, passed[1], finding), blocks)
    return _place(calls[0].file, _line_in(calls[0], argument, finding), blocks)


def _line_in(block: Block, argument: str, finding: Finding) -> int:
    """The line of an argument, or of the entry in it that a finding names in quotes."""
    value = block.attributes[argument]
    lines = value.text.splitlines()
    for name in _QUOTED.findall(finding.message):
        entry = re.compile(rf'(?<![\w-])"?{re.escape(name)}"?\s*=|"{re.escape(name)}"')
        for number, line in enumerate(lines):
            if entry.search(line):
                return value.line + number
    return value.line


def folder_of(plan: PlanGraph, path: ModulePath) -> str:
    """The folder of a module of a plan, relative to the checkout."""
    address = ".".join(f"module.{name}" for name, _ in path)
    return plan.definition(f"{address}.aws_any.this").rpartition("/")[0]


def _entries(folder: Path, key: str, entry: str) -> Iterator[tuple[Path, int]]:
    """The lines at which an entry begins in an object that is the value of a key: ``KEY = { … ENTRY = …``."""
    begins, contains = (re.compile(rf'^\s*"?{re.escape(name)}"?\s*=\s') for name in (key, entry))
    for file in sorted(folder.glob("*.tf")):
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if not begins.match(line):
                continue
            indent = len(line) - len(line.lstrip())
            for at, inner in enumerate(lines[number + 1 :], number + 2):
                if inner.strip() and len(inner) - len(inner.lstrip()) <= indent:
                    break
                if contains.match(inner):
                    yield file, at
