"""Whatever makes up the API is part of the deployment's fingerprint: no change of an argument goes undeployed.

The resources take every argument from locals (rule CKV_INV_409 rejects literals in them), and these locals are hashed.
Here every literal in them is changed once, and every argument of a route.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.paths import BUILD
from harness.plan_tests.collector import Planner
from harness.plan_tests.root import MODULES, ModuleCall
from harness.terraform.expressions import Element, Expressions
from harness.terraform.module import Module, read

HASHED = {
    "api-gateway": ("_models", "_methods", "_integrations", "_gateway_bodies", "_gateway_headers", "_gateway"),
    "api-gateway-cors": ("_preflights", "_granted"),
}
"""The locals that the resources of a deployment are built from, by module."""

FOLDER = BUILD / "plan" / "fingerprints"
"""The modules with one literal changed."""

FINGERPRINTS = {"api-gateway": "deployment_fingerprint", "api-gateway-cors": "fingerprint"}
ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:%s:live"
ROUTE = {
    "alias_arn": ALIAS % "one",
    "api_key_required": True,
    "method": "POST",
    "model": "Order",
    "parameters": {"method.request.header.x-tenant": True},
    "path": "/orders/{id}",
}
MODELS = {"Order": '{"type": "object"}', "Other": '{"type": "object"}'}
INPUTS: Mapping[str, dict[str, Any]] = {
    "api-gateway": {"name": "orders", "models": MODELS, "routes": {"one": ROUTE}},
    "api-gateway-cors": {
        "allow_credentials": True,
        "allow_origins": ["https://a.example"],
        "resources": {"/orders": {"id": "abc123", "methods": ["GET"]}},
        "rest_api_id": "api123",
    },
}
OTHER_ARGUMENTS = {
    "alias_arn": ALIAS % "two",
    "api_key_required": False,
    "method": "PUT",
    "model": "Other",
    "parameters": {"method.request.header.x-tenant": False},
    "path": "/orders/{number}",
}
OTHER_INPUTS: Mapping[str, dict[str, Any]] = {
    "a model's schema": {"models": {**MODELS, "Order": '{"type": "array"}'}},
    "a header of errors": {"gateway_response_headers": {"X-Own": "'1'"}},
    "a second route": {"routes": {"one": ROUTE, "two": {**ROUTE, "method": "GET", "model": ""}}},
    **{f"a route's {name}": {"routes": {"one": {**ROUTE, name: value}}} for name, value in OTHER_ARGUMENTS.items()},
}
# The provider accepts certain values only.
OTHER_VALUES = {"AWS_PROXY": "HTTP_PROXY", "MOCK": "HTTP_PROXY", "NEVER": "WHEN_NO_MATCH", "NONE": "AWS_IAM"}
OTHER_VALUES |= {"OPTIONS": "HEAD", "POST": "PUT"}


def changed(text: str) -> str | None:
    """Another literal of the same kind; None for what is not a literal."""
    if text in {"true", "false"}:
        return "false" if text == "true" else "true"
    if text.isdigit():
        return str(int(text) - 1)
    if not re.fullmatch(r'"(?:[^"\\$]|\\.|\$\{[^}]*\}|\$)*"', text):
        return None
    inner = text[1:-1]
    return f'"{OTHER_VALUES.get(inner) or (int(inner) + 1 if inner.isdigit() else inner + "x")}"'


def literals(module: Module) -> Iterator[tuple[str, Path, Element, str]]:
    """The literals of the hashed locals: a name for each, its file, its place and another value."""
    for block in module.of("locals"):
        for local in (name for name in block.attributes if name in HASHED[module.name]):
            for element in Expressions(block.attributes[local].node).elements:
                value = changed(str(element.value))
                if value is not None:
                    yield f"{module.name}: {local}.{element.key} = {value}", block.file, element, value


def every_call() -> list[ModuleCall]:
    """A call of each module as it is, one for each changed literal, and one for each changed input."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    every = []
    for name, inputs in INPUTS.items():
        module = read(MODULES / name)
        every.append(ModuleCall(name, module, inputs))
        for number, (key, file, element, value) in enumerate(literals(module)):
            folder = FOLDER / str(number) / name
            shutil.copytree(MODULES / name, folder)
            text = file.read_text(encoding="utf-8")
            mutated = text[: element.value.start] + value + text[element.value.end :]
            (folder / file.name).write_text(mutated, encoding="utf-8")
            every.append(ModuleCall(key, read(folder), inputs))
    api = read(MODULES / "api-gateway")
    return every + [ModuleCall(key, api, {**INPUTS["api-gateway"], **other}) for key, other in OTHER_INPUTS.items()]


CALLS = every_call()


def calls(_: Path) -> tuple[Sequence[ModuleCall], Sequence[ModuleCall]]:
    return CALLS, ()


def test_every_change_moves_the_fingerprint(planner: Planner) -> None:
    results = {call.key: planner.result_of(call.key) for call in CALLS}

    rejected = {key: result.messages for key, result in results.items() if result.planned is None}
    fingerprints = {
        call.key: planned.outputs[FINGERPRINTS[call.module.name]]
        for call in CALLS
        if (planned := results[call.key].planned) is not None
    }
    unmoved = [call.key for call in CALLS if fingerprints.get(call.key) == fingerprints[call.module.name]]

    assert rejected == {}
    assert unmoved == list(INPUTS), "these changes would never be deployed"


def test_every_kind_of_argument_is_among_the_changes() -> None:
    keys = " ".join(call.key for call in CALLS)

    assert len(CALLS) > 25
    for argument in ("authorization", "timeout_milliseconds", "type", "uri", "status_code", "passthrough_behavior"):
        assert f".{argument} = " in keys
    assert set(OTHER_ARGUMENTS) == set(ROUTE)
