"""IAM: grants name what they grant and on what, roles are trusted to one service, and each function has its own."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.iam_policy import POLICIES, RESOURCE_POLICIES, Statement
from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
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
"""Actions that AWS grants on no resource in particular (X-Ray, metrics): those may be granted on ``*``."""


@attribute(
    Rule(
        id="CKV_INV_501",
        title="Grants name their actions",
        severity=Severity.CRITICAL,
        types=(*POLICIES, *RESOURCE_POLICIES, "aws_iam_role", DOCUMENT),
        rationale="A wildcard grants what nobody thought of, and what AWS adds later.",
        guideline=f"{_IAM}/best-practices.html#grant-least-privilege",
        remedy="List each action in full (service:Action) in an Allow statement; no *, no ?, no NotAction.",
    )
)
def named_actions(one: Resource) -> Iterator[str]:
    """Allow statements of identity and resource policies; a key's own account may hold kms:* on it (AWS wants that)."""
    for statement in granting(one):
        for what in iam_policy.wild_actions(statement):
            if not _own_key(statement):
                yield f"Its {statement} {what}."


def _own_key(statement: Statement) -> bool:
    """AWS's default key policy: the account that owns the key administers it."""
    return (
        statement.actions == ("kms:*",)
        and all(kind == "AWS" and (who is UNKNOWN or str(who).endswith(":root")) for kind, who in statement.principals)
        and bool(statement.principals)
    )


def granting(one: Resource) -> list[Statement]:
    """The Allow statements of whatever policy a resource carries."""
    return [statement for statement in _statements(one) if statement.allows]


def granted(plan: "PlanGraph", one: Resource) -> list[Statement]:
    """The same, of the documents behind a policy too where its own text is unknown yet."""
    found = granting(one)
    path = {**POLICIES, **RESOURCE_POLICIES}.get(one.type, "")
    if path and one.get(path) is UNKNOWN:
        for document in plan.links(one, path, "aws_iam_policy_document"):
            found += granting(document)
    return found


def _statements(one: Resource) -> list[Statement]:
    if one.type == "aws_iam_policy_document":
        return iam_policy.of_document(one)
    if one.type == "aws_iam_role":
        texts = list(one.all("inline_policy.policy"))
    else:
        texts = [one.get({**POLICIES, **RESOURCE_POLICIES}[one.type])]
    return [statement for text in texts for statement in iam_policy.statements(text) or ()]


