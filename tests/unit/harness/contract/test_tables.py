"""Tables, queries and items: what agrees passes, what differs is told with both of its ends."""

from dataclasses import replace

import pytest

from harness.contract import tables
from harness.contract.mismatch import told
from harness.contract.tables import Index, Query, Table, Written
from tests.unit.harness.contract.facts import only, plan_of

TABLE = Table(
    "things",
    "module.table.aws_dynamodb_table.this",
    Index("", "id"),
    (Index("by-owner", "owner", "at", frozenset({"id", "owner", "at", "name"})),),
    {"id": "S", "owner": "S", "at": "S"},
    "NEW_AND_OLD_IMAGES",
    "endsAt",
)
QUERY = Query(
    "code/list.py: read", "by-owner", frozenset({"owner"}), frozenset({"at"}), frozenset({"name", "owner"}),
    frozenset({"name"}), frozenset({"id", "owner", "at"}), {"owner": "S"},
)  # fmt: skip


class TestTables:
    def test_what_fits_agrees(self) -> None:
        assert not [*tables.compare(TABLE, [QUERY])]

    def test_a_renamed_index_is_told_of_on_both_sides(self) -> None:
        found = told(tables.compare(TABLE, [replace(QUERY, index="by-buyer")]))

        assert "code/list.py: read queries by-buyer" in found
        assert "module.table.aws_dynamodb_table.this has by-owner" in found
        assert "The index by-owner is queried by nobody" in found

    @pytest.mark.parametrize(
        ("query", "about"),
        [
            (replace(QUERY, equal=frozenset({"buyer"})), "goes by other keys"),
            (replace(QUERY, equal=frozenset()), "goes by other keys"),
            (replace(QUERY, ranged=frozenset({"till"})), "goes by other keys"),
            (replace(QUERY, start=frozenset({"id", "owner"})), "goes on from a key that is none"),
            (replace(QUERY, values={"owner": "N"}), "is of another type"),
            (replace(QUERY, read=frozenset({"name", "at"})), "does not ask for all that is read"),
            (replace(QUERY, asked=frozenset({"name", "price"})), "does not hold all that is read"),
        ],
    )
    def test_a_query_that_does_not_fit(self, query: Query, about: str) -> None:
        found = only(tables.compare(TABLE, [query]))

        assert about in found.about
        assert "code/list.py: read" in found.code
        assert TABLE.address in found.plan

    def test_a_request_is_read(self) -> None:
        request = {
            "IndexName": "by-owner",
            "KeyConditionExpression": "#o = :o AND #at BETWEEN :a AND :b",
            "ExpressionAttributeNames": {"#o": "owner", "#at": "at", "#n": "name"},
            "ExpressionAttributeValues": {":o": {"S": "x"}, ":a": {"N": "1"}, ":b": {"N": "2"}},
            "ProjectionExpression": "#n, id",
            "FilterExpression": "#n = :n AND price > :p",
            "ExclusiveStartKey": {"id": {"S": "1"}},
        }

        found = tables.query_of(request, "here")

        assert (found.equal, found.ranged) == ({"owner"}, {"at"})
        assert found.asked == {"name", "id", "price"}
        assert (found.start, found.values) == ({"id"}, {"owner": "S", "at": "N"})

    @pytest.mark.parametrize("condition", ["begins_with(#at, :a) AND owner = :o", "owner = :o AND at >= :a"])
    def test_other_conditions_are_read(self, condition: str) -> None:
        found = tables.query_of(
            {"KeyConditionExpression": condition, "ExpressionAttributeNames": {"#at": "at"}}, "here"
        )

        assert (found.equal, found.ranged) == ({"owner"}, {"at"})

    def test_a_condition_that_is_not_known_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="not understood"):
            tables.query_of({"KeyConditionExpression": "owner IN (:a, :b)"}, "here")

    @pytest.mark.parametrize(
        ("attributes", "lacking"),
        [({"owner": "S", "at": "S", "endsAt": "N"}, "id"), ({"id": "S", "owner": "S", "at": "S"}, "endsAt"),
         ({"id": "S", "at": "S", "endsAt": "N"}, "owner")],
    )  # fmt: skip
    def test_an_item_without_a_key(self, attributes: dict[str, str], lacking: str) -> None:
        item = Written("code/store.py: put", attributes, indexed=True, expires=True)

        found = only(tables.compare_written(TABLE, [item]))

        assert f"Items lack {lacking}," in found.about
        assert "code/store.py: put" in found.code
        assert TABLE.address in found.plan

    def test_a_key_of_another_type(self) -> None:
        found = only(tables.compare_written(TABLE, [Written("code/store.py: put", {"id": "N"})]))

        assert found.plan == f"{TABLE.address} has type S"

    def test_a_table_is_read_from_a_plan_and_made_again(self) -> None:
        index = {"name": "by-owner", "hash_key": "owner", "range_key": "at", "projection_type": "INCLUDE"}
        block = {
            "name": "things", "hash_key": "id", "stream_enabled": True, "stream_view_type": "NEW_AND_OLD_IMAGES",
            "attribute": [{"name": name, "type": "S"} for name in ("id", "owner", "at")],
            "global_secondary_index": [{**index, "non_key_attributes": ["name"]}],
            "ttl": [{"attribute_name": "endsAt", "enabled": True}],
        }  # fmt: skip

        (found,) = tables.tables_of(plan_of(("aws_dynamodb_table.this", block))).values()

        assert replace(found, address=TABLE.address) == TABLE
        made = found.definition()
        assert made["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
        assert made["GlobalSecondaryIndexes"][0]["Projection"] == {
            "ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"],
        }  # fmt: skip
        assert made["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"

    @pytest.mark.parametrize(("kind", "holds"), [("ALL", None), ("KEYS_ONLY", {"id", "owner"})])
    def test_projections(self, kind: str, holds: set[str] | None) -> None:
        block = {"name": "i", "hash_key": "owner", "projection_type": kind}
        plan = plan_of(("aws_dynamodb_table.this", {"name": "t", "hash_key": "id", "global_secondary_index": [block]}))

        assert tables.tables_of(plan)["t"].indexes[0].projected == holds
