"""Retention: nothing deletes an only copy, and what waits or is evidence is kept long enough."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, is_true, listed, number, shown, text
from harness.policy.rule import attribute, relation
from harness.policy.rules.alarms import dead_letter_queues
from harness.policy.rules.storage import BUCKET, companions
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

HOLDS, ORIGINALS, LATEST, SCRATCH = "Holds", "originals", "latest", "scratch"
"""The tag of a bucket that declares what it holds, and its values: every version is an only copy, or the latest is, or
none. Without the tag a bucket holds originals."""

DAYS_KEPT = 3653
"""Ten years in days, with up to three leap days. Invoices and their sources are kept that long."""

DEAD_LETTER_DAYS = 14
"""The longest that SQS keeps a message; rule CKV_INV_309 names it too."""

QUEUE_DAYS = 4
"""AWS's default for a queue, and the shortest that every queue keeps a message; rule CKV_INV_309 names it too."""

ARCHIVE_DAYS = 90
"""The shortest retention of an archive of events; rule CKV_INV_310 names it too."""

LOG_DAYS = 365
"""The shortest retention of production's logs; rule CKV_INV_213 names it too."""

GLACIER = ("DEEP_ARCHIVE", "GLACIER")
"""The storage classes that add 40 KB of metadata to every object."""

SMALLEST_MOVED = 128 * 1024
"""The smallest object in bytes that may be moved there; rule CKV_INV_631 names it too."""

_MARKER = "expired_object_delete_marker"

LARGEST_MESSAGE = 262144
"""The largest message in bytes that EventBridge and Lambda send to a dead-letter queue."""


