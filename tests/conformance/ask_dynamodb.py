"""Questions to DynamoDB."""

import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.interaction import TIMEOUT_S, interaction, rejection, table
from tests.engine.cloud import Cloud, eventually


def sorted_table(cloud: Cloud) -> str:
    return table(
        cloud,
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    )


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_PutItem.html",
    expected={"code": "ConditionalCheckFailedException", "status": 400, "item": {"id": {"S": "1"}, "n": {"N": "1"}}},
)
def conditional_put_returns_the_existing_item(cloud: Cloud) -> Any:
    """A put whose condition fails is rejected; the error contains the existing item if the request asks for it."""
    dynamodb, name = cloud.client("dynamodb"), table(cloud)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "n": {"N": "1"}})
    try:
        dynamodb.put_item(
            TableName=name,
            Item={"id": {"S": "1"}, "n": {"N": "2"}},
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        response: Any = error.response
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        return {"code": response["Error"]["Code"], "status": status, "item": response.get("Item")}
    return "not rejected"


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_TransactWriteItems.html",
    expected={"codes": ["None", "ConditionalCheckFailed"], "written": False},
)
def cancelled_transaction_returns_each_reason(cloud: Cloud) -> Any:
    """A transaction with a failed condition writes nothing, and returns a reason for each item in order."""
    dynamodb, name = cloud.client("dynamodb"), table(cloud)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "2"}})
    puts = [
        {"Put": {"TableName": name, "Item": {"id": {"S": identity}}, "ConditionExpression": "attribute_not_exists(id)"}}
        for identity in ("1", "2")
    ]
    try:
        dynamodb.transact_write_items(TransactItems=puts)
    except ClientError as error:
        response: Any = error.response
        written = "Item" in dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}})
        return {"codes": [reason["Code"] for reason in response["CancellationReasons"]], "written": written}
    return "not rejected"


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_TransactWriteItems.html",
    expected=["IdempotentParameterMismatchException", 400],
)
def transaction_token_is_bound_to_its_content(cloud: Cloud) -> Any:
    """A transaction that reuses a client token with other content is rejected."""
    dynamodb, name, token = cloud.client("dynamodb"), table(cloud), cloud.name("token")

    def write(text: str) -> Any:
        put = {"Put": {"TableName": name, "Item": {"id": {"S": text}}}}
        return dynamodb.transact_write_items(TransactItems=[put], ClientRequestToken=token)

    write("1")
    return rejection(lambda: write("2"))


@interaction(
    "dynamodb", source="/amazondynamodb/latest/developerguide/Constraints.html", expected=["ValidationException", 400]
)
def item_over_400_kb_is_rejected(cloud: Cloud) -> Any:
    """An item of more than 400 KB is rejected."""
    name = table(cloud)
    item = {"id": {"S": "1"}, "text": {"S": "x" * (400 * 1024)}}
    return rejection(lambda: cloud.client("dynamodb").put_item(TableName=name, Item=item))


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/developerguide/Query.Pagination.html",
    expected=[[[3, 2], True], [[1, 0], True], [[], False]],
)
def page_that_ends_with_the_last_item_has_a_key(cloud: Cloud) -> Any:
    """A full page has a LastEvaluatedKey even if no item follows: only a missing key means the end."""
    dynamodb, name = cloud.client("dynamodb"), sorted_table(cloud)
    for at in range(4):
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "at": {"N": str(at)}})
    pages: list[Any] = []
    start: dict[str, Any] = {}
    while len(pages) < 5:
        page = dynamodb.query(
            TableName=name,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "1"}},
            ScanIndexForward=False,
            Limit=2,
            **start,
        )
        pages.append([[int(item["at"]["N"]) for item in page["Items"]], "LastEvaluatedKey" in page])
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    return pages


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/developerguide/Streams.html",
    expected=[["INSERT", None, "1"], ["MODIFY", "1", "2"], ["REMOVE", "2", None]],
)
def stream_records_each_change_once_with_both_images(cloud: Cloud) -> Any:
    """A stream NEW_AND_OLD_IMAGES has one record for each change; a put that changes nothing has none."""
    dynamodb, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    name = table(cloud, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    for value in ("1", "1", "2"):
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "n": {"N": value}})
    dynamodb.delete_item(TableName=name, Key={"id": {"S": "1"}})
    stream = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    start = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**start)["ShardIterator"]
    records = eventually(lambda: streams.get_records(ShardIterator=iterator)["Records"] or None)

    def number(record: Any, image: str) -> Any:
        return record["dynamodb"].get(image, {}).get("n", {}).get("N")

    return [[record["eventName"], number(record, "OldImage"), number(record, "NewImage")] for record in records]


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/developerguide/transaction-apis.html",
    expected={"cancelled": ["TransactionCanceledException", 400], "records": ["1", "4"]},
)
def cancelled_transaction_leaves_nothing_in_the_stream(cloud: Cloud) -> Any:
    """A cancelled transaction writes no stream record, and readers of the stream continue at their position."""
    dynamodb, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    name = table(cloud, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}})
    stream = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    start = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator, identities = streams.get_shard_iterator(**start)["ShardIterator"], []

    def read() -> list[str]:
        nonlocal iterator
        page = streams.get_records(ShardIterator=iterator)
        iterator = page["NextShardIterator"]
        identities.extend(record["dynamodb"]["Keys"]["id"]["S"] for record in page["Records"])
        return identities

    eventually(read, timeout_s=TIMEOUT_S, event="the arrival of the first record")
    puts = [
        {"Put": {"TableName": name, "Item": {"id": {"S": identity}}, "ConditionExpression": f"attribute_{check}(id)"}}
        for identity, check in (("2", "not_exists"), ("3", "exists"))
    ]
    cancelled = rejection(lambda: dynamodb.transact_write_items(TransactItems=puts))
    dynamodb.put_item(TableName=name, Item={"id": {"S": "4"}})
    eventually(lambda: "4" in read(), timeout_s=TIMEOUT_S, event="the arrival of the last record")
    return {"cancelled": cancelled, "records": identities}


def recoverable(cloud: Cloud) -> str:
    """A table with one item and point-in-time recovery."""
    dynamodb, name = cloud.client("dynamodb"), table(cloud)
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "value": {"S": "before"}})
    return name


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html",
    expected=[["1", "before"]],
)
def table_is_restored_to_a_second(cloud: Cloud) -> Any:
    """A restore has the items of the requested second, whatever was written or deleted since."""
    dynamodb, name, restored = cloud.client("dynamodb"), recoverable(cloud), cloud.name("restored")
    moment = datetime.fromtimestamp(int(time.time()) + 1, UTC)
    eventually(lambda: time.time() > moment.timestamp() + 0.1, event="the next second")
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "value": {"S": "after"}})
    dynamodb.put_item(TableName=name, Item={"id": {"S": "2"}, "value": {"S": "after"}})
    dynamodb.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=restored, RestoreDateTime=moment)
    dynamodb.get_waiter("table_exists").wait(TableName=restored, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    items = dynamodb.scan(TableName=restored)["Items"]
    return sorted([item["id"]["S"], item["value"]["S"]] for item in items)


@interaction(
    "dynamodb",
    source="/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
    expected=["PointInTimeRecoveryUnavailableException", 400],
)
def table_without_recovery_cannot_be_restored(cloud: Cloud) -> Any:
    """A restore of a table without point-in-time recovery is rejected."""
    restore = cloud.client("dynamodb").restore_table_to_point_in_time
    name, restored = table(cloud), cloud.name("restored")
    return rejection(lambda: restore(SourceTableName=name, TargetTableName=restored, UseLatestRestorableTime=True))
