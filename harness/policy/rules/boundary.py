"""The permissions boundary: it allows exactly what was reviewed."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.iam_policy import Statement
from harness.plan.resource import shown
from harness.policy.rule import relation
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "boundary.toml"

Conditions = frozenset[tuple[str, str, tuple[str, ...]]]
"""Of a statement: test, variable and values of each."""


@dataclass(frozen=True)
class Allowed:
    """One action on one resource, under conditions.

    Attributes:
        action: The action, as it is written.
        resource: The resource, with ``{account}`` in the place of the account.
        conditions: The conditions.
    """

    action: str
    resource: str
    conditions: Conditions = frozenset()

    def __str__(self) -> str:
        tests = " and ".join(f"{variable} {shown(list(values))}" for _, variable, values in sorted(self.conditions))
        return f"{self.action} on {self.resource}" + (f" if {tests}" if tests else "")


def _read(path: Path) -> frozenset[Allowed]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["allowed"]
    return frozenset(
        Allowed(action, resource, _conditions(row.get("conditions", ())))
        for row in rows
        for action in row["actions"]
        for resource in row["resources"]
    )


def _conditions(rows: Any) -> Conditions:
    return frozenset((test, variable, tuple(sorted(map(str, values)))) for test, variable, values in rows)


REVIEWED = _read(TABLE)
"""What ``policy/boundary.toml`` allows."""

_ACCOUNT = re.compile(r"(?<=[:-])\d{12}(?=[:/]|$)")


@relation("CKV_INV_524", ("aws_iam_policy",))
def reviewed_boundary(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the policy's name; a text that is unknown is CKV_INV_505's."""
    for policy in plan.of("aws_iam_policy"):
        statements = iam_policy.statements(policy.get("policy"))
        if policy.get("name") == PLATFORM.boundary_policy and statements:
            yield from ((policy.address, message) for message in _differences(statements))


def _differences(statements: list[Statement]) -> Iterator[str]:
    found: set[Allowed] = set()
    for statement in statements:
        if not statement.allows or statement.not_actions or statement.not_resources:
            yield f"Its {statement} denies something, or allows everything except some: name what it allows."
            continue
        allowed = {
            _allowed(statement, action, resource) for action in statement.actions for resource in statement.resources
        }
        found |= allowed
        for each in sorted(allowed - REVIEWED, key=str):
            yield f"Its {statement} allows {each}, which no row of policy/boundary.toml does."
    if missing := sorted(map(str, REVIEWED - found)):
        yield f"It no longer allows {missing[0]}" + (f" and {len(missing) - 1} more." if missing[1:] else ".")
    accounts = {match for each in statements for arn in each.resources for match in _ACCOUNT.findall(str(arn))}
    if len(accounts) > 1:
        yield f"It names several accounts, {shown(sorted(accounts))}: name its own."


def _allowed(statement: Statement, action: Any, resource: Any) -> Allowed:
    return Allowed(str(action), _ACCOUNT.sub("{account}", str(resource)), _conditions(statement.conditions))
