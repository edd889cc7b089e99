"""Secrets by their known shapes: in resources, outputs, inputs and defaults. No message shows a value."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_SHAPES: Mapping[str, str] = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}",
    "a chat webhook": r"hooks\.slack\.com/(?:services|workflows|triggers)/\w+/\w+"
    r"|\bdiscord(?:app)?\.com/api/webhooks/\d+/[\w-]+"
    r"|webhook\.office(?:365)?\.com/webhookb2/[\w@-]+"
    r"|\bchat\.googleapis\.com/v1/spaces/[^\s\"]*[?&](?:key|token)=[\w%-]+"
    r"|\bapi\.telegram\.org/bot\d+:[\w-]{20,}"
    r"|/hooks/[a-z0-9]{26}\b",
    "a shared access signature": r"[?&;](?:amp;)?sig=[\w%+/=-]{20,}|\bSharedAccessSignature\s",
    "a presigned address": r"(?i)X-(?:Amz|Goog)-Signature=[0-9a-f]{32,}"
    r"|[?&]AWSAccessKeyId=\w+[^\s\"]*[?&]Signature=|[?&]Signature=[^\s\"&]{20,}[^\s\"]*[?&]Key-Pair-Id=",
    "an address with a password": r"\b[a-z][a-z0-9+.-]*://[^/\s:@\"]*:[^/\s:@\"]+@",
    "a connection string": r"(?i)\b(?:AccountKey|SharedAccessKey|SharedSecretValue)\s*=\s*[\w+/=-]{16,}"
    r"|(?:^|;)\s*(?:password|pwd)\s*=\s*[^;\s\"]+\s*;?"
    r"|(?=[^\n]*\b(?:host|server|dbname|user)\s*=)\bpassword\s*=\s*[^;\s\"]+",
    "an API key": r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}"
    r"|\bAIza[\w-]{35}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bkey-[0-9a-f]{32}\b|\bSK[0-9a-f]{32}\b"
    r"|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|\bsh(?:pat|pss|ppa|pca)_[0-9a-f]{16,}|\bsq0[a-z]{3}-[\w-]{20,}"
    r"|\b[0-9a-f]{32}-us\d{1,2}\b|\bNRAK-[0-9A-Z]{20,}|\blin_api_\w{20,}",
    "a token": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[a-z]-[A-Za-z0-9-]{10,}"
    r"|\bxapp-\d-[\w-]{10,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-AgEI[\w-]{20,}|\bhvs\.[\w-]{20,}|\bdop_v1_[0-9a-f]{32,}"
    r"|\bhf_[A-Za-z0-9]{30,}|\bATATT3x[\w=-]{20,}|\b\d{8,10}:AA[\w-]{33}\b|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|(?i:\b(?:bearer|basic)\s+(?=[\w+/=.-]*\d)[\w+/=.-]{16,})",
}
"""By what it is: known prefixes and forms, as their issuers document them."""

_COMPILED = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}


def shape_of(text: str) -> str | None:
    """What secret a text contains, such as ``a chat webhook``; None if none is known to look like it."""
    return next((name for name, pattern in _COMPILED.items() if pattern.search(text)), None)


@relation("CKV_INV_703", ("*",))
def no_secrets(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Everything that the plan shows; environments of functions are CKV_INV_210's."""
    for resource in plan.resources:
        for path, shape in _found(_written(resource.values), ""):
            if not (resource.type == "aws_lambda_function" and path.startswith("environment.variables")):
                yield resource.address, f"{path} holds {shape}."
    document = plan.document
    for name, variable in document.get("variables", {}).items():
        yield from ((f"var.{name}", f"Its value holds {shape}.") for _, shape in _found(variable.get("value"), ""))
    for name, output in document.get("planned_values", {}).get("outputs", {}).items():
        yield from ((f"output.{name}", f"Its value holds {shape}.") for _, shape in _found(output.get("value"), ""))
    yield from _in_module(document.get("configuration", {}).get("root_module", {}), "")


def _written(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes without tags that are there twice: ``tags_all`` repeats ``tags``, and adds the provider's."""
    tags, merged = values.get("tags"), values.get("tags_all")
    if not isinstance(tags, Mapping) or not isinstance(merged, Mapping):
        return values
    added = {name: value for name, value in merged.items() if name not in tags or tags[name] != value}
    return {**values, "tags_all": added}


def _in_module(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Defaults, outputs and arguments that the configuration spells out."""
    for name, variable in module.get("variables", {}).items():
        for _, shape in _found(variable.get("default"), ""):
            yield f"{prefix}var.{name}", f"Its default holds {shape}."
    for name, output in module.get("outputs", {}).items():
        for _, shape in _found(output.get("expression"), ""):
            yield f"{prefix}output.{name}", f"Its value holds {shape}."
    for name, call in module.get("module_calls", {}).items():
        yield from _in_module(call.get("module", {}), f"{prefix}module.{name}.")


def _found(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _found(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _found(inner, path)
    elif value is not UNKNOWN and isinstance(value, str) and (shape := shape_of(value)):
        yield path, shape
