"""Source whose values the gate would not see as they are in a deploy, or that passes a secret on.

The gate plans with an account, a repository and a folder of its own, at another time, and without the boundary that a
deploy sets. So no value may depend on what these are. A secret that an output marks as sensitive loses its mark in a
map that is unknown at the plan. So it goes only where Terraform keeps it secret.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.policy.rules.unknowns import FILLED
from harness.terraform.module import Block, Module, read

OF_A_DEPLOY = ("account_id", "artifacts_dir", "permissions_boundary", "repository")
"""The variables that have other values in a deploy than in the gate's plans."""

COMPARED = (
    'var.permissions_boundary != "" ? var.permissions_boundary : null',
    'fileexists("${var.artifacts_dir}/kept.json") ?',  # the zips of earlier deployments, which a rollback needs
    'var.repository == "" ? 0 : 1',  # live/bootstrap: without a repository there is no pipeline; the gate has one
    'var.repository == "" ? {} : merge(',
    'terraform.workspace != "default"',  # a preview has names of its own, and no account-wide settings
    '_preview ? "${var.environment}-${terraform.workspace}" : var.environment',
    'var.environment != "" ? [var.environment] : []',  # a budget of one environment
    'condition     = terraform.workspace == "default"',
    '"{account}", var.account_id)',  # live/bootstrap: fills in the pipeline's permissions
)
"""The conditions on them that are needed: what is not set is left out."""

_CLOCK = re.compile(r"\b(?:plan)?timestamp\s*\(")
_MACHINE = re.compile(r'\bpath\.(?:cwd|root)\b|\b(?:file\w*|templatefile)\(\s*"[/~]')
_ACCOUNT = re.compile(r"(?<![\w-])\d{12}(?![\w-])|(?<=-)\d{12}(?=\")")
_REMARK = re.compile(r"^[ \t]*(?:#|//).*$|[ \t]#[^\"\n]*$", re.MULTILINE)
_VARIABLE = rf"\bvar\.(?:{'|'.join(OF_A_DEPLOY)})\b"
_OPERATOR = r"(?:==|!=|(?<![=])[<>]=?|&&|\|\||\?)"
_CONDITION = re.compile(
    rf'(?:{_OPERATOR}\s*|!\s*|\b(?!(?:replace|file|filesha256)\()\w+\(\s*)"?(?:\$\{{)?{_VARIABLE}(?!\s*:)|{_VARIABLE}\}}?"?\s*{_OPERATOR}'
)
_PLACES = r"(?:\bvar\.(?:environment|region|replica_region)\b|\bterraform\.workspace\b|\bdata\.aws_region\.\w+\.\w+)"
_BY_PLACE = re.compile(
    rf'(?:{_OPERATOR}\s*|!\s*|\b(?:endswith|startswith|strcontains|contains|lookup|regex\w*|can|try)\([^()\n]*)"?(?:\$\{{)?{_PLACES}(?!\s*:)'
    rf'|{_PLACES}\}}?"?\s*{_OPERATOR}|(?<=[\w\]}})])\[\s*{_PLACES}\s*\]'
)
"""A choice by the name of an environment, of its workspace or of a region."""

_CHOICE = re.compile(rf'(?<=[\w\]}})])\[\s*"?(?:\$\{{)?{_VARIABLE}|,\s*{_VARIABLE}\s*[,)]')
"""A key of a map, or a later argument of a call such as ``lookup``."""

_VALIDATION = re.compile(r"^\s*condition\s*=.*$", re.MULTILINE)
_BOUNDARY = COMPARED[0]
_WITHOUT_BOUNDARY = frozenset({"pipeline-role"})
"""The modules whose roles nothing bounds: the pipeline's own, which live/bootstrap creates and contract tests hold."""


def problems_of(module: Module, root: Path) -> Iterator[str]:
    """Everything of the kind in a module or live folder.

    Args:
        module: The module.
        root: The checkout, in whose ``modules/`` the outputs are declared.
    """
    for file in sorted(module.folder.glob("*.tf")):
        text = _REMARK.sub("", file.read_text(encoding="utf-8"))
        for match in _CLOCK.finditer(text):
            yield f"{_place(file, text, match)}: it reads the clock, so each plan is another one: write a fixed value."
        for match in _MACHINE.finditer(text):
            yield (
                f"{_place(file, text, match)}: it reads what the machine has or where it is planned: "
                "read a file of the module (path.module), or a variable."
            )
        for match in _ACCOUNT.finditer(text):
            yield f"{_place(file, text, match)}: it names the account {match[0]}: write var.account_id."
        text = _VALIDATION.sub("", text) if file.name == "variables.tf" else text
        for condition in COMPARED:
            text = text.replace(condition, "null")
        for match in (*_CONDITION.finditer(text), *_CHOICE.finditer(text)):
            variable = re.findall(_VARIABLE, match[0])[0]
            yield (
                f"{_place(file, text, match)}: a condition on {variable}, which has another value in a deploy than "
                "in the gate: decide by a variable that the values set."
            )
        for match in _BY_PLACE.finditer(text):
            yield (
                f"{_place(file, text, match)}: a choice by the name of an environment or region: decide by a variable "
                "of the environment's terraform.tfvars."
            )
    yield from _renamed(module)
    yield from _boundaries(module)
    yield from _open_blocks(module, root)
    yield from _secrets(module, root)


