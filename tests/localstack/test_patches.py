"""Effects of LocalStack's patches that neither the platform's own tests nor the conformance tests cover."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from harness.engine import pythons
from harness.engine.localstack_host import PYTHON, LocalStackHost
from tests.engine.cloud import Cloud, allow, eventually, worker

pytestmark = pytest.mark.skipif(
    pythons.find(PYTHON) is None, reason=f"no Python {PYTHON} on PATH, under pyenv or known to uv: LocalStack needs it"
)

SHARED_FOLDER = Path("/tmp/localstack-s3-storage")
"""Where an unpatched LocalStack stores large objects."""

LARGE = b"x" * 600_000
"""More bytes than LocalStack keeps in memory."""

READS_STREAMS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")


def test_two_instances_may_have_buckets_of_the_same_name(cloud: Cloud) -> None:
    bucket = cloud.name("bucket")
    engine = LocalStackHost(f"host-other-{worker()}", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        first, second = cloud.client("s3"), Cloud(engine).client("s3")
        for s3 in (first, second):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="any", Body=b"")
        second.delete_object(Bucket=bucket, Key="any")
        second.delete_bucket(Bucket=bucket)
        first.put_object(Bucket=bucket, Key="large", Body=LARGE)
    finally:
        engine.stop()

    assert first.get_object(Bucket=bucket, Key="large")["Body"].read() == LARGE
    assert not (SHARED_FOLDER / bucket).exists()


def test_records_are_processed_when_failures_cannot_be_reported(cloud: Cloud) -> None:
    processed, processed_arn = cloud.queue()
    deleted, deleted_arn = cloud.queue()
    source = _records(cloud, "a", "poison", "b", "c")
    _map(cloud, source, _handler(cloud, processed, processed_arn, "raise ValueError"), deleted_arn, delete=deleted)

    assert sorted(_processed(cloud, processed, 3)) == ["a", "b", "c"]


@pytest.mark.parametrize("response", ["7", "[7]", '{"batchItemFailures": 7}', '{"batchItemFailures": [7]}'])
def test_a_malformed_report_fails_the_batch(cloud: Cloud, response: str) -> None:
    processed, processed_arn = cloud.queue()
    failures, failures_arn = cloud.queue()
    source = _records(cloud, "a", "poison", "b")
    handler = _handler(cloud, processed, processed_arn, f"return {response}")
    _map(cloud, source, handler, failures_arn, FunctionResponseTypes=["ReportBatchItemFailures"])

    (message,) = cloud.receive(failures, timeout_s=60)

    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
    assert json.loads(message["Body"])["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert sorted(_processed(cloud, processed, 2)) == ["a", "b"]


def _records(cloud: Cloud, *identities: str) -> str:
    """Create a table with a stream, put these items, and return the ARN of the stream."""
    dynamodb, name = cloud.client("dynamodb"), cloud.table()
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.update_table(TableName=name, StreamSpecification=stream)
    for identity in identities:
        dynamodb.put_item(TableName=name, Item={"id": {"S": identity}})
    return str(dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"])


def _handler(cloud: Cloud, queue: str, queue_arn: str, on_poison: str) -> str:
    """Create a function that reports processed records; with the record "poison", it runs a statement instead."""
    return cloud.function(
        f"""
        import boto3, json
        def handler(event, context):
            ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
            if "poison" in ids:
                {on_poison}
            boto3.client("sqs").send_message(QueueUrl={queue!r}, MessageBody=json.dumps(ids))
        """,
        allow("sqs:SendMessage", on=queue_arn),
        allow("sqs:SendMessage", *READS_STREAMS),
    )


def _map(cloud: Cloud, source: str, function: str, failures_arn: str, *, delete: str = "", **settings: Any) -> None:
    """Map the stream to the function, with failed batches in halves; then delete a queue."""
    lambdas = cloud.client("lambda")
    lambdas.get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    lambdas.create_event_source_mapping(
        EventSourceArn=source,
        FunctionName=function,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": failures_arn}},
        **settings,
    )
    if delete:
        cloud.client("sqs").delete_queue(QueueUrl=delete)


def _processed(cloud: Cloud, queue: str, count: int) -> list[str]:
    identities: list[str] = []

    def enough() -> bool:
        for message in cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages", []):
            identities.extend(json.loads(message["Body"]))
        return len(identities) >= count

    eventually(enough, timeout_s=60, event=f"the processing of {count} records")
    return identities


def test_a_cancelled_transaction_on_a_tables_arn_does_not_change_the_table(cloud: Cloud) -> None:
    dynamodb, name = cloud.client("dynamodb"), cloud.table()
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    dynamodb.put_item(TableName=name, Item={"id": {"S": "old"}, "value": {"S": "before"}})
    puts: list[dict[str, Any]] = [
        {"Item": {"id": {"S": "new"}}},
        {"Item": {"id": {"S": "old"}, "value": {"S": "after"}}},
        {"Item": {"id": {"S": "never"}}, "ConditionExpression": "attribute_exists(id)"},
    ]

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": arn, **put}} for put in puts])

    assert dynamodb.scan(TableName=name)["Items"] == [{"id": {"S": "old"}, "value": {"S": "before"}}]


def test_a_projection_returns_its_attributes_and_is_as_fast_as_the_whole_item(cloud: Cloud) -> None:
    dynamodb, name = cloud.client("dynamodb"), cloud.table()
    inner = {"text": {"S": "x"}, "binary": {"B": b"\x00\xff"}, "set": {"SS": ["a"]}, "none": {"NULL": True}}
    lines = {"L": [{"M": {**inner, "deep": {"L": [{"M": inner}]}}} for _ in range(20)]}
    for number in range(40):
        plain = {f"plain{index}": {"N": str(index)} for index in range(10)}
        item = {"id": {"S": f"{number:02}"}, "map": {"M": inner}, "lines": lines, **plain}
        dynamodb.put_item(TableName=name, Item=item)
    paths = ["id", "#map.binary", "#map.#text", "lines[1].deep[0].binary", *(f"plain{index}" for index in range(10))]
    names = {"#map": "map", "#text": "text"}

    def scan(**options: Any) -> tuple[float, list[dict[str, Any]]]:
        started = time.perf_counter()
        items = dynamodb.scan(TableName=name, **options)["Items"]
        return time.perf_counter() - started, items

    whole_s = min(scan()[0] for _ in range(3))
    projected = [scan(ProjectionExpression=", ".join(paths), ExpressionAttributeNames=names) for _ in range(3)]
    projected_s, items = min(projected, key=lambda result: result[0])

    assert len(items) == 40
    assert next(item for item in items if item["id"]["S"] == "07") == {
        "id": {"S": "07"},
        "map": {"M": {"binary": {"B": b"\x00\xff"}, "text": {"S": "x"}}},
        "lines": {"L": [{"M": {"deep": {"L": [{"M": {"binary": {"B": b"\x00\xff"}}}]}}}]},
        **plain,
    }
    assert projected_s < 3 * whole_s
