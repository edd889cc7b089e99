"""Texts that are formulas, failures of a spreadsheet, or cells of other columns: their rows make no invoice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads import csv_misplaced
from invoicing.uploads.csv_cells import ERRORS
from invoicing.uploads.csv_misplaced import FAILED, FORMULA, OTHER, SHORTENED
from tests.data.csv_reading import read
from tests.data.csv_small_files import H, R, created

FORMULAS = [
    "=A1+B1",
    "=SUM(A1:A3)",
    "=-1",
    "+A1",
    "-A1*2",
    "@SUM(A1)",
    "+$B$7+1",
    "=Rope",
    "=A1 + B1",
    "=Sheet1!A1*2",
    '=HYPERLINK("x")',
]
FAILURES = [
    "#\u00dcBERLAUF!", "#FIELD!", "#BUSY!", "#GETTING_DATA", "#\u0417\u041d\u0410\u0427!", "Rope #REF!",
    "#REF! Rope", "Rope (#N/A)", "Rope ########", "Err:509", "#\u00a1VALOR!", "#DIV/0!", "Rope, #VALEUR\u00a0!",
]  # fmt: skip
OTHERS = {
    "EUR": "the currency of the row", "a@b.example": "an e-mail address", "2026-11-01": "a date",
    "1.11.2026": "a date",
    "11/22/26": "a date", "2026-11-01 00:00:00": "a date", "12.50": "a number", "1.234,56": "a number",
    "-3": "a number", "7.5%": "a number",
}  # fmt: skip
TEXTS = [
    "Rope", "= Summe", "===", "Rope #1", "#1", "Issue #REF", "A (b)", "Rope = 2", "+49 89 1234", "-", "100 % cotton",
    "46331", "4711", "C# course!", "2026-11", "E5", "1E5", "Mail to a@b.example", "EURO", "Rope 12.50", "#hashtag",
    "3-4",    "1.2.3", "November 2026", "+ Rope", "@home", "TV(S)", "=Equal Sign Studio", "VLOOKUP(A1)",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, FORMULA) for text in FORMULAS),
        *((text, FAILED) for text in FAILURES),
        *((text, OTHER.format(what=what)) for text, what in OTHERS.items()),
        ("1.23E+05", SHORTENED),
        ("1,23E+05", SHORTENED),
    ],
)
def test_a_text_that_is_none_is_named_in_each_column_of_texts(text: str, reason: str) -> None:
    for name in ("description", "customer_name", "customer_address"):
        assert [*csv_misplaced.problems({name: f" {text} ", "currency": "EUR"})] == [(name, text, reason)]


@pytest.mark.parametrize("text", TEXTS)
def test_other_texts_are_texts(text: str) -> None:
    assert [*csv_misplaced.problems({"description": text, "currency": "EUR"})] == []


def test_a_name_is_no_number_and_a_description_may_be_that_of_an_article() -> None:
    found = csv_misplaced.problems({"description": "4711", "customer_name": "4711", "currency": "EUR"})

    assert [*found] == [("customer_name", "4711", OTHER.format(what="a number"))]


@given(st.sampled_from([*FORMULAS, *FAILURES, *OTHERS]), st.sampled_from(["Rope", "A", "Kurs"]))
def test_no_invoice_has_such_a_text(text: str, name: str) -> None:
    cell = '"' + text.replace('"', '""') + '"'

    assert created(H, R.replace("Rope", cell)) == {}
    if text not in ERRORS:  # it stands for nothing, and a name may be missing
        assert created(f"{H},customer_name", f"{R.replace('Rope', name)},{cell}") == {}


@pytest.mark.parametrize("customer", ["#\u00dcBERLAUF!", "#FIELD!"])
def test_a_failure_is_no_customer(customer: str) -> None:
    assert created(H, R.replace("C-1", customer)) == {}


ENDS = [b"\x1a", b"\x1a\n", b"\0" * 3, b"\0" * 600, b"\0" * 5000, b"\r\n\x1a\0\0"]


@pytest.mark.parametrize("end", ENDS)
def test_what_fills_the_end_of_a_file_is_no_row(end: bytes) -> None:
    (invoice,) = read(f"{H}\n{R}\n".encode() + end)

    assert created(H, R).keys() == {"I-1"}
    assert not hasattr(invoice, "problems"), invoice
