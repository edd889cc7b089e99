"""The permissions that a plan grants to each function: every action on every resource, one by one, with conditions.

The text of most roles' policies is known at plan. Where AWS chooses an id, the policy document shows everything except
that id: policy/unknown_resources.yaml states the resource, and a test on a deployed stack, whose plan knows every id,
checks that the statement is true.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan import iam_policy
from harness.plan.evaluate import less
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN, Resource

UNKNOWN_RESOURCES = ROOT / "policy" / "unknown_resources.yaml"

StandIns = Mapping[tuple[str, str], str]
"""The resource of each (function, statement) that the plan does not know."""


def stand_ins(path: Path = UNKNOWN_RESOURCES) -> StandIns:
    """Read the resources whose ids AWS chooses."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {(row["function"], row["statement"]): row["resource"] for row in rows}


@dataclass(frozen=True)
class Grant:
    """One action on one resource.

    Attributes:
        function: The function's short name.
        statement: The whole statement, with its conditions.
        action: The action.
        resource: The resource.
    """

    function: str
    statement: Statement
    action: str
    resource: str

    @property
    def alone(self) -> Statement:
        """The statement with only this grant."""
        return replace(self.statement, actions=(self.action,), resources=(self.resource,))

    def __str__(self) -> str:
        return f"{self.function}: {self.action} on {self.resource} ({self.statement.sid})"


@dataclass(frozen=True)
class Role:
    """The permissions of one function.

    Attributes:
        function: Its short name: without the environment.
        function_name: Its name on AWS.
        address: The policy's address in the plan.
        statements: The statements of its role's policies.
    """

    function: str
    function_name: str
    address: str
    statements: tuple[Statement, ...]

    def grants(self) -> Iterator[Grant]:
        """Every permission, one by one.

        Raises:
            HarnessError: A statement allows everything except something, which cannot be listed one by one.
        """
        for statement in self.statements:
            if not statement.allows:
                continue
            if statement.not_actions or statement.not_resources:
                raise HarnessError(
                    f"{self.address}: {statement} allows everything except something.", remedy="Name what it allows."
                )
            for action in statement.actions:
                for resource in statement.resources:
                    yield Grant(self.function, statement, str(action), str(resource))

    def without(self, grant: Grant) -> tuple[Statement, ...]:
        """The statements as they would be without one grant."""
        return tuple(
            rest
            for statement in self.statements
            for rest in (less(statement, grant.action, grant.resource) if statement == grant.statement else [statement])
        )


def roles(plan: PlanGraph, *, account: str, region: str, unknown: StandIns | None = None) -> dict[str, Role]:
    """The permissions of each function of a plan.

    Args:
        plan: Of a whole environment.
        account: The plan's account.
        region: Its region.
        unknown: The resources that the plan does not know; `stand_ins` by default.

    Raises:
        HarnessError: A policy cannot be read before apply, or a function has none.
    """
    by_function = {}
    names = {"account": account, "region": region}
    unknown = stand_ins() if unknown is None else unknown
    policies = plan.of("aws_iam_role_policy")
    chosen = [each.get("id") for each in plan.resources if each.type in _CHOSEN_BY_AWS]
    ids = tuple(identifier for identifier in chosen if isinstance(identifier, str) and identifier)
    for function in plan.of("aws_lambda_function"):
        name = str(function.get("function_name"))
        short = name.removesuffix(f"-{plan.environment}")
        own_policies = [policy for policy in policies if policy.module == function.module]
        if not own_policies:
            raise HarnessError(
                f"{function.address} has no policy in its module.", remedy="Declare one in the module of the function."
            )
        statements = [statement for policy in own_policies for statement in _statements(plan, policy)]
        filled = tuple(_filled(statement, short, names, unknown, ids) for statement in statements)
        by_function[short] = Role(short, name, own_policies[0].address, filled)
    return by_function


def _statements(plan: PlanGraph, policy: Resource) -> list[Statement]:
    text = policy.get("policy")
    if text is not UNKNOWN:
        return iam_policy.statements(text) or []
    return [
        statement
        for document in plan.links(policy, "policy", "aws_iam_policy_document")
        for statement in iam_policy.of_document(document)
    ]


_CHOSEN_BY_AWS = frozenset({"aws_api_gateway_usage_plan", "aws_kms_key"})
"""Types of resources whose ids AWS chooses, and functions' policies name."""


def _filled(
    statement: Statement, function: str, names: Mapping[str, str], unknown: StandIns, ids: Sequence[str]
) -> Statement:
    """A statement with its stand-in for a resource whose id AWS chooses, whether it is known yet or not."""
    stand_in = unknown.get((function, statement.sid))
    for name, value in names.items():
        stand_in = stand_in and stand_in.replace(f"{{{name}}}", value)
    if UNKNOWN not in statement.resources:
        if stand_in is None or len(statement.resources) > 1 or not _has_id(str(statement.resources[0]), stand_in, ids):
            return statement
    elif stand_in is None or len(statement.resources) > 1:
        raise HarnessError(
            f"The resource of {function}'s {statement} is known only after apply.",
            remedy=f"State it in policy/{UNKNOWN_RESOURCES.name}, and use a separate statement for it.",
        )
    return replace(statement, resources=(stand_in,))


def _has_id(resource: str, stand_in: str, ids: Sequence[str]) -> bool:
    """Whether a resource is its stand-in but for an id of this plan's resources."""
    for identifier in ids:
        before, found, after = resource.partition(identifier)
        if found and stand_in.startswith(before) and stand_in.endswith(after):
            return True
    return False
