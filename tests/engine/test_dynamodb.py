"""DynamoDB: repeated transactions."""

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
