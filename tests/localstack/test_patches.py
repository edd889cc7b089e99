"""What the patches of LocalStack bring that neither the platform's own tests nor the conformance tests ask for."""

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

SHARED = Path("/tmp/localstack-s3-storage")
"""Where LocalStack keeps large objects by itself."""

LARGE = b"x" * 600_000
"""More than LocalStack holds in memory."""

READS_STREAMS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")


def test_two_instances_may_have_buckets_of_one_name(cloud: Cloud) -> None:
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
    assert not (SHARED / bucket).exists()


def test_records_go_on_when_failures_cannot_be_told(cloud: Cloud) -> None:
    seen, seen_arn = cloud.queue()
    gone, gone_arn = cloud.queue()
    source = _records(cloud, "a", "poison", "b", "c")
    _map(cloud, source, _handler(cloud, seen, seen_arn, "raise ValueError"), gone_arn, delete=gone)

    assert sorted(_processed(cloud, seen, 3)) == ["a", "b", "c"]


@pytest.mark.parametrize("answer", ["7", "[7]", '{"batchItemFailures": 7}', '{"batchItemFailures": [7]}'])
def test_a_malformed_report_fails_the_batch(cloud: Cloud, answer: str) -> None:
    seen, seen_arn = cloud.queue()
    failures, failures_arn = cloud.queue()
    source = _records(cloud, "a", "poison", "b")
    handler = _handler(cloud, seen, seen_arn, f"return {answer}")
    _map(cloud, source, handler, failures_arn, FunctionResponseTypes=["ReportBatchItemFailures"])

    (told,) = cloud.receive(failures, timeout_s=60)

    assert json.loads(told["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
    assert json.loads(told["Body"])["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert sorted(_processed(cloud, seen, 2)) == ["a", "b"]


def _records(cloud: Cloud, *identities: str) -> str:
    """The stream of a table into which these items were put."""
    dynamodb, name = cloud.client("dynamodb"), cloud.table()
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.update_table(TableName=name, StreamSpecification=stream)
    for identity in identities:
        dynamodb.put_item(TableName=name, Item={"id": {"S": identity}})
    return str(dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"])


def _handler(cloud: Cloud, queue: str, queue_arn: str, otherwise: str) -> str:
    """A function that tells the records which it has processed, unless there is poison among them."""
    return cloud.function(
        f"""
        import boto3, json
        def handler(event, context):
            ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
            if "poison" in ids:
                {otherwise}
            boto3.client("sqs").send_message(QueueUrl={queue!r}, MessageBody=json.dumps(ids))
        """,
        allow("sqs:SendMessage", on=queue_arn),
        allow("sqs:SendMessage", *READS_STREAMS),
    )


def _map(cloud: Cloud, source: str, function: str, failures_arn: str, *, delete: str = "", **settings: Any) -> None:
    """Let the function read the stream, a failed batch in halves; delete a queue once the mapping is accepted."""
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
    found: list[str] = []

    def enough() -> bool:
        for message in cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages", []):
            found.extend(json.loads(message["Body"]))
        return len(found) >= count

    eventually(enough, timeout_s=60, what=f"{count} processed records")
    return found


def test_a_cancelled_transaction_on_a_tables_arn_leaves_it_as_it_was(cloud: Cloud) -> None:
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


def test_a_projection_gives_what_it_names_and_takes_no_longer_than_the_whole(cloud: Cloud) -> None:
    dynamodb, name = cloud.client("dynamodb"), cloud.table()
    inner = {"text": {"S": "x"}, "binary": {"B": b"\x00\xff"}, "set": {"SS": ["a"]}, "none": {"NULL": True}}
    lines = {"L": [{"M": {**inner, "deep": {"L": [{"M": inner}]}}} for _ in range(20)]}
    for number in range(40):
        plain = {f"plain{one}": {"N": str(one)} for one in range(10)}
        item = {"id": {"S": f"{number:02}"}, "map": {"M": inner}, "lines": lines, **plain}
        dynamodb.put_item(TableName=name, Item=item)
    paths = ["id", "#map.binary", "#map.#text", "lines[1].deep[0].binary", *(f"plain{one}" for one in range(10))]
    names = {"#map": "map", "#text": "text"}

    def scan(**options: Any) -> tuple[float, list[dict[str, Any]]]:
        begun = time.perf_counter()
        items = dynamodb.scan(TableName=name, **options)["Items"]
        return time.perf_counter() - begun, items

    whole_s = min(scan()[0] for _ in range(3))
    projected = [scan(ProjectionExpression=", ".join(paths), ExpressionAttributeNames=names) for _ in range(3)]
    projected_s, items = min(projected, key=lambda one: one[0])

    assert len(items) == 40
    assert next(item for item in items if item["id"]["S"] == "07") == {
        "id": {"S": "07"},
        "map": {"M": {"binary": {"B": b"\x00\xff"}, "text": {"S": "x"}}},
        "lines": {"L": [{"M": {"deep": {"L": [{"M": {"binary": {"B": b"\x00\xff"}}}]}}}]},
        **plain,
    }
    assert projected_s < 3 * whole_s
