"""A linter for Terraform: each check is a function over a folder's blocks.

Rules have the names of tflint's rules where they match (https://github.com/terraform-linters/tflint-ruleset-terraform).
`terraform validate` finds errors; these rules find what is unused, without description or type, not pinned, or tied to
one account or region.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.paths import ROOT
from harness.terraform.mirror import locked_providers
from harness.terraform.module import Block, Expression, Module, read, template
from harness.terraform.required_providers import required_providers

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
    """A violation of a rule.

    Attributes:
        rule: The rule's name.
        file: The file.
        line: The line in it, counted from 1.
        message: What is wrong, and what to write instead.
    """

    rule: str
    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        file = self.file.relative_to(ROOT) if self.file.is_relative_to(ROOT) else self.file
        return f"{file}:{self.line}: {self.rule}: {self.message}"


Check = Callable[[Module], Iterator[LintFinding]]


def findings(folder: Path, *, root: bool = False) -> list[LintFinding]:
    """All findings in a folder.

    Args:
        folder: A module, or a root.
        root: Whether it is a root. Roots are tied to a place, and lock their providers; modules do neither.
    """
    module = read(folder)
    return sorted(
        (finding for check in (*SHARED, *(OF_ROOTS if root else OF_MODULES)) for finding in check(module)),
        key=lambda finding: (str(finding.file), finding.line, finding.rule),
    )


def everything(repository: Path = ROOT) -> list[LintFinding]:
    """The findings in all modules and live folders."""
    modules = [folder for folder in sorted((repository / "modules").iterdir()) if folder.is_dir()]
    roots = [folder for folder in sorted((repository / "live").iterdir()) if folder.is_dir()]
    return [
        *(finding for folder in modules for finding in findings(folder)),
        *(finding for folder in roots for finding in findings(folder, root=True)),
    ]


def unused_declarations(module: Module) -> Iterator[LintFinding]:
    """Variables, locals and data sources that nothing refers to.

    A variable's own validation does not count, unless it is a guard: a validation that checks something else with it.
    """
    rule = "terraform_unused_declarations"
    for block in module.of("variable"):
        if not _refers(module, rf"var\.{block.name}", but=block) and not _is_guard(block):
            yield _at(block, rule, f"nothing uses var.{block.name}: use it or delete it")
    for block in module.of("locals"):
        for name, value in block.attributes.items():
            if not _refers(module, rf"local\.{name}", but_value=value):
                yield LintFinding(rule, block.file, value.line, f"nothing uses local.{name}: use it or delete it")
    for block in module.of("data"):
        kind, name = block.labels
        if not _refers(module, rf"data\.{kind}\.{name}", but=block):
            yield _at(block, rule, f"nothing uses data.{kind}.{name}: use it or delete it")


def documentation(module: Module) -> Iterator[LintFinding]:
    """Variables and outputs have a description, a sentence that ends in a full stop."""
    for block in (*module.of("variable"), *module.of("output")):
        rule = f"terraform_documented_{block.type}s"
        description = block.attributes.get("description")
        text = description.string if description else None
        if not text:
            yield _at(block, rule, f"{block.type} {block.name} has no description: write what it is for")
        elif not text.endswith("."):
            yield _at(block, rule, f"the description of {block.name} does not end in a full stop")


def typed_variables(module: Module) -> Iterator[LintFinding]:
    """Variables have a type, not ``any``."""
    for block in module.of("variable"):
        kind = block.attributes.get("type")
        if kind is None:
            yield _at(block, "terraform_typed_variables", f"variable {block.name} has no type")
        elif re.search(r"\bany\b", kind.text):
            yield _at(
                block,
                "terraform_typed_variables",
                f"the type of {block.name} is {kind.text}: write a precise type, not any",
            )


def nullable_variables(module: Module) -> Iterator[LintFinding]:
    """Report variables that accept null."""
    for block in module.of("variable"):
        nullable = block.attributes.get("nullable")
        if nullable is None or nullable.text != "false":
            yield _at(block, "nullable_variables", f"variable {block.name} may be null: write nullable = false")


def module_structure(module: Module) -> Iterator[LintFinding]:
    """Variables and outputs are in their own files, in alphabetical order."""
    for kind in ("variable", "output"):
        blocks = module.of(kind)
        for block in blocks:
            if block.file.name != f"{kind}s.tf":
                yield _at(block, "terraform_standard_module_structure", f"{kind} {block.name} belongs in {kind}s.tf")
        for before, after in itertools.pairwise(blocks):
            if before.file == after.file and before.name > after.name:
                yield _at(after, "alphabetical_order", f"{kind} {after.name} belongs before {before.name}")


def naming_convention(module: Module) -> Iterator[LintFinding]:
    """Names are snake_case."""
    for block in module.blocks:
        names = block.attributes if block.type == "locals" else block.labels[-1:]
        for name in names:
            if block.type != "provider" and not _SNAKE.fullmatch(name):
                yield _at(block, "terraform_naming_convention", f"{name} is not snake_case")


def required_versions(module: Module) -> Iterator[LintFinding]:
    """There is a minimum version of Terraform, and every provider has a version with an upper bound."""
    settings = module.of("terraform")
    versions = module.folder / "versions.tf"
    if not any("required_version" in block.attributes for block in settings):
        yield LintFinding("terraform_required_version", versions, 1, "required_version is missing")
    rule = "terraform_required_providers"
    if not any(required_providers(module)):
        yield LintFinding(rule, versions, 1, "required_providers is missing")
    for provider in required_providers(module):
        if not provider.has_upper_bound:
            message = f"the version of {provider.name} has no upper bound ({provider.constraint})"
            yield LintFinding(rule, provider.block.file, provider.line, message)


def pinned_modules(module: Module) -> Iterator[LintFinding]:
    """A module from elsewhere has a version."""
    for block in module.of("module"):
        source = block.attributes["source"].string or ""
        if not source.startswith(("./", "../")) and "version" not in block.attributes and "?ref=" not in source:
            yield _at(
                block, "terraform_module_pinned_source", f"module {block.name} comes from {source} without a version"
            )


def count_over_list(module: Module) -> Iterator[LintFinding]:
    """``count`` is for zero or one: over a list, removing an element renumbers all that follow it."""
    for block in (*module.of("resource"), *module.of("module"), *module.of("data")):
        count = block.attributes.get("count")
        if count and _COUNTED.fullmatch(count.text.strip()):
            yield _at(block, "count_over_list", f"{'.'.join(block.labels)} counts over a list: use for_each over a map")


def deprecated_interpolation(module: Module) -> Iterator[LintFinding]:
    """A string that is only one interpolation is written as the reference itself."""
    for block, value in _values(module):
        if template(value.node) == [None]:
            yield LintFinding(
                "terraform_deprecated_interpolation",
                block.file,
                value.line,
                f"{value.text} needs no quotes and no ${{}}",
            )


def fixed_location(module: Module) -> Iterator[LintFinding]:
    """A module is not tied to an account, region or partition: those come from its caller and the provider."""
    for block, value in _values(module):
        for kind, pattern in (("account id", _ACCOUNT), ("region", _REGION), ("partition", _PARTITION)):
            match = pattern.search(value.text)
            if match:
                yield LintFinding(
                    "fixed_location", block.file, value.line, f"{match[0]} is a fixed {kind}: take it from outside"
                )


def provider_in_module(module: Module) -> Iterator[LintFinding]:
    """A module does not configure providers."""
    for block in module.of("provider"):
        yield _at(block, "provider_in_module", "a module configures no provider: its caller does")


def provider_lock(module: Module) -> Iterator[LintFinding]:
    """A root locks its providers, for every platform that the harness supports."""
    rule = "provider_lock"
    lock = module.folder / ".terraform.lock.hcl"
    if not lock.is_file():
        yield LintFinding(rule, lock, 1, "the lock file is missing: terraform init creates it")
        return
    text = lock.read_text(encoding="utf-8")
    sources = {
        match
        for setting in module.of("terraform")
        for block in setting.every("required_providers")
        for value in block.attributes.values()
        for match in re.findall(r'source\s*=\s*"([^"]*)"', value.text)
    }
    locked = {provider.source.removeprefix("registry.terraform.io/") for provider in locked_providers(lock)}
    for source in sorted(sources - locked):
        yield LintFinding(rule, lock, 1, f"{source} is required and not locked: terraform init locks it")
    if "zh:" not in text:
        yield LintFinding(rule, lock, 1, "it has no checksums of the registry's archives: terraform providers lock")


SHARED: Sequence[Check] = (
    unused_declarations,
    documentation,
    typed_variables,
    nullable_variables,
    module_structure,
    naming_convention,
    required_versions,
    pinned_modules,
    count_over_list,
    deprecated_interpolation,
)
OF_MODULES: Sequence[Check] = (fixed_location, provider_in_module)
OF_ROOTS: Sequence[Check] = (provider_lock,)


def _at(block: Block, rule: str, message: str) -> LintFinding:
    return LintFinding(rule, block.file, block.line, message)


def _is_guard(block: Block) -> bool:
    """Whether a variable's validation also reads something other than the variable."""
    conditions = (validation.attributes["condition"].text for validation in block.every("validation"))
    return any(re.search(rf"\b(?:terraform|local|data|var)\.(?!{block.name}\b)", text) for text in conditions)


def _refers(module: Module, pattern: str, *, but: Block | None = None, but_value: Expression | None = None) -> bool:
    reference = re.compile(rf"\b{pattern}\b(?!-)")
    return any(
        reference.search(value.text)
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
    """Every attribute except those that are texts for people."""
    for top in module.blocks:
        for block in _flat(top):
            for name, value in block.attributes.items():
                if name not in _PROSE:
                    yield block, value


def _flat(block: Block) -> Iterator[Block]:
    yield block
    for inner in block.blocks:
        yield from _flat(inner)
