"""Principals of resource policies: services that act for our resources, and the account that administers its key."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.evaluate import AccessRequest, NotModelledError, applies
from harness.plan.iam_policy import RESOURCE_POLICIES, Statement, of_key_administration, restricted_to
from harness.plan.resource import UNKNOWN, Resource, shown
from harness.policy.rule import relation
from harness.policy.rules.iam import granted, own_accounts

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation("CKV_INV_517", tuple(RESOURCE_POLICIES))
def expected_principals(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Of every kind: AWS, Service, CanonicalUser, Federated and kinds that AWS adds later."""
    for policy in plan.of(*RESOURCE_POLICIES):
        for statement in granted(plan, policy):
            for principal in statement.principals:
                if not _is_expected(policy, statement, principal):
                    kind, name = principal
                    actions = ", ".join(map(str, statement.actions)) or "all actions but some"
                    yield (
                        policy.address,
                        f"Its {statement} grants {actions} to {kind} {shown(name)}: {_fix(policy, name)}",
                    )
            if "*" in statement.resources and policy.type not in _OF_ONE:
                yield policy.address, f"Its {statement} grants on *: name the resource, or what in it."
        if policy.type in _KEYS and policy.get("policy") is not None and not _is_administered(plan, policy):
            account = "Give its account kms:* on * without a condition"
            yield (
                policy.address,
                f"No statement lets its account administer it: nobody could change it again. {account}.",
            )


def _fix(policy: Resource, name: Any) -> str:
    """What to do about a principal: a key's own account stays, with everything that it may do."""
    if policy.type in _KEYS and str(name).endswith(":root"):
        return "the account of a key administers it, with kms:* on * and without a condition."
    return "remove the principal."


_KEYS = ("aws_kms_key", "aws_kms_key_policy")
_OF_ONE = frozenset({*_KEYS, "aws_secretsmanager_secret", "aws_secretsmanager_secret_policy"})
"""Types in whose policies ``*`` is the one resource that they belong to
(https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html)."""


def _is_administered(plan: "PlanGraph", key: Resource) -> bool:
    return any(of_key_administration(each) and not each.conditions for each in granted(plan, key))


def _is_expected(policy: Resource, statement: Statement, principal: tuple[str, Any]) -> bool:
    kind, name = principal
    if kind == "Service":
        return name is UNKNOWN or str(name).endswith(".amazonaws.com")
    return policy.type in _KEYS and of_key_administration(statement)


_STRANGER = "999999999999"
_WITHOUT_CONTEXT = frozenset({("events.amazonaws.com", "sns:Publish")})
"""Services that send none of the keys that could name the source, with the action
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html)."""

_OF_SOURCES = ("aws:sourcearn", "aws:sourceaccount", "kms:encryptioncontext:")
"""The keys, in lower case, whose value a service takes from the resource that it acts for."""

_ACCOUNT_IN_ARN = re.compile(r"(arn:[^:]*:[^:]*:[^:]*:)([^:]+)(:.*)")


@relation("CKV_INV_513", tuple(RESOURCE_POLICIES))
def bound_services(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By evaluation, and not by what a condition looks like: the same request for a stranger must not be allowed."""
    for policy in plan.of(*RESOURCE_POLICIES):
        own = own_accounts(plan, policy)
        for statement in granted(plan, policy):
            for service in sorted({str(name) for kind, name in statement.principals if kind == "Service"}):
                if {(service, str(action)) for action in statement.actions} <= _WITHOUT_CONTEXT:
                    continue
                for message in _open_to_strangers(statement, service, own):
                    yield policy.address, f"Its {statement} {message}"


def _open_to_strangers(statement: Statement, service: str, own: set[str]) -> Iterator[str]:
    for test, variable, _ in statement.conditions:
        if restricted_to(statement, variable) is None:
            yield f"limits {variable} by {test}, which holds for others, or without it."
    try:
        admitted = [context for context in _strangers(statement) if applies(*_request(statement, service, context))]
    except NotModelledError as error:
        yield f"cannot be evaluated: {error}."
        return
    if admitted:
        keys = ", ".join(sorted({variable for _, variable, _ in statement.conditions})) or "nothing"
        yield f"lets {service} act for any account: it checks {keys}, and a stranger's request passes."
        return
    accounts = {
        str(value)
        for _, variable, values in statement.conditions
        for value in values
        if variable.lower() == "aws:sourceaccount" and value is not UNKNOWN
    }
    for account in sorted(accounts - own if own else ()):
        yield f"lets {service} act for the account {account}."


def _strangers(statement: Statement) -> Iterator[Mapping[str, Any]]:
    """The contexts of requests for other accounts' resources: with every key, with each alone, and with none."""
    keys = {variable.lower() for _, variable, _ in statement.conditions}
    base: dict[str, Any] = {**dict.fromkeys(keys), "aws:securetransport": "true"}
    foreign = {key: _foreign(statement, key) for key in keys if key.startswith(_OF_SOURCES)}
    yield base
    for number in range(max((len(values) for values in foreign.values()), default=0)):
        sent = {key: values[number % len(values)] for key, values in foreign.items()}
        yield {**base, **sent}
        yield from ({**base, key: value} for key, value in sent.items())


def _foreign(statement: Statement, key: str) -> list[str]:
    """What a key has for a stranger's resource that is named like ours."""
    if key == "aws:sourceaccount":
        return [_STRANGER]
    values = [
        str(value)
        for _, variable, values in statement.conditions
        for value in values
        if variable.lower() == key and value is not UNKNOWN
    ]
    return [f"arn:aws:any:us-east-1:{_STRANGER}:thing", *(_of_stranger(value) for value in values)]


def _of_stranger(arn: str) -> str:
    plain = arn.replace("*", "x").replace("?", "x")
    if match := _ACCOUNT_IN_ARN.fullmatch(plain):
        return f"{match[1]}{_STRANGER}{match[3]}"
    head, _, name = plain.rpartition(":")
    return f"{head}:a-strangers-{name}" if head else f"a-strangers-{name}"


def _request(statement: Statement, service: str, context: Mapping[str, Any]) -> tuple[Statement, AccessRequest]:
    """A request that the statement's principals, actions and resources fit: only its conditions are left to decide."""
    action = str(next(iter(statement.actions), "any:Action")).replace("*", "x")
    resources = [str(each) for each in statement.resources if isinstance(each, str)]
    resource = next(iter(resources), "arn:aws:any:::x").replace("*", "x").replace("?", "x")
    only = Statement(
        statement.sid,
        statement.effect,
        (action,),
        (),
        (resource,),
        (),
        (("Service", service),),
        (),
        statement.conditions,
    )
    return only, AccessRequest(action, resource, context, ("Service", service))
