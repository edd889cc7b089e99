"""Buckets, tables and keys: encrypted, private, versioned and tidy; in production also protected against loss."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan import iam_policy
from harness.plan.arn import function_in, like
from harness.plan.resource import UNKNOWN, Resource, is_false, is_true, listed, number, shown, text
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


_WITH_ACL = ("aws_s3_bucket", "aws_s3_bucket_acl", "aws_s3_bucket_object", "aws_s3_object", "aws_s3_object_copy")
_PUBLISHING = ("aws_s3_bucket_website_configuration",)
_ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse")


@attribute("CKV_INV_612", ("aws_s3_bucket_public_access_block",))
def blocks_everything(block: Resource) -> Iterator[str]:
    """All four switches."""
    for name in _BLOCKS:
        if is_false(block.get(name)):
            yield f"{name} is {shown(block.get(name))}."


@attribute("CKV_INV_618", ("aws_s3_access_point", "aws_s3_account_public_access_block", *_WITH_ACL, *_PUBLISHING))
def private(resource: Resource) -> Iterator[str]:
    """ACLs that name everybody, websites, and blocks of accounts and access points with an open switch."""
    acl = resource.get("acl")
    if isinstance(acl, str) and acl.startswith(("public-", "authenticated-")):
        yield f"acl is {shown(acl)}."
    uris = [uri for uri in resource.all("access_control_policy.grant.grantee.uri") if isinstance(uri, str)]
    for uri in uris:
        if uri.endswith(("/AllUsers", "/AuthenticatedUsers")):
            yield f"It grants to {uri.rpartition('/')[2]}."
    if resource.type in _PUBLISHING:
        yield f"{resource.type} publishes the bucket."
    blocks = [resource.values] if resource.type == "aws_s3_account_public_access_block" else []
    if resource.type == "aws_s3_access_point":
        blocks = listed(resource.values.get("public_access_block_configuration")) or [{}]
    for block in blocks:
        for name in _BLOCKS if isinstance(block, dict) else ():
            if is_false(block.get(name, True)):
                yield f"{name} is {shown(block.get(name))}."


@attribute("CKV_INV_619", ("aws_s3_bucket_ownership_controls",))
def owned(controls: Resource) -> Iterator[str]:
    """The owner's own objects, and no ACL counts."""
    ownership = controls.get("rule.object_ownership")
    if ownership is not UNKNOWN and ownership != "BucketOwnerEnforced":
        yield f"object_ownership is {shown(ownership)}."


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
        for algorithm in algorithms:
            if algorithm is not UNKNOWN and algorithm not in _ALGORITHMS:
                yield bucket.address, f"sse_algorithm is {shown(algorithm)}."
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
            prefix = text(call.get("filter_prefix"))
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
    if (number(key.get("rotation_period_in_days")) or 0) > 365:
        yield f"rotation_period_in_days is {shown(key.get('rotation_period_in_days'))}."
    window = key.get("deletion_window_in_days")
    if window is not UNKNOWN and window is not None and (number(window) or 0) < 7:
        yield f"deletion_window_in_days is {shown(window)}."
    if is_true(key.get("bypass_policy_lockout_safety_check")):
        yield "bypass_policy_lockout_safety_check is true: its policy may lock everybody out."


@attribute("CKV_INV_621", ("aws_dynamodb_table",))
def pitr(table: Resource) -> Iterator[str]:
    """AWS's default is off."""
    if not any(value is UNKNOWN or is_true(value) for value in table.all("point_in_time_recovery.enabled")):
        yield "Point-in-time recovery is off."
    days = table.get("point_in_time_recovery.recovery_period_in_days")
    if 0 < (number(days) or 0) < 35:  # AWS allows 1 to 35; a state has 0 where nobody set it, and AWS uses 35
        yield f"recovery_period_in_days is {shown(days)}."


@attribute("CKV_INV_626", ("aws_dynamodb_table",))
def table_safeguards(table: Resource) -> Iterator[str]:
    """A key that CloudTrail records the use of, and a stream with the whole item before and after."""
    blocks = listed(table.values.get("server_side_encryption"))
    if not any(
        block is UNKNOWN or (isinstance(block, dict) and not is_false(block.get("enabled"))) for block in blocks
    ):
        yield "server_side_encryption is not enabled."
    enabled, view = table.get("stream_enabled"), table.get("stream_view_type")
    if enabled is not UNKNOWN and is_true(enabled) and view not in {UNKNOWN, "NEW_AND_OLD_IMAGES"}:
        yield f"stream_view_type is {shown(view)}."


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
