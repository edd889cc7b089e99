"""Secrets by their forms (`harness.policy.secret_shapes`): in resources, outputs, inputs and defaults.

No message shows a value. Random texts count where somebody wrote them: AWS makes up others, such as versions' ids.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource
from harness.policy.rule import relation
from harness.policy.secret_shapes import random_in, shape_of

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation("CKV_INV_703", ("*",))
def no_secrets(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Everything that the plan shows; environments of functions are CKV_INV_210's."""
    for resource in plan.resources:
        for path, value in _texts(_written(resource.values), ""):
            if resource.type == "aws_lambda_function" and path.startswith("environment.variables"):
                continue
            random = random_in(value)
            if found := shape_of(value) or (random if random and _is_written(plan, resource, path) else None):
                yield resource.address, f"{path} holds {found}."
    document = plan.document
    for name, variable in document.get("variables", {}).items():
        yield from ((f"var.{name}", f"Its value holds {found}.") for found in _found(variable.get("value"), name))
    for name, output in (
        document.get("planned_values", {}).get("outputs", {}).items()
    ):  # AWS made up what is random there
        for _, text in _texts(output.get("value"), ""):  # a random one may come from AWS
            if shape := shape_of(text):
                yield f"output.{name}", f"Its value holds {shape}."
    yield from _in_module(document.get("configuration", {}).get("root_module", {}), "")


def _is_written(plan: "PlanGraph", resource: Resource, path: str) -> bool:
    """Whether the source writes a value: it does not name another resource there, and AWS has not filled it in."""
    name = path.partition(".")[0]
    return (
        not resource.data
        and name in plan.expression(resource).get("expressions", {})
        and name not in _DIGESTS
        and not plan.links(resource, name)
    )


_DIGESTS = frozenset({"code_sha256", "etag", "source_code_hash", "source_hash"})
"""Arguments whose values are random because they are digests, in base64."""


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
        yield from (
            (f"{prefix}var.{name}", f"Its default holds {found}.") for found in _found(variable.get("default"), name)
        )
    for name, output in module.get("outputs", {}).items():
        expression = output.get("expression", {}).get("constant_value")
        yield from ((f"{prefix}output.{name}", f"Its value holds {found}.") for found in _found(expression, name))
    for name, call in module.get("module_calls", {}).items():
        yield from _in_module(call.get("module", {}), f"{prefix}module.{name}.")


def _found(value: Any, name: str) -> Iterator[str]:
    """What secrets a value holds; a digest in hexadecimal digits is one where the name says so."""
    for path, text in _texts(value, name):
        if found := shape_of(text) or random_in(text) or shape_of(f"{path.rpartition('.')[2]}: {text}"):
            yield found


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a value, with its path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, path)
    elif value is not UNKNOWN and isinstance(value, str):
        yield path, value
