"""Conditions of policies, read by their meaning: what a Deny keeps out, and what a grant is limited to."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.arn import like
from harness.plan.evaluate import AccessRequest, NotModelledError, holds
from harness.plan.iam_policy import POLICIES, RESOURCE_POLICIES, Statement, restricted_to
from harness.plan.resource import UNKNOWN, Resource, shown
from harness.policy.rule import relation
from harness.policy.rules.iam import granted
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "conditions.toml"

ENCRYPTED_TRANSPORT = {
    "aws_secretsmanager_secret": ("aws_secretsmanager_secret_policy", "secret_arn", "secretsmanager:GetSecretValue"),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn", "sns:Publish"),
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url", "sqs:SendMessage"),
}
"""Types whose policies have to deny plain HTTP: the type of a separate policy, how it names them, and the action.
Buckets are CKV_INV_611's."""


@relation("CKV_INV_518", (*POLICIES, *RESOURCE_POLICIES))
def denials(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every Deny applies to plain HTTP only; in whole environments every queue, topic and secret has one."""
    for policy in plan.of(*POLICIES, *RESOURCE_POLICIES):
        for statement in denying(plan, policy):
            if _covers(statement, secure=True):
                yield (
                    policy.address,
                    f"Its {statement} denies requests over TLS too: it locks everybody out. Remove it.",
                )
    if plan.environment in {"", "bootstrap"}:
        return
    for kind, (policy_kind, path, action) in ENCRYPTED_TRANSPORT.items():
        for resource in plan.of(kind):
            separate = [each for each in plan.of(policy_kind) if resource in plan.links(each, path, kind)]
            statements = [each for owner in (resource, *separate) for each in denying(plan, owner)]
            if not any(_keeps_out_http(each, action, resource) for each in statements):
                message = f"No statement of its policy denies {action} over plain HTTP"
                yield resource.address, f"{message}: deny it to * where aws:SecureTransport is 'false' (test Bool)."


def denying(plan: "PlanGraph", policy: Resource) -> list[Statement]:
    """The Deny statements of a policy, from its documents where its text is not known yet."""
    path = {**POLICIES, **RESOURCE_POLICIES}[policy.type]
    text = policy.get(path)
    statements = iam_policy.statements(text) or []
    if text is UNKNOWN:
        for document in plan.links(policy, path, "aws_iam_policy_document"):
            statements = [*statements, *iam_policy.of_document(document)]
    return [statement for statement in statements if not statement.allows]


def _covers(statement: Statement, *, secure: bool) -> bool:
    """Whether a statement's conditions hold for a request of nobody in particular; what cannot be read is as bad."""
    context: dict[str, Any] = {variable.lower(): None for _, variable, _ in statement.conditions}
    context["aws:securetransport"] = str(secure).lower()
    try:
        return holds(statement, AccessRequest("any:Action", "*", context))
    except NotModelledError:
        return secure


def _keeps_out_http(statement: Statement, action: str, resource: Resource) -> bool:
    name = resource.get("name")
    everybody = any(who == "*" and kind in {"*", "AWS"} for kind, who in statement.principals)
    about_it = any(
        each == "*" or each is UNKNOWN or name is UNKNOWN or str(each).rpartition(":")[2] == name
        for each in statement.resources
    )
    acts = any(isinstance(each, str) and like(each.lower(), action.lower()) for each in statement.actions)
    return everybody and about_it and acts and _covers(statement, secure=False) and not _covers(statement, secure=True)


@dataclass(frozen=True)
class RequiredCondition:
    """A row of the table.

    Attributes:
        actions: The actions that are granted with this condition only.
        key: The condition key.
        values: What it may be limited to; ``{environment}`` and ``{region}`` stand for the plan's.
        harm: What happens otherwise.
        resources: A regular expression for the resources on which the actions need it; any by default.
        roles: The beginnings of the names of roles that need no such condition.
    """

    actions: tuple[str, ...]
    key: str
    values: tuple[str, ...]
    harm: str
    resources: str = ".*"
    roles: tuple[str, ...] = ()

    def problem(self, statement: Statement, environment: str) -> str | None:
        """What is wrong with an Allow statement."""
        actions = [action for action in statement.actions if str(action) in self.actions]
        if not actions or not any(re.search(self.resources, str(each)) for each in statement.resources):
            return None
        values = restricted_to(statement, self.key)
        if values is None:
            return f"grants {', '.join(map(str, actions))} without a condition on {self.key}: {self.harm}."
        foreign = [value for value in values if value is UNKNOWN or not self._admits(str(value), environment)]
        return f"limits {self.key} to {shown(foreign)}: {self.harm}." if foreign else None

    def _admits(self, value: str, environment: str) -> bool:
        """Whether a value is one of those that are listed; a module's example has no environment of its own."""
        names = {"environment": environment or "*", "region": "*", "event_source": PLATFORM.event_source}
        if "{event_types}" in self.values:
            return value in PLATFORM.event_types
        return any(like(expected.format(**names), value) for expected in self.values)


def _read(path: Path) -> tuple[RequiredCondition, ...]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["condition"]
    return tuple(RequiredCondition(**{name: _frozen(value) for name, value in row.items()}) for row in rows)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


REQUIRED = _read(TABLE)
"""The rows of ``policy/conditions.toml``."""


@relation("CKV_INV_519", tuple(POLICIES))
def limited_grants(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every row, on every identity policy; and no condition may be one that every value meets."""
    for policy in plan.of(*POLICIES):
        for statement in granted(plan, policy):
            for row in REQUIRED:
                problem = row.problem(statement, plan.environment)
                if problem and not _of_role(plan, policy, row.roles):
                    yield policy.address, f"Its {statement} {problem}"
            for _, variable, values in statement.conditions:
                if any(isinstance(value, str) and value and not value.strip("*") for value in values):
                    yield policy.address, f"Its {statement} limits {variable} to {shown(list(values))}: to anything."


def _of_role(plan: "PlanGraph", policy: Resource, prefixes: tuple[str, ...]) -> bool:
    names = [policy.get("role"), *(role.get("name") for role in plan.links(policy, "role", "aws_iam_role"))]
    return any(isinstance(name, str) and name.startswith(prefixes) for name in names) if prefixes else False
