"""Provisioned capacity, with the switch `capacity`: what is throttled, how it is reported, and what it costs.

A table of a few units that is asked for a hundred stays too small for longer than any test runs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded.capacity_buckets import Buckets, Throughput
from harness.engine import REGION, EmbeddedEngine
from tests.engine.cloud import Cloud, eventually, serving, worker

WRITES = Throughput("t", "", "Write")
LARGE = "x" * 100_000
"""Takes 98 units to write and 25 to read."""


class Clock:
    """A time that only the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("embedded.capacity_buckets.time.monotonic", lambda: self.now)
        monkeypatch.setattr("embedded.capacity_buckets.time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def provisioned(units: int, created: float = 0, **indexes: int) -> dict[str, dict[str, Any]]:
    """DynamoDB's record of the table ``t``."""
    throughput = {"ReadCapacityUnits": units, "WriteCapacityUnits": units}
    return {
        "t": {
            "TableId": "id",
            "CreationDateTime": created,
            "ProvisionedThroughput": throughput,
            "GlobalSecondaryIndexes": [
                {"IndexName": name, "ProvisionedThroughput": {"WriteCapacityUnits": count}}
                for name, count in indexes.items()
            ],
        }
    }


@pytest.mark.parametrize(
    ("age_s", "units"),
    [
        pytest.param(0, 5, id="a new table has one second's units"),
        pytest.param(60, 300, id="a minute of unused capacity"),
        pytest.param(9000, 1500, id="never more than 300 s of it"),
    ],
)
def test_unused_capacity_is_kept(clock: Clock, age_s: int, units: int) -> None:
    tables, buckets = provisioned(5, created=clock.now - age_s), Buckets(1)

    assert buckets.take(tables, {WRITES: units}) == []
    assert buckets.take(tables, {WRITES: 1}) == [WRITES]


def test_capacity_returns_with_time_and_faster_at_a_higher_speed(clock: Clock) -> None:
    tables, buckets = provisioned(5, created=clock.now), Buckets(10)
    buckets.take(tables, {WRITES: 5})
    clock.now += 1

    assert buckets.take(tables, {WRITES: 51}) == [WRITES]
    assert buckets.take(tables, {WRITES: 50}) == []


def test_a_write_takes_nothing_of_the_table_if_an_index_lacks_units(clock: Clock) -> None:
    tables, buckets = provisioned(5, clock.now, narrow=1), Buckets(1)
    index = Throughput("t", "narrow", "Write")

    assert buckets.take(tables, {WRITES: 5, index: 2}) == [index]
    assert buckets.take(tables, {WRITES: 5, index: 1}) == []


def test_a_write_larger_than_any_burst_is_admitted_when_all_is_unused(clock: Clock) -> None:
    tables, buckets = provisioned(1, created=clock.now - 301), Buckets(1)

    assert buckets.take(tables, {WRITES: 400}) == []

    clock.now += 100
    assert buckets.take(tables, {WRITES: 1}) == [WRITES]


def test_reads_are_admitted_until_there_is_a_debt(clock: Clock) -> None:
    tables, buckets, reads = provisioned(1, created=clock.now), Buckets(1), Throughput("t", "", "Read")
    assert not buckets.in_debt(tables, reads)

    buckets.charge(tables, {reads: 11})

    assert buckets.in_debt(tables, reads)
    clock.now += 10.5
    assert not buckets.in_debt(tables, reads)


def test_changed_capacity_holds_at_once(clock: Clock) -> None:
    tables, buckets = provisioned(1, created=clock.now), Buckets(1)
    assert buckets.take(tables, {WRITES: 100}) == [WRITES]

    tables["t"]["ProvisionedThroughput"] = {"WriteCapacityUnits": 100}
    clock.now += 1

    assert buckets.take(tables, {WRITES: 100}) == []


@pytest.fixture(scope="module")
def limited(_own_folder: None) -> Iterator[Cloud]:
    """An engine with the switch `capacity`."""
    with serving(EmbeddedEngine(f"capacity-{worker()}", port="auto"), HARNESS_STRICT="capacity") as cloud:
        yield cloud


class Table:
    """A table with the index ``by-kind`` of the attribute ``kind``, and a client that does not repeat requests."""

    def __init__(self, cloud: Cloud, *, read: int = 1000, write: int = 1000, index_write: int = 1000) -> None:
        self.cloud, self.name = cloud, cloud.name("table")
        self.client: Any = boto3.client(
            "dynamodb",
            endpoint_url=cloud.engine.endpoint.url,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}),
            **cloud.keys(),
        )
        self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "kind")],
            ProvisionedThroughput={"ReadCapacityUnits": read, "WriteCapacityUnits": write},
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-kind",
                    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": index_write},
                }
            ],
        )

    def put(self, item_id: str = "one", **attributes: str) -> None:
        item = {name: {"S": value} for name, value in {"id": item_id, **attributes}.items()}
        self.client.put_item(TableName=self.name, Item=item)

    def metric(self, name: str, **dimensions: str) -> float:
        """The sum of a metric of this table."""
        now = datetime.now(UTC)
        response = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName=name,
            Dimensions=[{"Name": k, "Value": v} for k, v in {"TableName": self.name, **dimensions}.items()],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(float(point["Sum"]) for point in response["Datapoints"])


