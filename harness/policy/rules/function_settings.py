"""Settings of functions: they name what the plan has, and what only a person may decide is what was reviewed."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, mapping, shown
from harness.policy.rule import relation
from harness.policy.rules import reviewed

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
    """Of a URL the last part counts; a bucket's name contains the purpose that the variable names."""
    decided = reviewed.of(plan.environment).settings
    for function in plan.of("aws_lambda_function"):
        for block in function.all("environment.variables"):
            for name, value in (mapping(block) or {}).items():
                if value is not UNKNOWN:
                    yield from ((function.address, message) for message in _unnamed(plan, str(name), value))
                    if name in decided and value != decided[name]:
                        text = f"{name} is {shown(value)}, and was reviewed as {shown(decided[name])}."
                        yield function.address, text


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
