"""Source that runs something, hides changes or brings code from elsewhere: no plan shows it, or only after it has run.

A provisioner runs a command on the computer that applies; `external` and other providers do while they plan. What
``ignore_changes`` names is never repaired, whatever somebody does to it. A module from elsewhere may do all of this.
So each of these is a list of what is allowed, and everything else is a problem.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.paths import ROOT
from harness.policy.rules.environments import ALLOWED
from harness.policy.rules.platform import CONTENT
from harness.terraform.expressions import Expressions
from harness.terraform.module import Block, Module
from harness.terraform.required_providers import required_providers

IGNORED: Mapping[str, frozenset[str]] = {
    "aws_api_gateway_api_key": frozenset({"enabled"}),  # rotation disables the old key
    "aws_dynamodb_table": frozenset({"global_secondary_index", "read_capacity", "write_capacity"}),  # auto-scaling
    "aws_s3_object": frozenset({"source"}),  # an earlier zip has no file any more, and its key has one content only
    "aws_secretsmanager_secret_version": frozenset({"version_stages"}),  # rotation moves AWSCURRENT
}
"""The arguments that may change outside Terraform, by type; the reason is what changes them."""

ARGUMENTS: Mapping[str, frozenset[str]] = {
    "backend": frozenset({"encrypt", "key", "region", "use_lockfile"}),
    "provider": frozenset({"alias", "allowed_account_ids", "default_tags", "region"}),
}
"""What says where requests and states go. An endpoint, a role or ``insecure`` could send both to somebody else."""

CALLS: Mapping[str, frozenset[str]] = {
    "nonsensitive": frozenset({"nonsensitive(var.initial_value)"}),  # only whether there is one, in modules/secret
    "pathexpand": frozenset(),
}
"""Functions that show secrets, or read files of whoever applies; and the calls that do neither."""

DATA = frozenset({"aws_iam_policy_document", "aws_partition", "aws_region"})
"""The data sources that may be read. Others read secrets, files or other accounts, and a plan shows them."""

IMPORTS = frozenset({("bootstrap", "module.state.aws_s3_bucket.this")})
"""What a folder may adopt: the state's bucket, which exists before Terraform does (live/bootstrap/README.md)."""

_RUNS = ("provisioner", "connection")
_DECLARED = ("data", "ephemeral", "resource")
_PROVIDER = "hashicorp/aws"
_COMMENT = re.compile(r"^[ \t]*(?:#|//).*$", re.MULTILINE)
_REMARK = re.compile(r"(?:#|//)[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r'(?:^|[{,])\s*"?([A-Z][A-Z0-9_]{2,}|\w+_proxy)"?\s*[=:](?![=>])', re.MULTILINE)
_PRINCIPAL = re.compile(r'("?(?:Not)?Principal"?\s*[=:]\s*\{\s*)"?AWS"?(?=\s*[=:])')
"""The one key in capitals that an IAM policy has, wherever it is written as an object."""

_CALL = re.compile(r"\b(nonsensitive|pathexpand)\s*\([^()]*\)?")
_STORAGE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "INTELLIGENT_TIERING", "STANDARD_IA"})
"""Keys of maps in capitals that are no environment variables: where lifecycle rules move objects."""

_RESPONSES = "modules/api-gateway/gateway_responses.tf"
"""The file whose keys are types of API Gateway's responses."""


def problems_of(module: Module, root: Path = ROOT) -> Iterator[str]:
    """Everything of the kind in a module or live folder.

    Args:
        module: The module.
        root: The checkout; modules come from its ``modules/`` only.
    """
    for block in (*module.blocks, *(inner for check in module.of("check") for inner in check.every("data"))):
        yield from _runs(block)
        if block.type in {"data", "ephemeral"} and block.labels[0] not in DATA:
            yield (
                f"{block}: {block.type} {block.labels[0]} reads something that no rule judges: remove it, or add it to "
                "DATA in harness/policy/source_code.py with its reason."
            )
        if block.type in (*_DECLARED, "provider"):
            yield from _provider(block)
            yield from _ignored(block)
        if block.type == "module":
            yield from _source(block, root)
        yield from _adopted(module, block)
    for provider in required_providers(module):
        settings = Expressions(provider.block.attributes[provider.name].node)  # without comments
        sources = [str(element.value).strip('"') for element in settings.elements if element.key == "source"]
        source = sources[0] if len(sources) == 1 else f"hashicorp/{provider.name}" if not sources else str(sources)
        if source != _PROVIDER:
            yield f"{module.name}: the provider {provider.name} is {source}: use {_PROVIDER}, which is judged."
    yield from _destinations(module)
    yield from _calls(module)
    yield from _environment(module, root)
    yield from _limiting(module)


def _destinations(module: Module) -> Iterator[str]:
    backends = [backend for block in module.of("terraform") for backend in block.every("backend")]
    for block in (*module.of("provider"), *backends):
        for name in sorted({*block.attributes, *(inner.type for inner in block.blocks)} - ARGUMENTS[block.type]):
            yield f"{block}: {name} may send requests or the state elsewhere: remove it."


