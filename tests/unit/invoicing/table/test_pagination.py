import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from invoicing.domain.errors import InvalidRequest
from invoicing.table.pagination import ListQuery, Position, QueryPlan, plan

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LAST = Position("2026-11", "2026-11-05T00:00:00.000000Z", "id-1")


def plan_of(**query: Any) -> QueryPlan:
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
        ({"overdue": "true", "order": "asc"}, "status-index", ("partially-paid", "processed")),
        ({"overdue": "true", "status": "processed"}, "status-index", ("processed",)),
        ({"overdue": "true", "customerId": "C-1"}, "customerId-index", ("C-1",)),
        ({"dueBefore": "2026-12-01", "status": "created"}, "status-index", ("created",)),
    ],
)
def test_every_filter_set_has_one_index(query: dict[str, str], index: str, partitions: tuple[str, ...]) -> None:
    chosen = plan_of(**query)
    assert (chosen.index, chosen.partitions) == (index, partitions)
    filters = {"customerId", "status"} <= query.keys()
    open_ones = ("partially-paid", "processed") if {"customerId", "overdue"} <= query.keys() else ()
    assert chosen.statuses == (("paid",) if filters else open_ones)


@pytest.mark.parametrize(
    ("query", "day"),
    [
        ({"overdue": "true"}, "2026-11-22"),
        ({"overdue": "true", "dueBefore": "2026-11-01"}, "2026-11-01"),
        ({"overdue": "true", "dueBefore": "2026-12-01"}, "2026-11-22"),
        ({"customerId": "C-1", "dueBefore": "2026-12-01"}, "2026-12-01"),
    ],
)
def test_due_dates_are_limited_by_the_earlier_day(query: dict[str, str], day: str) -> None:
    assert str(plan_of(**query).due_before) == day


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"issuedFrom": "2026-11-01"}, "'issuedFrom' is not a filter: no index has that date"),
        ({"dueDate": "2026-11-01"}, "'dueDate' is not a filter: no index has that date"),
        ({"dueBefore": "2026-11-01"}, "'dueBefore' needs 'customerId', 'status' or 'overdue=true'"),
        ({"overdue": "true", "status": "paid"}, "'overdue' is for the statuses partially-paid and processed"),
        ({"overdue": "false"}, "must be true, or left out"),
    ],
)
def test_what_no_index_serves_is_rejected_by_its_name(query: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ListQuery.model_validate(query)


def test_a_date_covers_its_whole_day_and_offsets_are_turned_into_utc() -> None:
    chosen = plan_of(**{"from": "2026-11-01", "to": "2026-11-02"})
    assert (chosen.earliest, chosen.latest) == ("2026-11-01T00:00:00.000000Z", "2026-11-02T23:59:59.999999Z")
    chosen = plan_of(**{"from": "2026-11-01T01:00:00+02:00"})
    assert chosen.earliest == "2026-10-31T23:00:00.000000Z"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "1.5"}, {"order": "up"}, {"status": "overdue"},
        {"from": "yesterday"}, {"from": "2026-13-01"}, {"from": "2026-11-01T00:00:00"}, {"colour": "red"},
        {"from": "2026-11-02", "to": "2026-11-01"}, {"customerId": " "}, {"to": "0001-01-01T00:00:00+14:00"},
        {"from": "0002-01-01T00:00:00+00:01"}, {"to": "9998-12-31T23:59:59-00:01"}, {"to": "0000-01-01"},
    ],
)  # fmt: skip
def test_invalid_queries_are_rejected(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ListQuery.model_validate(query)


def test_a_range_of_months_has_an_end() -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        plan_of(**{"from": "1999-01-01"})
    assert plan_of(**{"from": "1999-01-01", "status": "paid"}).partitions == ("paid",)


@pytest.mark.parametrize(
    ("query", "partitions"),
    [
        ({"to": "9999-12-31"}, ("9999-12",)),
        ({"from": "9999-11-30", "to": "9999-12-31", "order": "asc"}, ("9999-11", "9999-12")),
        ({"to": "0001-01-01"}, ("0001-01",)),
        ({"from": "9001-01-01"}, ("9001-01",)),
        ({"from": "0999-12-01", "to": "1000-01-01", "order": "asc"}, ("0999-12", "1000-01")),
    ],
)
def test_the_ends_of_the_calendar_cause_no_error(query: dict[str, str], partitions: tuple[str, ...]) -> None:
    chosen = plan_of(**query)
    assert chosen.partitions == partitions
    assert chosen.earliest <= chosen.latest


def test_early_years_are_in_order_as_text() -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        plan_of(**{"from": "0999-01-01", "to": "2026-01-01"})
    assert plan_of(**{"from": "0999-01-01", "customerId": "C"}).earliest == "0999-01-01T00:00:00.000000Z"


def test_a_deeply_nested_token_is_rejected() -> None:
    body = b"[" * 1400
    token = base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:9] + body).decode().rstrip("=")
    with pytest.raises(InvalidRequest):
        plan_of(nextToken=token)


