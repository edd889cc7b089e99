"""Roles of the pipeline: only the jobs that were reviewed take them, by GitHub's tokens."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.iam_policy import Statement
from harness.plan.resource import shown
from harness.policy.rule import relation
from harness.policy.rules.platform import CONTENT

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_ACTION = "sts:AssumeRoleWithWebIdentity"
_ISSUER = "token.actions.githubusercontent.com"


@relation("CKV_INV_523", ("aws_iam_role",))
def reviewed_jobs(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the table ``[jobs]`` of ``policy/platform.toml``; a trust policy that is unknown is CKV_INV_504's."""
    for role in plan.of("aws_iam_role"):
        for statement in iam_policy.statements(role.get("assume_role_policy")) or []:
            if statement.allows and _ACTION in statement.actions:
                yield from ((role.address, message) for message in _not_reviewed(role.get("name"), statement))


def _not_reviewed(name: Any, statement: Statement) -> Iterator[str]:
    row = CONTENT.jobs.get(str(name))
    if row is None:
        yield f"No row of [jobs] in policy/platform.toml says which jobs may take {shown(name)}."
        return
    subjects = _values(statement, "sub")
    expected = f":environment:{row['environment']}"
    if not subjects or not all(value.startswith("repo:") and value.endswith(expected) for value in subjects):
        yield f"It trusts {shown(subjects)}, and was reviewed for jobs of the environment {row['environment']} only."
    workflows = sorted(value.rpartition("/.github/workflows/")[2] for value in _values(statement, "job_workflow_ref"))
    if workflows != sorted(row["workflows"]):
        yield f"It trusts the workflows {shown(workflows)}, and was reviewed for {shown(sorted(row['workflows']))}."


def _values(statement: Statement, claim: str) -> list[str]:
    """What a claim of the token may be, by all conditions on it."""
    return [
        str(value)
        for _, variable, values in statement.conditions
        if variable.lower() == f"{_ISSUER}:{claim}"
        for value in values
    ]