def _calls(module: Module) -> Iterator[str]:
    for file in sorted(module.folder.glob("*.tf")):
        text = file.read_text(encoding="utf-8")  # with comments: in a string, // begins none
        for match in _CALL.finditer(text):
            if match[0] not in CALLS[match[1]]:
                line = text.count("\n", 0, match.start()) + 1
                yield (
                    f"{module.name}/{file.name}:{line}: {match[1]} shows a secret, or reads a file of whoever applies: "
                    "do without it."
                )


def _runs(block: Block) -> Iterator[str]:
    for kind in _RUNS:
        for inner in block.every(kind):
            yield f"{inner}: a {kind} runs commands where Terraform runs, and no plan shows what they do: remove it."


def _provider(block: Block) -> Iterator[str]:
    if block.labels[0].partition("_")[0] != "aws":
        yield f"{block}: {block.type} {block.labels[0]} is not of the AWS provider: it may run anything. Remove it."


def _ignored(block: Block) -> Iterator[str]:
    allowed = IGNORED.get(block.labels[0], frozenset()) if block.type == "resource" else frozenset()
    for lifecycle in block.every("lifecycle"):
        if "ignore_changes" not in lifecycle.attributes:
            continue
        text = _REMARK.sub("", lifecycle.attributes["ignore_changes"].text)
        for name in (name.strip() for name in text.strip("[]\n ").split(",")):
            if name and name not in allowed:
                yield (
                    f"{lifecycle}: ignore_changes has {name}: what somebody changes there is never repaired. "
                    "Remove it, or add it to IGNORED in harness/policy/source_code.py with its reason."
                )


def _adopted(module: Module, block: Block) -> Iterator[str]:
    """Blocks that change what a state holds: no plan without that state shows what they do to it."""
    to = block.attributes.get("to")
    if block.type == "import" and (to is None or (module.name, to.text) not in IMPORTS):
        yield (
            f"{block}: it adopts something that exists, which Terraform then changes as if it were its own: remove it, "
            "or add it to IMPORTS in harness/policy/source_code.py with its reason."
        )
    if block.type == "removed" and not any(_destroys(inner) for inner in block.every("lifecycle")):
        yield f"{block}: Terraform forgets it, and from then on nothing protects it or finds it: remove the block."


def _destroys(lifecycle: Block) -> bool:
    destroy = lifecycle.attributes.get("destroy")
    return destroy is not None and destroy.text == "true"


def _source(block: Block, root: Path) -> Iterator[str]:
    source = block.attributes["source"].string if "source" in block.attributes else None
    folder = (block.file.parent / source).resolve() if source and source.startswith(".") else None
    if folder is None or folder.parent.name != "modules" or not folder.is_relative_to(root.resolve()):
        yield f"{block}: its source is {source}: only the modules in modules/ are judged, so use one of them."


def _environment(module: Module, root: Path) -> Iterator[str]:
    """Names of environment variables, wherever they are written: a plan hides a map with one unknown value."""
    for file in sorted((*module.folder.glob("*.tf"), *module.folder.glob("*.tfvars"))):
        if file.is_relative_to(root) and file.relative_to(root).as_posix() == _RESPONSES:
            continue
        text = _PRINCIPAL.sub(r"\1", _COMMENT.sub("", file.read_text(encoding="utf-8")))
        for match in _NAME.finditer(text):
            if match[1] not in ALLOWED | _STORAGE_CLASSES:
                line = text.count("\n", 0, match.start(1)) + 1
                yield (
                    f"{file.parent.name}/{file.name}:{line}: {match[1]} is not a variable that the code reads: "
                    "leave it out, or add it to environment-names in pyproject.toml."
                )


def _limiting(module: Module) -> Iterator[str]:
    """Variables that limit what a function touches: a plan hides them beside an id that is not known yet."""
    for file in sorted(module.folder.glob("*.tf")):
        text = _COMMENT.sub("", file.read_text(encoding="utf-8"))
        for match in _LIMITING.finditer(text):
            value = _in_locals(module, match[2])
            expected = '"' + CONTENT.variables[match[1]].format(environment="${var.environment}") + '"'
            if value != expected:
                line = text.count("\n", 0, match.start(1)) + 1
                yield (
                    f"{module.name}/{file.name}:{line}: {match[1]} is {value}, which also fits what belongs to others: "
                    f"make it {expected}, or change [variables] of policy/platform.toml in a review."
                )


_LIMITING = re.compile(rf'\b({"|".join(CONTENT.variables)})"?\s*[=:](?![=>])\s*("[^"\n]*"|[^\n,}}"]+)')
_LOCAL = re.compile(r"local\.(\w+)\.(\w+)")


def _in_locals(module: Module, expression: str) -> str:
    """An expression, or the text that a local has for it: ``local._names.api`` is the entry ``api`` of ``_names``."""
    reference = _LOCAL.fullmatch(expression.strip())
    for holder in module.of("locals"):
        if reference and reference[1] in holder.attributes:
            entry = re.search(rf'\b{reference[2]}"?\s*[=:]\s*("[^"\n]*")', holder.attributes[reference[1]].text)
            return entry[1] if entry else expression.strip()
    return expression.strip()
