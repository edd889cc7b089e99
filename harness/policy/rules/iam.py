"""IAM: grants name actions and resources, roles trust one service, and each function has its own role."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.iam_policy import POLICIES, RESOURCE_POLICIES, Statement
from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import attribute, relation
from harness.policy.rules.roles import used_roles

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

DOCUMENT = "data.aws_iam_policy_document"

ANY_RESOURCE = frozenset(
    {
        "cloudwatch:PutMetricData",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that AWS does not restrict to resources (X-Ray, metrics): these may be granted on ``*``."""


@attribute("CKV_INV_501", (*POLICIES, *RESOURCE_POLICIES, "aws_iam_role", DOCUMENT))
def named_actions(resource: Resource) -> Iterator[str]:
    """Allow statements of identity and resource policies; those for a key's own account are CKV_INV_517's."""
    for statement in granting(resource):
        for grant in iam_policy.wild_actions(statement):
            if not iam_policy.of_key_account(statement):
                yield f"Its {statement} {grant}."


def granting(resource: Resource) -> list[Statement]:
    """The Allow statements of the policy that a resource carries."""
    return [statement for statement in _statements(resource) if statement.allows]


def granted(plan: "PlanGraph", resource: Resource) -> list[Statement]:
    """The same, from the policy's documents where its text is not known yet."""
    statements = granting(resource)
    path = {**POLICIES, **RESOURCE_POLICIES}.get(resource.type, "")
    if path and resource.get(path) is UNKNOWN:
        for document in plan.links(resource, path, "aws_iam_policy_document"):
            statements += granting(document)
    return statements


def _statements(resource: Resource) -> list[Statement]:
    if resource.type == "aws_iam_policy_document":
        return iam_policy.of_document(resource)
    if resource.type == "aws_iam_role":
        texts = list(resource.all("inline_policy.policy"))
    else:
        texts = [resource.get({**POLICIES, **RESOURCE_POLICIES}[resource.type])]
    return [statement for text in texts for statement in iam_policy.statements(text) or ()]


