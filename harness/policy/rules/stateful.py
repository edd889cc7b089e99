"""Stateful resources are not deleted or replaced by accident, and a table's stream and indexes do not start anew.

Other resources may be deleted or replaced freely: they hold nothing, nobody outside knows them, and the next apply
brings them back as they were. These are aliases of keys and functions, policies and permissions, alarms, auto-scaling
targets, deployments of the API (each change creates one), settings of buckets and queues (other rules require them),
and subscriptions of addresses that somebody takes off the list.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, listed, shown
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

Attributes = Mapping[str, Any]

STATEFUL = (
    "aws_api_gateway_api_key",  # clients hold its value
    "aws_api_gateway_rest_api",  # its id is in the clients' address
    "aws_api_gateway_stage",  # its name is in the clients' address, and its usage plan loses it
    "aws_api_gateway_usage_plan",  # what clients have used of their quota; without it their keys are rejected
    "aws_api_gateway_usage_plan_key",  # without it a client's key is rejected
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
"""Types whose instances hold something that no apply brings back."""


@relation("CKV_INV_601", STATEFUL)
def no_destroy(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Managed resources of the types above, including what an interrupted replacement left (deposed objects)."""
    for change in plan.changes:
        if change.type not in STATEFUL:
            continue
        if {"create", "delete"} <= set(change.actions):
            yield change.address, "The plan replaces it: what it holds is destroyed."
        elif "delete" in change.actions:
            yield change.address, "The plan deletes it and what it holds."
        elif "forget" in change.actions:
            yield change.address, "The plan makes Terraform forget it: from then on nothing protects it."


@relation("CKV_INV_602", ("aws_dynamodb_table",))
def keeps_stream_and_indexes(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Changes that AWS makes to the table in place, at the expense of what depends on it."""
    for change in plan.changes:
        if change.type == "aws_dynamodb_table" and change.before and change.values:
            for judge in (_stream, _keys, _kept_indexes, _expiry, _encryption):
                yield from ((change.address, message) for message in judge(change.before, change.values))


def _stream(before: Attributes, after: Attributes) -> Iterator[str]:
    if before.get("stream_enabled") and not _same(before, after, "stream_enabled"):
        yield "Its stream is switched off: unread records are lost."
    elif before.get("stream_enabled") and not _same(before, after, "stream_view_type"):
        yield (
            f"Its stream changes from {shown(before.get('stream_view_type'))} to "
            f"{shown(after.get('stream_view_type'))}: that is a new stream, and unread records of the old one are lost."
        )


def _keys(before: Attributes, after: Attributes) -> Iterator[str]:
    had, has = _named(before, "attribute"), _named(after, "attribute")
    if had and _has_unknown_name(after, "attribute"):
        yield "Its key attributes are known after the apply only: they may change their types."
    for name in sorted(had.keys() & has.keys()):
        if not _same(had[name], has[name], "type"):
            yield (
                f"The key attribute {name} changes from {had[name].get('type')} to {has[name].get('type')}: everything "
                "keyed by it is created anew."
            )


def _kept_indexes(before: Attributes, after: Attributes) -> Iterator[str]:
    had, has = _named(before, "global_secondary_index"), _named(after, "global_secondary_index")
    for name, index in sorted(had.items()):
        if name in has:
            differing = sorted(key for key in _INDEX if not _same(index, has[name], key))
            if differing:
                changed = ", ".join(differing)
                yield f"Its index {name} is deleted and built again (changed: {changed}): queries on it fail meanwhile."
        elif _has_unknown_name(after, "global_secondary_index"):
            yield f"Its indexes are known after the apply only: {name} may not be among them."
        else:
            yield f"Its index {name} is deleted: queries on it fail."


_INDEX = ("hash_key", "non_key_attributes", "projection_type", "range_key")


def _expiry(before: Attributes, after: Attributes) -> Iterator[str]:
    """Ending expiry loses nothing; starting it, or starting it on another attribute, deletes items."""
    had, has = _expiry_attribute(before), _expiry_attribute(after)
    if has is UNKNOWN:
        yield "Its expiry attribute is known after the apply only: any items may be deleted."
    elif has and has != had:
        instead = f" instead of by {had}" if had else ""
        yield f"Its items expire by {has}{instead}: DynamoDB deletes every item whose {has} is in the past."


def _expiry_attribute(table: Attributes) -> Any:
    """The attribute that items expire by; None if they do not expire, `UNKNOWN` if the plan does not show it."""
    attribute: Any = None
    for block in _blocks(table, "ttl"):
        if block is UNKNOWN or UNKNOWN in (block.get("enabled"), block.get("attribute_name")):
            return UNKNOWN
        if block.get("enabled"):
            attribute = block.get("attribute_name") or None
    return attribute


def _encryption(before: Attributes, after: Attributes) -> Iterator[str]:
    if _has_key(before) is True and _has_key(after) is False:
        yield "No key of this account encrypts it any longer: reading the table needs no permission on a key."


def _has_key(table: Attributes) -> bool | None:
    """Whether a key of the account encrypts it, AWS-managed or not; None if the plan does not show it."""
    blocks = _blocks(table, "server_side_encryption")
    enabled = [block if block is UNKNOWN else block.get("enabled") for block in blocks]
    return True if True in enabled else None if UNKNOWN in enabled else False


def _blocks(table: Attributes, name: str) -> list[Any]:
    """The nested blocks of a name: mappings, or `UNKNOWN` for those that are known after the apply only."""
    return [block for block in listed(table.get(name)) if block is UNKNOWN or isinstance(block, Mapping)]


def _named(table: Attributes, kind: str) -> dict[str, Attributes]:
    """The nested blocks of a kind whose name is known, by name."""
    blocks = [block for block in _blocks(table, kind) if block is not UNKNOWN]
    return {block["name"]: block for block in blocks if isinstance(block.get("name"), str)}


def _has_unknown_name(table: Attributes, kind: str) -> bool:
    """Whether a nested block of a kind has a name that is known after the apply only."""
    return any(block is UNKNOWN or block.get("name") is UNKNOWN for block in _blocks(table, kind))


def _same(before: Attributes, after: Attributes, key: str) -> bool:
    old, new = before.get(key), after.get(key)
    if isinstance(old, list) and isinstance(new, list):
        return sorted(map(str, old)) == sorted(map(str, new))
    return (old or None) == (new or None) if new is not UNKNOWN else True