def reasons(error: pytest.ExceptionInfo[ClientError]) -> list[str]:
    """Why a request was throttled."""
    assert error.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    return [entry["reason"] for entry in error.value.response["ThrottlingReasons"]]  # type: ignore[typeddict-item]  # newer than the types


def test_a_write_beyond_the_capacity_is_throttled_and_writes_nothing(limited: Cloud) -> None:
    table = Table(limited, write=1)

    with pytest.raises(ClientError) as error:
        table.put(text=LARGE)

    assert reasons(error) == ["TableWriteProvisionedThroughputExceeded"]
    assert "Item" not in table.client.get_item(TableName=table.name, Key={"id": {"S": "one"}})
    assert table.metric("WriteThrottleEvents") == 1
    assert table.metric("ThrottledRequests", Operation="PutItem") == 1
    assert table.metric("ConsumedWriteCapacityUnits") == 0


def test_a_write_is_throttled_if_an_index_lacks_capacity(limited: Cloud) -> None:
    table = Table(limited, index_write=1)

    with pytest.raises(ClientError) as error:
        table.put(kind="a", text=LARGE)
    table.put(text=LARGE)  # is not in the index

    assert reasons(error) == ["IndexWriteProvisionedThroughputExceeded"]
    assert table.metric("WriteThrottleEvents", GlobalSecondaryIndexName="by-kind") == 1


def test_update_table_raises_the_capacity(limited: Cloud) -> None:
    table = Table(limited, write=1)
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 5000}
    table.client.update_table(TableName=table.name, ProvisionedThroughput=throughput)

    def written() -> bool:
        try:
            table.put(text=LARGE)
        except table.client.exceptions.ProvisionedThroughputExceededException:
            return False
        return True

    assert eventually(written, event="a write with the new capacity")


def test_a_table_that_is_paid_per_request_has_no_limit(limited: Cloud) -> None:
    name = limited.table()

    for number in range(20):
        item = {"id": {"S": str(number)}, "text": {"S": LARGE}}
        limited.client("dynamodb").put_item(TableName=name, Item=item)

    assert limited.client("dynamodb").scan(TableName=name, Select="COUNT")["Count"] > 0


@pytest.mark.parametrize(
    ("write", "of_table", "of_index"),
    [
        pytest.param(lambda item: {"Put": {"Item": item}}, 4, 2, id="a new item of 1.5 KB"),
        pytest.param(
            lambda item: {
                "Update": {
                    "Key": {"id": item["id"]},
                    "UpdateExpression": "SET kind = :kind",
                    "ExpressionAttributeValues": {":kind": item["kind"]},
                }
            },
            2,
            1,
            id="an update of nothing but the index's key",
        ),
    ],
)
def test_a_transaction_takes_twice_the_units_of_the_table(
    limited: Cloud, write: Any, of_table: int, of_index: int
) -> None:
    table = Table(limited)
    item = {"id": {"S": "one"}, "kind": {"S": "a"}, "text": {"S": "x" * 1500}}

    [(kind, parameters)] = write(item).items()
    table.client.transact_write_items(TransactItems=[{kind: {"TableName": table.name, **parameters}}])

    assert table.metric("ConsumedWriteCapacityUnits") == of_table
    assert table.metric("ConsumedWriteCapacityUnits", GlobalSecondaryIndexName="by-kind") == of_index


def test_a_throttled_transaction_is_canceled_with_a_reason_for_each_item(limited: Cloud) -> None:
    narrow, wide = Table(limited, write=1), Table(limited)
    puts = [
        {"Put": {"TableName": wide.name, "Item": {"id": {"S": "small"}}}},
        {"Put": {"TableName": narrow.name, "Item": {"id": {"S": "large"}, "text": {"S": LARGE}}}},
    ]

    with pytest.raises(ClientError) as error:
        wide.client.transact_write_items(TransactItems=puts)

    assert error.value.response["Error"]["Code"] == "TransactionCanceledException"
    codes = [reason["Code"] for reason in error.value.response["CancellationReasons"]]
    assert codes == ["None", "ProvisionedThroughputExceeded"]
    assert "Item" not in wide.client.get_item(TableName=wide.name, Key={"id": {"S": "small"}})
    assert narrow.metric("ThrottledRequests", Operation="TransactWriteItems") == 1


