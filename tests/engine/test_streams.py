"""DynamoDB streams to functions: order, retries, partial failures, discarded records."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.engine.cloud import Cloud, allow, eventually

REPORT = """
    import boto3, json, os
    def handler(event, context):
        ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
        message = json.dumps({"ids": ids, "arn": context.invoked_function_arn})
        boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=message)
        poison = [r for r in event["Records"] if r["dynamodb"]["Keys"]["id"]["S"] == "poison"]
        if poison and os.environ["MODE"] == "raise":
            raise RuntimeError("poison")
        return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in poison]}
"""
READ = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams")


def deny_plain_http(cloud: Cloud, url: str, arn: str) -> None:
    """Services deliver over TLS, also what they send outside of any client's request."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


class Stream:
    """A table whose stream feeds the alias of a function, which reports the records that it receives."""

    def __init__(self, cloud: Cloud, mode: str, read: tuple[str, ...] = READ) -> None:
        self.cloud = cloud
        self.table = cloud.name("table")
        self.seen, _ = cloud.queue()
        self.failures, self.failures_arn = cloud.queue()
        deny_plain_http(cloud, self.failures, self.failures_arn)
        created = cloud.client("dynamodb").create_table(
            TableName=self.table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.arn = created["TableDescription"]["LatestStreamArn"]
        statements = [allow("sqs:SendMessage"), *([allow(*read)] if read else [])]
        variables = {"SEEN": self.seen, "MODE": mode}
        function = cloud.function(REPORT, *statements, Environment={"Variables": variables})
        self.alias = cloud.alias(function)

    def put(self, *ids: str) -> None:
        for identifier in ids:
            self.cloud.client("dynamodb").put_item(TableName=self.table, Item={"id": {"S": identifier}})

    def connect(self, **settings: Any) -> str:
        mapping = self.cloud.client("lambda").create_event_source_mapping(
            EventSourceArn=self.arn,
            FunctionName=self.alias,
            StartingPosition="TRIM_HORIZON",
            BatchSize=25,
            DestinationConfig={"OnFailure": {"Destination": self.failures_arn}},
            **settings,
        )
        return str(mapping["UUID"])

    def batches(self, count: int) -> list[list[str]]:
        return [json.loads(message["Body"])["ids"] for message in self.cloud.receive(self.seen, count)]


def test_records_reach_the_alias_in_order(cloud: Cloud) -> None:
    stream = Stream(cloud, "report")
    stream.put(*(str(n) for n in range(30)))
    stream.connect()
    messages = [json.loads(message["Body"]) for message in cloud.receive(stream.seen, 2)]

    assert [identifier for message in messages for identifier in message["ids"]] == [str(n) for n in range(30)]
    assert {message["arn"] for message in messages} == {stream.alias}


def test_a_failed_batch_is_retried_then_reported_then_skipped(cloud: Cloud) -> None:
    stream = Stream(cloud, "raise")
    stream.put("a", "poison", "b")
    stream.connect(MaximumRetryAttempts=2)

    assert stream.batches(3) == [["a", "poison", "b"]] * 3

    [message] = cloud.receive(stream.failures)
    record = json.loads(message["Body"])

    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["DDBStreamBatchInfo"]["batchSize"] == 3

    stream.put("c")  # AND the shard continues

    assert stream.batches(1) == [["c"]]


def test_bisecting_isolates_the_failing_record(cloud: Cloud) -> None:
    stream = Stream(cloud, "raise")
    stream.put("a", "b", "poison", "c")
    stream.connect(MaximumRetryAttempts=0, BisectBatchOnFunctionError=True)

    assert stream.batches(5) == [["a", "b", "poison", "c"], ["a", "b"], ["poison", "c"], ["poison"], ["c"]]

    [message] = cloud.receive(stream.failures)

    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1


def test_a_partial_failure_repeats_from_the_lowest_reported_record(cloud: Cloud) -> None:
    stream = Stream(cloud, "report")
    stream.put("a", "poison", "b")
    stream.connect(MaximumRetryAttempts=1, FunctionResponseTypes=["ReportBatchItemFailures"])

    assert stream.batches(2) == [["a", "poison", "b"], ["poison", "b"]]

    [message] = cloud.receive(stream.failures)

    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 2


def test_a_partial_failure_is_split_at_the_reported_record_and_not_in_halves(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html ("Bisecting a batch")."""
    stream = Stream(cloud, "report")
    stream.put("a", "b", "poison", "c", "d")

    stream.connect(
        MaximumRetryAttempts=1, BisectBatchOnFunctionError=True, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    # The split uses up no retry, and nothing is left to split when the first record is reported.
    assert stream.batches(3) == [["a", "b", "poison", "c", "d"], ["poison", "c", "d"], ["poison", "c", "d"]]

    [message] = cloud.receive(stream.failures)

    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 3


def test_an_error_halves_a_batch_even_if_its_mapping_takes_partial_responses(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html ("Bisecting a batch")."""
    stream = Stream(cloud, "raise")
    stream.put("a", "poison")

    stream.connect(
        MaximumRetryAttempts=0, BisectBatchOnFunctionError=True, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    assert stream.batches(3) == [["a", "poison"], ["a"], ["poison"]]


def test_retries_without_a_limit_end_with_the_age_of_the_record(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html. AWS accepts ages from 60 s on."""
    stream = Stream(cloud, "raise")
    stream.put("poison")
    stream.connect(MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=4)

    [message] = cloud.receive(stream.failures)
    record = json.loads(message["Body"])

    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] >= 1

    stream.put("c")  # AND the shard continues

    eventually(lambda: ["c"] in stream.batches(1))


@pytest.mark.parametrize("allowed", [(), ("dynamodb:DescribeStream",)])
def test_a_role_that_may_not_read_the_stream_gets_nothing(cloud: Cloud, allowed: tuple[str, ...]) -> None:
    stream = Stream(cloud, "report", allowed)
    stream.put("a")
    identity = stream.connect()
    lambdas = cloud.client("lambda")
    eventually(
        lambda: lambdas.get_event_source_mapping(UUID=identity).get("LastProcessingResult", "").startswith("PROBLEM")
    )

    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=stream.seen)

    lambdas.delete_event_source_mapping(UUID=identity)


def test_the_age_of_records_is_a_metric(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (IteratorAge)."""
    stream = Stream(cloud, "report")
    stream.put("a")
    stream.connect()
    assert stream.batches(1) == [["a"]]
    now = datetime.now(UTC)

    def recorded() -> list[Any]:
        points: list[Any] = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="IteratorAge",
            Dimensions=[{"Name": "FunctionName", "Value": stream.alias.split(":")[6]}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=3600,
            Statistics=["Maximum"],
        )["Datapoints"]
        return points

    point = eventually(recorded, event="the metric")[0]  # the function's message comes before the end of its call

    assert point["Unit"] == "Milliseconds"
    assert 0 <= point["Maximum"] < 60_000
