"""Every module except the composing one: apply, compare with boto3's view, second plan empty, destroy.

All are called in one root (`root/main.tf`), so that the provider's fixed waits overlap.
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
from tests.engine.cloud import root_keys

pytestmark = group("modules")

ROOT_FILE = Path(__file__).parent / "root" / "main.tf"
COMPOSING = "invoice-platform"
MOVED = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 8}
"""A capacity that auto-scaling might set instead of the configured one."""

HANDLER = """
def handler(event, context):
    return {"statusCode": 200, "body": "echo"}
"""


@dataclass(frozen=True)
class Applied:
    """The root, applied on an empty engine."""

    before: set[str]
    engine: Engine
    terraform: Terraform
    outputs: dict[str, Any]

    def client(self, service: str, region: str = REGION) -> Any:
        session = boto3.Session(**root_keys(self.engine), region_name=region)
        return session.client(service, endpoint_url=self.engine.endpoint.url)


def terraform_in(checkout: Path, engine: Engine) -> Terraform:
    """Terraform on the root in a copy of the checkout; the state is beside the root."""
    variables = {"TF_VAR_account_id": ACCOUNT_ID, "TF_VAR_zip": str(checkout / "echo.zip")}
    root = checkout / "tests" / "apply" / "root"
    return Terraform(
        root,
        env={**engine.endpoint.environment(), **variables},
        data_dir=root / ".terraform",
        log_dir=checkout / "logs",
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
        before = inventory(engine.endpoint.environment())
        terraform = terraform_in(checkout, engine)
        terraform.init()
        terraform.apply(options=("-parallelism=30",))
        yield Applied(before, engine, terraform, terraform.output())


def test_every_module_is_called() -> None:
    called = set(re.findall(r'source\s+= "../../../modules/([a-z0-9-]+)"', ROOT_FILE.read_text(encoding="utf-8")))

    assert called == {folder.parent.name for folder in (ROOT / "modules").glob("*/main.tf")} - {COMPOSING}


def test_second_plan_is_empty_even_after_auto_scaling_has_changed_the_capacity(applied: Applied) -> None:
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
    expiry = dynamodb.describe_time_to_live(TableName="apply-table")["TimeToLiveDescription"]
    recovery = dynamodb.describe_continuous_backups(TableName="apply-table")["ContinuousBackupsDescription"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]

    assert table["KeySchema"] == [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "kind", "KeyType": "RANGE"},
    ]
    assert {key["AttributeName"]: key["AttributeType"] for key in table["AttributeDefinitions"]} == {
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
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expiresAt")
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert {"Key": "Purpose", "Value": "test"} in tags


def test_dynamodb_scales_the_table_and_its_index(applied: Applied) -> None:
    scaling = applied.client("application-autoscaling")

    targets = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    policies = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]

    assert {(target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) for target in targets} == {
        ("table/apply-table", 4, 40),
        ("table/apply-table", 3, 30),
        ("table/apply-table/index/rank-index", 4, 40),
        ("table/apply-table/index/rank-index", 3, 30),
    }
    assert [policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for policy in policies] == [60.0] * 4


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
    rules = {rule["Name"].lower(): rule["Value"] for rule in notification["Filter"]["Key"]["FilterRules"]}
    assert rules == {"prefix": "in/", "suffix": ".csv"}


def test_s3_bucket_replicates_to_a_bucket_in_the_other_region(applied: Applied) -> None:
    s3, s3_west = applied.client("s3"), applied.client("s3", "us-west-2")

    (rule,) = s3.get_bucket_replication(Bucket="apply-bucket")["ReplicationConfiguration"]["Rules"]

    assert (rule["Status"], rule["Destination"]["Bucket"]) == ("Enabled", "arn:aws:s3:::apply-replica")
    assert s3_west.get_bucket_location(Bucket="apply-replica")["LocationConstraint"] == "us-west-2"
    assert s3_west.get_bucket_versioning(Bucket="apply-replica")["Status"] == "Enabled"


def test_lambda_has_the_configured_settings_on_its_alias(applied: Applied) -> None:
    functions = applied.client("lambda")

    settings = functions.get_function(FunctionName="apply-echo", Qualifier="live")["Configuration"]
    reserved = functions.get_function_concurrency(FunctionName="apply-echo")["ReservedConcurrentExecutions"]
    events = functions.get_function_event_invoke_config(FunctionName="apply-echo", Qualifier="live")
    (mapping,) = functions.list_event_source_mappings(FunctionName="apply-echo:live")["EventSourceMappings"]
    policy = json.loads(functions.get_policy(FunctionName="apply-echo", Qualifier="live")["Policy"])
    (log_group,) = applied.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/apply-echo")["logGroups"]

    assert (settings["MemorySize"], settings["Timeout"], settings["Handler"]) == (256, 9, "echo.handler")
    assert settings["Architectures"] == ["arm64"]
    queue_url = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT_ID}/apply-echo-dlq"  # for what it reads from its stream
    assert settings["Environment"]["Variables"] == {"GREETING": "hello", "DEAD_LETTER_QUEUE_URL": queue_url}
    assert settings["KMSKeyArn"] == applied.outputs["key_arn"]
    assert settings["TracingConfig"]["Mode"] == "Active"
    assert settings["DeadLetterConfig"]["TargetArn"].endswith(":apply-echo-dlq")
    assert settings["LoggingConfig"]["ApplicationLogLevel"] == "WARN"
    assert reserved == 2
    assert (events["MaximumRetryAttempts"], events["MaximumEventAgeInSeconds"]) == (1, 120)
    assert (mapping["BatchSize"], mapping["MaximumRetryAttempts"]) == (7, 2)
    assert {statement["Sid"] for statement in policy["Statement"]} >= {"Api", "Bucket", "Rule"}
    assert log_group["retentionInDays"] == 3


def test_lambda_role_has_the_configured_grants_and_no_more(applied: Applied) -> None:
    iam = applied.client("iam")

    document = iam.get_role_policy(RoleName="apply-echo", PolicyName="statements")["PolicyDocument"]

    assert {statement["Sid"] for statement in document["Statement"]} == {
        "OwnLogs",
        "OwnDeadLetters",
        "Traces",
        "ReadStream",
    }
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


def test_api_gateway_has_its_key_model_and_limits(applied: Applied) -> None:
    api, gateway = applied.outputs["api"], applied.client("apigateway")
    plan = gateway.get_usage_plan(usagePlanId=api["plan_id"])
    stage = gateway.get_stage(restApiId=api["id"], stageName=api["stage"])
    url = f"{applied.engine.endpoint.url}/_aws/execute-api/{api['id']}/{api['stage']}/orders"
    http = urllib3.PoolManager(retries=False, timeout=30.0)
    json_type = {"content-type": "application/json"}
    with_key = {**json_type, "x-api-key": api["key"]}

    without_key = http.request("POST", url, body=b'{"id": 1}', headers=json_type)
    invalid = http.request("POST", url, body=b"{}", headers=with_key)
    valid = http.request("POST", url, body=b'{"id": 1}', headers=with_key)

    assert (plan["quota"]["limit"], plan["throttle"]["burstLimit"], plan["throttle"]["rateLimit"]) == (70, 7, 5.0)
    assert stage["tracingEnabled"] is True
    assert stage["accessLogSettings"]["destinationArn"]
    assert without_key.status == 403
    assert (invalid.status, invalid.headers["content-type"]) == (400, "application/problem+json")
    assert valid.data == b"echo"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://admin.example.com", "https://admin.example.com"),
        ("https://evil.example", None),
    ],
)
def test_api_gateway_cors_allows_each_origin_by_itself(applied: Applied, origin: str, allowed: str | None) -> None:
    api = applied.outputs["api"]
    url = f"{applied.engine.endpoint.url}/_aws/execute-api/{api['id']}/{api['stage']}/orders"

    response = urllib3.request("OPTIONS", url, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})

    assert response.status == 204
    assert response.headers.get("Access-Control-Allow-Origin") == allowed
    assert "Origin" in response.headers["Vary"]


def test_secret_holds_its_first_value_under_its_key_and_is_rotated(applied: Applied) -> None:
    secrets = applied.client("secretsmanager")

    secret = secrets.describe_secret(SecretId="apply-words")
    value = json.loads(secrets.get_secret_value(SecretId="apply-words")["SecretString"])
    policy = json.loads(secrets.get_resource_policy(SecretId="apply-words")["ResourcePolicy"])

    assert value == {"word": "first"}
    assert secret["KmsKeyId"] == applied.outputs["key_arn"]
    assert secret["RotationEnabled"] is True
    assert secret["RotationRules"]["AutomaticallyAfterDays"] == 20
    assert secret["RotationLambdaARN"].endswith(":function:apply-echo:live")
    assert [statement["Sid"] for statement in policy["Statement"]] == ["DenyPlainHttp"]


def test_kms_key_rotates_admits_the_service_and_has_its_alias(applied: Applied) -> None:
    kms = applied.client("kms")

    key_id = kms.describe_key(KeyId="alias/apply")["KeyMetadata"]["KeyId"]
    policy = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])

    assert applied.outputs["key_arn"].endswith(key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is True
    assert {json.dumps(statement["Principal"]) for statement in policy["Statement"]} == {
        f'{{"AWS": "arn:aws:iam::{ACCOUNT_ID}:root"}}',
        '{"Service": "cloudwatch.amazonaws.com"}',
    }


def test_monitoring_has_its_dashboard_and_alarms_that_notify_its_topic(applied: Applied) -> None:
    cloudwatch = applied.client("cloudwatch")

    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    dashboard = json.loads(cloudwatch.get_dashboard(DashboardName="Apply-test")["DashboardBody"])
    topic = applied.client("sns").get_topic_attributes(TopicArn=applied.outputs["alarm_topic_arn"])["Attributes"]

    assert {alarm["AlarmName"] for alarm in alarms} == {
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
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(applied.outputs["alarm_topic_arn"],)}
    assert dashboard["widgets"]
    assert topic["KmsMasterKeyId"] == applied.outputs["key_arn"]


def test_budget_has_its_limit_and_notifies_at_each_threshold(applied: Applied) -> None:
    budgets = applied.client("budgets")
    name = {"AccountId": ACCOUNT_ID, "BudgetName": "apply-budget"}

    budget = budgets.describe_budget(**name)["Budget"]
    notifications = budgets.describe_notifications_for_budget(**name)["Notifications"]

    assert (float(budget["BudgetLimit"]["Amount"]), budget["TimeUnit"]) == (12.0, "MONTHLY")
    assert {(notification["NotificationType"], notification["Threshold"]) for notification in notifications} == {
        ("ACTUAL", 50.0),
        ("ACTUAL", 90.0),
        ("FORECASTED", 100.0),
    }


def test_pipeline_role_trusts_one_workflow_and_may_do_what_is_listed(applied: Applied) -> None:
    iam = applied.client("iam")
    role = iam.get_role(RoleName="apply-pipeline")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    ref = "example/platform/.github/workflows/plan.yml@refs/heads/main"
    (attached,) = iam.list_attached_role_policies(RoleName="apply-pipeline")["AttachedPolicies"]
    policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]

    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"]["StringEquals"][f"{issuer}:sub"] == "repo:example/platform:environment:test-plan"
    assert statement["Condition"]["StringLike"] == {f"{issuer}:job_workflow_ref": [ref]}
    assert version["Document"]["Statement"] == [
        {"Sid": "State", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::apply-state/*"]}
    ]


def test_destroy_leaves_nothing(applied: Applied, tmp_path: Path) -> None:
    """On a clone, so that this test may run before others. Without clones, this engine's stack is destroyed last."""
    if applied.engine.snapshots is None:
        applied.terraform.destroy()

        assert inventory(applied.engine.endpoint.environment()) == applied.before
        return
    applied.engine.snapshots.take(tmp_path / "engine")
    checkout = applied.terraform.root.parents[2]
    shutil.copytree(checkout, tmp_path / "checkout", symlinks=True)
    clone = engine_for(instance="destroy-modules", port="auto")
    assert clone.snapshots is not None
    clone.snapshots.start(tmp_path / "engine", tied=True)
    try:
        clone.wait_healthy()
        assert inventory(clone.endpoint.environment()) - applied.before

        terraform_in(tmp_path / "checkout", clone).destroy()

        assert inventory(clone.endpoint.environment()) == applied.before
    finally:
        clone.stop()
