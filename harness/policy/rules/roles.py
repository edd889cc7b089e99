"""Roles: who may assume them, what they hold, and that something of the plan uses them."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import also_on_plan, attribute, relation
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

USERS: Mapping[str, tuple[str, str]] = {
    "aws_api_gateway_account": ("cloudwatch_role_arn", "apigateway.amazonaws.com"),
    "aws_lambda_function": ("role", "lambda.amazonaws.com"),
    "aws_s3_bucket_replication_configuration": ("role", "s3.amazonaws.com"),
}
"""What uses roles: by type, the argument that names the role, and the service that then assumes it."""


@relation("CKV_INV_504", ("aws_iam_role",))
def trust(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every role that the plan uses trusts the service of what uses it, and no other; one that nothing uses, nobody."""
    services = _services(plan)
    for role in plan.of("aws_iam_role"):
        if plan.environment and not services[role.address]:
            yield role.address, "Nothing in this plan uses it: whoever may assume it is nobody's business here."
        text = role.get("assume_role_policy")
        statements = iam_policy.statements(text)
        if text is UNKNOWN:
            documents = plan.links(role, "assume_role_policy", "aws_iam_policy_document")
            statements = [item for document in documents for item in iam_policy.of_document(document)] or None
        if not statements:
            yield role.address, "Its trust policy cannot be read before the apply."
            continue
        for statement in statements:
            for message in _trusts(statement, services[role.address]):
                yield role.address, message


def _services(plan: "PlanGraph") -> Mapping[str, set[str]]:
    """For each role, by address, the services that assume it for resources of the plan."""
    services: dict[str, set[str]] = {role.address: set() for role in plan.of("aws_iam_role")}
    for kind, (path, service) in USERS.items():
        for user in plan.of(kind):
            for role in used_roles(plan, user, path):
                services[role.address].add(service)
    return services


def used_roles(plan: "PlanGraph", user: Resource, path: str) -> list[Resource]:
    """The roles of this plan that an argument may name, usually one.

    A known ARN decides. Until it is known, every role that the expression refers to is possible.
    """
    arn = user.get(path)
    if not isinstance(arn, str):
        return plan.links(user, path, "aws_iam_role")
    return [role for role in plan.of("aws_iam_role") if _is_role(role, arn)]


def _is_role(role: Resource, arn: str) -> bool:
    """Whether an ARN is a role's: by its ARN, or by its name before it has one."""
    role_arn = role.get("arn")
    return (
        role_arn == arn
        if isinstance(role_arn, str)
        else arn.endswith(f":role{role.get('path') or '/'}{role.get('name')}")
    )


def _trusts(statement: Statement, services: set[str]) -> Iterator[str]:
    if not statement.allows:
        yield "Its trust policy denies something: what uses the role may not be able to assume it."
        return
    principals = {f"{kind}:{name}" for kind, name in statement.principals if name is not UNKNOWN}
    if statement.not_principals or not statement.principals:
        yield "Its trust policy names no principal, or everybody except some (NotPrincipal)."
    elif any(kind != "Service" for kind, _ in statement.principals):
        yield f"It trusts {', '.join(sorted(principals))}, which is not a service."
    elif services and principals != {f"Service:{service}" for service in services}:
        yield f"It trusts {', '.join(sorted(principals))}, and {', '.join(sorted(services))} uses it."
    elif len(principals) > 1 or any("*" in principal for principal in principals):
        yield f"It trusts {', '.join(sorted(principals))}."
    if set(statement.actions) - {"sts:AssumeRole"} or statement.not_actions:
        yield f"Its trust policy allows {', '.join(map(str, statement.actions or ('NotAction',)))}."


MANAGED = ("AmazonAPIGatewayPushToCloudWatchLogs",)
"""AWS's own policies that may be attached: API Gateway accepts no other for its logs."""


_ARNS = tuple(f":iam::aws:policy/service-role/{name}" for name in MANAGED)
ATTACHMENTS = ("aws_iam_policy_attachment", "aws_iam_role_policy_attachment")


@attribute("CKV_INV_507", (*ATTACHMENTS, "aws_iam_role"))
def own_policies(resource: Resource) -> Iterator[str]:
    """Attachments, and the older argument of the role: AWS's policies, and our own whose ARN is written out."""
    arns = listed(resource.get("managed_policy_arns" if resource.type == "aws_iam_role" else "policy_arn"))
    for arn in arns:
        if isinstance(arn, str) and not arn.endswith(
            tuple(f":iam::aws:policy/service-role/{name}" for name in MANAGED)
        ):
            yield f"It holds {arn.rpartition('/')[2]}."


@also_on_plan("CKV_INV_507")
def inline_policies(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """What the plan does not know is a policy of this plan; and each role has at most one policy of its own."""
    for holder in plan.of(*ATTACHMENTS, "aws_iam_role"):
        name = "managed_policy_arns" if holder.type == "aws_iam_role" else "policy_arn"
        if plan.references(holder, name) and UNKNOWN in listed(holder.get(name)):
            yield holder.address, "It attaches a policy: its grants are not among those that the role's module shows."
        if holder.type == "aws_iam_role" and "inline_policy" in plan.expression(holder).get("expressions", {}):
            yield holder.address, "It has an inline_policy: write an aws_iam_role_policy, which the proofs read."
    policies: dict[Any, list[Resource]] = {}
    for policy in plan.of("aws_iam_role_policy"):
        name = policy.get("role")
        linked = [role.address for role in plan.links(policy, "role", "aws_iam_role")]
        policies.setdefault(name if isinstance(name, str) else ",".join(linked), []).append(policy)
    for others in policies.values():
        for policy in others[1:]:
            yield policy.address, f"Its role has {others[0].address} already: write all statements into one policy."


@relation("CKV_INV_522", ("aws_iam_role",))
def own_boundary(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the policy's name; its account is CKV_INV_510's. None is right where live/bootstrap has created none."""
    for role in plan.of("aws_iam_role"):
        boundary = role.get("permissions_boundary")
        if isinstance(boundary, str) and boundary and not _BOUNDARY.fullmatch(boundary):
            yield role.address, f"Its permissions_boundary is {shown(boundary)}, and not {PLATFORM.boundary_policy}."


_BOUNDARY = re.compile(rf"arn:[\w-]+:iam::\d{{12}}:policy/{re.escape(PLATFORM.boundary_policy)}")
