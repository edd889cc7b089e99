"""Tables, queries and items: facts that agree pass, and a difference is reported on both sides."""

from dataclasses import replace

import pytest

from harness.contract import tables
from harness.contract.mismatch import report
from harness.contract.tables import Index, Query, TableFacts, WrittenItem
from tests.unit.harness.contract.facts import only, plan_of

TABLE = TableFacts(
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

    def test_a_renamed_index_is_reported_on_both_sides(self) -> None:
        text = report(tables.compare(TABLE, [replace(QUERY, index="by-buyer")]))

        assert "code/list.py: read queries by-buyer" in text
        assert "module.table.aws_dynamodb_table.this has by-owner" in text
        assert "The index by-owner is queried by nobody" in text

    @pytest.mark.parametrize(
        ("query", "about"),
        [
            (replace(QUERY, equal=frozenset({"buyer"})), "uses other keys"),
            (replace(QUERY, equal=frozenset()), "uses other keys"),
            (replace(QUERY, ranged=frozenset({"till"})), "uses other keys"),
            (replace(QUERY, start=frozenset({"id", "owner"})), "continues after an incomplete or wrong key"),
            (replace(QUERY, values={"owner": "N"}), "has another type"),
            (replace(QUERY, read=frozenset({"name", "at"})), "does not request every attribute that is read"),
            (replace(QUERY, requested=frozenset({"name", "price"})), "does not hold every attribute that is read"),
        ],
    )
    def test_a_query_that_does_not_fit(self, query: Query, about: str) -> None:
        mismatch = only(tables.compare(TABLE, [query]))

        assert about in mismatch.about
        assert "code/list.py: read" in mismatch.code
        assert TABLE.address in mismatch.plan

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

        query = tables.query_of(request, "here")

        assert (query.equal, query.ranged) == ({"owner"}, {"at"})
        assert query.requested == {"name", "id", "price"}
        assert (query.start, query.values) == ({"id"}, {"owner": "S", "at": "N"})

    @pytest.mark.parametrize("condition", ["begins_with(#at, :a) AND owner = :o", "owner = :o AND at >= :a"])
    def test_other_conditions_are_read(self, condition: str) -> None:
        query = tables.query_of(
            {"KeyConditionExpression": condition, "ExpressionAttributeNames": {"#at": "at"}}, "here"
        )

        assert (query.equal, query.ranged) == ({"owner"}, {"at"})

    def test_an_unknown_condition_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="cannot be read"):
            tables.query_of({"KeyConditionExpression": "owner IN (:a, :b)"}, "here")

    @pytest.mark.parametrize(
        ("attributes", "missing"),
        [({"owner": "S", "at": "S", "endsAt": "N"}, "id"), ({"id": "S", "owner": "S", "at": "S"}, "endsAt"),
         ({"id": "S", "at": "S", "endsAt": "N"}, "owner")],
    )  # fmt: skip
    def test_an_item_without_a_key(self, attributes: dict[str, str], missing: str) -> None:
        item = WrittenItem("code/store.py: put", attributes, indexed=True, expires=True)

        mismatch = only(tables.compare_items(TABLE, [item]))

        assert f"Items lack {missing}," in mismatch.about
        assert "code/store.py: put" in mismatch.code
        assert TABLE.address in mismatch.plan

    def test_a_key_of_another_type(self) -> None:
        mismatch = only(tables.compare_items(TABLE, [WrittenItem("code/store.py: put", {"id": "N"})]))

        assert mismatch.plan == f"{TABLE.address} has type S"

    def test_a_table_is_read_from_a_plan_and_created_again(self) -> None:
        index = {"name": "by-owner", "hash_key": "owner", "range_key": "at", "projection_type": "INCLUDE"}
        block = {
            "name": "things", "hash_key": "id", "stream_enabled": True, "stream_view_type": "NEW_AND_OLD_IMAGES",
            "attribute": [{"name": name, "type": "S"} for name in ("id", "owner", "at")],
            "global_secondary_index": [{**index, "non_key_attributes": ["name"]}],
            "ttl": [{"attribute_name": "endsAt", "enabled": True}],
        }  # fmt: skip

        (table,) = tables.tables_of(plan_of(("aws_dynamodb_table.this", block))).values()

        assert replace(table, address=TABLE.address) == TABLE
        definition = table.definition()
        assert definition["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
        assert definition["GlobalSecondaryIndexes"][0]["Projection"] == {
            "ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"],
        }  # fmt: skip
        assert definition["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"

    @pytest.mark.parametrize(("kind", "holds"), [("ALL", None), ("KEYS_ONLY", {"id", "owner"})])
    def test_projections(self, kind: str, holds: set[str] | None) -> None:
        block = {"name": "i", "hash_key": "owner", "projection_type": kind}
        plan = plan_of(("aws_dynamodb_table.this", {"name": "t", "hash_key": "id", "global_secondary_index": [block]}))

        assert tables.tables_of(plan)["t"].indexes[0].projected == holds