@relation("CKV_INV_502", (*POLICIES, "aws_iam_role"))
def named_resources(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Allow statements of identity policies, and of the documents of those that are not known yet."""
    for policy in plan.of(*POLICIES, "aws_iam_role"):
        for statement in granted(plan, policy):
            for arn in statement.resources:
                if not isinstance(arn, str) or not iam_policy.is_wide(arn):
                    continue
                actions = [action for action in statement.actions if not _may_be_wide(action, arn)]
                if actions:
                    yield policy.address, f"Its {statement} grants {', '.join(map(str, actions))} on {arn}."
            if statement.not_resources:
                exceptions = shown(list(statement.not_resources))
                yield policy.address, f"Its {statement} grants on everything except {exceptions}."


def _may_be_wide(action: Any, arn: str) -> bool:
    return arn == "*" and action is not UNKNOWN and action in ANY_RESOURCE


@relation("CKV_INV_503", ("aws_lambda_function",))
def own_roles(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the ARN where it is known, otherwise by every role that the expression refers to."""
    users: dict[str, list[Resource]] = defaultdict(list)
    for function in plan.of("aws_lambda_function"):
        role = function.get("role")
        candidates = roles_of(plan, function)
        for candidate in candidates:
            users[candidate.address].append(function)
        if isinstance(role, str) and not candidates:
            users[role].append(function)
        elif not candidates:
            yield function.address, "The plan does not show its role."
    for role, functions in users.items():
        if len(functions) > 1:
            for function in functions:
                others = ", ".join(sorted(other.address for other in functions if other is not function)[:3])
                yield function.address, f"It shares the role {role} with {others}."


def roles_of(plan: "PlanGraph", function: Resource) -> list[Resource]:
    """The roles of this plan that a function may run as, usually one."""
    return used_roles(plan, function, "role")


@relation("CKV_INV_505", (*POLICIES, *RESOURCE_POLICIES))
def readable(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """A document read during the apply shows its statements; jsonencode of unknown values shows nothing.

    The provider reads the policy of a REST API that has none as an empty text.
    """
    for kind, path in {**POLICIES, **RESOURCE_POLICIES}.items():
        for policy in plan.of(kind):
            text = policy.get(path)
            if (
                text is UNKNOWN
                and plan.references(policy, path)
                and not plan.links(policy, path, "aws_iam_policy_document")
            ):
                yield policy.address, f"Its {path} is unknown before the apply."
            elif isinstance(text, str) and text and iam_policy.statements(text) is None:
                yield policy.address, f"Its {path} is not a policy: it has no Statement."


@attribute("CKV_INV_506", (*RESOURCE_POLICIES, DOCUMENT))
def named_principals(resource: Resource) -> Iterator[str]:
    """Allow statements; a condition on the source does not replace a name for *."""
    for statement in granting(resource):
        if any(isinstance(name, str) and "*" in name and kind in {"*", "AWS"} for kind, name in statement.principals):
            yield f"Its {statement} grants {', '.join(map(str, statement.actions))} to everybody."
        if statement.not_principals:
            yield f"Its {statement} grants to everybody except {len(statement.not_principals)} (NotPrincipal)."


@relation("CKV_INV_509", tuple(RESOURCE_POLICIES))
def own_account(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Principals of kind AWS. Where the plan does not show its own account, naming several accounts is a violation."""
    for policy in plan.of(*RESOURCE_POLICIES):
        own = own_accounts(plan, policy)
        accounts = {
            match[1]
            for statement in granted(plan, policy)
            for kind, name in statement.principals
            if kind == "AWS" and isinstance(name, str) and (match := _ACCOUNT.match(name))
        }
        foreign = accounts - own if own else accounts if len(accounts) > 1 else set()
        if foreign:
            account = shown(min(own, default=None))
            yield policy.address, f"It grants to {', '.join(sorted(foreign))}, and belongs to {account}."


_ACCOUNT = re.compile(r"(?:arn:[\w-]*:(?:iam|sts)::)?(\d{12})(?::|$)")
_IN_AN_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}):")


def own_accounts(plan: "PlanGraph", resource: Resource) -> set[str]:
    """The account that a plan is for: from its provider or variable, else from the ARNs of functions and roles."""
    configuration = plan.document.get("configuration", {})
    key = plan.expression(resource).get("provider_config_key", "")
    allowed = (
        configuration.get("provider_config", {}).get(key, {}).get("expressions", {}).get("allowed_account_ids", {})
    )
    variables = plan.document.get("variables", {})
    references = allowed.get("references", ())
    names = [reference.removeprefix("var.") for reference in references if reference.startswith("var.")]
    values = [allowed.get("constant_value"), *(variables.get(name, {}).get("value") for name in (*names, "account_id"))]
    if accounts := {str(account) for value in values for account in listed(value) if account}:
        return accounts
    arns = [function.get("role") for function in plan.of("aws_lambda_function")]
    arns += [
        arn
        for policy in plan.of("aws_iam_role_policy")
        for statement in granting(policy)
        for arn in statement.resources
    ]
    return {match[1] for arn in arns if isinstance(arn, str) and (match := _IN_AN_ARN.match(arn))}


@relation("CKV_INV_508", (*POLICIES, *RESOURCE_POLICIES))
def linted(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Finds nothing here: parliament runs in checkov's environment (policy/run_checkov.py), on `rendered_policies`."""
    del plan
    return iter(())


def rendered_policies(plan: "PlanGraph") -> Iterator[tuple[Resource, str]]:
    """The identity policies whose text is known before the apply; parliament does not support principals."""
    for policy in plan.of(*POLICIES):
        text = policy.get(POLICIES[policy.type])
        if isinstance(text, str):
            yield policy, text
