"""The smoke test that follows each deploy: it passes and leaves nothing, and it finds what no plan shows."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.deploy import smoke
from harness.deploy.smoke_access import PlatformAccess
from harness.engine import engine_for
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.stack.inventory import inventory
from harness.stack.snapshot import clone_source

pytestmark = pytest.mark.xdist_group("smoke")

policies_are_enforced = pytest.mark.skipif(
    engine_for().name != "embedded", reason="only the embedded engine enforces policies"
)


@pytest.fixture(scope="module")
def access() -> Iterator[PlatformAccess]:
    """A separate stack, because the tests change its policies."""
    with clone_source("dev").clone("e2e-smoke") as (stack, _):
        yield PlatformAccess.on_engine(stack)


def items(access: PlatformAccess) -> list[dict[str, Any]]:
    pages = access.client("dynamodb").get_paginator("scan").paginate(TableName=access.outputs["table_name"])
    return [item for page in pages for item in page["Items"]]


def objects(access: PlatformAccess) -> list[str]:
    """Every version of every object in the buckets of the platform's users."""
    buckets = [access.outputs[f"{purpose}_bucket"] for purpose in ("uploads", "documents", "archives")]
    return [
        f"{bucket}/{version['Key']}"
        for bucket in buckets
        for page in access.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    ]


def refused_by_s3(access: PlatformAccess) -> dict[str, float]:
    """How many requests each bucket of the platform's users has refused."""
    now, refused = datetime.now(UTC), {}
    for purpose in ("uploads", "documents", "archives"):
        bucket = access.outputs[f"{purpose}_bucket"]
        points = access.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/S3",
            MetricName="4xxErrors",
            Dimensions=[{"Name": "BucketName", "Value": bucket}, {"Name": "FilterId", "Value": "EntireBucket"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        assert points, f"{bucket} counts nothing"
        refused[bucket] = sum(point["Sum"] for point in points)
    return {bucket: count for bucket, count in refused.items() if count}


def test_a_deployed_platform_passes_and_nothing_is_left(access: PlatformAccess) -> None:
    """GIVEN a deployed stack WHEN it is tested twice THEN both pass, and what remains expires by itself."""
    secrets, secret = access.client("secretsmanager"), access.outputs["api_key_secret_arn"]
    before = inventory(access.outputs["credentials"])
    versions = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]

    smoke.run(access)
    smoke.run(access)

    assert inventory(access.outputs["credentials"]) == before
    assert objects(access) == []
    assert refused_by_s3(access) == {}, "each upload would count for the alarms on refused requests"
    lasting = [item["invoiceId"]["S"] for item in items(access) if "expiresAt" not in item]
    assert [name for name in lasting if not name.startswith("claim#currency#")] == []
    assert len(lasting) <= 1, "the one customer has one record, however often the test runs"
    assert secrets.describe_secret(SecretId=secret)["VersionIdsToStages"] == versions
    figures = json.loads((BUILD / "results" / "smoke.json").read_text(encoding="utf-8"))
    assert (figures["environment"], figures["outcome"]) == ("dev", "passed")


def topic_admits_the_rule_only(access: PlatformAccess) -> Callable[[], object]:
    """Put back the condition on the topic's policy that EventBridge never meets; return what undoes it."""
    sns, topic = access.client("sns"), access.outputs["downstream_topic_arn"]
    now = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    policy = json.loads(now)
    (statement,) = [each for each in policy["Statement"] if each["Sid"] == "EventBridge"]
    rule = f"arn:aws:events:us-east-1:{access.outputs['account_id']}:rule/invoice-events-dev/invoice-processed-dev"
    statement["Condition"] = {"ArnEquals": {"aws:SourceArn": rule}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    return lambda: sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=now)


def key_admits_the_account_only(access: PlatformAccess) -> Callable[[], object]:
    """Put back the condition on the key's policy that EventBridge never meets; return what undoes it."""
    kms = access.client("kms")
    key = kms.describe_key(KeyId="alias/invoice-platform-dev")["KeyMetadata"]["KeyId"]
    now = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    policy = json.loads(now)
    (statement,) = [each for each in policy["Statement"] if each["Sid"] == "ServiceEvents"]
    statement["Condition"] = {"StringEquals": {"aws:SourceAccount": access.outputs["account_id"]}}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    return lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=now)


@policies_are_enforced
@pytest.mark.parametrize("break_it", [topic_admits_the_rule_only, key_admits_the_account_only])
def test_a_policy_that_keeps_events_from_the_topic_is_found(
    access: PlatformAccess, break_it: Callable[[PlatformAccess], Callable[[], object]]
) -> None:
    """GIVEN a policy that EventBridge does not meet WHEN it is tested THEN the queue of the lost event is named."""
    before = inventory(access.outputs["credentials"])
    repair = break_it(access)

    try:
        with pytest.raises(HarnessError) as failed:
            smoke.run(access)
    finally:
        repair()

    assert str(failed.value).startswith(
        "The smoke test of dev failed. A message went to the dead-letter queue of invoice-processed-dev/downstream"
    )
    assert inventory(access.outputs["credentials"]) == before
    smoke.run(access)


@policies_are_enforced
def test_a_function_that_cannot_rotate_is_found(access: PlatformAccess) -> None:
    """GIVEN a rotation function without its role's policy WHEN it is tested THEN its own error is shown."""
    iam, role = access.client("iam"), access.outputs["functions"]["rotate-api-key"]
    policies = {
        name: json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    before = inventory(access.outputs["credentials"])
    for name in policies:
        iam.delete_role_policy(RoleName=role, PolicyName=name)

    try:
        with pytest.raises(HarnessError, match=r"rotate-api-key failed in createSecret: .*secretsmanager:Describe"):
            smoke.run(access)
    finally:
        for name, document in policies.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)

    assert inventory(access.outputs["credentials"]) == before
    assert objects(access) == []
    smoke.run(access)
