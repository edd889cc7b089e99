"""Dates: ISO 8601, a declared format, and the reasons for those of a country."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_dates import FORMATS, LOCAL, MOMENT, YEAR_FIRST, iso_date, objection

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
