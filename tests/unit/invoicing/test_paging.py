from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from invoicing.errors import InvalidRequest
from invoicing.paging import ListQuery, Plan, Position, plan

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LAST = Position("2026-11", "2026-11-05T00:00:00.000000Z", "id-1")


def planned(**query: Any) -> Plan:
    return plan(ListQuery.model_validate(query), NOW)


@pytest.mark.parametrize(
    ("query", "index", "partitions"),
    [
        ({}, "createdAt-index", ("2026-11",)),
        ({"customerId": "C-1"}, "customerId-index", ("C-1",)),
        ({"status": "paid"}, "status-index", ("paid",)),
        ({"customerId": "C-1", "status": "paid"}, "customerId-index", ("C-1",)),
        ({"from": "2026-09-15"}, "createdAt-index", ("2026-11", "2026-10", "2026-09")),
        ({"from": "2025-12-31", "to": "2026-01-01", "order": "asc"}, "createdAt-index", ("2025-12", "2026-01")),
        ({"to": "2026-02-10"}, "createdAt-index", ("2026-02",)),
        ({"from": "2031-01-01"}, "createdAt-index", ("2031-01",)),
        ({"status": "paid", "from": "2026-01-01"}, "status-index", ("paid",)),
    ],
)
def test_every_filter_set_has_one_index(query: dict[str, str], index: str, partitions: tuple[str, ...]) -> None:
    chosen = planned(**query)
    assert (chosen.index, chosen.partitions) == (index, partitions)
    assert chosen.status == ("paid" if {"customerId", "status"} <= query.keys() else None)


def test_a_date_covers_its_whole_day_and_offsets_are_turned_into_utc() -> None:
    chosen = planned(**{"from": "2026-11-01", "to": "2026-11-02"})
    assert (chosen.earliest, chosen.latest) == ("2026-11-01T00:00:00.000000Z", "2026-11-02T23:59:59.999999Z")
    chosen = planned(**{"from": "2026-11-01T01:00:00+02:00"})
    assert chosen.earliest == "2026-10-31T23:00:00.000000Z"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "1.5"}, {"order": "up"}, {"status": "overdue"},
        {"from": "yesterday"}, {"from": "2026-13-01"}, {"from": "2026-11-01T00:00:00"}, {"colour": "red"},
        {"from": "2026-11-02", "to": "2026-11-01"}, {"customerId": " "}, {"to": "0001-01-01T00:00:00+14:00"},
    ],
)  # fmt: skip
def test_queries_that_make_no_sense_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ListQuery.model_validate(query)


def test_a_range_of_months_has_an_end() -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        planned(**{"from": "1999-01-01"})
    assert planned(**{"from": "1999-01-01", "status": "paid"}).partitions == ("paid",)


def test_a_token_continues_its_query_and_leaves_out_earlier_months() -> None:
    token = planned(**{"from": "2026-09-01"}).token(Position("2026-10", "2026-10-05T00:00:00.000000Z", "id-1"))
    chosen = planned(**{"from": "2026-09-01", "nextToken": token})
    assert chosen.partitions == ("2026-10", "2026-09")
    assert chosen.start == Position("2026-10", "2026-10-05T00:00:00.000000Z", "id-1")


def test_this_month_goes_on_being_the_month_in_which_the_query_began() -> None:
    token = planned().token(LAST)
    later = plan(ListQuery.model_validate({"nextToken": token}), datetime(2026, 12, 1, tzinfo=UTC))
    assert later.partitions == ("2026-11",)


@pytest.mark.parametrize(
    "query", [{"order": "asc"}, {"status": "paid"}, {"customerId": "2026-11"}, {"from": "2026-11-01"}]
)
def test_a_token_of_another_query_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="does not belong"):
        planned(**query, nextToken=planned().token(LAST))


def test_no_single_changed_character_passes() -> None:
    token = planned().token(LAST)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(InvalidRequest):
            planned(nextToken=changed)


@pytest.mark.parametrize("token", ["", "x", "====", "é", "AAAA" * 20, "a" * 1999])
def test_rubbish_is_no_token(token: str) -> None:
    with pytest.raises(InvalidRequest):
        planned(nextToken=token)


@pytest.mark.parametrize(
    "position",
    [
        Position("2026-10", "2026-10-05T00:00:00.000000Z", "x"),  # another month than the range has
        Position("2026-11", "2026-10-05T00:00:00.000000Z", "x"),  # keys that contradict each other
        Position("2026-11", "2026-11-01T00:00:00.000000Z", "x"),  # before the range
        Position("2026-11", "yesterday", "x"),
    ],
)
def test_a_well_made_token_cannot_leave_its_query(position: Position) -> None:
    query = {"from": "2026-11-03"}
    with pytest.raises(InvalidRequest):
        planned(**query, nextToken=planned(**query).token(position))
