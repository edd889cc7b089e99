"""Cells: what stands for nothing, which texts are the same identifier, and which a spreadsheet has destroyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.identifiers import normal_form
from invoicing.uploads.csv_cells import ERRORS, NOTHING, content, is_lost, plain
from invoicing.uploads.csv_identifiers import destruction, hidden, identity, long_digits, spelling


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
    ("cell", "lost"), [("#N/A", True), ("NULL", False), ("", False), ("#", False), ("###", True), ("#1", False)]
)
def test_a_value_is_lost_if_a_spreadsheet_could_not_calculate_or_show_it(cell: str, *, lost: bool) -> None:
    assert is_lost(f" {cell} ") == lost
    assert all(map(is_lost, ERRORS))


@pytest.mark.parametrize(
    ("text", "form"), [("Acme\u00a0  LTD ", "acme ltd"), ("\u2167\tx", "viii x"), ("STRASSE", "strasse"), (" ", "")]
)
def test_a_text_is_compared_without_its_case_its_blanks_and_compatibility_forms(text: str, form: str) -> None:
    assert plain(text) == form


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
        ("I-1", 'I-"1'),
        ("I-1", "'I-1"),
        ("Ä1", '\u2019"Ä1'),
        ("1001", "#1001"),
        ("12", "0012"),
        ("0", "000"),
        ("INV-1", "INV-1."),
        ("I-1014", "I - 1014"),
        ("INV 1", "inv1"),
    ],
)
def test_texts_that_look_the_same_are_the_same_identifier(text: str, other: str) -> None:
    assert identity(text) == identity(other)


@pytest.mark.parametrize(
    ("text", "other"), [("a", "b"), ("1", "10"), ("I-1", "I1"), ("1 12", "11 2"), ("I-1", "I/1"), ("", "x")]
)
def test_texts_that_look_different_are_not(text: str, other: str) -> None:
    assert identity(text) != identity(other)


@given(st.text(max_size=20))
def test_a_spelling_is_the_normal_form_wherever_that_exists(text: str) -> None:
    try:
        expected = normal_form(text)
    except ValueError:
        return
    assert hidden(text) or destruction(text) or spelling(text) == expected


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x7f", "\x80", "\ud800", "\u200b", "\ufeff", "\u2060"])
def test_what_nobody_sees_is_found_and_makes_no_other_identity(character: str) -> None:
    text = f"I{character}-1"

    assert hidden(text) == character
    assert identity(text) == "i-1"


@pytest.mark.parametrize("text", ["I-1", "I 1", "I\u00a01", "I\t1", "I\n1", "I\x851", "Ж1", ""])
def test_blanks_and_letters_are_not_hidden(text: str) -> None:
    assert hidden(text) == ""


@pytest.mark.parametrize(
    ("cell", "shortened"),
    [
        ("2.02611E+11", True),
        (" 1,23e+11 ", True),
        ("1E+05", True),
        ("-1.5E-07", True),
        ("1.5E+100", True),
        ("1E5", False),
        ("2.02611E+1", True),
        ("12.5E+11", True),
        ("1.E+11", False),
        ("E+11", False),
        ("1.5E+1000", False),
        ("INV-1E+11", False),
        ("1.2.3E+11", False),
        ("", False),
    ],
)
def test_a_number_is_shortened_if_a_spreadsheet_writes_it_so(cell: str, *, shortened: bool) -> None:
    assert (destruction(cell) or "").startswith("a spreadsheet has shortened it") == shortened


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("2-Nov", "made a date"),
        ("02. Nov", "made a date"),
        ("02. Nov 26", "made a date"),
        ("02-nov-2026", "made a date"),
        ("Nov-26", "made a date"),
        ("Mrz 26", "made a date"),
        ("2-déc.", "made a date"),
        ("NOV-26", ""),
        ("2-November", ""),
        ("123-Nov", ""),
        ("Nov-261", ""),
        ("2-Nov-261", ""),
        ("2026-11-02", ""),
        ("1001.0", "decimal number"),
        ("1001,0", "decimal number"),
        ("1001.00", "decimal number"),
        ("1001.10", ""),
        ("A1.0", ""),
        ("1,001", "thousands"),
        ("12,345,678", "thousands"),
        ("1,0011", ""),
        ("0,001", ""),
        ("1.001", "thousands"),
        ("2.026.110.203", "thousands"),
        ("1 001", "thousands"),
        ("1'001", "thousands"),
        ("1\u00a0001", "thousands"),
        ("1.001,000", ""),
        ("2026.001", ""),
        ("2.02611E11", "shortened"),
        ("1.0E7", "shortened"),
        ("202.6E+9", "shortened"),
        ("2E11", ""),
        ("2-NOV", "made a date"),
        ("02/nov", "made a date"),
        ("02-maj", "made a date"),
        ("2-mrt", "made a date"),
        ("1月2日", "made a date"),
        ("Nov-2026", "made a date"),
        ("11/2/2026", "made a date"),
        ("02.11.2026", "made a date"),
        ("2026-11-02 00:00:00", "made a date"),
        ("11:30:00", "made a date"),
        ("11/2026", ""),
        ("TRUE", "truth value"),
        ("10%", "has formatted it"),
        ("$1,001.00", "has formatted it"),
        ("1.001,00 €", "has formatted it"),
        ("=A2", "is a formula"),
        ("#VERW!", "without a result"),
        ("#GETTING_DATA", "without a result"),
        ("Err:508", "without a result"),
        ("Loading...", "without a result"),
        ("#1001", ""),
        ("#EN1001", ""),
        ("# I-1", "comment"),
        ("//I-1", "comment"),
        ("--I-1", "comment"),
        ("> I-1", "comment"),
        ("{{invoice_number}}", "a placeholder"),
        ("${id}", "a placeholder"),
        ("[object Object]", "a placeholder"),
        ("I-1, I-2", "a list"),
        ("?", "no letter or digit"),
        ("\u3003", "ditto mark, and has no letter or digit"),
        ("0", "is zero"),
        ("dto.", "is a word"),
        ("TBD", "is a word"),
        ("undefined", "is a word"),
        ("NONE", "is a word"),
        ("n.a.", "is a word"),
        ("(Leer)", "is a word"),
        ("2026,11", ""),
        ("'0042", "apostrophe"),
        ("\u20190042", "apostrophe"),
        ('I-1"', "contains a quotation mark"),
        ('"I-1', "contains a quotation mark"),
        ('="0042"', ""),
        ('="00"42"', "contains a quotation mark"),
        ("⑫5", "contains ⑫, which would be compared as digits"),
        (" 1001.0 ", "decimal number"),
        ("", ""),
        ("I-1", ""),
    ],
)
def test_what_programs_make_of_an_identifier_is_noticed(cell: str, reason: str) -> None:
    assert reason in (destruction(cell) or "")
    assert bool(reason) == bool(destruction(cell))


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
