"""Rows: their cells by name, what is wrong with them, and where an invoice begins."""

import pytest

from invoicing.uploads.csv_header import Header, Sheet
from invoicing.uploads.csv_invoices import Rules
from invoicing.uploads.csv_rows import Headers, Place, Problem, Row, Runs, read_rows
from invoicing.uploads.csv_text import SWALLOWING, Record, Shape, split_records

NAMES = ["invoice_number", "customer_id", "issue_date", "currency", "description", "quantity", "unit_price", "tax_rate"]
HEADER = Header.of(NAMES)
VALID = ["I-1", "C-1", "2026-11-01", "EUR", "Thing", "2", "10.50", "19"]
SHORTENED = "a spreadsheet has shortened it, and other numbers look the same now; format the column as text"


def a_row(*, header: Header = HEADER, number: int = 2, **cells: str) -> Row:
    values = dict(zip(NAMES, VALID, strict=True)) | cells
    return Row(Record(number, 0, [*values.values()]), header, 0)


def test_headers_are_numbered_as_they_come() -> None:
    headers = Headers([HEADER])
    other = Header.of(NAMES[::-1])

    assert [headers.number(header, 5) for header in (HEADER, other, HEADER, other)] == [0, 1, 0, 1]
    assert headers.names() == [
        [name.replace("_", "") for name in NAMES],
        [name.replace("_", "") for name in NAMES[::-1]],
    ]


def test_a_row_has_cells_by_name() -> None:
    row = Row(Record(7, 30, [" I-1 ", "C"]), HEADER, 1)

    assert row.cells() == {"invoice_number": "I-1", "customer_id": "C"}
    assert (row.raw("invoice_number"), row.raw("tax_rate"), row.raw("discount")) == (" I-1 ", "", "")
    assert row.place == Place(30, 7, 1, -1)


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (a_row(), []),
        (a_row(invoice_number="I-1+2", customer_id="é"), []),
        (Row(Record(2, 0, [*VALID, " ", "NULL"]), HEADER, 0), []),
        (
            Row(Record(2, 0, [*VALID, "x"]), HEADER, 0),
            [("", "", "the row has more cells than the header, which has 8")],
        ),
        (Row(Record(2, 0, VALID[:1], "torn"), HEADER, 0), [("", "", "torn")]),
        (
            a_row(header=Header.of(NAMES[1:])),
            [("", "", "the header lacks these columns: invoice_number (the header above this row)")],
        ),
        (
            a_row(invoice_number="1E+11"),
            [("invoice_number", "1E+11", SHORTENED)],
        ),
        (a_row(invoice_number="1.5E-07"), [("invoice_number", "1.5E-07", SHORTENED)]),
        (a_row(invoice_number="1234567890123451"), []),
        (
            a_row(customer_id="A②"),
            [("customer_id", "A②", "contains ②, which would be compared as digits; write digits")],
        ),
    ],
)
def test_what_is_wrong_with_a_row_as_such(row: Row, problems: list[tuple[str, str, str]]) -> None:
    assert row.problems(Rules()) == [Problem(*problem) for problem in problems]


def test_digits_may_have_been_cut_unless_another_number_of_the_column_shows_that_they_were_not() -> None:
    row = a_row(invoice_number="1234567890123450", customer_id="12345678901234500")

    assert [problem.column for problem in row.problems(Rules())] == ["invoice_number", "customer_id"]
    uncut = Rules(uncut=frozenset({"customer_id 17", "invoice_number 17"}))
    assert [problem.column for problem in row.problems(uncut)] == ["invoice_number"]
    assert row.problems(Rules())[0].reason == (
        "a spreadsheet has probably cut it: it keeps 15 digits, and no other number of this column with as many digits "
        "has others than 0 after them; format the column as text"
    )


def begun(*rows: Row) -> list[bool]:
    runs = Runs()
    return [runs.begins(row) for row in rows]


@pytest.mark.parametrize(
    ("number", "customer", "begins"),
    [
        ("I-1", "C-1", False),
        ("I-1", "C-2", False),
        ("I\u20111", "", False),
        (" I-1", "C-1", False),
        ("I-1\u200b", "", False),
        ("", "", False),
        ("NULL", "-", False),
        ("", "C-1", False),
        ("", "C-2", False),
        ("I-2", "C-1", True),
        ("i-1", "C-1", False),
    ],
)
def test_a_row_begins_an_invoice_if_it_contradicts_the_one_above(number: str, customer: str, *, begins: bool) -> None:
    assert begun(a_row(), a_row(invoice_number=number, customer_id=customer)) == [True, begins]


def test_the_first_row_begins_an_invoice_even_without_a_number() -> None:
    assert begun(a_row(invoice_number=""), a_row(invoice_number="")) == [True, False]
    assert begun(a_row(invoice_number="NULL"), a_row()) == [True, True]


