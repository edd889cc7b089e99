"""Every module but the composing one: apply, read back through boto3 what was asked for, second plan empty, destroy.

All are called in one root (`root/main.tf`): the provider's fixed waits run side by side, and are waited for once.
"""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from harness.engine import ACCOUNT_ID, REGION, Engine, engine_for
from harness.paths import ROOT
from harness.stack.inventory import inventory
from harness.terraform.run import Terraform
from tests.apply.stage import group, started

pytestmark = group("modules")

ROOT_FILE = Path(__file__).parent / "root" / "main.tf"
COMPOSING = "invoice-platform"
MOVED = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 8}
"""What auto-scaling might make of the capacity that was asked for."""

HANDLER = """
def handler(event, context):
    return {"statusCode": 200, "body": "echo"}
"""


@dataclass(frozen=True)
class Applied:
    """The root, applied on an engine that was empty before."""

    before: set[str]
    engine: Engine
    terraform: Terraform
    outputs: dict[str, Any]

    def client(self, service: str, region: str = REGION) -> Any:
        session = boto3.Session("test", "test", region_name=region)
        return session.client(service, endpoint_url=self.engine.endpoint_url)


def terraform_in(checkout: Path, engine: Engine) -> Terraform:
    """Terraform on the root in a folder that looks like the checkout; the state lies beside the root."""
    variables = {"TF_VAR_account_id": ACCOUNT_ID, "TF_VAR_zip": str(checkout / "echo.zip")}
    root = checkout / "tests" / "apply" / "root"
    return Terraform(
        root, env={**engine.environment(), **variables}, data_dir=root / ".terraform", log_dir=checkout / "logs"
    )


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    checkout = tmp_path_factory.mktemp("modules")
    (checkout / "modules").symlink_to(ROOT / "modules")
    root = checkout / "tests" / "apply" / "root"
    root.mkdir(parents=True)
    shutil.copy(ROOT_FILE, root)
    shutil.copy(ROOT / "live" / "dev" / ".terraform.lock.hcl", root)
    with zipfile.ZipFile(checkout / "echo.zip", "w") as file:
        file.writestr("echo.py", HANDLER)
    with started("apply-modules") as engine:
        before = inventory(engine.environment())
        terraform = terraform_in(checkout, engine)
        terraform.init()
        terraform.apply(options=("-parallelism=30",))
        yield Applied(before, engine, terraform, terraform.output())


def test_every_module_is_called() -> None:
    called = set(re.findall(r'source\s+= "../../../modules/([a-z0-9-]+)"', ROOT_FILE.read_text(encoding="utf-8")))

    assert called == {folder.parent.name for folder in (ROOT / "modules").glob("*/main.tf")} - {COMPOSING}


def test_second_plan_is_empty_even_after_auto_scaling_has_moved_capacity(applied: Applied) -> None:
    dynamodb = applied.client("dynamodb")
    index = {"IndexName": "rank-index", "ProvisionedThroughput": MOVED}
    dynamodb.update_table(
        TableName="apply-table", ProvisionedThroughput=MOVED, GlobalSecondaryIndexUpdates=[{"Update": index}]
    )

    plan = applied.terraform.plan()

    assert plan.is_empty, str(plan)