_bounds = (
    st.dates().map(str)
    | st.datetimes(timezones=st.integers(-1439, 1439).map(lambda off: timezone(timedelta(minutes=off)))).map(
        lambda moment: moment.isoformat()
    )
    | st.from_regex(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?(Z|[+-]\d{2}:\d{2})?", fullmatch=True)
    | st.text()
)
_texts = st.text(st.characters())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "from": _bounds,
            "to": _bounds,
            "customerId": _texts,
            "status": st.sampled_from(["paid", "created", ""]) | _texts,
            "limit": st.integers().map(str) | _texts,
            "order": st.sampled_from(["asc", "desc"]),
            "nextToken": _texts,
        },
    )
)
def test_any_query_is_planned_or_rejected(query: dict[str, str]) -> None:
    try:
        chosen = plan_of(**query)
    except (ValidationError, InvalidRequest):
        return
    assert chosen.earliest <= chosen.latest
    assert all(len(month) == 7 for month in chosen.partitions if chosen.attribute == "yearMonth")


def test_a_token_continues_its_query_and_leaves_out_earlier_months() -> None:
    token = plan_of(**{"from": "2026-09-01"}).token(Position("2026-10", "2026-10-05T00:00:00.000000Z", "id-1"))
    chosen = plan_of(**{"from": "2026-09-01", "nextToken": token})
    assert chosen.partitions == ("2026-10", "2026-09")
    assert chosen.start == Position("2026-10", "2026-10-05T00:00:00.000000Z", "id-1")


def test_the_current_month_stays_the_month_of_the_first_page() -> None:
    token = plan_of().token(LAST)
    later = plan(ListQuery.model_validate({"nextToken": token}), datetime(2026, 12, 1, tzinfo=UTC))
    assert later.partitions == ("2026-11",)


@pytest.mark.parametrize(
    "query", [{"order": "asc"}, {"status": "paid"}, {"customerId": "2026-11"}, {"from": "2026-11-01"}]
)
def test_a_token_of_another_query_is_rejected(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="belongs to another query"):
        plan_of(**query, nextToken=plan_of().token(LAST))


def test_no_single_changed_character_passes() -> None:
    token = plan_of().token(LAST)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(InvalidRequest):
            plan_of(nextToken=changed)


@pytest.mark.parametrize("token", ["", "x", "====", "é", "AAAA" * 20, "a" * 1999])
def test_rubbish_is_not_a_token(token: str) -> None:
    with pytest.raises(InvalidRequest):
        plan_of(nextToken=token)


@pytest.mark.parametrize(
    "position",
    [
        Position("2026-10", "2026-10-05T00:00:00.000000Z", "x"),  # a month outside the range
        Position("2026-11", "2026-10-05T00:00:00.000000Z", "x"),  # keys that contradict each other
        Position("2026-11", "2026-11-01T00:00:00.000000Z", "x"),  # before the range
        Position("2026-11", "yesterday", "x"),
        Position("2026-11", "2026-11-05T00:00:00.000000Z", ""),  # not a valid key for DynamoDB
        Position("2026-11", "2026-11-05T00:00:00.000000Z", "\ud800"),
    ],
)
def test_a_well_made_token_cannot_leave_its_query(position: Position) -> None:
    query = {"from": "2026-11-03"}
    with pytest.raises(InvalidRequest):
        plan_of(**query, nextToken=plan_of(**query).token(position))
