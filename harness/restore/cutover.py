"""The cut-over: Terraform takes a restored table for the environment's own, and everything else follows it.

A table cannot be renamed, and a restore always creates a new one. So the state forgets the table that was in use and
imports the restored one at the same address. The gate judges the plan of everything that follows from that. It is
applied in two parts:

1. The table and the functions' grants (``-target``): what the restore has lost is set again, and the old table can no
   longer be written. Targeting is for "exceptional circumstances only, such as recovering from errors or mistakes":
   https://developer.hashicorp.com/terraform/tutorials/state/resource-targeting
2. Everything else, by a plan that is judged again: the functions, the reader of the stream, alarms and dashboards
   follow, and the functions run again.

After them another plan has nothing to change.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.deploy.change_summary import show_changes, show_findings
from harness.deploy.steps import Steps, count
from harness.errors import HarnessError
from harness.policy.finding import Finding
from harness.settings import PLATFORM
from harness.terraform.plan import ResourceChange, TerraformPlan

MODULE = f"module.{PLATFORM.platform_call}.module.table"
"""The module call with the table and its scaling."""

TABLE = f"{MODULE}.aws_dynamodb_table.this"
"""The table's address."""

EXPECTED = ("aws_lambda_event_source_mapping",)
"""What has to be replaced, though the gate asks for a permission: the reader of a stream cannot move to another one.
Its place in the old stream is lost with it, and nobody needs anything of that stream any more."""


@dataclass(frozen=True)
class Cutover:
    """The cut-over of one environment.

    Attributes:
        steps: The steps of a deploy, with the inputs that name the new table.
        table: The new table's name.
        own_name: The name of the environment's table in the long run.
    """

    steps: Steps
    table: str
    own_name: str

    @property
    def options(self) -> Sequence[str]:
        """The inputs, as options of Terraform's commands."""
        return self.steps.request.options

    def check_settled(self) -> None:
        """Check that Terraform has nothing to change before anything is begun: what it has would come along.

        Functions that somebody has stopped already may be stopped.

        Raises:
            HarnessError: It has.
        """
        plan = self.steps.plan()
        others = [change for change in plan.changes if not _is_stopped(change)]
        if others:
            show_changes(plan)
            raise HarnessError(
                f"{self.steps.name} differs from what is deployed: {others[0]}.",
                remedy=f"Deploy or undo that first: ./noxw -s drift -- {self.steps.request.environment}",
            )

    def import_table(self, name: str) -> None:
        """Let the state have the restored table in place of the one in use; nothing happens to the tables."""
        state = self.steps.terraform.state()
        managed = table_in(state)
        if managed == name:
            return
        if managed:
            self.steps.terraform.forget(TABLE)
        self.steps.terraform.take_over(TABLE, name, self.options)

    def judge(self) -> None:
        """Plan all of what follows from the new table, and let the gate judge it.

        Raises:
            HarnessError: The gate rejects it, or it deletes the table.
        """
        self._check(self.steps.plan(), whole=True)

    def set_up_table(self, old: str) -> dict[str, int]:
        """Set again what the restore has lost, and take the grants on the old table away.

        Args:
            old: The name of the table that was in use.

        Returns:
            How many resources were changed, by action.
        """
        addresses = [MODULE, *grants_on(self.steps.terraform.state(), old)]
        targets = [f"-target={address}" for address in addresses]
        return self._apply(
            ["-refresh=false", *targets], whole=False
        )  # the plan that was judged has just been refreshed

    def follow(self) -> dict[str, int]:
        """Let everything else follow the table; the functions run again.

        Returns:
            How many resources were changed, by action.
        """
        return self._apply([], whole=True)

    def check_complete(self) -> None:
        """Check that Terraform has nothing left to change.

        Raises:
            HarnessError: It has.
        """
        plan = self.steps.plan()
        if not plan.is_empty:
            show_changes(plan)
            raise HarnessError(
                f"After the cut-over {self.steps.name} still differs: {plan.changes[0]}.",
                remedy="The table is in use. Look at that, and run the same command again.",
            )

    def _apply(self, options: Sequence[str], *, whole: bool) -> dict[str, int]:
        plan = self.steps.plan(*options)
        if plan.is_empty:
            return {}
        self._check(plan, whole=whole)
        self.steps.apply()
        return count(plan)

    def _check(self, plan: TerraformPlan, *, whole: bool) -> None:
        """Reject a plan that the gate rejects, and any that deletes or replaces a table.

        Args:
            plan: The plan.
            whole: Whether it is of everything; the gate cannot judge a part, and has judged all of it before.

        Raises:
            HarnessError: It is one.
        """
        findings = self._judged(plan) if whole else []
        tables = [change.address for change in plan.by_type("aws_dynamodb_table") if change.is_removal]
        if findings or tables:
            show_changes(plan)
            show_findings(findings)
            address = findings[0].address if findings else tables[0]
            raise HarnessError(
                f"Nothing of this plan was applied: {address} is {'rejected by the gate' if findings else 'deleted'}.",
                remedy="The functions stand still, and nothing is lost. Fix that, and run the same command again.",
            )

    def _judged(self, plan: TerraformPlan) -> list[Finding]:
        """The gate's findings on a plan, as if the table had its own name.

        What functions need is known for that name only. The name is all that differs, and it does not last.
        """
        readers = {change.address for change in plan.resources if change.type in EXPECTED and change.is_replacement}
        request = replace(self.steps.request, allow_destroy=frozenset({TABLE, *readers}))
        document = json.loads(json.dumps(plan.raw).replace(self.table, self.own_name))
        return replace(self.steps, request=request).judge(TerraformPlan.from_json(document))


def _is_stopped(change: ResourceChange) -> bool:
    """Whether a change only lets a function run again."""
    return change.type == "aws_lambda_function" and change.changed() == ["reserved_concurrent_executions"]


def table_in(state: Mapping[str, Any]) -> str:
    """The name of the table that a state has at `TABLE`; empty if it has none.

    Args:
        state: In Terraform's own format.
    """
    for address, attributes in _instances(state):
        if address == TABLE:
            return str(attributes["name"])
    return ""


def grants_on(state: Mapping[str, Any], table: str) -> list[str]:
    """The addresses of the roles' policies that name a table.

    Args:
        state: In Terraform's own format.
        table: The table's name.
    """
    ends = (f':table/{table}"', f":table/{table}/")
    return sorted(
        address
        for address, attributes in _instances(state)
        if ".aws_iam_role_policy." in address and any(end in str(attributes.get("policy")) for end in ends)
    )


def _instances(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The managed resources of a state, by their addresses."""
    for resource in state.get("resources", ()):
        if resource.get("mode") != "managed":
            continue
        address = ".".join(filter(None, (resource.get("module"), resource["type"], resource["name"])))
        for instance in resource["instances"]:
            key = instance.get("index_key")
            index = "" if key is None else f'["{key}"]' if isinstance(key, str) else f"[{key}]"
            yield address + index, instance["attributes"]