def test_dynamodb_table_has_its_keys_index_stream_expiry_and_key(applied: Applied) -> None:
    dynamodb = applied.client("dynamodb")
    table = dynamodb.describe_table(TableName="apply-table")["Table"]

    assert table["KeySchema"] == [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "kind", "KeyType": "RANGE"},
    ]
    assert {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]} == {
        "id": "S",
        "kind": "S",
        "rank": "N",
    }
    (index,) = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]["ProjectionType"]) == ("rank-index", "KEYS_ONLY")
    for capacity in (table["ProvisionedThroughput"], index["ProvisionedThroughput"]):
        units = {name: capacity[name] for name in MOVED}
        assert units in ({"ReadCapacityUnits": 4, "WriteCapacityUnits": 3}, MOVED)
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["SSEDescription"]["KMSMasterKeyArn"] == applied.outputs["key_arn"]
    expiry = dynamodb.describe_time_to_live(TableName="apply-table")["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expiresAt")
    recovery = dynamodb.describe_continuous_backups(TableName="apply-table")["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert {"Key": "Purpose", "Value": "test"} in tags


def test_dynamodb_scales_the_table_and_its_index(applied: Applied) -> None:
    scaling = applied.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    policies = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]

    assert {(one["ResourceId"], one["MinCapacity"], one["MaxCapacity"]) for one in targets} == {
        ("table/apply-table", 4, 40),
        ("table/apply-table", 3, 30),
        ("table/apply-table/index/rank-index", 4, 40),
        ("table/apply-table/index/rank-index", 3, 30),
    }
    assert [one["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for one in policies] == [60.0] * 4


def test_s3_bucket_is_private_encrypted_versioned_logged_and_notifies(applied: Applied) -> None:
    s3 = applied.client("s3")
    bucket = {"Bucket": "apply-bucket"}

    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert (statement["Sid"], statement["Effect"]) == ("DenyPlainHttp", "Deny")
    assert s3.get_bucket_logging(**bucket)["LoggingEnabled"]["TargetBucket"] == "apply-access-logs"
    (lifecycle,) = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert lifecycle["Expiration"] == {"Days": 30}
    assert lifecycle["Transitions"] == [{"Days": 10, "StorageClass": "GLACIER"}]
    (notification,) = s3.get_bucket_notification_configuration(**bucket)["LambdaFunctionConfigurations"]
    assert notification["LambdaFunctionArn"].endswith(":function:apply-echo:live")
    rules = {one["Name"].lower(): one["Value"] for one in notification["Filter"]["Key"]["FilterRules"]}
    assert rules == {"prefix": "in/", "suffix": ".csv"}


def test_s3_bucket_replicates_to_a_bucket_in_the_other_region(applied: Applied) -> None:
    s3, there = applied.client("s3"), applied.client("s3", "us-west-2")

    (rule,) = s3.get_bucket_replication(Bucket="apply-bucket")["ReplicationConfiguration"]["Rules"]

    assert (rule["Status"], rule["Destination"]["Bucket"]) == ("Enabled", "arn:aws:s3:::apply-replica")
    assert there.get_bucket_location(Bucket="apply-replica")["LocationConstraint"] == "us-west-2"
    assert there.get_bucket_versioning(Bucket="apply-replica")["Status"] == "Enabled"


def test_lambda_has_what_was_asked_for_behind_its_alias(applied: Applied) -> None:
    functions = applied.client("lambda")
    about = functions.get_function(FunctionName="apply-echo", Qualifier="live")
    settings = about["Configuration"]

    assert (settings["MemorySize"], settings["Timeout"], settings["Handler"]) == (256, 9, "echo.handler")
    assert settings["Architectures"] == ["arm64"]
    assert settings["Environment"]["Variables"] == {"GREETING": "hello"}
    assert settings["KMSKeyArn"] == applied.outputs["key_arn"]
    assert settings["TracingConfig"]["Mode"] == "Active"
    assert settings["DeadLetterConfig"]["TargetArn"].endswith(":apply-echo-dlq")
    assert settings["LoggingConfig"]["ApplicationLogLevel"] == "WARN"
    reserved = functions.get_function_concurrency(FunctionName="apply-echo")["ReservedConcurrentExecutions"]
    assert reserved == 2
    events = functions.get_function_event_invoke_config(FunctionName="apply-echo", Qualifier="live")
    assert (events["MaximumRetryAttempts"], events["MaximumEventAgeInSeconds"]) == (1, 120)
    (mapping,) = functions.list_event_source_mappings(FunctionName="apply-echo:live")["EventSourceMappings"]
    assert (mapping["BatchSize"], mapping["MaximumRetryAttempts"]) == (7, 2)
    policy = json.loads(functions.get_policy(FunctionName="apply-echo", Qualifier="live")["Policy"])
    assert {one["Sid"] for one in policy["Statement"]} >= {"Api", "Bucket", "Rule"}
    (group_,) = applied.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/apply-echo")["logGroups"]
    assert group_["retentionInDays"] == 3


def test_lambda_role_may_do_what_was_stated_and_no_more(applied: Applied) -> None:
    iam = applied.client("iam")

    document = iam.get_role_policy(RoleName="apply-echo", PolicyName="statements")["PolicyDocument"]

    assert {one["Sid"] for one in document["Statement"]} == {"OwnLogs", "OwnDeadLetters", "Traces", "ReadStream"}
    assert iam.list_attached_role_policies(RoleName="apply-echo")["AttachedPolicies"] == []


def test_event_bus_has_its_rule_target_dead_letters_and_archive(applied: Applied) -> None:
    events = applied.client("events")

    rule = events.describe_rule(Name="placed", EventBusName="apply-bus")
    (target,) = events.list_targets_by_rule(Rule="placed", EventBusName="apply-bus")["Targets"]
    (archive,) = events.list_archives(EventSourceArn=f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/apply-bus")[
        "Archives"
    ]

    assert json.loads(rule["EventPattern"]) == {"source": ["shop"], "detail-type": ["order-placed"]}
    assert target["Arn"].endswith(":function:apply-echo:live")
    assert ":placed-" in target["DeadLetterConfig"]["Arn"]
    assert archive["RetentionDays"] == 5


def test_api_gateway_answers_with_key_model_and_limits(applied: Applied) -> None:
    api, gateway = applied.outputs["api"], applied.client("apigateway")
    plan = gateway.get_usage_plan(usagePlanId=api["plan_id"])
    stage = gateway.get_stage(restApiId=api["id"], stageName=api["stage"])
    url = f"{applied.engine.endpoint_url}/_aws/execute-api/{api['id']}/{api['stage']}/orders"
    http = urllib3.PoolManager(retries=False, timeout=30.0)
    json_type = {"content-type": "application/json"}

    assert (plan["quota"]["limit"], plan["throttle"]["burstLimit"], plan["throttle"]["rateLimit"]) == (70, 7, 5.0)
    assert stage["tracingEnabled"] is True
    assert stage["accessLogSettings"]["destinationArn"]
    assert http.request("POST", url, body=b'{"id": 1}', headers=json_type).status == 403
    keyed = {**json_type, "x-api-key": api["key"]}
    refused = http.request("POST", url, body=b"{}", headers=keyed)
    assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")
    assert http.request("POST", url, body=b'{"id": 1}', headers=keyed).data == b"echo"


@pytest.mark.parametrize(
    ("origin", "answered"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://admin.example.com", "https://admin.example.com"),
        ("https://evil.example", None),
    ],
)
def test_api_gateway_cors_answers_each_origin_with_itself(applied: Applied, origin: str, answered: str | None) -> None:
    api = applied.outputs["api"]
    url = f"{applied.engine.endpoint_url}/_aws/execute-api/{api['id']}/{api['stage']}/orders"

    answer = urllib3.request("OPTIONS", url, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})

    assert answer.status == 204
    assert answer.headers.get("Access-Control-Allow-Origin") == answered
    assert "Origin" in answer.headers["Vary"]


def test_secret_holds_its_first_value_under_its_key_and_is_rotated(applied: Applied) -> None:
    secrets = applied.client("secretsmanager")
    about = secrets.describe_secret(SecretId="apply-words")

    assert json.loads(secrets.get_secret_value(SecretId="apply-words")["SecretString"]) == {"word": "first"}
    assert about["KmsKeyId"] == applied.outputs["key_arn"]
    assert about["RotationEnabled"] is True
    assert about["RotationRules"]["AutomaticallyAfterDays"] == 20
    assert about["RotationLambdaARN"].endswith(":function:apply-echo:live")
    policy = json.loads(secrets.get_resource_policy(SecretId="apply-words")["ResourcePolicy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["DenyPlainHttp"]


def test_kms_key_rotates_admits_the_service_and_has_its_alias(applied: Applied) -> None:
    kms = applied.client("kms")
    key_id = kms.describe_key(KeyId="alias/apply")["KeyMetadata"]["KeyId"]

    assert applied.outputs["key_arn"].endswith(key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is True
    policy = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
    assert {json.dumps(one["Principal"]) for one in policy["Statement"]} == {
        f'{{"AWS": "arn:aws:iam::{ACCOUNT_ID}:root"}}',
        '{"Service": "cloudwatch.amazonaws.com"}',
    }


def test_monitoring_has_its_dashboard_and_alarms_that_tell_its_topic(applied: Applied) -> None:
    cloudwatch = applied.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    dashboard = json.loads(cloudwatch.get_dashboard(DashboardName="Apply-test")["DashboardBody"])

    assert {one["AlarmName"] for one in alarms} == {
        f"Apply-{name}-test"
        for name in (
            "api-orders-5xx",
            "bucket-bucket-4xx",
            "function-echo-duration",
            "function-echo-errors",
            "function-echo-throttles",
            "queue-echo-depth",
            "queue-placed-depth",
            "table-table-throttles",
        )
    }
    assert {tuple(one["AlarmActions"]) for one in alarms} == {(applied.outputs["alarm_topic_arn"],)}
    assert dashboard["widgets"]
    topic = applied.client("sns").get_topic_attributes(TopicArn=applied.outputs["alarm_topic_arn"])["Attributes"]
    assert topic["KmsMasterKeyId"] == applied.outputs["key_arn"]


def test_budget_has_its_limit_and_tells_the_topic_at_each_threshold(applied: Applied) -> None:
    budgets = applied.client("budgets")
    wanted = {"AccountId": ACCOUNT_ID, "BudgetName": "apply-budget"}
    budget = budgets.describe_budget(**wanted)["Budget"]
    notifications = budgets.describe_notifications_for_budget(**wanted)["Notifications"]

    assert (float(budget["BudgetLimit"]["Amount"]), budget["TimeUnit"]) == (12.0, "MONTHLY")
    assert {(one["NotificationType"], one["Threshold"]) for one in notifications} == {
        ("ACTUAL", 50.0),
        ("ACTUAL", 90.0),
        ("FORECASTED", 100.0),
    }


def test_destroy_leaves_nothing(applied: Applied, tmp_path: Path) -> None:
    """On a clone, so that this test may run before the others; an engine that cannot be cloned is destroyed last."""
    if not applied.engine.has_snapshots:
        applied.terraform.destroy()

        assert inventory(applied.engine.environment()) == applied.before
        return
    applied.engine.snapshot(tmp_path / "engine")
    checkout = applied.terraform.root.parents[2]
    shutil.copytree(checkout, tmp_path / "checkout", symlinks=True)
    clone = engine_for(instance="destroy-modules", port="auto")
    clone.start(from_snapshot=tmp_path / "engine", tied=True)
    try:
        clone.wait_healthy()
        assert inventory(clone.environment()) - applied.before

        terraform_in(tmp_path / "checkout", clone).destroy()

        assert inventory(clone.environment()) == applied.before
    finally:
        clone.stop()
