"""Cells: what stands for nothing, which texts are the same identifier, and which a spreadsheet has destroyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.identifiers import normal_form
from invoicing.uploads.csv_cells import ERRORS, NOTHING, content, identity, is_exponent, is_lost, long_digits, numeral


@pytest.mark.parametrize("text", [*sorted(NOTHING), "##", "########", "", "  ", "\u00a0"])
def test_texts_that_stand_for_nothing_are_empty_cells(text: str) -> None:
    assert content(f" {text} ") == ""


@pytest.mark.parametrize(
    "text", ["Null", "Nan", "none", "NONE of it", "#1", "#", "N.A.", "- ", "x-", "0", "=", '="', "=A1"]
)
def test_other_texts_stay_what_they_are(text: str) -> None:
    assert content(text) == text.strip() or text == "- "


@pytest.mark.parametrize(
    ("cell", "text"),
    [('="0042"', "0042"), (' =" 7 " ', "7"), ('=""', ""), ('="a"b"', '="a"b"'), ('="a"&"b"', '="a"&"b"')],
)
def test_a_text_that_is_written_as_a_formula_is_that_text(cell: str, text: str) -> None:
    assert content(cell) == text


@pytest.mark.parametrize(
    ("cell", "lost"), [("#N/A", False), ("NULL", False), ("", False), ("#", False), ("###", True), ("#1", False)]
)
def test_a_value_is_lost_if_a_spreadsheet_could_not_calculate_or_show_it(cell: str, *, lost: bool) -> None:
    assert is_lost(f" {cell} ") == lost
    assert all(map(is_lost, ERRORS))


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("C 1", "C\u00a01"),
        ("C 1", " C  1 "),
        ("I-1", "I\u20111"),
        ("I-1", "I\u22121"),
        ("I1", "I\u200b1"),
        ("I1", "I\ufeff1"),
        ("A1", "\uff211"),
    ],
)
def test_texts_that_look_the_same_are_the_same_identifier(text: str, other: str) -> None:
    assert identity(text) == identity(other)


@pytest.mark.parametrize(("text", "other"), [("a", "A"), ("1", "01"), ("I-1", "I1"), ("C1", "C 1"), ("", "x")])
def test_texts_that_look_different_are_not(text: str, other: str) -> None:
    assert identity(text) != identity(other)


@given(st.text(max_size=20))
def test_an_identity_is_the_normal_form_wherever_that_exists(text: str) -> None:
    try:
        expected = normal_form(text)
    except ValueError:
        return
    assert identity(text) == expected


@pytest.mark.parametrize(
    ("cell", "shortened"),
    [
        ("2.02611E+11", True),
        (" 1,23e+11 ", True),
        ("1E+05", True),
        ("-1.5E-07", True),
        ("1.5E+100", True),
        ("1E5", False),
        ("2.02611E+1", False),
        ("12.5E+11", False),
        ("1.E+11", False),
        ("E+11", False),
        ("1.5E+1000", False),
        ("INV-1E+11", False),
        ("1.2.3E+11", False),
        ("", False),
    ],
)
def test_a_number_is_shortened_if_a_spreadsheet_writes_it_so(cell: str, *, shortened: bool) -> None:
    assert is_exponent(cell) == shortened


@pytest.mark.parametrize(
    ("cell", "rest"),
    [
        ("1234567890123456", "6"),
        (" 1234567890123450 ", "0"),
        ("12345678901234567890", "67890"),
        ("123456789012345", None),
        ("0234567890123456", None),
        ("123456789012345x", None),
        ('="1234567890123456"', None),
        ("-1234567890123456", None),
        ("", None),
    ],
)
def test_the_digits_that_a_spreadsheet_would_cut(cell: str, rest: str | None) -> None:
    assert long_digits(cell) == rest


@pytest.mark.parametrize(
    ("text", "found"), [("⑫5", "⑫"), ("A²", "²"), ("½", "½"), ("Ⅻ", "Ⅻ"), ("１2", ""), ("四", ""), ("é", "")]
)
def test_numbers_that_are_no_digits_are_found(text: str, found: str) -> None:
    assert numeral(text) == found
