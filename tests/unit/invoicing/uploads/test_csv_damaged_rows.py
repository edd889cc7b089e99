"""Rows of which something is wrong: what is known of them all the same, and what other rows prove against them."""

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_header import Header
from invoicing.uploads.csv_invoices import Rules
from invoicing.uploads.csv_rows import (
    CUT,
    HASHED,
    MARKS,
    MAX_HEADERS,
    MAX_IDENTITY,
    MAX_MENTIONED,
    NARROW,
    UNPADDED,
    Headers,
    Row,
)
from invoicing.uploads.csv_text import Record
from tests.data.csv_small_files import H, R, rows

NAMES = H.split(",")
CELLS = "c-1 2026-11-01 eur rope 2 10.50 20"


def row(line: str, header: str = H) -> Row:
    return Row(Record(7, 0, line.split(",")), Header.of(header.split(",")), 0)


def moved(**cells: str) -> Row:
    return row(",".join((dict(zip(NAMES, R.split(","), strict=True)) | cells).values()))


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (R, ""),
        (f"{R},", ""),
        ("I-1,C 1", "i-1 c1"),
        ("I-1,,NULL,#I-2", "i-1 i-2"),
        (f"{R},x", f"i-1 {CELLS} x"),
        (R.replace("10.50", "ten"), "i-1 c-1 2026-11-01 eur rope ten"),
        (R.replace("Rope,2,10.50", "I-2;I-3\tI-4,two,ten"), "i-1 c-1 2026-11-01 eur i-2 i-3 i-4 two ten"),
        (R.replace("EUR", "EURO"), "i-1 c-1 2026-11-01 euro rope"),
        ("x" * MAX_IDENTITY, "x" * MAX_IDENTITY),
        ("x" * (MAX_IDENTITY + 1), ""),
    ],
)
def test_a_damaged_row_may_be_of_an_invoice_that_one_of_its_cells_names(line: str, keys: str) -> None:
    assert [*row(line).mentioned()] == keys.split()


def test_below_a_header_that_lacks_columns_any_cell_may_be_the_number() -> None:
    assert [*row(R, H.replace("unit_price", "price")).mentioned()] == ["i-1", *CELLS.split()]


def test_what_is_in_wrong_quotation_marks_is_looked_at_too() -> None:
    torn = Row(Record(7, 0, ["I-1"], "torn", rest='"x" I-2,I-3;I-4"\n'), Header.of(NAMES), 0)

    assert [*torn.mentioned()] == ["i-1", "x", "i-2", "i-3", "i-4"]


def test_not_more_is_looked_at_than_a_row_of_an_invoice_has() -> None:
    many = [f"A{each}" for each in range(MAX_MENTIONED + 9)]
    torn = Row(Record(7, 0, [";".join(many)], "torn", rest=",".join(many)), Header.of(NAMES), 0)

    assert [*row(",".join(many)).mentioned()] == [each.casefold() for each in many[:MAX_MENTIONED]]
    assert [*torn.mentioned()] == [each.casefold() for each in many[:MAX_MENTIONED]] * 2


@pytest.mark.parametrize(
    ("cells", "misfits"),
    [
        ({}, 0),
        ({"quantity": "two"}, 1),
        ({"quantity": "two", "unit_price": "EUR 5", "tax_rate": "2026-11-01"}, 3),
        ({"quantity": "1-2"}, 1),
        ({"quantity": "-2", "unit_price": "2.50-", "tax_rate": " 20 % "}, 0),
        ({"quantity": "1'000.5", "unit_price": "\u22121\u00a0000", "tax_rate": "+1\u20190"}, 0),
        ({"quantity": "", "unit_price": "--", "tax_rate": "???"}, 0),
        ({"quantity": "\u0663"}, 0),
        ({"currency": "EURO"}, 1),
        ({"currency": " EUR "}, 0),
        ({"currency": ""}, 0),
    ],
)
def test_a_cell_that_is_certainly_no_number_or_currency_is_in_the_wrong_place(
    cells: dict[str, str], misfits: int
) -> None:
    assert moved(**cells).misfits == misfits


def test_what_a_spreadsheet_could_not_calculate_is_lost_only_where_its_lack_would_change_the_invoice() -> None:
    header = f"{H},discount,due_date,customer_name"

    lost, empty = (row(f"{R},{', '.join([cell] * 3)}", header).cells() for cell in (" #REF! ", "NULL"))

    assert (lost["discount"], lost["due_date"], lost["customer_name"]) == ("#REF!", "#REF!", "")
    assert (empty["discount"], empty["due_date"]) == ("", "")
    assert "discount" not in row(R, header).cells()