def _place(file: Path, text: str, match: re.Match[str]) -> str:
    return f"{file.parent.name}/{file.name}:{text.count(chr(10), 0, match.start()) + 1}"


def _renamed(module: Module) -> Iterator[str]:
    """Locals and arguments that have such a variable's value by another name, which no other check knows."""
    for block in (*module.of("locals"), *module.of("module")):
        for name, expression in block.attributes.items():
            match = re.fullmatch(rf'"?(?:\$\{{)?({_VARIABLE})\}}?"?', expression.text)
            if match and match[1] != f"var.{name}":
                yield (
                    f"{block}: {name} is {match[1]} by another name, and has another value in a deploy than in the "
                    f"gate: write {match[1]} where it is needed."
                )


def _boundaries(module: Module) -> Iterator[str]:
    for role in module.of("resource"):
        if role.labels[0] != "aws_iam_role" or module.name in _WITHOUT_BOUNDARY:
            continue
        boundary = role.attributes.get("permissions_boundary")
        if boundary is None or boundary.text != _BOUNDARY:
            text = boundary.text if boundary else "missing"
            yield (
                f"{role}: its permissions_boundary is {text}, and nothing limits what it may be granted: "
                f"write {_BOUNDARY}."
            )


def _open_blocks(module: Module, root: Path) -> Iterator[str]:
    """Dynamic blocks that a plan shows like blocks that nobody wrote: those that the provider leaves open."""
    for block, name in _filled(module):
        if not name:
            yield (
                f"{block}: a plan does not show whether a dynamic {block.name} exists, so nothing judges it: "
                "write the block itself, leave it out, or let for_each be a variable."
            )
    for call, folder in _calls(module, root):
        for block, name in _filled(read(folder)):
            value = call.attributes.get(name)
            if value and _REFERENCE.search(value.text):
                yield (
                    f"{call}: {name} is {value.text}, and a plan may not show which blocks {block.name} there are: "
                    "write the value, or pass a variable on."
                )


_REFERENCE = re.compile(r"\b(?:aws_\w+|data|local|module)\.")


def _filled(module: Module) -> Iterator[tuple[Block, str]]:
    """The dynamic blocks of that kind, each with the variable that says which there are; empty for anything else."""
    for resource in module.of("resource"):
        for block in resource.blocks:
            if block.type == "dynamic" and block.name in FILLED.get(resource.labels[0], frozenset()):
                match = re.fullmatch(r"var\.(\w+)", block.attributes["for_each"].text)
                yield block, match[1] if match else ""


def _calls(module: Module, root: Path) -> Iterator[tuple[Block, Path]]:
    """The calls of modules of this checkout, each with the module's folder."""
    for call in module.of("module"):
        source = call.attributes["source"].string if "source" in call.attributes else None
        folder = (call.file.parent / source).resolve() if source and source.startswith(".") else None
        if folder and folder.is_relative_to(root.resolve()) and folder.is_dir():
            yield call, folder


def _secrets(module: Module, root: Path) -> Iterator[str]:
    """References to the sensitive outputs of modules, where nothing keeps them secret."""
    for call, folder in _calls(module, root):
        for name in sorted(_sensitive(read(folder), "output")):
            yield from _uses(module, rf"\bmodule\.{call.name}(?:\[[^\]]*\])?\.{name}\b", f"{call.name}.{name}", root)


def _uses(module: Module, pattern: str, name: str, root: Path) -> Iterator[str]:
    for block in module.blocks:
        for argument, expression in _attributes(block):
            if re.search(pattern, expression) and not _keeps_secret(block, argument, root):
                yield (
                    f"{block}: {argument} reads module.{name}, which is a secret, and its mark is lost where a plan "
                    "leaves a value open: pass it to a sensitive output or a sensitive variable only."
                )


def _attributes(block: Block) -> Iterator[tuple[str, str]]:
    """The arguments of a block and of those in it, each with its text."""
    for name, expression in block.attributes.items():
        yield name, expression.text
    for inner in block.blocks:
        yield from _attributes(inner)


def _keeps_secret(block: Block, argument: str, root: Path) -> bool:
    if block.type == "output":
        sensitive = block.attributes.get("sensitive")
        return argument == "depends_on" or (sensitive is not None and sensitive.text == "true")
    source = block.attributes["source"].string if block.type == "module" and "source" in block.attributes else None
    folder = (block.file.parent / source).resolve() if source else root
    return block.type == "module" and folder.is_dir() and argument in _sensitive(read(folder), "variable")


def _sensitive(module: Module, kind: str) -> frozenset[str]:
    """The outputs or variables that are marked as sensitive."""
    return frozenset(
        block.name
        for block in module.of(kind)
        if "sensitive" in block.attributes and block.attributes["sensitive"].text == "true"
    )
