"""What a deployment's triggers leave out, read from source: a plan does not tell what a local is made of.

In each module that deploys an API, every input that its methods, integrations, models and gateway responses are made
from must also go into the deployment's ``triggers``, directly or through locals; or the triggers name those resources.
And all of it must: a comprehension with an ``if`` forgets what it drops, save attributes of which nothing is made.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.paths import ROOT
from harness.policy.finding import Finding
from harness.policy.rule import HCL, RULES
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
"""What a deployment takes a picture of."""

_NAMED = re.compile(r"\b(var|local)\.([A-Za-z_][A-Za-z0-9_-]*)")

_ONE = re.compile(r"\bvar\.([A-Za-z_][A-Za-z0-9_-]*)\[")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_DROPPED = re.compile(r'if\s*\w+\s*!=\s*"([A-Za-z_][A-Za-z0-9_-]*)"')


def findings(modules: Path = ROOT / "modules") -> list[Finding]:
    """What the deployments of all modules leave out."""
    return [one for folder in sorted(modules.iterdir()) if folder.is_dir() for one in _of_module(read(folder))]


def _of_module(module: Module) -> Iterator[Finding]:
    made = {name: value.text for block in module.of("locals") for name, value in block.attributes.items()}
    resources = module.of("resource")
    for deployment in (one for one in resources if one.labels[0] == "aws_api_gateway_deployment"):
        triggers = deployment.attributes.get("triggers")
        heard = _inputs(triggers.text if triggers else "", made)
        for one in (one for one in resources if one.labels[0] in DEPLOYED):
            name = ".".join(one.labels)
            missing = sorted(_inputs(_text(one), made) - heard)
            if missing and not (triggers and name in triggers.text):
                yield _finding(
                    deployment, f"Its triggers leave out var.{', var.'.join(missing)}, which {name} is made from."
                )
        yield from (
            _finding(deployment, f"Its triggers hear only part: {one}.") for one in _narrowed(module, deployment)
        )


def _narrowed(module: Module, deployment: Block) -> Iterator[str]:
    """The expressions below a deployment's triggers that drop some of what its resources are made from."""
    made = {name: value for block in module.of("locals") for name, value in block.attributes.items()}
    texts = {name: value.text for name, value in made.items()}
    source = "\n".join(_text(one) for one in module.of("resource") if one.labels[0] in DEPLOYED)
    used, needed = _closure(source, texts), _inputs(source, texts)
    source = "\n".join([source, *(texts.get(name, "") for name in used)])
    heard = deployment.attributes.get("triggers")
    if not heard:
        return
    nodes = [heard.node, *(made[name].node for name in _closure(heard.text, texts) - used if name in made)]
    for node in nodes:
        yield from (f"var.{name}[…]" for name in _ONE.findall(_flat(node)) if name in needed)
        for loop in (one for kind in ("for_object_expr", "for_tuple_expr") for one in node.find_data(kind)):
            condition = next(
                loop.find_pred(lambda one, loop=loop: one.data == "for_cond" and one in loop.children), None
            )
            over = _flat(loop.children[1].children[-2])
            if condition is None or not (_inputs(over, texts) & needed or _IDENTIFIER.fullmatch(over)):
                continue
            dropped = _DROPPED.fullmatch(_flat(condition))
            if _inputs(over, texts) & needed or not dropped or re.search(rf"\.{re.escape(dropped[1])}\b", source):
                yield f"{over} … {_flat(condition)}"


def _flat(node: Any) -> str:
    return "".join(str(token) for token in node.scan_values(lambda _: True)).strip()


def _closure(text: str, made: Mapping[str, str]) -> set[str]:
    """The locals that a text comes from."""
    found: set[str] = set()
    waiting = [text]
    while waiting:
        for kind, name in _NAMED.findall(waiting.pop()):
            if kind == "local" and name not in found:
                found.add(name)
                waiting.append(made.get(name, ""))
    return found


def _text(block: Block) -> str:
    return "\n".join([*(value.text for value in block.attributes.values()), *(_text(inner) for inner in block.blocks)])


def _inputs(text: str, made: Mapping[str, str]) -> set[str]:
    """The variables that a text comes from, through locals."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [text]
    while waiting:
        for kind, name in _NAMED.findall(waiting.pop()):
            if kind == "var":
                found.add(name)
            elif name not in seen:
                seen.add(name)
                waiting.append(made.get(name, ""))
    return found


def _finding(deployment: Block, message: str) -> Finding:
    rule = RULES["CKV_INV_409"]
    file = (
        deployment.file.relative_to(ROOT).as_posix() if deployment.file.is_relative_to(ROOT) else str(deployment.file)
    )
    address = ".".join(deployment.labels)
    folder = Path(file).parent.as_posix()
    place = (file, deployment.line, message, rule.remedy, rule.guideline, folder, HCL, f"{folder}/{address}")
    return Finding(rule.id, rule.severity, address, *place)
