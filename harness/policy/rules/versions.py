"""An alias serves the version that the apply publishes, and no other."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, shown
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation("CKV_INV_215", ("aws_lambda_alias",))
def newest_version(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the reference to the function where its version is known after the apply only."""
    for alias in plan.of("aws_lambda_alias"):
        version = alias.get("function_version")
        functions = _functions(plan, alias)
        published = {function.get("version") or UNKNOWN for function in functions}
        if version is UNKNOWN:
            if not plan.links(alias, "function_version", "aws_lambda_function"):
                yield alias.address, "function_version does not come from the function."
        elif version == "$LATEST" or version not in published:
            yield alias.address, f"function_version is {shown(version)}, which is not what the function publishes."
        if any(alias.all("routing_config.additional_version_weights")):
            yield alias.address, "routing_config sends a part of the calls to another version."


def _functions(plan: "PlanGraph", alias: Resource) -> list[Resource]:
    """The function of an alias: by its name or ARN, or by the reference to it."""
    name = alias.get("function_name")
    if not isinstance(name, str):
        return plan.links(alias, "function_name", "aws_lambda_function")
    return [
        function
        for function in plan.of("aws_lambda_function")
        if isinstance(function.get("function_name"), str) and function.get("function_name") in name.split(":")
    ]
