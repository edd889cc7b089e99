"""Buckets, tables and keys: encrypted, closed, versioned, tidy; in production also hard to lose."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.arn import function_in
from harness.plan.resource import UNKNOWN, Resource, is_false, is_true, listed, number, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, relation
from harness.policy.rules.iam import granted, roles_of

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

BUCKET = ("aws_s3_bucket",)
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_DDB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"


def companions(plan: "PlanGraph", bucket: Resource, kind: str) -> list[Resource]:
    """The resources of a type that are about a bucket: by reference, or by its name."""
    name = bucket.get("bucket")
    return [
        one
        for one in plan.of(kind)
        if bucket in plan.links(one, "bucket", *BUCKET) or (isinstance(name, str) and one.get("bucket") == name)
    ]


@relation(
    Rule(
        id="CKV_INV_611",
        title="Buckets answer over TLS only",
        severity=Severity.HIGH,
        types=BUCKET,
        rationale="Over plain HTTP anybody on the way reads and changes objects and signed addresses.",
        guideline=f"{_S3}/security-best-practices.html#transit",
        remedy="Give the bucket an aws_s3_bucket_policy that denies s3:* to * on the bucket and all its objects "
        "(<bucket> and <bucket>/*) where aws:SecureTransport is false.",
        modes=frozenset({PLAN}),
    )
)
def tls_only(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """The policy as it will be, rendered."""
    for bucket in plan.of(*BUCKET):
        policies = companions(plan, bucket, "aws_s3_bucket_policy")
        if not any(_denies_http(plan, bucket, one) for one in policies):
            yield bucket.address, f"{'Its policy does not deny' if policies else 'No policy denies'} plain HTTP."


def _denies_http(plan: "PlanGraph", bucket: Resource, policy: Resource) -> bool:
    found = iam_policy.statements(policy.get("policy")) or []
    if policy.get("policy") is UNKNOWN:
        for document in plan.links(policy, "policy", "aws_iam_policy_document"):
            found = [*found, *iam_policy.of_document(document)]
    for one in found:
        insecure = any(
            test.removesuffix("IfExists") == "Bool"
            and variable.lower() == "aws:securetransport"
            and [str(value).lower() for value in values] == ["false"]
            for test, variable, values in one.conditions
        )
        everybody = any(name == "*" for _, name in one.principals)
        if (
            not one.allows
            and insecure
            and everybody
            and set(one.actions) & {"s3:*", "*"}
            and _all_of(bucket, one.resources)
            and len(one.conditions) == 1
        ):
            return True
    return False


def _all_of(bucket: Resource, resources: tuple[Any, ...]) -> bool:
    """Whether a statement is about the bucket itself and about every object in it, not those below a prefix alone."""
    name = bucket.get("bucket")
    here = [
        one
        for one in resources
        if isinstance(one, str) and "/" not in one and (name is UNKNOWN or one.endswith(f":::{name}"))
    ]
    return "*" in resources or any(f"{one}/*" in resources for one in here)


_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


@attribute(
    Rule(
        id="CKV_INV_612",
        title="Public access blocks block everything",
        severity=Severity.CRITICAL,
        types=("aws_s3_bucket_public_access_block",),
        rationale="One open switch is enough for a policy or an ACL to publish the bucket.",
        guideline=f"{_S3}/access-control-block-public-access.html",
        remedy=f"Set {', '.join(_BLOCKS)} to true.",
    )
)
def blocks_everything(block: Resource) -> Iterator[str]:
    """All four."""
    for name in _BLOCKS:
        if is_false(block.get(name)):
            yield f"{name} is {shown(block.get(name))}."


@relation(
    Rule(
        id="CKV_INV_613",
        title="Every bucket has a public access block, encryption and versions",
        severity=Severity.HIGH,
        types=BUCKET,
        rationale="The account's defaults may change; what is declared is checked, and put back when it drifts. "
        "Versions undo an "
        "overwrite or deletion.",
        guideline=f"{_S3}/security-best-practices.html",
        remedy="Give the bucket an aws_s3_bucket_public_access_block, an "
        "aws_s3_bucket_server_side_encryption_configuration, and an "
        'aws_s3_bucket_versioning with status = "Enabled".',
    )
)
def guarded(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Each of the three, for each bucket."""
    for bucket in plan.of(*BUCKET):
        if not companions(plan, bucket, "aws_s3_bucket_public_access_block"):
            yield bucket.address, "It has no public access block."
        encryptions = companions(plan, bucket, "aws_s3_bucket_server_side_encryption_configuration")
        algorithms = [
            algorithm
            for one in encryptions
            for algorithm in one.all("rule.apply_server_side_encryption_by_default.sse_algorithm")
        ]
        if not algorithms:
            yield bucket.address, "It has no default encryption."
        statuses = [
            status
            for one in companions(plan, bucket, "aws_s3_bucket_versioning")
            for status in one.all("versioning_configuration.status")
        ]
        if not any(status in {"Enabled", UNKNOWN} for status in statuses):
            yield (
                bucket.address,
                f"It keeps no versions (versioning is {shown(statuses[0]) if statuses else 'not set'}).",
            )


