"""Dates: ISO 8601, a declared format, and the reasons for those of a country."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_dates import (
    FORMATS,
    LOCAL,
    MOMENT,
    YEAR_FIRST,
    contradiction,
    iso_date,
    objection,
    proven_order,
)

STYLES = {"dd.mm.yyyy": "%d.%m.%Y", "dd/mm/yyyy": "%d/%m/%Y", "mm/dd/yyyy": "%m/%d/%Y"}


@given(day=st.dates(date(1000, 1, 1)), name=st.sampled_from(sorted(FORMATS)), padded=st.booleans())
def test_a_date_in_the_declared_format_is_that_day(day: date, name: str, *, padded: bool) -> None:
    text = day.strftime(STYLES[name])
    if not padded:
        mark = name[2]
        text = mark.join(part.lstrip("0") for part in text.split(mark))

    assert iso_date(text, name) == day.isoformat()
    assert iso_date(day.isoformat(), name) == day.isoformat()
    assert iso_date(text) == text
    assert objection(text) == LOCAL


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 00:00:00",
        "2026-11-22T00:00:00",
        "2026-11-22 00:00",
        "2026-11-22 00:00:00.000",
        "2026-11-22T00:00:00.0000000",
    ],
)
def test_midnight_without_an_offset_is_that_day(text: str) -> None:
    assert iso_date(text) == "2026-11-22"


@pytest.mark.parametrize(
    "text",
    [
        "22.11.2026",
        "22.11.26",
        "11/22/2026",
        "1/2/2026",
        "22-11-2026",
        "22. Nov 2026",
        "22-Nov-26",
        "22 November 2026",
        "46327",
        "22112026",
    ],
)
def test_what_may_well_be_a_date_is_rejected_with_what_would_settle_it(text: str) -> None:
    assert iso_date(text) == text
    assert objection(text) == LOCAL
    assert all(name in LOCAL for name in FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("text", ["22.11.26", "22-11-2026", "22.11/2026", "22.11.2026 00:00", "46327"])
def test_a_date_in_another_than_the_declared_format_is_rejected(text: str, name: str) -> None:
    reason = f"is neither a date such as 2026-11-22 nor one in the format {name} of the upload's metadata"

    assert iso_date(text, name) == text
    assert objection(text, name) == reason


@pytest.mark.parametrize("text", ["", "soon", "2026", "2026-11-22", "2026-13-45", "on receipt", "1234", "123456789"])
def test_other_texts_are_left_to_the_rule_of_the_field(text: str) -> None:
    assert iso_date(text, "dd.mm.yyyy") == text
    assert objection(text, "dd.mm.yyyy") is None
    assert objection(text) is None


@pytest.mark.parametrize("declared", ["", *FORMATS])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-22T00:00:00Z", MOMENT),
        ("2026-11-22 00:00:00+01:00", MOMENT),
        ("2026-11-22 00:00:01", MOMENT),
        ("2026-11-22 12:00:00", MOMENT),
        ("2026/11/22", YEAR_FIRST),
        ("2026.11.22", YEAR_FIRST),
        ("2026-11-2", YEAR_FIRST),
        ("20261122", YEAR_FIRST),
    ],
)
def test_a_date_that_begins_with_its_year_is_not_advised_to_be_another_one(
    text: str, reason: str, declared: str
) -> None:
    assert iso_date(text, declared) == text
    assert objection(text, declared) == reason


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        ("2026-11-22", "ymd-"),
        ("2026-22-11", "ydm-"),
        ("2026-11-12", "?ymd-"),
        (" 2026-01-12 00:00:00 ", "?ymd-"),
        ("2026-11-22T00:00", "ymd-"),
        ("2026-11-22T12:00", ""),
        ("2026-11-11", ""),
        ("13.1.2026", "dmy."),
        ("1/13/2026", "mdy/"),
        ("12-1-2026", "?-"),
        ("1/12/2026", "?/"),
        ("5.5.2026", ""),
        ("13.1/2026", ""),
        ("13.1.26", ""),
        ("soon", ""),
    ],
)
def test_a_date_proves_the_order_of_its_parts_if_no_month_is_above_twelve(cell: str, order: str) -> None:
    assert proven_order(cell) == order


@pytest.mark.parametrize(
    ("text", "declared", "rows", "row"),
    [
        ("2026-11-05", "", {"ydm-": 3}, 3),
        ("2026-11-05", "", {"ydm-": 3, "ymd-": 4, "dmy/": 5}, 3),
        ("2026-11-05", "dd/mm/yyyy", {"ydm-": 3}, 3),
        ("2026-11-05", "", {}, 0),
        ("2026-11-22", "", {"ydm-": 3, "dmy/": 5}, 0),
        ("2026-11-05", "", {"dmy/": 5}, 5),
        ("2026-11-05", "", {"dmy-": 6, "mdy/": 7}, 7),
        ("2026-11-05", "", {"dmy-": 6}, 6),
        ("2026-11-05", "", {"mdy-": 8}, 8),
        ("2026-11-05", "", {"dmy.": 9, "mdy.": 9}, 0),
        ("2026-11-05", "dd/mm/yyyy", {"dmy/": 5}, 0),
        ("2026-11-05", "", {"dmy/": 5, "ymd-": 4}, 0),
        ("2026-11-05", "", {"dmy/": 5, "?/": 4}, 0),
        ("2026-11-05", "", {"dmy-": 5, "?-": 4}, 0),
        ("03/04/2026", "", {"mdy/": 7}, 0),
        ("03/04/2026", "dd/mm/yyyy", {"mdy/": 7}, 7),
        ("03/04/2026", "mm/dd/yyyy", {"dmy/": 5}, 5),
        ("03.04.2026", "dd.mm.yyyy", {"mdy.": 9}, 9),
        ("03/04/2026", "dd/mm/yyyy", {"dmy/": 5}, 0),
        ("03/14/2026", "dd/mm/yyyy", {"mdy/": 7}, 0),
        ("03.04.2026", "dd/mm/yyyy", {"mdy/": 7, "mdy.": 9}, 0),
        ("soon", "dd/mm/yyyy", {"mdy/": 7}, 0),
    ],
)
def test_a_date_may_be_swapped_if_another_row_proves_another_order(
    text: str, declared: str, rows: dict[str, int], row: int
) -> None:
    assert contradiction(text, declared, rows) == row
