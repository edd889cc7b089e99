"""The requests behind the guide's AWS commands, sent to an engine on which dev runs. See docs/runbooks/README.md."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.stack.deployment import Stack
from harness.stack.snapshot import clone_source
from tests.apply.stage import group

pytestmark = [group("guide-calls"), pytest.mark.drill]
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def dev() -> Iterator[tuple[Stack, Client]]:
    with clone_source("dev").clone("guide-calls") as (stack, _):
        session: Any = stack.session
        yield stack, lambda service: session.client(service, endpoint_url=stack.endpoint_url)


def put_dashboard(stack: Stack, client: Client) -> None:
    watch = client("cloudwatch")
    body = watch.get_dashboard(DashboardName=stack.dashboard_name)["DashboardBody"]

    response = watch.put_dashboard(DashboardName="by-hand", DashboardBody=body)

    assert not response.get("DashboardValidationMessages")
    assert json.loads(watch.get_dashboard(DashboardName="by-hand")["DashboardBody"]) == json.loads(body)


def update_function_configuration(stack: Stack, client: Client) -> None:
    name = stack.functions["get-invoice"]

    client("lambda").update_function_configuration(FunctionName=name, TracingConfig={"Mode": "Active"})

    configuration = client("lambda").get_function_configuration(FunctionName=name)
    assert configuration["TracingConfig"] == {"Mode": "Active"}


def create_secret(_: Stack, client: Client) -> None:
    client("secretsmanager").create_secret(Name="by-hand", SecretString="value")

    assert client("secretsmanager").get_secret_value(SecretId="by-hand")["SecretString"] == "value"


def rotate_secret(stack: Stack, client: Client) -> None:
    response = client("secretsmanager").rotate_secret(SecretId=stack.api_key_secret_arn)

    assert response["ARN"] == stack.api_key_secret_arn
    assert response["VersionId"]


def update_function_code(stack: Stack, client: Client) -> None:
    lambdas, name = client("lambda"), stack.functions["get-invoice"]
    listed = client("s3").list_objects_v2(Bucket=stack.artifacts_bucket, Prefix="functions/get-invoice/")["Contents"]
    zips = [entry["Key"] for entry in listed if entry["Key"].endswith(".zip")]

    response = lambdas.update_function_code(FunctionName=name, S3Bucket=stack.artifacts_bucket, S3Key=zips[0])

    before = lambdas.get_function_configuration(FunctionName=name, Qualifier="live")
    assert response["CodeSha256"] == before["CodeSha256"]


def put_bucket_lifecycle_configuration(stack: Stack, client: Client) -> None:
    s3 = client("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=stack.archives_bucket)["Rules"]

    s3.put_bucket_lifecycle_configuration(Bucket=stack.archives_bucket, LifecycleConfiguration={"Rules": rules})

    assert s3.get_bucket_lifecycle_configuration(Bucket=stack.archives_bucket)["Rules"] == rules


def until_restorable(dynamodb: Any, table: str, moment: datetime) -> None:
    """Wait until a moment is restorable: a table is restored to a full second."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        described = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        if described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"] > moment:
            return
        time.sleep(0.1)
    raise AssertionError(f"{moment} has not become restorable")


def restore_table_to_point_in_time(stack: Stack, client: Client) -> None:
    dynamodb = client("dynamodb")
    enabled = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=stack.table_name, PointInTimeRecoverySpecification=enabled)
    dynamodb.put_item(TableName=stack.table_name, Item={"invoiceId": {"S": "kept#1"}})
    until_restorable(dynamodb, stack.table_name, datetime.now(UTC))

    dynamodb.restore_table_to_point_in_time(
        SourceTableName=stack.table_name, TargetTableName="restored", UseLatestRestorableTime=True
    )

    dynamodb.get_waiter("table_exists").wait(TableName="restored", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert dynamodb.get_item(TableName="restored", Key={"invoiceId": {"S": "kept#1"}})["Item"]


def copy_object(stack: Stack, client: Client) -> None:
    s3, key = client("s3"), f"{datetime.now(UTC):%Y/%m}/lost.pdf"
    s3.put_object(Bucket=stack.archives_bucket, Key=key, Body=b"%PDF")

    s3.copy_object(Bucket=stack.documents_bucket, Key=key, CopySource={"Bucket": stack.archives_bucket, "Key": key})

    assert s3.get_object(Bucket=stack.documents_bucket, Key=key)["Body"].read() == b"%PDF"


@pytest.mark.parametrize(
    "call",
    [
        put_dashboard,
        update_function_configuration,
        create_secret,
        rotate_secret,
        update_function_code,
        put_bucket_lifecycle_configuration,
        restore_table_to_point_in_time,
        copy_object,
    ],
)
def test_the_engine_takes_the_guides_call(dev: tuple[Stack, Client], call: Callable[[Stack, Client], None]) -> None:
    call(*dev)
