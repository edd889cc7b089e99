"""Deployments of an API are snapshots: what a plan removes from the API is still served after its apply."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from harness.policy.rule import relation
from harness.terraform.plan import ResourceChange

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

SERVED = (
    "aws_api_gateway_gateway_response",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method",
    "aws_api_gateway_method_response",
    "aws_api_gateway_resource",
)
"""What a stage serves by itself; a model or validator that no method uses is not served."""


@relation("CKV_INV_603", SERVED)
def removed_with_the_next_deployment(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Terraform creates the deployment before it deletes what the plan removes, because a stage must move first."""
    for deployment, removed in outdated_deployments(plan.changes).items():
        for change in removed:
            yield change.address, f"The plan deletes it, and {deployment} still serves it."


def outdated_deployments(changes: Iterable[ResourceChange]) -> dict[str, list[ResourceChange]]:
    """The deployments that still serve something that a plan deletes, and what that is.

    A deployment "is a snapshot of the API" (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-deployments.html).
    A deployment of a new API in place of the old one has nothing of it.

    Args:
        changes: The plan's changes.

    Returns:
        The deletions by the address of the deployment.
    """
    removed = defaultdict(list)
    deployments = {}
    for change in changes:
        if change.type in SERVED and change.is_removal and not change.deposed:
            removed[(change.before or {}).get("rest_api_id")].append(change)
        elif change.type == "aws_api_gateway_deployment" and change.before and not change.will_be_gone:
            deployments[change.address] = change.values.get("rest_api_id")
    return {address: removed[api] for address, api in deployments.items() if api in removed}
