"""What differs between an environment's Terraform, its state, and the account: the command ``drift``.

Three comparisons, none of which changes anything or takes the state's lock:

* a refresh-only plan: what was changed or deleted outside Terraform since the last apply. It also shows what Terraform
  ignores (``ignore_changes``), and it works while a condition of the configuration fails;
* a plan: what an apply would change;
* the account's inventory against all of its states: what no Terraform has created.

https://developer.hashicorp.com/terraform/tutorials/state/resource-drift has the first two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.deploy.change_summary import described_changes
from harness.errors import HarnessError
from harness.plan.graph import PlanGraph
from harness.policy.blocks import Blocks
from harness.terraform.plan import ResourceChange, TerraformPlan
from harness.terraform.run import Terraform

_READ_ONLY = ("-lock=false",)


class Kind(StrEnum):
    """How a resource differs."""

    CHANGED = "changed outside Terraform"
    DELETED = "deleted outside Terraform"
    PENDING = "not deployed"
    UNPLANNABLE = "cannot be planned"
    UNMANAGED = "in no state"


@dataclass(frozen=True)
class Difference:
    """One resource that differs.

    Attributes:
        kind: How.
        subject: Its address, or ``service kind name`` of what no state has.
        details: Its attributes, from what the state has to what is there; secrets without their values.
        remedy: What to do.
        file: Where it is declared, relative to the repository; empty if nowhere.
        line: The line in that file.
    """

    kind: Kind
    subject: str
    details: tuple[str, ...]
    remedy: str
    file: str = ""
    line: int = 0


_OF_OTHERS: Mapping[str, frozenset[str]] = {
    "aws_api_gateway_api_key": frozenset({"last_updated_date"}),
    "aws_iam_role": frozenset({"inline_policy", "managed_policy_arns"}),
    "aws_lambda_event_source_mapping": frozenset({"last_modified", "last_processing_result"}),
    "aws_lambda_function": frozenset({"last_modified"}),
    "aws_s3_bucket": frozenset(
        {
            *("acceleration_status", "cors_rule", "grant", "lifecycle_rule", "logging", "object_lock_configuration"),
            *("policy", "replication_configuration", "request_payer", "server_side_encryption_configuration"),
            *("versioning", "website"),
        }
    ),
    "aws_secretsmanager_secret": frozenset({"policy"}),
    "aws_sns_topic": frozenset({"policy"}),
    "aws_sqs_queue": frozenset({"policy"}),
}
"""Attributes that another resource manages, which shows its own drift, and those that follow from any other change."""

_SCALED = frozenset({"read_capacity", "write_capacity"})
"""What Application Auto Scaling changes, of tables and of their indexes."""


def differences(terraform: Terraform, environment: str, options: Sequence[str] = ()) -> list[Difference]:
    """What differs between the account, the state and the configuration of one environment.

    Args:
        terraform: On the initialised live folder.
        environment: The live folder's name.
        options: Further options of ``terraform plan``.

    Raises:
        HarnessError: Terraform cannot read the account.
    """
    refreshed = terraform.plan(["-refresh-only", *_READ_ONLY, *options])
    source = f"live/{environment}"
    rows = {row.subject: row for row in _outside(refreshed)}
    graph, pending = PlanGraph(refreshed.raw, environment, source), {}
    try:
        planned = terraform.plan([*_READ_ONLY, *options])
    except HarnessError as error:
        fix = "Fix that first: nothing can be deployed before."
        pending[source] = Difference(Kind.UNPLANNABLE, source, tuple(error.what.splitlines()), fix)
        rows = {subject: _explained(row, environment, taken_back=None) for subject, row in rows.items()}
    else:
        graph = PlanGraph(planned.raw, environment, source)
        changing = {change.address: change for change in planned.resources if change.is_change}
        rows = {subject: _explained(row, environment, taken_back=subject in changing) for subject, row in rows.items()}
        for address, change in changing.items():
            if address not in rows and not _only_follows(change):
                fix = f"Deploy it: ./noxw -s deploy -- {environment}"
                pending[address] = Difference(Kind.PENDING, address, tuple(described_changes(change)), fix)
    return [_placed(row, graph) for row in (*rows.values(), *pending.values())]


def _only_follows(change: ResourceChange) -> bool:
    """Whether all of an update is known only after others, such as an alias that moves to a function's next version."""
    unknown = change.after_unknown if isinstance(change.after_unknown, Mapping) else {}
    names = change.changed()
    return change.actions == ("update",) and bool(names) and all(unknown.get(name) for name in names)


def _explained(row: Difference, environment: str, *, taken_back: bool | None) -> Difference:
    """With what to do: a deploy takes a change back, unless the configuration ignores it."""
    keep = "or, to keep it, change the Terraform to match"
    if taken_back is None:
        remedy = "A deploy may take it back. Run this again when the environment can be planned (see below)."
    elif taken_back:
        remedy = f"A deploy takes it back (./noxw -s deploy -- {environment}); {keep.removeprefix('or, ')} first."
    else:
        remedy = f"No deploy takes it back, because the configuration ignores it: put it back by hand, {keep}."
    return Difference(row.kind, row.subject, row.details, remedy)


def _placed(row: Difference, graph: PlanGraph) -> Difference:
    place = Blocks().place(graph.definition(row.subject))
    return Difference(row.kind, row.subject, row.details, row.remedy, *place) if place else row


def _outside(plan: TerraformPlan) -> Iterator[Difference]:
    """What was changed or deleted since the last apply."""
    for change in plan.drift:
        if change.will_be_gone:
            yield Difference(Kind.DELETED, change.address, (), "")
        elif names := changed_names(change):
            yield Difference(Kind.CHANGED, change.address, tuple(described_changes(change, names)), "")


def changed_names(change: ResourceChange) -> list[str]:
    """The attributes that somebody has changed: not those that only the next read fills, or that scale by themselves.

    After a creation the state has ``null`` where the next read has an empty value, and nothing of what other resources
    manage.
    """
    before, after = change.before or {}, change.after or {}
    left_out = _OF_OTHERS.get(change.type, frozenset()) | {"tags_all"}
    return [
        name
        for name in change.changed()
        if name not in left_out and _differ(before, after, name) and not _is_rotated(change.type, name, before, after)
    ]


def _is_rotated(kind: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a rotation does this to the first key, which Terraform created: it retires it, and takes its labels away.

    The way back is nobody's but somebody's: a key that is enabled again, or a version that is current again.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    """
    if (kind, name) == ("aws_api_gateway_api_key", "enabled"):
        return after.get(name) is False
    if (kind, name) == ("aws_secretsmanager_secret_version", "version_stages"):
        return set(after.get(name) or ()) < set(before.get(name) or ())
    return False


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    if name in _SCALED:
        return False
    return bool(_essence(before.get(name)) != _essence(after.get(name)))


def _essence(value: Any) -> Any:
    """A value without empty members, and without the capacity that scales."""
    if isinstance(value, Mapping):
        members = {name: _essence(member) for name, member in value.items() if name not in _SCALED}
        return {name: member for name, member in members.items() if member} or None
    if isinstance(value, list):
        return [member for member in map(_essence, value) if member] or None
    return value or None
