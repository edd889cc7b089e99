"""Buckets, tables and keys: encrypted, private, versioned and tidy; in production also protected against loss."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.arn import function_in, like
from harness.plan.resource import UNKNOWN, Resource, is_false, is_true, listed, number, shown
from harness.policy.rule import attribute, relation
from harness.policy.rules.iam import granted, roles_of

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

BUCKET = ("aws_s3_bucket",)


def companions(plan: "PlanGraph", bucket: Resource, kind: str) -> list[Resource]:
    """The resources of a type that belong to a bucket: by reference, or by its name."""
    name = bucket.get("bucket")
    return [
        resource
        for resource in plan.of(kind)
        if bucket in plan.links(resource, "bucket", *BUCKET)
        or (isinstance(name, str) and resource.get("bucket") == name)
    ]


@relation("CKV_INV_611", BUCKET)
def tls_only(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the rendered policy."""
    for bucket in plan.of(*BUCKET):
        policies = companions(plan, bucket, "aws_s3_bucket_policy")
        if not any(_denies_http(plan, bucket, policy) for policy in policies):
            yield bucket.address, f"{'Its policy does not deny' if policies else 'No policy denies'} plain HTTP."


def _denies_http(plan: "PlanGraph", bucket: Resource, policy: Resource) -> bool:
    statements = iam_policy.statements(policy.get("policy")) or []
    if policy.get("policy") is UNKNOWN:
        for document in plan.links(policy, "policy", "aws_iam_policy_document"):
            statements = [*statements, *iam_policy.of_document(document)]
    for statement in statements:
        insecure = any(
            test.removesuffix("IfExists") == "Bool"
            and variable.lower() == "aws:securetransport"
            and [str(value).lower() for value in values] == ["false"]
            for test, variable, values in statement.conditions
        )
        everybody = any(name == "*" for _, name in statement.principals)
        if (
            not statement.allows
            and insecure
            and everybody
            and set(statement.actions) & {"s3:*", "*"}
            and _covers_all(bucket, statement.resources)
            and len(statement.conditions) == 1
        ):
            return True
    return False


def _covers_all(bucket: Resource, resources: tuple[Any, ...]) -> bool:
    """Whether a statement is about the bucket itself and every object in it, not only those below a prefix."""
    name = bucket.get("bucket")
    bucket_arns = [
        arn
        for arn in resources
        if isinstance(arn, str) and "/" not in arn and (name is UNKNOWN or arn.endswith(f":::{name}"))
    ]
    return "*" in resources or any(f"{arn}/*" in resources for arn in bucket_arns)


_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


@attribute("CKV_INV_612", ("aws_s3_bucket_public_access_block",))
def blocks_everything(block: Resource) -> Iterator[str]:
    """All four switches."""
    for name in _BLOCKS:
        if is_false(block.get(name)):
            yield f"{name} is {shown(block.get(name))}."


