"""DynamoDB: repeated transactions, and pages of a Scan."""

from typing import Any

import botocore.exceptions
import pytest

from tests.engine.cloud import Cloud

PRICE = {"id": {"S": "1"}, "prices": {"L": [{"N": "1.50"}, {"M": {"N": {"N": "100"}}}]}, "all": {"NS": ["2.0", "1E1"]}}
"""Numbers in forms that programs write and the table does not store."""


@pytest.fixture
def table(cloud: Cloud) -> str:
    return cloud.table()


def test_a_repeated_transaction_runs_once_and_succeeds_every_time(cloud: Cloud, table: str) -> None:
    dynamodb, token = cloud.client("dynamodb"), cloud.name("token")
    put = {"TableName": table, "Item": PRICE, "ConditionExpression": "attribute_not_exists(id)"}
    step = {":step": {"N": "1.10"}, ":none": {"N": "0.0"}}
    update = {
        "TableName": table,
        "Key": {"id": {"S": "counter"}},
        "UpdateExpression": "SET n = if_not_exists(n, :none) + :step",
        "ExpressionAttributeValues": step,
    }
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}], ClientRequestToken=token)

    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "counter"}})["Item"]["n"] == {"N": "1.1"}

    stored = dynamodb.get_item(TableName=table, Key={"id": {"S": "1"}})["Item"]

    assert stored["prices"] == {"L": [{"N": "1.5"}, {"M": {"N": {"N": "100"}}}]}


def test_the_same_token_with_another_number_is_rejected(cloud: Cloud, table: str) -> None:
    dynamodb, token = cloud.client("dynamodb"), cloud.name("token")
    dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": table, "Item": PRICE}}], ClientRequestToken=token
    )
    other = PRICE | {"prices": {"L": [{"N": "1.51"}]}}

    with pytest.raises(botocore.exceptions.ClientError, match="IdempotentParameterMismatch"):
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": other}}], ClientRequestToken=token
        )
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "1"}})["Item"]["prices"]["L"][0] == {"N": "1.5"}


@pytest.fixture(scope="module")
def large(cloud: Cloud) -> str:
    """A table with 1,500 hash keys, each with two sort keys, and one with more items than a page has."""
    dynamodb, name = cloud.client("dynamodb"), cloud.name("large")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("id", "part")],
        BillingMode="PAY_PER_REQUEST",
    )
    items = [{"id": {"S": f"{n:04d}"}, "part": {"S": part}, "n": {"N": str(n)}} for n in range(1500) for part in "ab"]
    items += [{"id": {"S": "0700"}, "part": {"S": f"c{n}"}, "text": {"S": "x" * 300_000}} for n in range(5)]
    for first in range(0, len(items), 25):
        requests = [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]
        dynamodb.batch_write_item(RequestItems={name: requests})
    return name


def scanned(cloud: Cloud, table: str, **request: Any) -> list[list[tuple[str, str]]]:
    """The keys of each page of a Scan."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table, **request)
    return [[(item["id"]["S"], item["part"]["S"]) for item in page["Items"]] for page in pages]


def test_a_scan_of_a_large_table_returns_each_item_once(cloud: Cloud, large: str) -> None:
    pages = scanned(cloud, large)

    keys = [key for page in pages for key in page]
    assert len(pages) == 2  # 1.5 MB, all in one hash key
    assert len(keys) == len(set(keys)) == 3005


@pytest.mark.parametrize("limit", [999, 1000, 1001])
def test_pages_end_at_the_limit_wherever_it_is(cloud: Cloud, large: str, limit: int) -> None:
    pages = scanned(cloud, large, PaginationConfig={"PageSize": limit})

    assert len({key for page in pages for key in page}) == 3005
    assert max(map(len, pages)) == limit


def test_a_filter_that_matches_nothing_still_reads_to_the_end(cloud: Cloud, large: str) -> None:
    last = scanned(
        cloud, large, FilterExpression="n = :last", ExpressionAttributeValues={":last": {"N": "1499"}}
    )  # fmt: skip

    assert [key for page in last for key in page] == [("1499", "a"), ("1499", "b")]


def test_a_scan_sees_what_was_added_and_removed_before_its_page(cloud: Cloud, large: str) -> None:
    dynamodb = cloud.client("dynamodb")
    scanned(cloud, large)
    dynamodb.put_item(TableName=large, Item={"id": {"S": "0000x"}, "part": {"S": "a"}})
    added = scanned(cloud, large)
    dynamodb.delete_item(TableName=large, Key={"id": {"S": "0000x"}, "part": {"S": "a"}})

    removed = scanned(cloud, large)

    assert ("0000x", "a") in added[0]
    assert ("0000x", "a") not in removed[0]
    assert len({key for page in removed for key in page}) == 3005


def test_an_item_that_speaks_of_a_key_does_not_end_a_page(cloud: Cloud, large: str) -> None:
    item = {"id": {"S": "0001"}, "part": {"S": "z"}, "LastEvaluatedKey": {"S": "LastEvaluatedKey"}}
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=large, Item=item)

    pages = scanned(cloud, large)

    dynamodb.delete_item(TableName=large, Key={"id": {"S": "0001"}, "part": {"S": "z"}})
    assert len({key for page in pages for key in page}) == 3006
