"""Roles of the pipeline: only the jobs that were reviewed take them, by GitHub's tokens."""

import re
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
_TESTS = {"aud": "StringEquals", "job_workflow_ref": "StringLike", "sub": "StringEquals"}
"""How each claim is compared; a workflow's reference has a pull request's number in it."""

_SUBJECT = re.compile(r"repo:(?P<repository>[\w.-]+/[\w.-]+):environment:(?P<environment>[\w.-]+)")


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
    for claim, test in _TESTS.items():
        tests = {used for used, variable, _ in statement.conditions if variable.lower() == f"{_ISSUER}:{claim}"}
        if tests != {test}:
            yield f"It compares {claim} by {shown(sorted(tests))}, and not by {test}: others would pass."
    subjects = [_SUBJECT.fullmatch(value) for value in _values(statement, "sub")]
    repositories = {match["repository"] for match in subjects if match}
    if not subjects or any(match is None or match["environment"] != row["environment"] for match in subjects):
        found = shown(_values(statement, "sub"))
        yield f"It trusts {found}, and was reviewed for jobs of the environment {row['environment']} only."
    places = [value.partition("/.github/workflows/") for value in _values(statement, "job_workflow_ref")]
    workflows = sorted(workflow for _, _, workflow in places)
    if workflows != sorted(row["workflows"]):
        yield f"It trusts the workflows {shown(workflows)}, and was reviewed for {shown(sorted(row['workflows']))}."
    repositories |= {repository for repository, _, _ in places}
    if len(repositories) > 1:
        yield f"It trusts several repositories, {shown(sorted(repositories))}: name one, in full."
    if _values(statement, "aud") != ["sts.amazonaws.com"]:
        yield f"It takes tokens for {shown(_values(statement, 'aud'))}, and not for sts.amazonaws.com."


def _values(statement: Statement, claim: str) -> list[str]:
    """What a claim of the token may be, by all conditions on it."""
    return [
        str(value)
        for _, variable, values in statement.conditions
        if variable.lower() == f"{_ISSUER}:{claim}"
        for value in values
    ]