@relation(
    Rule(
        id="CKV_INV_502",
        title="Grants name their resources",
        severity=Severity.HIGH,
        types=(*POLICIES, "aws_iam_role"),
        rationale="A grant on everything reaches the data of others, in this environment and the next.",
        guideline=f"{_IAM}/best-practices.html#grant-least-privilege",
        remedy="Give the ARN of each resource in full. What a wildcard may stand for (a bucket's objects, a table's "
        "indexes …) is listed in WILDCARDS of harness/plan/iam_policy.py; only xray:Put…, cloudwatch:PutMetricData "
        "take *.",
        modes=frozenset({PLAN}),
    )
)
def named_resources(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Allow statements of identity policies, and of the documents behind those that are unknown yet."""
    for one in plan.of(*POLICIES, "aws_iam_role"):
        for statement in granted(plan, one):
            wide = [str(each) for each in statement.resources if isinstance(each, str) and iam_policy.is_wide(each)]
            for resource in wide:
                loose = [a for a in statement.actions if not _allowed(a, resource)]
                if loose:
                    yield one.address, f"Its {statement} grants {', '.join(map(str, loose))} on {resource}."
            if statement.not_resources:
                yield one.address, f"Its {statement} grants on everything but {shown(list(statement.not_resources))}."


def _allowed(action: Any, resource: str) -> bool:
    return resource == "*" and action is not UNKNOWN and action in ANY_RESOURCE


@relation(
    Rule(
        id="CKV_INV_503",
        title="Each function has a role of its own",
        severity=Severity.HIGH,
        types=("aws_lambda_function",),
        rationale="In a shared role every function may do what any of them may.",
        guideline="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
        remedy="Declare one aws_iam_role per function (inside the module that declares the function).",
        modes=frozenset({PLAN}),
    )
)
def own_roles(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the ARN where it is known, otherwise by every role that the expression refers to."""
    users: dict[str, list[Resource]] = defaultdict(list)
    for function in plan.of("aws_lambda_function"):
        role = function.get("role")
        may_be = roles_of(plan, function)
        for one in may_be:
            users[one.address].append(function)
        if isinstance(role, str) and not may_be:
            users[role].append(function)
        elif not may_be:
            yield function.address, "Its role cannot be told from the plan."
    for role, functions in users.items():
        if len(functions) > 1:
            for function in functions:
                others = ", ".join(sorted(one.address for one in functions if one is not function)[:3])
                yield function.address, f"It shares the role {role} with {others}."


def roles_of(plan: "PlanGraph", function: Resource) -> list[Resource]:
    """The roles of this plan that a function may run as, most often one.

    A known ARN tells which, whatever else the expression refers to; before that, any that it refers to may be meant.
    """
    arn = function.get("role")
    if not isinstance(arn, str):
        return plan.links(function, "role", "aws_iam_role")
    return [one for one in plan.of("aws_iam_role") if _is_role(one, arn)]


def _is_role(role: Resource, arn: str) -> bool:
    """Whether an ARN is a role's: by its own, by its name before there is one."""
    own = role.get("arn")
    return own == arn if isinstance(own, str) else arn.endswith(f":role{role.get('path') or '/'}{role.get('name')}")


@relation(
    Rule(
        id="CKV_INV_504",
        title="A role is trusted to one service, a function's to Lambda",
        severity=Severity.CRITICAL,
        types=("aws_iam_role",),
        rationale="Whoever may assume a role may do all that it may.",
        guideline=f"{_IAM}/id_roles_create_for-service.html",
        remedy='Let assume_role_policy name one service: { type = "Service", identifiers = ["lambda.amazonaws.com"] }, '
        "action sts:AssumeRole, nothing else.",
        modes=frozenset({PLAN}),
    )
)
def trust(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every role; those of functions more strictly."""
    of_functions = {one.address for function in plan.of("aws_lambda_function") for one in roles_of(plan, function)}
    for role in plan.of("aws_iam_role"):
        text = role.get("assume_role_policy")
        found = iam_policy.statements(text)
        if text is UNKNOWN:
            documents = plan.links(role, "assume_role_policy", "aws_iam_policy_document")
            found = [one for document in documents for one in iam_policy.of_document(document)] or None
        if not found:
            yield role.address, "Its trust policy cannot be read before the apply."
            continue
        for statement in found:
            for message in _trusts(statement, function=role.address in of_functions):
                yield role.address, message


def _trusts(statement: Statement, *, function: bool) -> Iterator[str]:
    if not statement.allows:
        return
    who = {f"{kind}:{name}" for kind, name in statement.principals if name is not UNKNOWN}
    if statement.not_principals or not statement.principals:
        yield "Its trust policy names nobody, or everybody but somebody (NotPrincipal)."
    elif any(kind != "Service" for kind, _ in statement.principals):
        yield f"It is trusted to {', '.join(sorted(who))}, not to a service."
    elif function and who != {"Service:lambda.amazonaws.com"}:
        yield f"It is a function's, and trusted to {', '.join(sorted(who))}."
    elif len(who) > 1 or any("*" in one for one in who):
        yield f"It is trusted to {', '.join(sorted(who))}."
    if set(statement.actions) - {"sts:AssumeRole"} or statement.not_actions:
        yield f"Its trust policy allows {', '.join(map(str, statement.actions or ('NotAction',)))}."


@relation(
    Rule(
        id="CKV_INV_505",
        title="Every policy can be read before the apply",
        severity=Severity.HIGH,
        types=(*POLICIES, *RESOURCE_POLICIES),
        rationale="A policy that nobody sees before it is in force cannot be judged.",
        guideline=f"{_IAM}/access_policies_policy-validator.html",
        remedy="Make ARNs from names instead of reading them back from resources, or write the policy as an "
        "aws_iam_policy_document, whose known parts a plan shows.",
        modes=frozenset({PLAN}),
    )
)
def readable(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """A document that is read during the apply shows its statements; jsonencode of something unknown shows nothing."""
    for kind, path in {**POLICIES, **RESOURCE_POLICIES}.items():
        for one in plan.of(kind):
            if (
                one.get(path) is UNKNOWN
                and plan.references(one, path)
                and not plan.links(one, path, "aws_iam_policy_document")
            ):
                yield one.address, f"Its {path} is unknown before the apply."
            elif isinstance(one.get(path), str) and iam_policy.statements(one.get(path)) is None:
                yield one.address, f"Its {path} is no policy: it has no Statement."


@attribute(
    Rule(
        id="CKV_INV_506",
        title="No resource policy grants to everybody",
        severity=Severity.CRITICAL,
        types=(*RESOURCE_POLICIES, DOCUMENT),
        rationale='Principal "*" is every account of the world.',
        guideline=f"{_IAM}/reference_policies_elements_principal.html#principal-anonymous",
        remedy="Name the service or account, and bind a service by aws:SourceArn or aws:SourceAccount.",
    )
)
def nobody_at_large(one: Resource) -> Iterator[str]:
    """Allow statements; a condition on the source does not make * a name."""
    for statement in granting(one):
        if any(isinstance(name, str) and "*" in name and kind in {"*", "AWS"} for kind, name in statement.principals):
            yield f"Its {statement} grants {', '.join(map(str, statement.actions))} to everybody."
        if statement.not_principals:
            yield f"Its {statement} grants to everybody but {len(statement.not_principals)} (NotPrincipal)."


@relation(
    Rule(
        id="CKV_INV_509",
        title="No resource policy grants to another account",
        severity=Severity.CRITICAL,
        types=tuple(RESOURCE_POLICIES),
        rationale="Whoever rules the other account decides who uses the key, the bucket or the queue: as a key's "
        "administrator it may even lock us out.",
        guideline=f"{_IAM}/access_policies-cross-account-resource-access.html",
        remedy="Leave the plan's own account (var.account_id) as the only one among the principals.",
        modes=frozenset({PLAN}),
    )
)
def own_account(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Principals of kind AWS; where the plan does not tell its own account, several accounts are one too many."""
    for one in plan.of(*RESOURCE_POLICIES):
        own = _accounts(plan, one)
        named = {
            found[1]
            for statement in granted(plan, one)
            for kind, who in statement.principals
            if kind == "AWS" and isinstance(who, str) and (found := _ACCOUNT.match(who))
        }
        foreign = named - own if own else named if len(named) > 1 else set()
        if foreign:
            yield (
                one.address,
                f"It grants to {', '.join(sorted(foreign))}, and is of {shown(min(own, default=None))}.",
            )


_ACCOUNT = re.compile(r"(?:arn:[\w-]*:(?:iam|sts)::)?(\d{12})(?::|$)")
_IN_AN_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}):")