@pytest.mark.parametrize(
    ("changed", "evidence", "problem"),
    [
        ({"invoice_number": "#1001"}, Rules(), None),
        ({"invoice_number": "#1001"}, Rules(plain_row=3), ("invoice_number", "#1001", HASHED.format(row=3))),
        ({"customer_id": "#1001"}, Rules(plain_row=3), None),
        ({"invoice_number": "1001"}, Rules(), None),
        ({"invoice_number": " 1001"}, Rules(padded=(5, 9)), ("invoice_number", " 1001", UNPADDED.format(row=9))),
        ({"invoice_number": "10001"}, Rules(padded=(5, 9)), None),
        ({"invoice_number": "A1"}, Rules(padded=(5, 9)), None),
        ({"customer_id": "1001"}, Rules(padded=(5, 9)), None),
        ({"description": 'a ""b"" c'}, Rules(), ("description", 'a ""b"" c', MARKS)),
        ({"invoice_number": "1/11/2026"}, Rules(), None),
        ({"customer_vat_id": "12.345.678"}, Rules(), None),
    ],
)
def test_what_other_rows_prove_against_an_identifier(
    changed: dict[str, str], evidence: Rules, problem: tuple[str, str, str] | None
) -> None:
    cells = dict(zip(NAMES, R.split(","), strict=True)) | changed
    problems = row(",".join(cells.values()), ",".join(cells)).problems(evidence)

    assert problems == ([problem] if problem else [])


def test_a_row_without_its_number_has_no_destroyed_one() -> None:
    assert moved(invoice_number="NULL", customer_id="#N/A").problems(Rules()) == []


def test_a_file_may_end_within_its_last_row() -> None:
    header = Header.of([*NAMES, "discount"])
    cut, whole = (Row(Record(7, 0, R.split(","), is_open=is_open), header, 0) for is_open in (True, False))

    assert [each.reason for each in cut.problems(Rules())] == [
        "the row has 8 cells, and the header 9: the file ends within it"
    ]
    assert whole.problems(Rules()) == []
    assert Row(Record(7, 0, R.split(","), is_open=True), Header.of(NAMES), 0).problems(Rules()) == []


def test_a_row_that_leaves_out_a_required_cell_is_not_read() -> None:
    number_last = H.replace("invoice_number,customer_id,", "") + ",customer_id,invoice_number"
    currency_last = H.replace("currency,", "") + ",currency"
    problem = ("", "", "the row has 7 cells, and the header 8")

    assert row(R.removeprefix("I-1,"), number_last).problems(Rules()) == [problem]
    assert row(R.replace("EUR,", ""), currency_last).problems(Rules()) == [problem]


def test_if_rows_leave_out_their_last_cells_others_may_have_a_delimiter_too_many() -> None:
    header = f"{H},discount,sku"
    evidence = Rules(narrow_row=4)

    assert row(f"{R},5,", header).problems(evidence) == [("", "", NARROW.format(row=4))]
    assert row(f"{R},,x", header).problems(evidence) == [("", "", NARROW.format(row=4))]
    assert row(f"{R},,", header).problems(evidence) == []
    assert row(f"{R},5,", header).problems(Rules()) == []
    assert row(f"{R.replace('10.50', ' 10.50')},5,", header).problems(evidence) == [("unit_price", " 10.50", CUT)]


def test_rows_know_how_many_headers_are_above_them() -> None:
    other = H.replace("currency,description", "description,currency")

    found = [(each.header_number, each.table, each.is_first) for each in rows(H, R, other, R, R, H, H, R)]

    assert found == [(0, 0, False), (1, 1, True), (1, 1, False), (0, 3, True)]


def test_a_row_below_a_torn_one_is_in_doubt_if_it_has_a_stray_quotation_mark() -> None:
    torn = 'I-1,C-1,2026-11-01,EUR,"Rope" x,2,10.50,20'
    stray = R.replace("Rope", 'Rope"')

    assert [each.doubt for each in rows(H, torn, stray, R)] == [0, 2, 2]
    assert [each.doubt for each in rows(H, torn, R, stray)] == [0, 0, 0]
    assert [each.doubt for each in rows(H, stray, R)] == [0, 0]


def test_a_doubt_ends_at_a_header_below() -> None:
    assert [each.doubt for each in rows(H, "I-1,C-1", R, H, R)] == [0, 2, 0]


def test_below_a_header_that_is_glued_to_a_row_nothing_is_read() -> None:
    glued, below = rows(H, R + H, R)

    assert (glued.header.problem, glued.header_number) == (None, 0)
    assert (below.header, below.header_number) == (Header(()), 1)


def test_headers_that_never_end_reject_the_file() -> None:
    headers = Headers([])
    different = [Header.of([*NAMES, *["x"] * each]) for each in range(MAX_HEADERS + 1)]

    assert [headers.number(each, 7) for each in different[:-1]] == [*range(MAX_HEADERS)]
    assert headers.number(different[0], 7) == 0
    with pytest.raises(UnreadableFileError, match="the file has more than 50 different headers") as rejection:
        headers.number(different[-1], 8)
    assert rejection.value.row == 8