@relation(
    Rule(
        id="CKV_INV_614",
        title="Every bucket tidies up: old versions and broken uploads go",
        severity=Severity.LOW,
        types=BUCKET,
        rationale="Replaced versions and the parts of abandoned uploads are invisible, are paid for, and hold "
        "personal data.",
        guideline=f"{_S3}/object-lifecycle-mgmt.html",
        remedy="Add an enabled aws_s3_bucket_lifecycle_configuration rule with noncurrent_version_expiration and one "
        "with abort_incomplete_multipart_upload, both for the whole bucket: no prefix, no tags, no size.",
        modes=frozenset({PLAN}),
    )
)
def tidy(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Both, in enabled rules for every object; a rule for one prefix leaves all the others as they are."""
    wanted = {
        "noncurrent_version_expiration": "noncurrent_days",
        "abort_incomplete_multipart_upload": "days_after_initiation",
    }
    for bucket in plan.of(*BUCKET):
        rules = [
            rule
            for one in companions(plan, bucket, "aws_s3_bucket_lifecycle_configuration")
            for rule in listed(one.values.get("rule"))
            if isinstance(rule, dict) and rule.get("status") in {"Enabled", UNKNOWN} and _for_all_objects(rule)
        ]
        for block, days in wanted.items():
            if not any(
                isinstance(one, dict) and (one.get(days) is UNKNOWN or one.get(days))
                for rule in rules
                for one in listed(rule.get(block))
            ):
                yield bucket.address, f"No enabled lifecycle rule for the whole bucket has {block}."


def _for_all_objects(rule: dict[str, Any]) -> bool:
    """Whether a rule leaves no object out; objects of one byte or none may be (a size is what admits small ones)."""
    chosen = [rule, *(one for one in listed(rule.get("filter")) if isinstance(one, dict))]
    chosen += [one for part in chosen[1:] for one in listed(part.get("and")) if isinstance(one, dict)]
    for one in chosen:
        if any(one.get(name) is not UNKNOWN and one.get(name) for name in ("prefix", "tag", "tags")):
            return False
        if one.get("object_size_less_than") is not UNKNOWN and one.get("object_size_less_than"):
            return False
        if (number(one.get("object_size_greater_than")) or 0) > 1:
            return False
    return True


@relation(
    Rule(
        id="CKV_INV_615",
        title="What a trigger starts writes nothing where it triggers",
        severity=Severity.CRITICAL,
        types=("aws_s3_bucket_notification",),
        rationale="A function that writes below its own trigger's prefix calls itself without end, and the bill is "
        "the first to "
        "notice.",
        guideline="https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html",
        remedy="Give the notification a filter_prefix, and grant s3:PutObject below other prefixes only, to whichever "
        "function.",
        modes=frozenset({PLAN}),
    )
)
def no_loops(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """What any function's role may put, against where a trigger listens: a loop may lead through other functions."""
    puts = [(one, target) for one in plan.of("aws_lambda_function") for target in dict.fromkeys(_puts(plan, one))]
    for notification in plan.of("aws_s3_bucket_notification"):
        buckets = {
            str(one.get("bucket"))
            for one in plan.links(notification, "bucket", *BUCKET)
            if one.get("bucket") is not UNKNOWN
        } or {str(notification.get("bucket"))}
        for call in listed(notification.values.get("lambda_function")):
            arn = function_in(call.get("lambda_function_arn")) if isinstance(call, dict) else None
            if not arn:
                continue
            prefix = str(call.get("filter_prefix") or "")
            for function, target in puts:
                if _reaches(target, buckets, prefix):
                    who = str(function.get("function_name"))
                    yield (
                        notification.address,
                        (
                            f'It calls {arn.name} for objects below "{prefix}", and '
                            f"{'that' if who == arn.name else who} may put objects to {target}."
                        ),
                    )


def _reaches(target: str, buckets: set[str], prefix: str) -> bool:
    """Whether a pattern of bucket and key has objects below a prefix of one of the buckets."""
    bucket, _, key = target.partition("/")
    if target == "*":
        return True
    below = re.split(r"[*?]", key)[0]
    pattern = re.escape(bucket).replace(r"\*", ".*").replace(r"\?", ".")
    return any(re.fullmatch(pattern, one) for one in buckets) and (below.startswith(prefix) or prefix.startswith(below))


_PUTS = frozenset({"s3:PutObject", "s3:*", "s3:Put*", "*"})


def _puts(plan: "PlanGraph", function: Resource) -> Iterator[str]:
    """Bucket and key patterns that a function's role may put."""
    roles = roles_of(plan, function)
    addresses = {one.address for one in roles}
    policies = [
        one
        for one in plan.of("aws_iam_role_policy")
        if addresses & {role.address for role in plan.links(one, "role", "aws_iam_role")}
    ]
    for policy in [*roles, *policies]:
        for statement in granted(plan, policy):
            if _PUTS & set(map(str, statement.actions)):
                for resource in statement.resources:
                    if isinstance(resource, str):
                        yield resource.split(":::")[-1]


@attribute(
    Rule(
        id="CKV_INV_616",
        title="Keys rotate, and wait before they are deleted",
        severity=Severity.HIGH,
        types=("aws_kms_key",),
        rationale="What a deleted key encrypted is gone for good; the window is the only way back.",
        guideline="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
        remedy="Set enable_key_rotation = true and deletion_window_in_days to 7 or more.",
    )
)
def keys(key: Resource) -> Iterator[str]:
    """In every environment; production wants the longest window (CKV_INV_625)."""
    if is_false(key.get("enable_key_rotation")):
        yield f"enable_key_rotation is {shown(key.get('enable_key_rotation'))}."
    window = key.get("deletion_window_in_days")
    if window is not UNKNOWN and window is not None and (number(window) or 0) < 7:
        yield f"deletion_window_in_days is {shown(window)}."


@attribute(
    Rule(
        id="CKV_INV_621",
        title="Production's tables can be restored to any second of 35 days",
        severity=Severity.CRITICAL,
        types=("aws_dynamodb_table",),
        rationale="A bad deployment writes as fast as a good one: point-in-time recovery is the way back.",
        guideline=f"{_DDB}/PointInTimeRecovery.html",
        remedy="Set point_in_time_recovery { enabled = true } (point_in_time_recovery in live/prod/terraform.tfvars).",
        modes=frozenset({PLAN}),
        scope="prod",
    )
)
def pitr(table: Resource) -> Iterator[str]:
    """Off by default."""
    if not any(value is UNKNOWN or is_true(value) for value in table.all("point_in_time_recovery.enabled")):
        yield "Point-in-time recovery is off."


@attribute(
    Rule(
        id="CKV_INV_622",
        title="Production's tables cannot be deleted in passing",
        severity=Severity.CRITICAL,
        types=("aws_dynamodb_table",),
        rationale="With deletion protection AWS itself refuses, whatever asks.",
        guideline=f"{_DDB}/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection",
        remedy="Set deletion_protection_enabled = true (deletion_protection in live/prod/terraform.tfvars).",
        modes=frozenset({PLAN}),
        scope="prod",
    )
)
def deletion_protection(table: Resource) -> Iterator[str]:
    """Off by default."""
    if is_false(table.get("deletion_protection_enabled")):
        yield f"deletion_protection_enabled is {shown(table.get('deletion_protection_enabled'))}."


@attribute(
    Rule(
        id="CKV_INV_624",
        title="Production's buckets are never emptied to be deleted",
        severity=Severity.CRITICAL,
        types=BUCKET,
        rationale="force_destroy deletes every object and version without asking, when the bucket goes or is replaced.",
        guideline=f"{_S3}/DeletingObjectsfromVersioningSuspendedBuckets.html",
        remedy="Set force_destroy = false (force_destroy in live/prod/terraform.tfvars).",
        modes=frozenset({PLAN}),
        scope="prod",
    )
)
def no_force_destroy(bucket: Resource) -> Iterator[str]:
    """False by default."""
    if is_true(bucket.get("force_destroy")):
        yield "force_destroy is true."


@attribute(
    Rule(
        id="CKV_INV_625",
        title="Production's keys and secrets wait 30 days before they are deleted",
        severity=Severity.CRITICAL,
        types=("aws_kms_key", "aws_secretsmanager_secret"),
        rationale="The window is the only way back from a deleted key or secret; 30 days is the longest there is.",
        guideline="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
        remedy="Set deletion_window_in_days = 30 on a key, recovery_window_in_days = 30 on a secret.",
        modes=frozenset({PLAN}),
        scope="prod",
    )
)
def windows(one: Resource) -> Iterator[str]:
    """AWS's default, 30, is meant when it is not set."""
    name = "deletion_window_in_days" if one.type == "aws_kms_key" else "recovery_window_in_days"
    found: Any = one.get(name)
    if found is not UNKNOWN and found is not None and (number(found) or 0) < 30:
        yield f"{name} is {shown(found)}."
