"""Settings of functions: they name what the plan has, and what only a person may decide is what was reviewed."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, mapping, shown
from harness.policy.rule import relation
from harness.policy.rules import reviewed
from harness.policy.rules.platform import CONTENT
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

NAMING: Mapping[str, tuple[str, str]] = {
    r"API_NAME": ("aws_api_gateway_rest_api", "name"),
    r"EVENT_BUS_NAME": ("aws_cloudwatch_event_bus", "name"),
    r"TABLE_NAME": ("aws_dynamodb_table", "name"),
    r"(?:(?P<purpose>\w+)_)?BUCKET": ("aws_s3_bucket", "bucket"),
    r"\w+_QUEUE_URL": ("aws_sqs_queue", "name"),
}
"""Variables that name resources: by a pattern of the name, which may begin with what the resource is for."""


@relation("CKV_INV_217", ("aws_lambda_function",))
def settings(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Of a URL the last part counts; a bucket's name contains the purpose that the variable names.

    A decision that no function is told any more is not the one that was reviewed.
    """
    decided = reviewed.of(plan.environment).settings
    for function in plan.of("aws_lambda_function"):
        for block in function.all("environment.variables"):
            for name, value in (mapping(block) or {}).items():
                if value is not UNKNOWN:
                    yield from ((function.address, message) for message in _unnamed(plan, str(name), value))
                    yield from ((function.address, message) for message in _wider(plan, str(name), value))
                    if name in decided and value != decided[name]:
                        text = f"{name} is {shown(value)}, and was reviewed as {shown(decided[name])}: restore it."
                        yield function.address, text

    told = {name for function in plan.of("aws_lambda_function") for name in _variables(function)}
    for name in sorted(name for name, value in decided.items() if told and value and name not in told):
        text = f"No function gets {name}, which was reviewed as {shown(decided[name])}: restore it."
        yield f"module.{PLATFORM.platform_call}", text


def _variables(function: Resource) -> Iterator[str]:
    """The names of a function's variables; none while the plan does not show them, as with an id among them."""
    for block in function.all("environment.variables"):
        yield from map(str, mapping(block) or ())


def _wider(plan: "PlanGraph", variable: str, value: Any) -> Iterator[str]:
    pattern = CONTENT.variables.get(variable)
    if pattern is not None:
        expected = pattern.format(environment=plan.environment)
        if not re.fullmatch(rf"{expected}(-[a-z0-9-]+)?", str(value)):
            yield f"{variable} is {shown(value)}, and {shown(expected)} limits the function to what is its own."


def _unnamed(plan: "PlanGraph", variable: str, value: Any) -> Iterator[str]:
    for pattern, (kind, attribute) in NAMING.items():
        match = re.fullmatch(pattern, variable)
        if not match:
            continue
        names = {resource.get(attribute) for resource in plan.of(kind)}
        text = str(value).rpartition("/")[2]
        if UNKNOWN not in names and text not in names:
            yield f"{variable} is {shown(value)}, which is not in this plan."
        purpose = (match.groupdict().get("purpose") or "").lower()
        if purpose and purpose not in text:
            yield f"{variable} is {shown(value)}, which is not for {purpose}."
