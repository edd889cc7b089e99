"""What holds state is neither deleted nor replaced by the way; nor does a table's stream or index start anew."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.policy.finding import Severity
from harness.policy.resource import UNKNOWN, shown
from harness.policy.rule import PLAN, Rule, relation

if TYPE_CHECKING:
    from harness.policy.planned import Change, Planned

STATEFUL = (
    "aws_api_gateway_api_key",  # clients hold its value
    "aws_api_gateway_rest_api",  # its id is in the clients' address
    "aws_cloudwatch_event_archive",
    "aws_cloudwatch_event_bus",
    "aws_cloudwatch_log_group",
    "aws_dynamodb_table",
    "aws_kms_key",
    "aws_s3_bucket",
    "aws_secretsmanager_secret",
    "aws_sns_topic",  # subscribers' confirmations
    "aws_sqs_queue",
)
"""Types whose instances hold what no apply brings back."""


@relation(
    Rule(
        id="CKV_INV_601",
        title="A plan deletes and replaces no stateful resource",
        severity=Severity.CRITICAL,
        types=STATEFUL,
        rationale="What they hold is gone with them: items, objects, messages, keys, logs, and the identities that "
        "clients know.",
        guideline="https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/rel_tracking_change_management_planned_changemgmt.html",
        mend="Keep the resource (give a renamed one a `moved` block, undo the change that forces the replacement), "
        "or, if its "
        "end is meant, name it: nox -s deploy -- <env> --allow-destroy ADDRESS.",
        modes=frozenset({PLAN}),
    )
)
def no_destroy(plan: "Planned") -> Iterator[tuple[str, str]]:
    """Managed resources of the types above, objects left over from an interrupted replacement included."""
    for change in plan.changes:
        if change.type not in STATEFUL:
            continue
        if {"create", "delete"} <= set(change.actions):
            yield change.address, "The plan replaces it: what it holds is destroyed."
        elif "delete" in change.actions:
            yield change.address, "The plan deletes it and what it holds."
        elif "forget" in change.actions:
            yield change.address, "The plan makes Terraform forget it: nothing guards it from then on."


@relation(
    Rule(
        id="CKV_INV_602",
        title="A table keeps its stream and its indexes",
        severity=Severity.HIGH,
        types=("aws_dynamodb_table",),
        rationale="A changed stream view is a new stream: records that nobody has read yet are lost. A changed index "
        "is deleted "
        "and filled anew: queries on it fail meanwhile.",
        guideline="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html",
        mend="Add a new index (or table) beside the old one, move the readers, and drop the old one in a change of "
        "its own, with "
        "--allow-destroy ADDRESS.",
        modes=frozenset({PLAN}),
    )
)
def keeps_stream_and_indexes(plan: "Planned") -> Iterator[tuple[str, str]]:
    """What AWS does in place to the table, but not to what hangs on it."""
    for change in plan.changes:
        if change.type == "aws_dynamodb_table" and change.before and change.after:
            yield from ((change.address, message) for message in _broken(change))


def _broken(change: "Change") -> Iterator[str]:
    before, after = change.before, change.after
    if before.get("stream_enabled") and not _same(before, after, "stream_enabled"):
        yield "Its stream is switched off: records that nobody has read yet are lost."
    elif before.get("stream_enabled") and not _same(before, after, "stream_view_type"):
        yield (
            f"Its stream goes from {shown(before.get('stream_view_type'))} to "
            f"{shown(after.get('stream_view_type'))}: that is "
            "a new stream, and what lies unread in the old one is lost."
        )
    types_before, types_after = _types(before), _types(after)
    for name in sorted(types_before.keys() & types_after.keys()):
        if types_before[name] != types_after[name]:
            yield (
                f"The key attribute {name} goes from {types_before[name]} to {types_after[name]}: everything keyed by "
                "it is made anew."
            )
    had, has = _indexes(before), _indexes(after)
    for name, index in sorted(had.items()):
        if name not in has:
            yield f"Its index {name} is deleted: queries on it fail."
            continue
        differing = sorted(key for key in _INDEX if not _same(index, has[name], key))
        if differing:
            changed = ", ".join(differing)
            yield f"Its index {name} is deleted and filled anew (changed: {changed}): queries on it fail meanwhile."


_INDEX = ("hash_key", "non_key_attributes", "projection_type", "range_key")


def _indexes(table: Any) -> dict[str, Any]:
    return {one["name"]: one for one in table.get("global_secondary_index") or () if one is not UNKNOWN}


def _types(table: Any) -> dict[str, str]:
    return {one["name"]: one["type"] for one in table.get("attribute") or () if one is not UNKNOWN}


def _same(one: Any, other: Any, key: str) -> bool:
    mine, theirs = one.get(key), other.get(key)
    if isinstance(mine, list) and isinstance(theirs, list):
        return sorted(map(str, mine)) == sorted(map(str, theirs))
    return (mine or None) == (theirs or None) if theirs is not UNKNOWN else True
