"""Rule CKV_INV_409 on source: what a deployment's triggers leave out. A plan does not show what a local is built from.

In each module that deploys an API, every variable that its methods, integrations, models and gateway responses are
built from must also go into the deployment's ``triggers``, directly or through locals; or the triggers name those
resources.

The triggers must hash each variable completely. A ``for … if`` filter is allowed only on attributes that no deployed
resource uses.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.paths import ROOT
from harness.policy.finding import Finding
from harness.policy.rule import HCL, RULES
from harness.terraform.module import Block, Module, read, source_of

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

_REFERENCE = re.compile(r"\b(var|local)\.([A-Za-z_][A-Za-z0-9_-]*)")
_ELEMENT = re.compile(r"\bvar\.([A-Za-z_][A-Za-z0-9_-]*)\[")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_EXCEPTION = re.compile(r'if\s*\w+\s*!=\s*"([A-Za-z_][A-Za-z0-9_-]*)"')


def findings(modules: Path = ROOT / "modules") -> list[Finding]:
    """What the deployments of all modules leave out."""
    folders = [folder for folder in sorted(modules.iterdir()) if folder.is_dir()]
    return [finding for folder in folders for finding in _of_module(read(folder))]


def _of_module(module: Module) -> Iterator[Finding]:
    texts = {name: value.text for block in module.of("locals") for name, value in block.attributes.items()}
    deployed = _deployed(module)
    for deployment in (block for block in module.of("resource") if block.labels[0] == "aws_api_gateway_deployment"):
        triggers = deployment.attributes.get("triggers")
        hashed = _variables(triggers.text if triggers else "", texts)
        for resource in deployed:
            name = ".".join(resource.labels)
            missing = sorted(_variables(_text(resource), texts) - hashed)
            if missing and not (triggers and name in triggers.text):
                variables = f"var.{', var.'.join(missing)}"
                yield _finding(deployment, f"Its triggers leave out {variables}, which {name} is built from.")
        for expression in _partial(module, deployment):
            yield _finding(deployment, f"Its triggers hash only part: {expression}.")


def _deployed(module: Module) -> list[Block]:
    return [block for block in module.of("resource") if block.labels[0] in DEPLOYED]


def _partial(module: Module, deployment: Block) -> Iterator[str]:
    """The expressions of a deployment's triggers that leave out part of what its resources are built from."""
    triggers = deployment.attributes.get("triggers")
    if not triggers:
        return
    values = {name: value for block in module.of("locals") for name, value in block.attributes.items()}
    texts = {name: value.text for name, value in values.items()}
    source = "\n".join(_text(block) for block in _deployed(module))
    used, variables = _locals(source, texts), _variables(source, texts)
    source = "\n".join([source, *(texts.get(name, "") for name in used)])
    nodes = [triggers.node, *(values[name].node for name in _locals(triggers.text, texts) - used if name in values)]
    for node in nodes:
        yield from (f"var.{name}[…]" for name in _ELEMENT.findall(source_of(node)) if name in variables)
        for loop in (loop for kind in ("for_object_expr", "for_tuple_expr") for loop in node.find_data(kind)):
            condition = next(
                loop.find_pred(lambda part, loop=loop: part.data == "for_cond" and part in loop.children), None
            )
            collection = source_of(loop.children[1].children[-2])
            is_input = bool(_variables(collection, texts) & variables)
            if condition is None or not (is_input or _IDENTIFIER.fullmatch(collection)):
                continue
            exception = _EXCEPTION.fullmatch(source_of(condition))
            if is_input or not exception or re.search(rf"\.{re.escape(exception[1])}\b", source):
                yield f"{collection} … {source_of(condition)}"


def _text(block: Block) -> str:
    return "\n".join([*(value.text for value in block.attributes.values()), *(_text(inner) for inner in block.blocks)])


def _references(text: str, texts: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """The variables and the locals that a text is built from, directly or through other locals.

    Args:
        text: An expression, or several.
        texts: The module's locals by name.
    """
    variables: set[str] = set()
    locals_: set[str] = set()
    pending = [text]
    while pending:
        for kind, name in _REFERENCE.findall(pending.pop()):
            if kind == "var":
                variables.add(name)
            elif name not in locals_:
                locals_.add(name)
                pending.append(texts.get(name, ""))
    return variables, locals_


def _variables(text: str, texts: Mapping[str, str]) -> set[str]:
    return _references(text, texts)[0]


def _locals(text: str, texts: Mapping[str, str]) -> set[str]:
    return _references(text, texts)[1]


def _finding(deployment: Block, message: str) -> Finding:
    rule = RULES["CKV_INV_409"]
    file = (
        deployment.file.relative_to(ROOT).as_posix() if deployment.file.is_relative_to(ROOT) else str(deployment.file)
    )
    address = ".".join(deployment.labels)
    folder = Path(file).parent.as_posix()
    place = (file, deployment.line, message, rule.remedy, rule.guideline, folder, HCL, f"{folder}/{address}")
    return Finding(rule.id, rule.severity, address, *place)
