"""What a linter says about Terraform: each rule one function, all of them over a folder's blocks.

`terraform validate` finds what is wrong; this finds what is unused, undescribed, untyped, unpinned or tied to one
place.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.paths import ROOT
from harness.terraform.mirror import locked
from harness.terraform.module import Block, Expression, Module, read, template

_SNAKE = re.compile(r"_?[a-z][a-z0-9_]*")
_COUNTED = re.compile(r"length\([^=<>!?]*\)")
_REGION = re.compile(
    r"\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-(?:central|north|south|east|west|northeast|northwest|southeast|southwest)-\d\b"
)
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_PARTITION = re.compile(r"\barn:aws(?:-cn|-us-gov)?:")
_PROSE = frozenset({"description", "error_message"})


@dataclass(frozen=True)
class LintFinding:
    """Something to fix.

    Attributes:
        rule: The rule's name.
        file: Where.
        line: At which line, counted from 1.
        what: What is wrong, and what to write instead.
    """

    rule: str
    file: Path
    line: int
    what: str

    def __str__(self) -> str:
        file = self.file.relative_to(ROOT) if self.file.is_relative_to(ROOT) else self.file
        return f"{file}:{self.line}: {self.rule}: {self.what}"


Rule = Callable[[Module], Iterator[LintFinding]]


def findings(folder: Path, *, root: bool = False) -> list[LintFinding]:
    """Everything that the rules find in a folder.

    Args:
        folder: A module, or a root.
        root: Whether it is a root: roots are tied to a place and lock their providers, modules do neither.
    """
    module = read(folder)
    return sorted(
        (finding for rule in (*SHARED, *(OF_ROOTS if root else OF_MODULES)) for finding in rule(module)),
        key=lambda one: (str(one.file), one.line, one.rule),
    )


def everything(repository: Path = ROOT) -> list[LintFinding]:
    """The findings in all modules and live folders."""
    modules = [one for one in sorted((repository / "modules").iterdir()) if one.is_dir()]
    roots = [one for one in sorted((repository / "live").iterdir()) if one.is_dir()]
    return [
        *(finding for folder in modules for finding in findings(folder)),
        *(finding for folder in roots for finding in findings(folder, root=True)),
    ]


def unused(module: Module) -> Iterator[LintFinding]:
    """Variables, locals and data sources that nothing refers to.

    A variable's own validation does not count, unless it is a guard: one that judges something else by it.
    """
    for block in module.of("variable"):
        if not _refers(module, rf"var\.{block.name}", but=block) and not _is_guard(block):
            yield _about(block, "unused", f"nothing uses var.{block.name}: use it or delete it")
    for block in module.of("locals"):
        for name, value in block.attributes.items():
            if not _refers(module, rf"local\.{name}", but_value=value):
                yield LintFinding("unused", block.file, value.line, f"nothing uses local.{name}: use it or delete it")
    for block in module.of("data"):
        kind, name = block.labels
        if not _refers(module, rf"data\.{kind}\.{name}", but=block):
            yield _about(block, "unused", f"nothing uses data.{kind}.{name}: use it or delete it")


def described(module: Module) -> Iterator[LintFinding]:
    """Variables and outputs say what they are, in a sentence that ends in a full stop."""
    for block in (*module.of("variable"), *module.of("output")):
        description = block.attributes.get("description")
        text = description.string if description else None
        if not text:
            yield _about(block, "described", f"{block.type} {block.name} has no description: say what it is")
        elif not text.endswith("."):
            yield _about(block, "described", f"the description of {block.name} ends in no full stop")


def typed(module: Module) -> Iterator[LintFinding]:
    """Variables have a type, not ``any``, and are not nullable."""
    for block in module.of("variable"):
        kind = block.attributes.get("type")
        if kind is None:
            yield _about(block, "typed", f"variable {block.name} has no type")
        elif re.search(r"\bany\b", kind.text):
            yield _about(block, "typed", f"the type of {block.name} is {kind.text}: say what it is made of, not any")
        nullable = block.attributes.get("nullable")
        if nullable is None or nullable.text != "false":
            yield _about(block, "typed", f"variable {block.name} may be null: write nullable = false")


def ordered(module: Module) -> Iterator[LintFinding]:
    """Variables and outputs are in alphabetical order, in their own files."""
    for kind in ("variable", "output"):
        blocks = module.of(kind)
        for block in blocks:
            if block.file.name != f"{kind}s.tf":
                yield _about(block, "ordered", f"{kind} {block.name} belongs in {kind}s.tf")
        for before, after in itertools.pairwise(blocks):
            if before.file == after.file and before.name > after.name:
                yield _about(after, "ordered", f"{kind} {after.name} belongs before {before.name}")


def named(module: Module) -> Iterator[LintFinding]:
    """Names are snake_case."""
    for block in module.blocks:
        names = block.attributes if block.type == "locals" else block.labels[-1:]
        for name in names:
            if block.type != "provider" and not _SNAKE.fullmatch(name):
                yield _about(block, "named", f"{name} is not snake_case")


def pinned(module: Module) -> Iterator[LintFinding]:
    """Terraform has a lowest version, every provider a highest one too, and a module from elsewhere some version."""
    settings = module.of("terraform")
    if not any("required_version" in block.attributes for block in settings):
        yield LintFinding("pinned", module.folder / "versions.tf", 1, "required_version is missing")
    providers = [block for setting in settings for block in setting.every("required_providers")]
    if not any(block.attributes for block in providers):
        yield LintFinding("pinned", module.folder / "versions.tf", 1, "required_providers is missing")
    for block in providers:
        for name, value in block.attributes.items():
            constraint = re.search(r'version\s*=\s*"([^"]*)"', value.text)
            if constraint is None or not re.search(r"~>|<|^\s*=?\s*\d", constraint[1]):
                said = constraint[1] if constraint else "missing"
                yield LintFinding(
                    "pinned", block.file, value.line, f"the version of {name} has no upper bound ({said})"
                )
    for block in module.of("module"):
        source = block.attributes["source"].string or ""
        if not source.startswith(("./", "../")) and "version" not in block.attributes and "?ref=" not in source:
            yield _about(block, "pinned", f"module {block.name} comes from {source} in no particular version")


def counted(module: Module) -> Iterator[LintFinding]:
    """``count`` is for zero or one: over a list it renumbers everything behind what is taken out."""
    for block in (*module.of("resource"), *module.of("module"), *module.of("data")):
        count = block.attributes.get("count")
        if count and _COUNTED.fullmatch(count.text.strip()):
            yield _about(block, "counted", f"{'.'.join(block.labels)} counts over a list: use for_each over a map")


def direct(module: Module) -> Iterator[LintFinding]:
    """A template that is nothing but one reference is that reference."""
    for block, value in _values(module):
        if template(value.node) == [None]:
            yield LintFinding("direct", block.file, value.line, f"{value.text} needs no quotes and no ${{}}")


def placeless(module: Module) -> Iterator[LintFinding]:
    """A module is tied to no account, region or partition: those come from its caller and the provider."""
    for block, value in _values(module):
        for what, pattern in (("account id", _ACCOUNT), ("region", _REGION), ("partition", _PARTITION)):
            found = pattern.search(value.text)
            if found:
                yield LintFinding(
                    "placeless", block.file, value.line, f"{found[0]} is a fixed {what}: take it from outside"
                )
    for block in module.of("provider"):
        yield _about(block, "placeless", "a module configures no provider: its caller does")


def locking(module: Module) -> Iterator[LintFinding]:
    """A root locks its providers, for every platform that the harness knows."""
    lock = module.folder / ".terraform.lock.hcl"
    if not lock.is_file():
        yield LintFinding("locking", lock, 1, "the lock file is missing: terraform init makes it")
        return
    text = lock.read_text(encoding="utf-8")
    sources = {
        match
        for setting in module.of("terraform")
        for block in setting.every("required_providers")
        for value in block.attributes.values()
        for match in re.findall(r'source\s*=\s*"([^"]*)"', value.text)
    }
    known = {one.source.removeprefix("registry.terraform.io/") for one in locked(lock)}
    for source in sorted(sources - known):
        yield LintFinding("locking", lock, 1, f"{source} is required and not locked: terraform init locks it")
    if "zh:" not in text:
        yield LintFinding(
            "locking", lock, 1, "it has no checksums of the registry's archives: terraform providers lock"
        )


SHARED: Sequence[Rule] = (unused, described, typed, ordered, named, pinned, counted, direct)
OF_MODULES: Sequence[Rule] = (placeless,)
OF_ROOTS: Sequence[Rule] = (locking,)


def _about(block: Block, rule: str, what: str) -> LintFinding:
    return LintFinding(rule, block.file, block.line, what)


def _is_guard(block: Block) -> bool:
    """Whether a variable's validation reads anything beside the variable."""
    conditions = (one.attributes["condition"].text for one in block.every("validation"))
    return any(re.search(rf"\b(?:terraform|local|data|var)\.(?!{block.name}\b)", text) for text in conditions)


def _refers(module: Module, pattern: str, *, but: Block | None = None, but_value: Expression | None = None) -> bool:
    wanted = re.compile(rf"\b{pattern}\b(?!-)")
    return any(
        wanted.search(value.text)
        for top in module.blocks
        if top is not but
        for _, value in _below(top)
        if value is not but_value
    )


def _below(block: Block) -> Iterator[tuple[Block, Expression]]:
    for value in block.attributes.values():
        yield block, value
    for inner in block.blocks:
        yield from _below(inner)


def _values(module: Module) -> Iterator[tuple[Block, Expression]]:
    """Every attribute but those that are told to people."""
    for top in module.blocks:
        for block in _flat(top):
            for name, value in block.attributes.items():
                if name not in _PROSE:
                    yield block, value


def _flat(block: Block) -> Iterator[Block]:
    yield block
    for inner in block.blocks:
        yield from _flat(inner)
