"""What a plan grants to each function: every action on every resource, one by one, with its conditions.

The text of most roles' policies is known at plan. Where an id is AWS's own choice, the policy document shows all but
that: policy/unknown_resources.yaml says what will stand there, and a test on a deployed stack, whose plan knows
everything, holds that true.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from harness.errors import HarnessError
from harness.iam.evaluate import less
from harness.paths import ROOT
from harness.plan import iam_policy
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN, Resource

UNKNOWN_RESOURCES = ROOT / "policy" / "unknown_resources.yaml"

StandIns = Mapping[tuple[str, str], str]
"""The resource of a (function, statement) that only the apply will tell."""


def stand_ins(path: Path = UNKNOWN_RESOURCES) -> StandIns:
    """Read what stands for resources whose ids AWS chooses."""
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
        """The statement with this grant and nothing else."""
        return replace(self.statement, actions=(self.action,), resources=(self.resource,))

    def __str__(self) -> str:
        return f"{self.function}: {self.action} on {self.resource} ({self.statement.sid})"


@dataclass(frozen=True)
class Role:
    """What one function may do.

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
        """Everything that is allowed, one by one.

        Raises:
            HarnessError: A statement allows everything but something; that cannot be told one by one.
        """
        for statement in self.statements:
            if not statement.allows:
                continue
            if statement.not_actions or statement.not_resources:
                raise HarnessError(
                    f"{self.address}: {statement} allows everything but something.", remedy="Name what it allows."
                )
            for action in statement.actions:
                for resource in statement.resources:
                    yield Grant(self.function, statement, str(action), str(resource))

    def without(self, grant: Grant) -> tuple[Statement, ...]:
        """The statements as they would be if one grant were taken out."""
        return tuple(
            one
            for statement in self.statements
            for one in (less(statement, grant.action, grant.resource) if statement == grant.statement else [statement])
        )


def roles(plan: PlanGraph, *, account: str, region: str, unknown: StandIns | None = None) -> dict[str, Role]:
    """What each function of a plan may do.

    Args:
        plan: Of a whole environment.
        account: The plan's account.
        region: Its region.
        unknown: What stands for resources that the plan does not know; `stand_ins` unless given.

    Raises:
        HarnessError: A policy cannot be read before the apply, or a function has none.
    """
    found = {}
    known = {"account": account, "region": region}
    unknown = stand_ins() if unknown is None else unknown
    policies = plan.of("aws_iam_role_policy")
    for function in plan.of("aws_lambda_function"):
        name = str(function.get("function_name"))
        short = name.removesuffix(f"-{plan.environment}")
        own = [one for one in policies if one.module == function.module]
        if not own:
            raise HarnessError(
                f"{function.address} has no policy beside it.", remedy="Declare one in the module of the function."
            )
        read = [_filled(one, short, known, unknown) for policy in own for one in _statements(plan, policy)]
        found[short] = Role(short, name, own[0].address, tuple(read))
    return found


def _statements(plan: PlanGraph, policy: Resource) -> list[Statement]:
    text = policy.get("policy")
    if text is not UNKNOWN:
        return iam_policy.statements(text) or []
    return [
        statement
        for document in plan.links(policy, "policy", "aws_iam_policy_document")
        for statement in iam_policy.of_document(document)
    ]


def _filled(statement: Statement, function: str, known: Mapping[str, str], unknown: StandIns) -> Statement:
    if UNKNOWN not in statement.resources:
        return statement
    stand_in = unknown.get((function, statement.sid))
    if stand_in is None or len(statement.resources) > 1:
        raise HarnessError(
            f"The resource of {function}'s {statement} is known only after the apply.",
            remedy=f"Say in policy/{UNKNOWN_RESOURCES.name} what will stand there, in a statement of its own.",
        )
    for name, value in known.items():
        stand_in = stand_in.replace(f"{{{name}}}", value)
    return replace(statement, resources=(stand_in,))