def test_a_batch_returns_what_it_could_not_write(limited: Cloud) -> None:
    table = Table(limited, write=1)
    small = {"PutRequest": {"Item": {"id": {"S": "small"}}}}
    large = {"PutRequest": {"Item": {"id": {"S": "large"}, "text": {"S": LARGE}}}}

    partly = table.client.batch_write_item(RequestItems={table.name: [small, large]})
    with pytest.raises(ClientError) as error:
        table.client.batch_write_item(RequestItems={table.name: [large]})

    assert partly["UnprocessedItems"] == {table.name: [large]}
    assert table.client.scan(TableName=table.name)["Items"] == [small["PutRequest"]["Item"]]
    assert reasons(error) == ["TableWriteProvisionedThroughputExceeded"]


def test_a_failed_condition_takes_units_of_the_table_only(limited: Cloud) -> None:
    table = Table(limited)
    table.put(kind="a")

    with pytest.raises(table.client.exceptions.ConditionalCheckFailedException):
        table.client.put_item(
            TableName=table.name,
            Item={"id": {"S": "one"}, "kind": {"S": "b"}},
            ConditionExpression="attribute_not_exists(id)",
        )

    assert table.metric("ConsumedWriteCapacityUnits") == 2
    assert table.metric("ConsumedWriteCapacityUnits", GlobalSecondaryIndexName="by-kind") == 1


def test_a_rejected_write_takes_nothing(limited: Cloud) -> None:
    table = Table(limited)

    with pytest.raises(ClientError, match="ValidationException"):
        table.client.put_item(TableName=table.name, Item={"id": {"S": ""}})

    assert table.metric("ConsumedWriteCapacityUnits") == 0


KEY = {"id": {"S": "one"}}


@pytest.mark.parametrize(
    ("read", "units"),
    [
        pytest.param(lambda t: t.client.get_item(TableName=t.name, Key=KEY), 12.5, id="eventually consistent"),
        pytest.param(lambda t: t.client.get_item(TableName=t.name, Key=KEY, ConsistentRead=True), 25, id="consistent"),
        pytest.param(
            lambda t: t.client.transact_get_items(TransactItems=[{"Get": {"TableName": t.name, "Key": KEY}}]),
            50,
            id="in a transaction",
        ),
        pytest.param(
            lambda t: t.client.scan(
                TableName=t.name, FilterExpression="kind = :no", ExpressionAttributeValues={":no": {"S": "no"}}
            ),
            12.5,
            id="what a filter removes counts",
        ),
        pytest.param(
            lambda t: t.client.batch_get_item(RequestItems={t.name: {"Keys": [{"id": {"S": "none"}}, KEY]}}),
            13,
            id="a missing item counts half a unit",
        ),
    ],
)
def test_a_read_takes_units_by_the_item_and_leaves_a_debt(limited: Cloud, read: Any, units: float) -> None:
    table = Table(limited, read=1)
    table.put(text=LARGE)

    read(table)
    with pytest.raises(ClientError) as error:
        table.client.get_item(TableName=table.name, Key=KEY)

    assert reasons(error) == ["TableReadProvisionedThroughputExceeded"]
    assert table.metric("ConsumedReadCapacityUnits") == units
    assert table.metric("ThrottledRequests", Operation="GetItem") == 1


def test_a_query_of_an_index_takes_units_of_the_index(limited: Cloud) -> None:
    table = Table(limited)
    table.put(kind="a", text=LARGE)

    table.client.query(
        TableName=table.name,
        IndexName="by-kind",
        KeyConditionExpression="kind = :a",
        ExpressionAttributeValues={":a": {"S": "a"}},
    )

    assert table.metric("ConsumedReadCapacityUnits", GlobalSecondaryIndexName="by-kind") == 12.5
    assert table.metric("ConsumedReadCapacityUnits") == 0


def test_without_the_switch_nothing_is_throttled(cloud: Cloud) -> None:
    table = Table(cloud, write=1, index_write=1)

    for _ in range(3):
        table.put(kind="a", text=LARGE)

    assert table.metric("ThrottledRequests", Operation="PutItem") == 0
