"""The checksum of a table depends on what its items are, and on nothing else."""

from collections.abc import Iterator
from typing import Any

import boto3
import moto
import pytest

from harness.restore.checksum import TableChecksum, canonical

Item = dict[str, Any]


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with moto.mock_aws():
        yield boto3.client("dynamodb", region_name="us-east-1")


def a_table(dynamodb: Any, name: str, items: list[Item]) -> str:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in items:
        dynamodb.put_item(TableName=name, Item=item)
    return name


def an_item(number: int, **attributes: Any) -> Item:
    return {"id": {"S": f"{number:04d}"}, "text": {"S": "x" * 20_000}, **attributes}


def test_the_same_items_in_another_order_have_the_same_checksum(dynamodb: Any) -> None:
    items = [an_item(number) for number in range(120)]  # more than one page of 1 MB
    pages: list[int] = []

    there = TableChecksum.of(dynamodb, a_table(dynamodb, "there", items), pages.append)
    here = TableChecksum.of(dynamodb, a_table(dynamodb, "here", items[::-1]))

    assert there == here
    assert there.items == 120
    assert len(pages) > 1


@pytest.mark.parametrize(
    "changed",
    [
        [an_item(1)],
        [an_item(1), an_item(2), an_item(3)],
        [an_item(1), an_item(2, text={"S": "other"})],
        [an_item(1), an_item(2, more={"BOOL": True})],
    ],
)
def test_any_difference_changes_the_checksum(dynamodb: Any, changed: list[Item]) -> None:
    before = TableChecksum.of(dynamodb, a_table(dynamodb, "before", [an_item(1), an_item(2)]))

    after = TableChecksum.of(dynamodb, a_table(dynamodb, "after", changed))

    assert before != after


def test_two_equal_items_under_other_keys_do_not_cancel_each_other(dynamodb: Any) -> None:
    one = TableChecksum.of(dynamodb, a_table(dynamodb, "one", [an_item(1), an_item(1)]))
    two = TableChecksum.of(dynamodb, a_table(dynamodb, "two", [an_item(1), an_item(2)]))

    assert (one.items, two.items) == (1, 2)
    assert one.sha256 != two.sha256


def test_the_order_of_attributes_and_of_members_of_sets_says_nothing() -> None:
    nested = {"M": {"a": {"SS": ["x", "y"]}, "b": {"L": [{"NS": ["1", "2"]}]}}}
    other = {"M": {"b": {"L": [{"NS": ["2", "1"]}]}, "a": {"SS": ["y", "x"]}}}

    assert canonical({"id": {"S": "1"}, "n": nested}) == canonical({"n": other, "id": {"S": "1"}})
    assert canonical({"l": {"L": [{"S": "1"}, {"S": "2"}]}}) != canonical({"l": {"L": [{"S": "2"}, {"S": "1"}]}})
    assert canonical({"b": {"B": b"\x01"}}) != canonical({"b": {"B": b"\x02"}})