def _accounts(plan: "PlanGraph", one: Resource) -> set[str]:
    """The account that a plan is for: as its provider or variable says, else as its functions' and roles' ARNs do."""
    configuration = plan.document.get("configuration", {})
    key = plan.expression(one).get("provider_config_key", "")
    allowed = (
        configuration.get("provider_config", {}).get(key, {}).get("expressions", {}).get("allowed_account_ids", {})
    )
    variables = plan.document.get("variables", {})
    names = [each.removeprefix("var.") for each in allowed.get("references", ()) if each.startswith("var.")]
    values = [allowed.get("constant_value"), *(variables.get(name, {}).get("value") for name in (*names, "account_id"))]
    if told := {str(value) for found in values for value in listed(found) if value}:
        return told
    arns = [function.get("role") for function in plan.of("aws_lambda_function")]
    arns += [each for role in plan.of("aws_iam_role_policy") for said in granting(role) for each in said.resources]
    return {found[1] for arn in arns if isinstance(arn, str) and (found := _IN_AN_ARN.match(arn))}


MANAGED = ("AmazonAPIGatewayPushToCloudWatchLogs",)
"""AWS's own policies that may be attached: API Gateway accepts no other for its logs."""


@attribute(
    Rule(
        id="CKV_INV_507",
        title="Roles hold our own policies, not AWS's broad ones",
        severity=Severity.HIGH,
        types=("aws_iam_policy_attachment", "aws_iam_role", "aws_iam_role_policy_attachment"),
        rationale="Managed policies grant on every resource, and AWS changes them.",
        guideline=f"{_IAM}/access_policies_managed-vs-inline.html",
        remedy="Write an aws_iam_role_policy with the actions and resources that are used.",
    )
)
def own_policies(one: Resource) -> Iterator[str]:
    """Attachments, and the older argument of the role."""
    arns = listed(one.get("managed_policy_arns" if one.type == "aws_iam_role" else "policy_arn"))
    for arn in arns:
        if isinstance(arn, str) and ":iam::aws:policy/" in arn and arn.rpartition("/")[2] not in MANAGED:
            yield f"It holds {arn.rpartition('/')[2]}."


@relation(
    Rule(
        id="CKV_INV_508",
        title="parliament finds nothing in rendered policies",
        severity=Severity.HIGH,
        types=(*POLICIES, *RESOURCE_POLICIES),
        rationale="A misspelled action, or one on a resource that it does not know, grants nothing or not what was "
        "meant: only the "
        "running function finds out.",
        guideline=f"{_IAM}/access_policies_policy-validator.html",
        remedy="Correct the action, resource or condition: AWS's Service Authorization Reference lists which belong "
        "together.",
        modes=frozenset({PLAN}),
        scope="parliament",
    )
)
def linted(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Nothing by itself: parliament runs in checkov's environment (policy/run_checkov.py), on `rendered_policies`."""
    del plan
    return iter(())


def rendered_policies(plan: "PlanGraph") -> Iterator[tuple[Resource, str]]:
    """The identity policies whose text is known before the apply; parliament does not know the others' principals."""
    for one in plan.of(*POLICIES):
        text = one.get(POLICIES[one.type])
        if isinstance(text, str):
            yield one, text
