"""What holds state is neither deleted nor replaced by the way; nor does a table's stream or index start anew.

Deleted or replaced without a word is what the next apply brings back as it was, because it holds nothing and nobody
outside knows it: aliases of keys and functions, policies and permissions, alarms, auto-scaling targets, deployments of
the API (each change makes one), buckets' and queues' settings (their own rules ask for them), subscriptions of
addresses that somebody takes off the list.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, listed, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

Attributes = Mapping[str, Any]

STATEFUL = (
    "aws_api_gateway_api_key",  # clients hold its value
    "aws_api_gateway_rest_api",  # its id is in the clients' address
    "aws_api_gateway_stage",  # its name is in the clients' address; a usage plan's hold on it goes with it
    "aws_api_gateway_usage_plan",  # what clients have used of their quota; without it their keys are refused
    "aws_api_gateway_usage_plan_key",  # without it a client's key is refused
    "aws_cloudwatch_event_archive",
    "aws_cloudwatch_event_bus",
    "aws_cloudwatch_log_group",
    "aws_dynamodb_table",
    "aws_kms_key",
    "aws_lambda_event_source_mapping",  # how far its stream or queue has been read
    "aws_s3_bucket",
    "aws_secretsmanager_secret",
    "aws_secretsmanager_secret_version",  # the value, which the configuration need not know
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
        rationale="What they hold is gone with them: items, objects, messages, keys, logs, how far a stream was read, "
        "and what clients know: addresses, keys, what is left of a quota.",
        guideline="https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/rel_tracking_change_management_planned_changemgmt.html",
        remedy="Keep the resource (give a renamed one a `moved` block, undo the change that forces the replacement), "
        "or, if its "
        "end is meant, name it: nox -s deploy -- <env> --allow-destroy ADDRESS.",
        modes=frozenset({PLAN}),
    )
)
def no_destroy(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
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
        title="A table keeps its stream, its indexes, its encryption, and items their time",
        severity=Severity.HIGH,
        types=("aws_dynamodb_table",),
        rationale="A changed stream view is a new stream: records that nobody has read yet are lost. A changed index "
        "is deleted "
        "and filled anew: queries on it fail meanwhile. Another attribute for expiry deletes every item that it dates "
        "in the past.",
        guideline="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html",
        remedy="Undo it; or add a new index (or table) beside the old one, move the readers, and drop the old one in a "
        "change of its own. What is meant is named: nox -s deploy -- <env> --allow-destroy ADDRESS.",
        modes=frozenset({PLAN}),
    )
)
def keeps_stream_and_indexes(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """What AWS does in place to the table, but not to what hangs on it."""
    for change in plan.changes:
        if change.type == "aws_dynamodb_table" and change.before and change.after:
            for broken in (_stream, _keys, _kept_indexes, _expiry, _encryption):
                yield from ((change.address, message) for message in broken(change.before, change.after))


def _stream(before: Attributes, after: Attributes) -> Iterator[str]:
    if before.get("stream_enabled") and not _same(before, after, "stream_enabled"):
        yield "Its stream is switched off: records that nobody has read yet are lost."
    elif before.get("stream_enabled") and not _same(before, after, "stream_view_type"):
        yield (
            f"Its stream goes from {shown(before.get('stream_view_type'))} to "
            f"{shown(after.get('stream_view_type'))}: that is "
            "a new stream, and what lies unread in the old one is lost."
        )


def _keys(before: Attributes, after: Attributes) -> Iterator[str]:
    had, has = _named(before, "attribute"), _named(after, "attribute")
    if had and _open(after, "attribute"):
        yield "Its key attributes are known after the apply only: nobody can tell whether they keep their types."
    for name in sorted(had.keys() & has.keys()):
        if not _same(had[name], has[name], "type"):
            yield (
                f"The key attribute {name} goes from {had[name].get('type')} to {has[name].get('type')}: everything "
                "keyed by it is made anew."
            )


def _kept_indexes(before: Attributes, after: Attributes) -> Iterator[str]:
    had, has = _named(before, "global_secondary_index"), _named(after, "global_secondary_index")
    for name, index in sorted(had.items()):
        if name in has:
            differing = sorted(key for key in _INDEX if not _same(index, has[name], key))
            if differing:
                changed = ", ".join(differing)
                yield f"Its index {name} is deleted and filled anew (changed: {changed}): queries on it fail meanwhile."
        elif _open(after, "global_secondary_index"):
            yield f"Its indexes are known after the apply only: nobody can tell whether {name} is among them."
        else:
            yield f"Its index {name} is deleted: queries on it fail."


_INDEX = ("hash_key", "non_key_attributes", "projection_type", "range_key")


def _expiry(before: Attributes, after: Attributes) -> Iterator[str]:
    """To end expiry loses nothing; to begin it, or to begin it elsewhere, deletes items."""
    had, has = _expires_by(before), _expires_by(after)
    if has is UNKNOWN:
        yield "What its items expire by is known after the apply only: nobody can tell which of them it deletes."
    elif has and has != had:
        instead = f" instead of by {had}" if had else ""
        yield f"Its items expire by {has}{instead}: DynamoDB deletes every item that {has} dates in the past."


def _expires_by(table: Attributes) -> Any:
    """The attribute that items expire by; None if they do not, `UNKNOWN` if nobody can tell."""
    found: Any = None
    for one in _blocks(table, "ttl"):
        if one is UNKNOWN or UNKNOWN in (one.get("enabled"), one.get("attribute_name")):
            return UNKNOWN
        if one.get("enabled"):
            found = one.get("attribute_name") or None
    return found


def _encryption(before: Attributes, after: Attributes) -> Iterator[str]:
    if _has_key(before) is True and _has_key(after) is False:
        yield "Its encryption with a key of this account's ends: whoever may read the table may read it without one."


def _has_key(table: Attributes) -> bool | None:
    """Whether it is encrypted with a key of the account's, AWS-managed or not; None if nobody can tell."""
    enabled = [one if one is UNKNOWN else one.get("enabled") for one in _blocks(table, "server_side_encryption")]
    return True if True in enabled else None if UNKNOWN in enabled else False


def _blocks(table: Attributes, name: str) -> list[Any]:
    """The nested blocks of a name: mappings, or `UNKNOWN` for one (or all of them) that the apply tells."""
    return [one for one in listed(table.get(name)) if one is UNKNOWN or isinstance(one, Mapping)]


def _named(table: Attributes, kind: str) -> dict[str, Attributes]:
    """The nested blocks of a kind whose name is known, by name."""
    return {one["name"]: one for one in _blocks(table, kind) if one is not UNKNOWN and isinstance(one.get("name"), str)}


def _open(table: Attributes, kind: str) -> bool:
    """Whether a nested block of a kind has a name that only the apply tells."""
    return any(one is UNKNOWN or one.get("name") is UNKNOWN for one in _blocks(table, kind))


def _same(one: Attributes, other: Attributes, key: str) -> bool:
    mine, theirs = one.get(key), other.get(key)
    if isinstance(mine, list) and isinstance(theirs, list):
        return sorted(map(str, mine)) == sorted(map(str, theirs))
    return (mine or None) == (theirs or None) if theirs is not UNKNOWN else True
