"""Identifiers: their form, what is allowed in which column, numbers that were commented out, and those of a month."""

import pytest

from invoicing.uploads.csv_identifiers import destruction, identity, is_of_month, unmarked


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("#XR-1.", "xr-1"),
        ("##1001", "1001"),
        ("1X;", "1x"),
        ("X-X", "x-x"),
        ("0012", "12"),
        ("000", "0"),
        ("00X", "00x"),
        ("'X1", "x1"),
        ("\u2019X1", "x1"),
        ("INV - 1 2", "inv-1 2"),
        ("\u0410\u0412-1", "ab-1"),
        ("\u0661", "1"),
    ],
)
def test_the_form_that_all_rows_of_an_invoice_have_in_common(text: str, form: str) -> None:
    assert identity(text) == form


@pytest.mark.parametrize(
    ("column", "sound", "destroyed"),
    [
        ("customer_vat_id", ("12.345.678", "123 456 789", "12/1/2026", "1, 2"), ("TBD", "2.02E+11", "ditto", "'1")),
        ("customer_id", ("Smith, John",), ("C-1, C-2", "12.345.678", "12/1/2026", "TBD")),
        ("invoice_number", ("2026-11-02",), ("Smith, John", "12.345.678", "12/1/2026", "TBD")),
    ],
)
def test_some_columns_have_what_would_be_no_number(
    column: str, sound: tuple[str, ...], destroyed: tuple[str, ...]
) -> None:
    assert [destruction(cell, column) for cell in sound] == [None] * len(sound)
    assert all(destruction(cell, column) for cell in destroyed)
    assert destruction("Smith, John") == "contains a list; one row has one number and one customer"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("I-2", ""),
        ("", ""),
        ("#I-2", ""),
        ("## I-2", "I-2"),
        (" // I-2 ", "I-2"),
        ("/*I-2*/", "I-2"),
        ("<!--I-2-->", "I-2"),
        ("rem I-2", "I-2"),
        ("I-2 (void)", "I-2"),
        ("I-2 storniert", "I-2"),
        ("I-2 *", "I-2"),
        ("* I-2 *", "I-2 *"),
        ("void", ""),
    ],
)
def test_a_number_that_is_commented_out_or_withdrawn_is_found(cell: str, number: str) -> None:
    assert unmarked(cell) == number


@pytest.mark.parametrize(
    ("number", "issue_date", "is_one"),
    [
        ("1/11/2026", "2026-11-05", True),
        (" 12/11/2026 ", " 2026-11-05 00:00 ", True),
        ("1/1/2026", "05.01.2026", True),
        ("1/01/2026", "5.1.2026", True),
        ("1/11/2026", "05.01.2026", False),
        ("1/11/2026", "05.11.2025", False),
        ("1/11/2026", "2026-12-05", False),
        ("1/11/2026", "2025-11-05", False),
        ("1/11/2026", "11/5/2026", False),
        ("1/11/2026", "", False),
        ("123/11/2026", "2026-11-05", False),
        ("I-1", "2026-11-05", False),
    ],
)
def test_a_number_may_be_one_of_the_month_of_its_issue_date(number: str, issue_date: str, *, is_one: bool) -> None:
    assert is_of_month(number, issue_date) == is_one
