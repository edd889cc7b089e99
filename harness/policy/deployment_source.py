"""Rule CKV_INV_409 on source: what a deployment's triggers leave out. A plan does not show what a local is built from.

In each module that deploys an API, every variable that its methods, integrations, models and gateway responses are
built from must also go into the deployment's ``triggers``, directly or through locals; or the triggers name those
resources.

The triggers must hash each variable completely. A ``for … if`` filter is allowed only on attributes that no deployed
resource uses.

A literal in an argument of a deployed resource is not in the triggers either, so an edit of it is never deployed. It
belongs in a local that the triggers hash. This holds in every module that adds methods to an API.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from harness.paths import ROOT
from harness.policy.finding import Finding
from harness.policy.rule import HCL, RULES
from harness.terraform.expressions import Expressions
from harness.terraform.module import Block, Module, read

DEPLOYED = (
    "aws_api_gateway_gateway_response",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method",
    "aws_api_gateway_method_response",
    "aws_api_gateway_model",
    "aws_api_gateway_request_validator",
)
"""The resources whose snapshot a deployment is."""

_PLACE = frozenset({"count", "depends_on", "for_each", "http_method", "provider", "resource_id", "rest_api_id"})
"""Arguments that say where a resource belongs, and not what it does; a method's own ``http_method`` is no literal."""

_INDEX = re.compile(r'\[(?:"[^"]*"|\d+)\]')
_LITERAL = re.compile(r'"|<<|(?<![\w.])(?:\d|(?:true|false)\b)')
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_EXCEPTION = re.compile(r'\w+!="([A-Za-z_][A-Za-z0-9_-]*)"')


def findings(modules: Path = ROOT / "modules") -> list[Finding]:
    """What the deployments of all modules leave out."""
    folders = [folder for folder in sorted(modules.iterdir()) if folder.is_dir()]
    return [finding for folder in folders for finding in _of_module(read(folder))]


def _of_module(module: Module) -> Iterator[Finding]:
    values = {
        name: Expressions(value.node) for block in module.of("locals") for name, value in block.attributes.items()
    }
    deployed = {
        ".".join(block.labels): [*_expressions(block)] for block in module.of("resource") if block.labels[0] in DEPLOYED
    }
    yield from _literals(module)
    for deployment in (block for block in module.of("resource") if block.labels[0] == "aws_api_gateway_deployment"):
        trigger = deployment.attributes.get("triggers")
        triggers = [Expressions(trigger.node)] if trigger else []
        hashed, _ = _read(triggers, values)
        for name, expressions in deployed.items():
            missing = sorted(_read(expressions, values)[0] - hashed)
            if missing and not (trigger and name in trigger.text):
                variables = f"var.{', var.'.join(missing)}"
                yield _finding(deployment, f"Its triggers leave out {variables}, which {name} is built from.")
        for expression in _partial(triggers, [*chain.from_iterable(deployed.values())], values):
            yield _finding(deployment, f"Its triggers hash only part: {expression}.")


def _literals(module: Module) -> Iterator[Finding]:
    """Arguments of deployed resources that are literals, or have one."""
    for block in (block for block in module.of("resource") if block.labels[0] in DEPLOYED):
        for name, text in _arguments(block):
            if _LITERAL.search(_INDEX.sub("", text)):
                message = (
                    f"It sets {name} to {text} itself, which no deployment's triggers hash: use a local that they hash."
                )
                yield _finding(block, message)


def _arguments(block: Block) -> Iterator[tuple[str, str]]:
    """The names and texts of a block's arguments, and of those of its inner blocks, except where it belongs."""
    own = _PLACE - {"http_method"} if block.labels[:1] == ("aws_api_gateway_method",) else _PLACE
    yield from ((name, value.text) for name, value in block.attributes.items() if name not in own)
    for inner in block.blocks:
        if inner.type != "lifecycle":
            yield from _arguments(inner)


def _expressions(block: Block) -> Iterator[Expressions]:
    """The values of a block's attributes, and of those of its inner blocks."""
    yield from (Expressions(value.node) for value in block.attributes.values())
    for inner in block.blocks:
        yield from _expressions(inner)


def _partial(
    triggers: list[Expressions], deployed: list[Expressions], values: Mapping[str, Expressions]
) -> Iterator[str]:
    """What the triggers leave out of the inputs that the deployed resources are built from.

    Args:
        triggers: The triggers.
        deployed: The expressions of the deployed resources.
        values: The module's locals by name.
    """
    inputs, used = _read(deployed, values)
    source = "\n".join(map(str, [*deployed, *(values[name] for name in used)]))
    _, hashed = _read(triggers, values)
    for expression in [*triggers, *(values[name] for name in sorted(hashed - used))]:
        for reference in expression.references:
            if reference.indexed and reference.kind == "var" and reference.name in inputs:
                yield f"var.{reference.name}[…]"
        for loop in (loop for loop in expression.comprehensions if loop.condition):
            is_input = not inputs.isdisjoint(_read([loop.over], values)[0])
            exception = None if is_input else _EXCEPTION.fullmatch(str(loop.condition))
            if not is_input and not _IDENTIFIER.fullmatch(str(loop.over)):
                continue
            if not exception or re.search(rf"\.{re.escape(exception[1])}\b", source):
                yield f"{loop.over} … if{loop.condition}"


def _read(expressions: Iterable[Expressions], values: Mapping[str, Expressions]) -> tuple[set[str], set[str]]:
    """The variables and the locals that expressions read, directly or through other locals.

    Args:
        expressions: The expressions.
        values: The module's locals by name.
    """
    variables: set[str] = set()
    locals_: set[str] = set()
    pending = [*expressions]
    while pending:
        for reference in pending.pop().references:
            if reference.kind == "var":
                variables.add(reference.name)
            elif reference.name in values and reference.name not in locals_:
                locals_.add(reference.name)
                pending.append(values[reference.name])
    return variables, locals_


def _finding(block: Block, message: str) -> Finding:
    rule = RULES["CKV_INV_409"]
    file = block.file.relative_to(ROOT).as_posix() if block.file.is_relative_to(ROOT) else str(block.file)
    address = ".".join(block.labels)
    folder = Path(file).parent.as_posix()
    place = (file, block.line, message, rule.remedy, rule.guideline, folder, HCL, f"{folder}/{address}")
    return Finding(rule.id, rule.severity, address, *place)
