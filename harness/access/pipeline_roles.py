"""The roles of the pipeline, as ``live/bootstrap`` plans them, held against the calls that Terraform makes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.access.pipeline_calls import PipelineCall, is_for, names_of
from harness.errors import HarnessError
from harness.plan import iam_policy
from harness.plan.evaluate import Decision, allows, decide, less
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.settings import PLATFORM

_PREVIEW = "pr-00007"


@dataclass(frozen=True)
class PipelineGrant:
    """One action on one resource that a role of the pipeline may do.

    Attributes:
        statement: The whole statement.
        action: The action.
        resource: The resource.
    """

    statement: Statement
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} ({self.statement.sid})"


@dataclass(frozen=True)
class PipelineRole:
    """A role of the pipeline.

    Attributes:
        name: Without the prefix of all of them, such as ``dev-plan``.
        trust: Its trust policy.
        policies: The text of each of its policies, by its address.
        account: The account.
    """

    name: str
    trust: Mapping[str, Any]
    policies: Mapping[str, str]
    account: str

    @property
    def environment(self) -> str:
        """Such as ``dev``, ``prod`` or ``preview``."""
        return "preview" if self.kind == "preview" else self.name.partition("-")[0]

    @property
    def kind(self) -> str:
        """``plan``, ``drift``, ``apply`` or ``preview``."""
        return self.name.partition("-")[2]

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of its environment; of one preview, if it is the role of all of them."""
        return names_in(self.environment, self.account)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of all of its policies."""
        texts = self.policies.values()
        return tuple(statement for text in texts for statement in iam_policy.statements(text) or ())

    def calls(self, rows: Sequence[PipelineCall]) -> list[PipelineCall]:
        """The calls of a list that the role has to be able to make."""
        return [row for row in rows if is_for(self.kind, row)]

    def refused(self, rows: Sequence[PipelineCall]) -> Iterator[PipelineCall]:
        """Those that it may not make."""
        yield from (row for row in self.calls(rows) if not allows(self.statements, row.request(self.names)))

    def grants(self) -> Iterator[PipelineGrant]:
        """Everything that it may do, one by one."""
        for statement in self.statements:
            for action in statement.actions if statement.allows else ():
                for resource in statement.resources:
                    yield PipelineGrant(statement, str(action), str(resource))

    def without(self, grant: PipelineGrant) -> tuple[Statement, ...]:
        """The statements as they would be without one grant."""
        return tuple(
            rest
            for each in self.statements
            for rest in (less(each, grant.action, grant.resource) if each == grant.statement else [each])
        )

    def fail_without(self, grant: PipelineGrant, rows: Sequence[PipelineCall]) -> list[str]:
        """The steps that fail without a grant; none if nothing needs it."""
        remaining = self.without(grant)
        calls = [row for row in self.calls(rows) if row.action == grant.action]
        lost = (row for row in calls if decide(remaining, row.request(self.names)) is not Decision.ALLOWED)
        return sorted({step for row in lost for step in row.steps})


def names_in(environment: str, account: str) -> dict[str, str]:
    """The names of an environment in the list of calls; those of one preview for all of them."""
    if environment == "preview":
        return names_of(f"dev-{_PREVIEW}", "dev", account, _PREVIEW)
    return names_of(environment, environment, account)


def pipeline_roles(plan: PlanGraph, account: str) -> dict[str, PipelineRole]:
    """The roles of a plan of ``live/bootstrap``, by their names.

    Args:
        plan: The plan.
        account: Its account.

    Raises:
        HarnessError: A policy is not known before the apply, so nothing could be proven of it.
    """
    found = {}
    for role in plan.of("aws_iam_role"):
        name = str(role.get("name"))
        if not name.startswith(PLATFORM.pipeline_prefix):
            continue
        policies = {
            each.address: each.get("policy") for each in plan.of("aws_iam_policy") if each.module == role.module
        }
        trust = role.get("assume_role_policy")
        for address, text in {role.address: trust, **policies}.items():
            if not isinstance(text, str):
                raise HarnessError(f"The policy of {address} is known only after apply.", remedy="Build it from names.")
        short = name.removeprefix(PLATFORM.pipeline_prefix)
        found[short] = PipelineRole(short, json.loads(str(trust)), policies, account)
    return found