def test_a_run_knows_whether_only_a_header_is_above_it() -> None:
    runs, lacking = Runs(), Header.of(NAMES[:-1])
    below = a_row()._replace(is_first=True)
    rows = (a_row(), below, a_row(), a_row(invoice_number="I-2"), below, a_row(header=lacking), below)

    assert [(runs.number, runs.key, runs.continues) for row in rows if runs.begins(row)] == [
        ("I-1", "i-1", False),
        ("I-1", "i-1", True),
        ("I-2", "i-2", False),
        ("I-1", "i-1", False),
        ("I-1", "i-1", False),
        ("I-1", "i-1", False),
    ]


def test_rows_without_a_number_count_to_the_invoice_above_whatever_their_customer_is() -> None:
    nameless = [a_row(invoice_number="", customer_id=customer) for customer in ("", "C-1", "C-2", "")]

    assert begun(a_row(), *nameless) == [True, False, False, False, False]


def test_below_another_header_a_run_begins_unless_its_first_row_has_no_number() -> None:
    first, nameless = a_row()._replace(is_first=True), a_row(invoice_number="")._replace(is_first=True)

    assert begun(a_row(), first, a_row(), nameless, a_row()) == [True, True, False, False, False]


def test_an_invoice_goes_on_below_a_header_but_not_below_or_above_one_that_lacks_columns() -> None:
    swapped, lacking = Header.of(NAMES[::-1]), Header.of(NAMES[:-1])
    below = Row(Record(3, 0, VALID[::-1]), swapped, 1)

    assert begun(a_row(), below, a_row()) == [True, False, False]
    assert begun(a_row(), a_row(header=lacking), a_row(header=lacking), a_row()) == [True, True, False, True]


MIXED = Header.of(["description", *NAMES[:4], *NAMES[5:]])
"""A header in which the number is the second column."""


def mixed(*cells: str, doubt: int = 0, problem: str | None = None, number: int = 7) -> Row:
    return Row(Record(number, 0, [*cells], problem), MIXED, 0, doubt)


@pytest.mark.parametrize(
    ("cells", "hides", "doubt"),
    [
        (["Thing", "I-1", "C-1", "d", "EUR", "2", "1", "19"], False, 0),
        (["Rope", " 12 mm", "I-1", "C-1", "d", "EUR", "2", "1", "19"], True, 7),
        (["Thing", "I-1", "C-1", "d", "EUR", "2", "1", "19", " "], False, 0),
        (["I-1", "C-1", "d", "EUR", "2", "1", "19"], True, 7),
        (["C-1", "d", "EUR", "2", "1", "19"], True, 7),
        (["d", "EUR", "2", "1", "19"], False, 7),
        (["Region North"], False, 0),
        (["Region North", ""], False, 0),
        (["North", "South"], False, 7),
        (["I-1,C-1,d"], False, 0),
        (["x", "I-1,C-1"], True, 7),
        (["x", "I-1;C-1"], True, 7),
        (["x", "I-1\tC-1"], True, 7),
    ],
)
def test_a_row_whose_cells_may_be_in_wrong_columns_hides_its_number(
    cells: list[str], *, hides: bool, doubt: int
) -> None:
    row = mixed(*cells)

    assert row.hides_number == hides
    assert row.doubt_below == doubt
    assert row.identifier("invoice_number") == ("" if hides else row.raw("invoice_number"))


@pytest.mark.parametrize("cells", [["I-1", "x", "more", *VALID], VALID[:7], VALID[:6], VALID[:3]])
def test_a_number_in_the_first_column_is_known_whatever_follows(cells: list[str]) -> None:
    row = Row(Record(2, 0, cells), HEADER, 0)

    assert not row.hides_number
    assert row.identifier("invoice_number") == "I-1"
    assert row.doubt_below == (0 if len(cells) > 7 else 2)


@pytest.mark.parametrize(
    ("cells", "hides", "doubt"),
    [(["I-1", "C-1"], False, 0), ([], True, 2), ([""], True, 2), (["I-1,C-1,d", "x"], True, 2), (["I-1"], False, 0)],
)
def test_the_number_of_a_torn_row_is_one_without_delimiters(cells: list[str], *, hides: bool, doubt: int) -> None:
    row = Row(Record(2, 0, cells, "torn"), HEADER, 0)

    assert (row.hides_number, row.doubt_below) == (hides, doubt)