@relation("CKV_INV_614", BUCKET)
def tidy(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Both, in enabled rules for every object; a rule for one prefix does not cover the others.

    Versions of originals may stay: only a bucket that declares to hold scratch has to expire them (CKV_INV_617).
    """
    for bucket in plan.of(*BUCKET):
        required = {"abort_incomplete_multipart_upload": "days_after_initiation"}
        if holds(bucket) in {LATEST, SCRATCH}:
            required["noncurrent_version_expiration"] = "noncurrent_days"
        rules = [
            rule
            for lifecycle in companions(plan, bucket, "aws_s3_bucket_lifecycle_configuration")
            for rule in listed(lifecycle.values.get("rule"))
            if isinstance(rule, dict) and rule.get("status") in {"Enabled", UNKNOWN} and _for_all_objects(rule)
        ]
        for name, days in required.items():
            if not any(
                isinstance(block, dict) and (block.get(days) is UNKNOWN or block.get(days))
                for rule in rules
                for block in listed(rule.get(name))
            ):
                yield bucket.address, f"No enabled lifecycle rule for the whole bucket has {name}."


def _for_all_objects(rule: dict[str, Any]) -> bool:
    """Whether a rule covers every object; it may leave out objects of at most one byte, as a filter by size must."""
    blocks = [rule, *(block for block in listed(rule.get("filter")) if isinstance(block, dict))]
    blocks += [block for part in blocks[1:] for block in listed(part.get("and")) if isinstance(block, dict)]
    for block in blocks:
        if any(block.get(name) is not UNKNOWN and block.get(name) for name in ("prefix", "tag", "tags")):
            return False
        if block.get("object_size_less_than") is not UNKNOWN and block.get("object_size_less_than"):
            return False
        if (number(block.get("object_size_greater_than")) or 0) > 1:
            return False
    return True


@attribute("CKV_INV_631", ("aws_s3_bucket_lifecycle_configuration",))
def no_small_transitions(lifecycle: Resource) -> Iterator[str]:
    """A filter on the size takes precedence over the default, which is not to move what is below 128 KB."""
    default = lifecycle.get("transition_default_minimum_object_size")
    for rule in listed(lifecycle.values.get("rule")):
        if not isinstance(rule, Mapping) or rule.get("status") == "Disabled":
            continue
        moves = [*listed(rule.get("transition")), *listed(rule.get("noncurrent_version_transition"))]
        if not [move for move in moves if isinstance(move, Mapping) and move.get("storage_class") in GLACIER]:
            continue
        filters = [block for block in listed(rule.get("filter")) if isinstance(block, Mapping)]
        filters += [block for part in filters for block in listed(part.get("and")) if isinstance(block, Mapping)]
        sizes = [size for block in filters if (size := number(block.get("object_size_greater_than")))]
        if sizes and max(sizes) < SMALLEST_MOVED - 1:
            yield f"Its rule {shown(rule.get('id'))} moves objects of more than {max(sizes):g} bytes."
        elif not sizes and default == "varies_by_storage_class":
            yield f"Its rule {shown(rule.get('id'))} moves objects of any size: the default size is {shown(default)}."


@attribute("CKV_INV_632", ("aws_s3_bucket_lifecycle_configuration",))
def no_leftover_markers(lifecycle: Resource) -> Iterator[str]:
    """S3 removes a marker without versions where it expires objects after days, or if a rule asks for it."""
    rules = [
        rule
        for rule in listed(lifecycle.values.get("rule"))
        if isinstance(rule, Mapping) and rule.get("status") in {"Enabled", UNKNOWN}
    ]
    tidied = [
        prefix_of(rule)
        for rule in rules
        for block in listed(rule.get("expiration"))
        if isinstance(block, Mapping) and (number(block.get("days")) or is_true(block.get(_MARKER)))
    ]
    for rule in rules:
        versions = [block for block in listed(rule.get("noncurrent_version_expiration")) if block is UNKNOWN or block]
        if versions and not any(prefix_of(rule).startswith(prefix) for prefix in tidied):
            yield f"Its rule {shown(rule.get('id'))} deletes replaced versions and leaves delete markers."


@relation("CKV_INV_617", BUCKET)
def keeps_originals(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the tag Holds; a bucket without it, or one that must be replicated, holds originals."""
    for bucket in plan.of(*BUCKET):
        held = holds(bucket)
        if held in {LATEST, SCRATCH} and any(part in str(bucket.get("bucket")) for part in PLATFORM.replicated_buckets):
            yield bucket.address, f"Its tag {HOLDS} is {shown(held)}, and it holds documents or source files."
        elif held not in {ORIGINALS, LATEST, SCRATCH, UNKNOWN, None}:
            yield (
                bucket.address,
                f"Its tag {HOLDS} is {shown(held)}, which is none of {ORIGINALS}, {LATEST} and {SCRATCH}.",
            )
        waiting = [*_waiting(plan, bucket)]
        kept = {SCRATCH: (), LATEST: (_CURRENT,)}.get(held, (_CURRENT, _NONCURRENT))
        for owner, rule in rules_of(plan, bucket):
            for what, days in deletions(rule):
                if what in kept and days < DAYS_KEPT:
                    yield owner.address, f"Its rule {shown(rule.get('id'))} deletes {what} after {days:g} days."
                elif what == _CURRENT and (prefix := _overlap(rule, waiting)) is not None:
                    deletes = f"deletes uploads below {shown(prefix)} after {days:g} days, handled or not"
                    yield owner.address, f"Its rule {shown(rule.get('id'))} {deletes}."


def holds(bucket: Resource) -> Any:
    """What a bucket declares to hold; None without the tag."""
    for name in ("tags_all", "tags"):
        tags = bucket.values.get(name)
        if tags is UNKNOWN:
            return UNKNOWN
        if tags and HOLDS in tags:
            return tags[HOLDS]
    return None


DELETED = _CURRENT, _NONCURRENT = ("objects", "replaced versions")
"""What lifecycle rules delete, in words."""


def rules_of(plan: "PlanGraph", bucket: Resource) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """The lifecycle rules of a bucket, each with the resource that writes it."""
    for lifecycle in companions(plan, bucket, "aws_s3_bucket_lifecycle_configuration"):
        for rule in listed(lifecycle.values.get("rule")):
            if isinstance(rule, Mapping) and rule.get("status") in {"Enabled", UNKNOWN}:
                yield lifecycle, rule
    for rule in listed(bucket.values.get("lifecycle_rule")):  # the older argument of the bucket itself
        if isinstance(rule, Mapping) and rule.get("enabled") is not False:
            yield bucket, rule


def deletions(rule: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What a lifecycle rule deletes, and after how many days; a date counts as at once."""
    for block in listed(rule.get("expiration")):
        days = number(block.get("days")) if isinstance(block, Mapping) else None
        if days:
            yield _CURRENT, days
        elif isinstance(block, Mapping) and block.get("date") not in {None, ""}:
            yield _CURRENT, 0
    for block in listed(rule.get("noncurrent_version_expiration")):
        days = number(block.get("noncurrent_days", block.get("days"))) if isinstance(block, Mapping) else None
        if days:
            yield _NONCURRENT, days


def _waiting(plan: "PlanGraph", bucket: Resource) -> Iterator[str]:
    """The prefixes below which objects wait for a function."""
    for notification in companions(plan, bucket, "aws_s3_bucket_notification"):
        for kind in ("lambda_function", "queue", "topic"):
            for call in listed(notification.values.get(kind)):
                if isinstance(call, Mapping):
                    yield text(call.get("filter_prefix"))


def _overlap(rule: Mapping[str, Any], waiting: list[str]) -> str | None:
    prefix = prefix_of(rule)
    return next((each for each in waiting if each.startswith(prefix) or prefix.startswith(each)), None)


def prefix_of(rule: Mapping[str, Any]) -> str:
    """The beginning of the keys that a lifecycle rule is about; empty for all."""
    filters = [block for block in listed(rule.get("filter")) if isinstance(block, Mapping)]
    filters += [block for part in filters for block in listed(part.get("and")) if isinstance(block, Mapping)]
    return next(filter(None, (text(block.get("prefix")) for block in (rule, *filters))), "")


@relation("CKV_INV_309", ("aws_sqs_queue",))
def messages_kept(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """All queues; those that receive the failures of something, and those whose name ends in ``-dlq``, the longest."""
    dead_letters = dead_letter_queues(plan)
    for queue in plan.of("aws_sqs_queue"):
        days = DEAD_LETTER_DAYS if queue in dead_letters else QUEUE_DAYS
        seconds = queue.get("message_retention_seconds")
        if seconds is not UNKNOWN and (number(seconds) or QUEUE_DAYS * 86400) < days * 86400:
            yield queue.address, f"It keeps messages for {shown(seconds)} seconds, and not for {days * 86400}."
    for queue in dead_letters:
        size = queue.get("max_message_size")
        if number(size) is not None and (number(size) or 0) < LARGEST_MESSAGE:
            yield queue.address, f"It rejects messages above {shown(size)} bytes: they are lost."


@attribute("CKV_INV_310", ("aws_cloudwatch_event_archive",))
def archived(archive: Resource) -> Iterator[str]:
    """AWS's default, 0, keeps events indefinitely."""
    days = archive.get("retention_days")
    if 0 < (number(days) or 0) < ARCHIVE_DAYS:
        yield f"retention_days is {shown(days)}."


@attribute("CKV_INV_213", ("aws_cloudwatch_log_group",))
def logs_kept(group: Resource) -> Iterator[str]:
    """In production; CKV_INV_206 requires a retention everywhere."""
    days = group.get("retention_in_days")
    if 0 < (number(days) or 0) < LOG_DAYS:
        yield f"retention_in_days is {shown(days)}."
