"""Records: blanks beside quotation marks, and what cannot be split."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_text import SWALLOWING, Record, Shape, split_records

TOO_LONG = "a cell is longer than 131,072 characters: probably a quotation mark is missing"
UNMATCHED = "the quotation marks of this row do not match (',' expected after '\"')"


def records(text: str, delimiter: str = ",") -> list[Record]:
    position, lines = 0, []
    for line in text.splitlines(keepends=True):
        position += len(line.encode())
        lines.append((line, position))
    return [*split_records(lines, delimiter)]


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
