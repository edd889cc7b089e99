"""Releases in stages: an alias's weights choose the version at every door, and each version has its own metrics."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.engine.cloud import Cloud, allow, eventually
from tests.engine.test_streams import READ

WHICH = """
    import boto3, json, os
    def handler(event, context):
        version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=version)
        if os.environ.get("MODE") == "raise":
            raise RuntimeError("bad")
"""
SECOND = "2"


class Release:
    """A function whose second version gets all calls of its alias by weight; the alias's own version is the first."""

    def __init__(self, cloud: Cloud, weight: float = 1.0, **changed: str) -> None:
        self.cloud = cloud
        self.seen, _ = cloud.queue()
        variables = {"SEEN": self.seen}
        self.function = cloud.function(
            WHICH,
            allow("sqs:SendMessage"),
            allow(*READ),
            Environment={"Variables": variables},
            LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "INFO"},
        )
        self.alias = cloud.alias(self.function)
        lambdas = cloud.client("lambda")
        lambdas.update_function_configuration(
            FunctionName=self.function, Environment={"Variables": {**variables, "STEP": "second", **changed}}
        )
        lambdas.publish_version(FunctionName=self.function)
        weights = {"AdditionalVersionWeights": {SECOND: weight}}
        lambdas.update_alias(FunctionName=self.function, Name="live", RoutingConfig=weights)

    def versions(self, count: int = 1) -> set[str]:
        """The versions that ran, once there were so many calls."""
        return {message["Body"] for message in self.cloud.receive(self.seen, count)}

    def metric(self, name: str, **dimensions: str) -> float:
        """The sum of a metric of the function over the last hours."""
        dimensions = {"FunctionName": self.function, **dimensions}
        now = datetime.now(UTC)
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))


def test_a_stream_follows_the_weights_of_an_alias(cloud: Cloud) -> None:
    release = Release(cloud)
    table = cloud.name("table")
    created = cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=created["TableDescription"]["LatestStreamArn"],
        FunctionName=release.alias,
        StartingPosition="TRIM_HORIZON",
    )

    cloud.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "1"}})

    assert release.versions() == {SECOND}


def test_uploads_and_events_follow_the_weights_of_an_alias(cloud: Cloud) -> None:
    release = Release(cloud)
    bucket, bus = cloud.name("bucket"), cloud.name("bus")
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.permit(release.function, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", qualifier="live")
    cloud.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": release.alias, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    events = cloud.client("events")
    events.create_event_bus(Name=bus)
    pattern = json.dumps({"source": ["test"]})
    rule = events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)["RuleArn"]
    cloud.permit(release.function, "events.amazonaws.com", rule, qualifier="live")
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "function", "Arn": release.alias}])

    cloud.client("s3").put_object(Bucket=bucket, Key="a.csv", Body=b"")
    events.put_events(Entries=[{"EventBusName": bus, "Source": "test", "DetailType": "t", "Detail": "{}"}])

    assert release.versions(2) == {SECOND}


def test_each_version_of_an_alias_has_its_own_metrics(cloud: Cloud) -> None:
    release = Release(cloud, weight=0.5, MODE="raise")
    by_alias = {"Resource": f"{release.function}:live"}

    for _ in range(20):
        cloud.invoke(f"{release.function}:live")

    calls = {version: release.metric("Invocations", **by_alias, ExecutedVersion=version) for version in ("1", SECOND)}
    errors = {version: release.metric("Errors", **by_alias, ExecutedVersion=version) for version in ("1", SECOND)}
    assert sum(calls.values()) == release.metric("Invocations", **by_alias) == release.metric("Invocations") == 20
    assert min(calls.values()) > 0
    assert errors == {"1": 0, SECOND: calls[SECOND]}


def test_a_report_has_the_memory_of_the_version(cloud: Cloud) -> None:
    release = Release(cloud)
    cloud.invoke(f"{release.function}:live")

    def report() -> dict[str, Any] | None:
        events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{release.function}")["events"]
        reports = [json.loads(event["message"]) for event in events if "platform.report" in event["message"]]
        return reports[0] if reports else None

    metrics = eventually(report)["record"]["metrics"]

    assert 5 < metrics["maxMemoryUsedMB"] < 500
