"""Records and rows: blanks beside quotation marks, headers further down, and where an invoice begins."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_header import MAX_COLUMNS, Header, Sheet, glued_header, normalized, repeated_header
from invoicing.uploads.csv_invoices import Rules
from invoicing.uploads.csv_rows import Headers, Place, Problem, Row, Runs, read_rows
from invoicing.uploads.csv_text import SWALLOWING, Record, Shape, split_records

NAMES = ["invoice_number", "customer_id", "issue_date", "currency", "description", "quantity", "unit_price", "tax_rate"]
HEADER = Header.of(NAMES)
VALID = ["I-1", "C-1", "2026-11-01", "EUR", "Thing", "2", "10.50", "19"]
SHORTENED = "a spreadsheet has shortened it, and other numbers look the same now; format the column as text"
TOO_LONG = "a cell is longer than 131,072 characters: probably a quotation mark is missing"
UNMATCHED = "the quotation marks of this row do not match (',' expected after '\"')"


def records(text: str, delimiter: str = ",") -> list[Record]:
    position, lines = 0, []
    for line in text.splitlines(keepends=True):
        position += len(line.encode())
        lines.append((line, position))
    return [*split_records(lines, delimiter)]


def a_row(*, header: Header = HEADER, number: int = 2, **cells: str) -> Row:
    values = dict(zip(NAMES, VALID, strict=True)) | cells
    return Row(Record(number, 0, [*values.values()]), header, 0)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('a, "b, c" ,d', ["a", "b, c", "d"]),
        ('"a" ,"b"\t, "c"', ["a", "b", "c"]),
        (' "a"', ["a"]),
        ('"a" \r\n', ["a"]),
        ('a, "b ""c"" d" ', ["a", 'b "c" d']),
        ('a,"b\nc" , "d\n\ne"', ["a", "b\nc", "d\n\ne"]),
        ('a,\u00a0"b, c"\u00a0', ["a", "b, c"]),
        ('5 " pipe,6" pipe', ['5 " pipe', '6" pipe']),
        ('x "y",z', ['x "y"', "z"]),
        (' a , "" ', [" a ", ""]),
        ('a, ""', ["a", ""]),
    ],
)
def test_blanks_may_be_on_both_sides_of_quotation_marks(text: str, cells: list[str]) -> None:
    (record,) = records(text)

    assert (record.cells, record.problem, record.end) == (cells, None, len(text.encode()))


@pytest.mark.parametrize(
    ("text", "cells", "problem"),
    [
        ('a, "b" c,d\ne,f', ["a"], UNMATCHED),
        ('a,"b" c ,d\ne,f', ["a"], UNMATCHED),
        (
            'a, "b',
            ["a", ' "b'][:1],
            "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing",
        ),
        (
            f'a, "{"x" * 131_073}",d\ne,f',
            ["a"],
            TOO_LONG,
        ),
    ],
    ids=["text-after", "text-after-without-blank-before", "cut-off", "too-long"],
)
def test_a_record_that_cannot_be_split_has_a_problem_and_the_next_one_is_read(
    text: str, cells: list[str], problem: str
) -> None:
    first, *rest = records(text)

    assert first.problem == problem
    assert first.cells[:1] == cells
    assert [record.cells for record in rest] == ([["e", "f"]] if "\n" in text else [])


def test_records_after_one_that_is_split_twice_begin_where_they_do() -> None:
    text = 'a,"b\nc" , "d"\nsecond,x\n"e" f, "g"\nthird,y\n'

    found = records(text)

    contents = [text.encode()[record.start : record.end].decode() for record in found]
    assert contents == ['a,"b\nc" , "d"\n', "second,x\n", '"e" f, "g"\n', "third,y\n"]
    assert [record.row for record in found] == [1, 2, 3, 4]


CELL = st.text(st.sampled_from('ab",; \t\n'), max_size=6)


@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=4), delimiter=st.sampled_from(",;\t"))
def test_quoted_cells_read_back_whatever_blanks_are_around_them(rows: list[list[str]], delimiter: str) -> None:
    blanks = ["", " ", "\u00a0", "  "]

    def written(cell: str, number: int) -> str:
        quoted = cell.replace('"', '""')
        return f'{blanks[number % 4]}"{quoted}"{blanks[number // 4 % 4]}'

    text = "".join(
        delimiter.join(written(cell, len(cell) + 3 * column) for column, cell in enumerate(row)) + "\n" for row in rows
    )

    assert [record.cells for record in records(text, delimiter)] == rows


@given(text=st.text(st.sampled_from('ab",\n'), max_size=30))
def test_without_blanks_records_are_those_of_pythons_reader(text: str) -> None:
    expected: list[list[str]] = []
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        expected.extend(reader)
    except csv.Error:
        return

    assert [record.cells for record in records(text)] == expected


@pytest.mark.parametrize(
    "name",
    [
        "Invoice Number",
        "INVOICE-NUMBER",
        "*invoice_number",
        "\ufeffInvoice\u00a0Number",
        "invoice\u2011number",
        "invoice\u200bnumber",
    ],
)
def test_names_of_columns_are_matched_loosely(name: str) -> None:
    assert normalized(name) == "invoicenumber"


def test_a_header_knows_its_columns_and_what_it_lacks() -> None:
    assert Header.of(["x", *NAMES]).index["invoice_number"] == 1
    assert Header.of(["Tax Rate", *NAMES]).index["tax_rate"] == 0
    assert HEADER.problem is None
    assert Header.of(NAMES[1:-1]).problem == "the header lacks these columns: invoice_number, tax_rate"
    repeated = "the header has these columns more than once: currency, tax_rate"
    assert Header.of([*NAMES, "TAX RATE", "currency", "x", "x"]).problem == repeated


@pytest.mark.parametrize(
    ("cells", "is_header"),
    [
        (NAMES, True),
        (NAMES[::-1], True),
        (NAMES[:3], True),
        (NAMES[:2], False),
        (VALID, False),
        ([*NAMES[:5], "7", "unit_price", "tax_rate"], True),
        ([*NAMES[:5], "v2 quantity", "unit_price", "tax_rate"], True),
        (["I-1", "C-1", "2026-11-01", "EUR", "currency", "7", "10.50", "20"], False),
        ([""] * MAX_COLUMNS + NAMES[:3], False),
    ],
)
def test_a_header_further_down_is_a_record_of_names(cells: list[str], *, is_header: bool) -> None:
    found = repeated_header(Record(9, 0, cells), HEADER)

    assert found == (Header.of(cells) if is_header else None)
    assert repeated_header(Record(9, 0, cells, "torn"), HEADER) == (Header(()) if is_header else None)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{name}2" for name in NAMES],
        [f"{name}.1" for name in NAMES],
        ["a2", *(f"{name}2" for name in NAMES[1:4]), "x", "y", "z", "w"],
    ],
)
def test_counted_names_are_a_header_that_nothing_can_be_read_by(cells: list[str]) -> None:
    found = repeated_header(Record(9, 0, cells), HEADER)

    assert found is not None
    assert (found.problem or "").startswith("the header lacks these columns")


def test_a_header_that_follows_a_row_in_its_line_hides_what_is_below() -> None:
    assert glued_header(Record(9, 0, [*VALID[:-1], "20invoice_number", *NAMES[1:]]), HEADER) == Header(())
    assert glued_header(Record(9, 0, [*VALID, "customer_id", "currency"]), HEADER) is None
    assert glued_header(Record(9, 0, NAMES), HEADER) is None


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
    ("text", "swallows"),
    [
        ('a,b,c,d,"e,f,g,h\na,b,c,d,e",f,g,h', True),
        ('a,b,c,d,"e,f,g,h\nx\na,b,c,d,e",f,g,h', True),
        ('a,b,c,d,"e,f,g\na,b,c,d,e",f,g,h', False),
        ('a,b,c,d,"e,f,g,h\na,b,c,e",f,g,h', False),
        ('"a,b,c,d,e,f,g,h\na",b,c,d,e,f,g,h', True),
        ('a,b,c,d,e,f,g,"h\na,b,c,d,e,f,g,h"', True),
        ('a,b,c,d,"e,f,g,h and a,b,c,d,e",f,g,h', False),
        ('a,b,c,d,"e,f,g,h\r\na,b,c,d,e",f,g,h', True),
        ('a,b,"c,d,e,f,g,h\na,b,c,d,e",f,g,h', True),
        ('a,b,c,d,e,"f,g,h\na,b,c,d,e",f,g,h', False),
    ],
)
def test_a_cell_that_looks_like_two_rows_is_one_that_misses_a_quotation_mark(text: str, *, swallows: bool) -> None:
    lines = text.splitlines(keepends=True)
    ends = [sum(map(len, lines[: index + 1])) for index in range(len(lines))]

    first, *others = split_records(zip(lines, ends, strict=True), ",", shape=Shape(7))

    assert first.problem == (SWALLOWING if swallows else None)
    assert len(others) == (len(lines) - 1 if swallows else 0)
    assert first.end == (ends[0] if swallows else ends[-1])
    assert [record.start for record in others] == (ends[:-1] if swallows else [])
    for unknown in (None, Shape()):
        assert not next(split_records(zip(lines, ends, strict=True), ",", shape=unknown)).problem


@pytest.mark.parametrize(("count", "ends"), [(64, False), (65, True)])
def test_a_file_ends_where_too_many_lines_have_quotation_marks_that_do_not_match(count: int, *, ends: bool) -> None:
    """GIVEN lines that close a quotation mark and open another one THEN they are not read again without end."""
    lines = ["ok\n", *['a","b\n'] * count, '"x" y"\n']
    lines[1] = '"b\n'
    source = [(line, sum(map(len, lines[: index + 1]))) for index, line in enumerate(lines)]

    def read() -> list[Record]:
        return [*split_records(source, ",")]

    if not ends:
        assert len(read()) == count + 2
        return
    with pytest.raises(UnreadableFileError, match="do not match from row 2 on: probably one is missing") as failure:
        read()
    assert failure.value.row == 2


def test_a_row_has_a_digit_in_its_quantity_wherever_that_is() -> None:
    first = Header.of(["quantity", *(name for name in NAMES if name != "quantity")])
    looks_like_names = Record(3, 0, ["2", "Currency", "Description", "2026-11-01", "EUR", "Discount", "10.50", "20"])
    assert repeated_header(looks_like_names, first) is None
    assert repeated_header(Record(3, 0, ["x", *looks_like_names.cells[1:]]), first)
    without = Header.of(["customer_id", "currency", "description"])

    assert repeated_header(Record(3, 0, ["invoice_number", "customer_id", "field 2", "currency"]), without)
    assert repeated_header(Record(3, 0, ["invoice_number", "field 2", "customer_id", "currency"]), without)


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge", "Preis", "Steuer"], True),
        (["Nr 1", "Kunde", "Datum", "Waehrung", "Text", "Menge", "Preis", "Steuer", "x"], True),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge", "Preis 2", "Steuer"], True),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge 1", "Preis 2", "Steuer"], False),
        (["Nr", "Kunde", "Datum 1", "Waehrung", "Text", "Menge", "Preis", "Steuer"], False),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge", "menge", "Steuer"], True),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge", "Preis", "%"], True),
        (["Nr", "Kunde", "Datum", "Waehrung", "", "Menge", "Preis", "Steuer"], True),
        (["Nr", "", "Datum", "", "", "", "Preis", "Steuer"], False),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "N/A", "Preis", "Steuer"], True),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "N/A", "N/A", "Steuer"], False),
        (["Nr", "Kunde", "----", "Waehrung", "Text", "Menge", "Preis", "Steuer"], False),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge", "Preis"], False),
        (["text", "text", "date", "text", "text", "number", "number", "number"], False),
    ],
)
def test_a_record_of_words_names_columns_that_are_not_known(cells: list[str], *, names: bool) -> None:
    found = repeated_header(Record(3, 0, cells), HEADER)

    assert (found is not None) == names
    assert found is None or (found.problem or "").startswith("the header lacks these columns: invoice_number")
    assert repeated_header(Record(3, 0, cells), Header.of(NAMES[1:])) is None


def test_a_header_below_has_no_more_columns_than_the_first() -> None:
    most = [*NAMES, *["x"] * (MAX_COLUMNS - len(NAMES))]

    assert repeated_header(Record(3, 0, most), HEADER)
    assert repeated_header(Record(3, 0, [*most, "x"]), HEADER) is None


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


def test_a_row_is_as_long_as_its_last_required_column() -> None:
    assert HEADER.last_required == 7
    assert Header.of([*NAMES, "discount", "x"]).last_required == 7
    assert Header.of(["x", *reversed(NAMES), "due_date"]).last_required == 8
    assert Header.of(NAMES[1:]).last_required == 0