@pytest.mark.parametrize(
    ("cells", "problem", "doubt"),
    [
        (VALID, None, 0),
        (VALID, "torn", 3),
        (['I-1"', *VALID[1:]], None, 3),
        (["2-Nov", *VALID[1:]], None, 3),
        ([*VALID[:4], 'end"', *VALID[5:]], None, 3),
        ([*VALID[:4], 'a "b" c', *VALID[5:]], None, 0),
        (VALID[:5], None, 3),
    ],
)
def test_a_doubt_ends_below_a_sound_row(cells: list[str], problem: str | None, doubt: int) -> None:
    assert Row(Record(4, 0, [*cells], problem), HEADER, 0, 3).doubt_below == doubt


def test_a_row_in_doubt_is_rejected_and_can_be_gone_on_from() -> None:
    row = Row(Record(4, 99, VALID), HEADER, 5, 3)

    assert row.place == Place(99, 4, 5, doubt=3)
    (problem,) = row.problems(Rules())
    assert problem == ("", "", "row 3 above is damaged, and may be a part of this row or its invoice")


def sheet(*texts: str, header: Header = HEADER) -> Sheet:
    position, lines = 0, []
    for text in "".join(f"{text}\n" for text in texts).splitlines(keepends=True):
        position += len(text)
        lines.append((text, position))
    shape = Shape(header.last_required)
    return Sheet(",", header, split_records(lines, ",", 0, 2, shape), shape=shape)


def doubts(*texts: str, doubt: int = 0) -> list[int]:
    return [row.doubt for row in read_rows(sheet(*texts), Headers([HEADER]), doubt=doubt)]


GOOD = ",".join(VALID)


def test_doubts_go_from_row_to_row() -> None:
    assert doubts(GOOD, '"x" y,1', GOOD, GOOD) == [0, 0, 3, 0]
    assert doubts(GOOD, 'I-1,"C-1" x', GOOD, GOOD) == [0, 0, 0, 0]
    assert doubts(GOOD, 'I-1,"C-1" x', GOOD.replace("Thing", 'end"'), GOOD) == [0, 0, 3, 3]
    assert doubts(GOOD.replace("Thing", '24"'), GOOD) == [0, 0]
    assert doubts(GOOD, GOOD, doubt=9) == [9, 0]
    assert doubts(GOOD, "I-1,C-1", GOOD, GOOD) == [0, 0, 3, 0]


def test_a_header_below_says_how_long_a_row_is() -> None:
    """GIVEN a wide header, and a narrow one below THEN a swallowed row is noticed by the narrow one."""
    wide = Header.of([*["x"] * 20, *NAMES])
    swallowing = 'I-1,C-1,2026-11-01,EUR,"Rope,2,10.50,20\nI-2,C-1,2026-11-01,EUR,Cup",3,10.50,20'

    rows = [*read_rows(sheet(",".join(NAMES), swallowing, header=wide), Headers([wide]))]

    assert [row.record.row for row in rows] == [3, 4]
    assert rows[0].torn == SWALLOWING
    assert rows[1].record.cells[4] == 'Cup"'


@pytest.mark.parametrize(
    ("names", "surplus", "wide"),
    [
        (NAMES, [], False),
        (NAMES, [""], False),
        (NAMES, [" ", "NULL"], False),
        (NAMES, ["", "x"], True),
        ([*NAMES, "discount"], [], False),
        ([*NAMES, "discount"], ["5"], False),
        ([*NAMES, "discount"], ["5", ""], True),
        ([*NAMES, "x"], ["5", ""], True),
        ([*NAMES, ""], ["", ""], True),
    ],
)
def test_a_row_is_wide_if_cells_may_be_in_wrong_columns(names: list[str], surplus: list[str], *, wide: bool) -> None:
    row = Row(Record(2, 0, [*VALID, *surplus]), Header.of(names), 0)

    assert row.is_wide == wide
    assert len(row.problems(Rules())) == wide


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"quantity": " 2"}, "quantity"),
        ({"unit_price": " 10.50"}, "unit_price"),
        ({"tax_rate": " 19"}, "tax_rate"),
        ({}, ""),
        ({"quantity": "2 "}, ""),
        ({"quantity": " 2 "}, ""),
        ({"quantity": " 2", "unit_price": " 10.50"}, ""),
        ({"quantity": " 2", "description": "Thing "}, ""),
        ({"description": " Thing"}, ""),
    ],
)
def test_a_number_may_be_the_rest_of_a_text(cells: dict[str, str], column: str) -> None:
    values = [*(dict(zip(NAMES, VALID, strict=True)) | cells).values()]
    row = Row(Record(2, 0, values), Header.of([*NAMES, "discount"]), 0)

    assert row.cut_at == column
    assert [problem.column for problem in row.problems(Rules())] == ([column] if column else [])
    assert Row(Record(2, 0, values), HEADER, 0).cut_at == ""
    assert Row(Record(2, 0, [*VALID, " 5"]), Header.of([*NAMES, "discount"]), 0).cut_at == "discount"