@relation("CKV_INV_613", BUCKET)
def guarded(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Each of the three, for each bucket."""
    for bucket in plan.of(*BUCKET):
        if not companions(plan, bucket, "aws_s3_bucket_public_access_block"):
            yield bucket.address, "It has no public access block."
        encryptions = companions(plan, bucket, "aws_s3_bucket_server_side_encryption_configuration")
        algorithms = [
            algorithm
            for encryption in encryptions
            for algorithm in encryption.all("rule.apply_server_side_encryption_by_default.sse_algorithm")
        ]
        if not algorithms:
            yield bucket.address, "It has no default encryption."
        statuses = [
            status
            for versioning in companions(plan, bucket, "aws_s3_bucket_versioning")
            for status in versioning.all("versioning_configuration.status")
        ]
        if not any(status in {"Enabled", UNKNOWN} for status in statuses):
            yield (
                bucket.address,
                f"It keeps no versions (versioning is {shown(statuses[0]) if statuses else 'not set'}).",
            )


@relation("CKV_INV_614", BUCKET)
def tidy(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Both, in enabled rules for every object; a rule for one prefix does not cover the others."""
    required = {
        "noncurrent_version_expiration": "noncurrent_days",
        "abort_incomplete_multipart_upload": "days_after_initiation",
    }
    for bucket in plan.of(*BUCKET):
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


@relation("CKV_INV_615", ("aws_s3_bucket_notification",))
def no_loops(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """What each function's role may put, against where a trigger listens: a loop may lead through other functions."""
    functions = plan.of("aws_lambda_function")
    puts = [(function, target) for function in functions for target in dict.fromkeys(_puts(plan, function))]
    for notification in plan.of("aws_s3_bucket_notification"):
        buckets = {
            str(bucket.get("bucket"))
            for bucket in plan.links(notification, "bucket", *BUCKET)
            if bucket.get("bucket") is not UNKNOWN
        } or {str(notification.get("bucket"))}
        for call in listed(notification.values.get("lambda_function")):
            arn = function_in(call.get("lambda_function_arn")) if isinstance(call, dict) else None
            if not arn:
                continue
            prefix = str(call.get("filter_prefix") or "")
            for function, target in puts:
                if _reaches(target, buckets, prefix):
                    writer = str(function.get("function_name"))
                    yield (
                        notification.address,
                        (
                            f'It calls {arn.name} for objects below "{prefix}", and '
                            f"{'that' if writer == arn.name else writer} may put objects to {target}."
                        ),
                    )


def _reaches(target: str, buckets: set[str], prefix: str) -> bool:
    """Whether a pattern of bucket and key includes objects below a prefix in one of the buckets."""
    bucket, _, key = target.partition("/")
    if target == "*":
        return True
    key_prefix = re.split(r"[*?]", key)[0]
    return any(like(bucket, name) for name in buckets) and (
        key_prefix.startswith(prefix) or prefix.startswith(key_prefix)
    )


_PUTS = frozenset({"s3:PutObject", "s3:*", "s3:Put*", "*"})


def _puts(plan: "PlanGraph", function: Resource) -> Iterator[str]:
    """Bucket and key patterns that a function's role may put."""
    roles = roles_of(plan, function)
    addresses = {role.address for role in roles}
    policies = [
        policy
        for policy in plan.of("aws_iam_role_policy")
        if addresses & {role.address for role in plan.links(policy, "role", "aws_iam_role")}
    ]
    for policy in [*roles, *policies]:
        for statement in granted(plan, policy):
            if _PUTS & set(map(str, statement.actions)):
                for resource in statement.resources:
                    if isinstance(resource, str):
                        yield resource.split(":::")[-1]


@attribute("CKV_INV_616", ("aws_kms_key",))
def keys(key: Resource) -> Iterator[str]:
    """In every environment; production requires the longest window (CKV_INV_625)."""
    if is_false(key.get("enable_key_rotation")):
        yield f"enable_key_rotation is {shown(key.get('enable_key_rotation'))}."
    window = key.get("deletion_window_in_days")
    if window is not UNKNOWN and window is not None and (number(window) or 0) < 7:
        yield f"deletion_window_in_days is {shown(window)}."


@attribute("CKV_INV_621", ("aws_dynamodb_table",))
def pitr(table: Resource) -> Iterator[str]:
    """AWS's default is off."""
    if not any(value is UNKNOWN or is_true(value) for value in table.all("point_in_time_recovery.enabled")):
        yield "Point-in-time recovery is off."


@attribute("CKV_INV_622", ("aws_dynamodb_table",))
def deletion_protection(table: Resource) -> Iterator[str]:
    """AWS's default is off."""
    if is_false(table.get("deletion_protection_enabled")):
        yield f"deletion_protection_enabled is {shown(table.get('deletion_protection_enabled'))}."


@attribute("CKV_INV_624", BUCKET)
def no_force_destroy(bucket: Resource) -> Iterator[str]:
    """The default is false."""
    if is_true(bucket.get("force_destroy")):
        yield "force_destroy is true."


@attribute("CKV_INV_625", ("aws_kms_key", "aws_secretsmanager_secret"))
def windows(resource: Resource) -> Iterator[str]:
    """Without a value AWS's default of 30 days holds."""
    name = "deletion_window_in_days" if resource.type == "aws_kms_key" else "recovery_window_in_days"
    days: Any = resource.get(name)
    if days is not UNKNOWN and days is not None and (number(days) or 0) < 30:
        yield f"{name} is {shown(days)}."
