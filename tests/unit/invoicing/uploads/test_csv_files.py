"""A CSV file as a whole: how its header is found, what is rejected, what is read before damage; memory stays flat."""

import codecs
import gzip
import io
import tracemalloc
from typing import Any

import pytest

from invoicing.uploads import csv_header, csv_text
from invoicing.uploads.csv_bytes import UnreadableFileError, open_lines
from invoicing.uploads.csv_file import CsvFile
from invoicing.uploads.csv_header import Header, Sheet, read_sheet, resume_sheet
from invoicing.uploads.csv_text import Record
from invoicing.uploads.deadline import Deadline
from invoicing.uploads.survey import Findings
from tests.data.csv_reading import Kept, byte_stream, read, stream

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
ROW = "0001,C-1,2026-11-01,EUR,Thing,2,10.50,19"
ENDLESS = ('","' + "y" * 100 + "\n") * 15_000
"""After a quotation mark: one cell of more than a million characters that has no end."""


def sheet(data: bytes | str) -> Sheet:
    raw = data.encode() if isinstance(data, str) else data
    return read_sheet(open_lines(byte_stream(raw)))


def header_of(data: bytes | str) -> list[str]:
    return [*sheet(data).header.names]


def rejection(data: bytes | str, **metadata: str) -> str:
    with pytest.raises(UnreadableFileError) as failure:
        read(data, **metadata)
    return str(failure.value)


NAMES = ["invoicenumber", "customerid", "issuedate"]
LACKS = "the header lacks these columns"
REPEATS = "the header has these columns more than once"
UNMATCHED = "the quotation marks of this row do not match (',' expected after '\"')"


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("invoice number,x,customer id,issue date\n", ["invoicenumber", "!x", "customerid", "issuedate"], []),
        ("x;y\nissue_date\nINVOICE_NUMBER;Customer-Id;issue date\na;b;c\n", NAMES, [4]),
        ("invoice_number;customer_id;issue_date\ninvoice_number,customer_id,issue_date\n", NAMES, [2]),
        ("invoice_number,customer_id,issue_date\ninvoice_number;customer_id;issue_date\n", NAMES, [2]),
        ("invoice_number,customer_id,issue_date\nissue_date,customer_id,invoice_number\n", NAMES, [2]),
        ("invoice_number,customer_id,currency\n" + ",".join([*NAMES, "currency"]) + "\n", [*NAMES, "currency"], []),
        ('invoice_number,customer_id,issue_date,"due"_date\ninvoice number,customer id,issue date\n', NAMES, []),
        ("\n" * 49 + "invoice_number,customer_id,issue_date", NAMES, []),
    ],
    ids=["three", "most", "first-of-two", "comma-first", "same-twice", "more-below", "bad-quotes", "fiftieth-line"],
)  # fmt: skip
def test_the_header_is_the_first_record_with_most_known_names(text: str, header: list[str], rows: list[int]) -> None:
    parsed = sheet(text)

    assert [*parsed.header.names] == header
    assert [record.row for record in parsed.records] == rows


def test_the_first_complete_header_counts_even_if_a_fuller_one_is_below() -> None:
    parsed = sheet(f"{HEADER},x\n{ROW}\n{HEADER},customer_name\n")

    assert (len(parsed.header.names), parsed.header.names[8]) == (9, "!x")
    assert [record.row for record in parsed.records] == [2, 3]


NEAREST = (
    "no header row with the names of the columns was found in the first 50 lines; row {} comes nearest: it has "
    "customer_id, invoice_number, and lacks issue_date, currency, description, quantity, unit_price, tax_rate"
)
NOTHING_NEAR = (
    "no header row with the names of the columns was found in the first 50 lines; is this a CSV file? It needs these "
    "columns: invoice_number, customer_id, issue_date, currency, description, quantity, unit_price, tax_rate"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\ninvoice_number,customer_id,x\n", NEAREST.format(2)),
        ("x\n" * 50 + "invoice_number,customer_id,issue_date", NOTHING_NEAR),
        ("\n" * 50 + HEADER, NOTHING_NEAR),
        ('"invoice_number",customer_id,issue_date,"due"_date\n', NOTHING_NEAR),
    ],
    ids=["two-names", "line-51", "blank-above-line-51", "wrong-quotes"],
)
def test_a_file_without_a_header_is_rejected_with_what_comes_nearest(text: str, reason: str) -> None:
    assert rejection(text) == reason


def test_the_header_is_looked_for_in_a_bounded_number_of_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    assert csv_text.MAX_RECORD == 1 << 20
    monkeypatch.setattr(csv_header, "MAX_RECORD", 120)

    name = "invoice_number,customer_id,issue_date"

    assert header_of("x" * 59 + "\n" + "y" * 58 + "\n" + name) == NAMES
    assert rejection("x" * 59 + "\n" + "y" * 59 + "\n" + name).startswith("no header row")


@pytest.mark.parametrize(
    ("line", "delimiter", "row"),  # a spreadsheet that obeys the line does not show it
    [
        ("sep=;\n", ";", 2), ('"SEP=,"\r\n', ",", 2), ("sep=\t\r\n", "\t", 2), (" sep=; \r", ";", 2),
        ("sep=\r\n", ",", 3), ("sep=,;\n", ",", 3), ("x sep=;\n", ",", 3),
    ],
)  # fmt: skip
def test_a_first_line_may_name_the_delimiter(line: str, delimiter: str, row: int) -> None:
    names = ["invoice_number", "customer_id", "issue_date"]

    parsed = sheet(line + delimiter.join(names) + "\n" + delimiter.join("abc"))

    assert (parsed.delimiter, [*parsed.header.names]) == (delimiter, NAMES)
    assert [record.row for record in parsed.records] == [row]


def test_a_first_line_that_names_another_delimiter_is_rejected_with_the_known_ones() -> None:
    reason = "its first line names '|' as the delimiter; use , or ; or a tab"
    assert rejection("sep=|\ninvoice_number|customer_id|issue_date\n") == reason


@pytest.mark.parametrize("first", ["", "sep=,\n"], ids=["header", "sep"])
def test_every_record_has_the_position_where_it_begins(first: str) -> None:
    text = f'{first}invoice_number,customer_id,issue_date\r\n1,"é\nx",2\r\n,,\r\n3,4,5\r\n'
    positions = [text.encode().index(cells) for cells in (b'1,"', b"3,4")]
    between = text.encode().index(b",,")
    records = [
        Record(2, positions[0], ["1", "é\nx", "2"], None, between),
        Record(4, positions[1], ["3", "4", "5"], None, len(text.encode())),
    ]
    assert list(sheet(text).records) == records
    lines = open_lines(io.BufferedReader(io.BytesIO(text.encode()[positions[0] :])))  # type: ignore[arg-type]
    lines.position = positions[0]

    resumed = resume_sheet(lines, ",", Header(tuple(NAMES)), 2)

    assert (resumed.delimiter, resumed.header.names, list(resumed.records)) == (",", tuple(NAMES), records)


def test_a_resumed_file_knows_the_shape_of_its_rows() -> None:
    """A quoted cell that looks like two rows is one only below a header with fewer columns."""
    rows = f"{ROW.replace('Thing', chr(34) + 'Rope')}\n{ROW.replace('Thing', 'Cup' + chr(34))}\n"

    def resumed() -> Sheet:
        lines = open_lines(byte_stream(rows.encode()))
        return resume_sheet(lines, ",", Header.of(HEADER.split(",")), 2)

    assert [record.problem for record in resumed().records] == [csv_text.SWALLOWING, None]
    below_another_header = resumed()
    below_another_header.shape.delimiters = 0
    assert [record.problem for record in below_another_header.records] == [None]


@pytest.mark.parametrize(
    ("torn", "cells", "problem"),
    [
        ('a,"b ""c""","d"e,f', ["a", 'b "c"'], UNMATCHED),
        ('"a;b",c,"d"e', ["a;b", "c"], UNMATCHED),
        (
            f"a,{'x' * 131_073},b",
            ["a"],
            "a cell is longer than 131,072 characters: probably a quotation mark is missing",
        ),
        ('a,b,"c', ["a", "b"], "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing"),
    ],
    ids=["doubled", "first", "long", "cut-off"],
)
def test_the_cells_before_a_wrong_quotation_mark_are_kept(torn: str, cells: list[str], problem: str) -> None:
    start = len(HEADER) + 1
    (record,) = sheet(f"{HEADER}\n{torn}").records
    assert record[:5] == Record(2, start, cells, problem, start + len(torn))[:5]
    assert torn.endswith(record.rest)
    assert record.rest[:2] in {'"d', "xx", '"c'}


def test_a_cell_may_be_as_long_as_the_reader_allows() -> None:
    longest = "x" * 131_072

    (record,) = sheet(f"{HEADER}\n{longest},{longest}").records

    assert record.cells == [longest, longest]


def test_a_record_may_be_as_long_as_the_limit_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "MAX_RECORD", len(HEADER) + 1)
    long = 'a,"' + "b\n" * 30
    fits = long + "c" * (len(HEADER) - len(long) - 1) + '"\n'
    assert [record.row for record in sheet(f"{HEADER}\n{fits}{fits}{fits}").records] == [2, 3, 4]
    reason = "row 3 does not end within a million characters: probably a quotation mark is missing"

    assert rejection(f"{HEADER}\n{fits}{fits.replace('c', 'cc', 1)}", ignore_text="yes") == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("rate", ""), f"{LACKS}: tax_rate (row 1)"),
        ("Export\n\n" + ",".join(HEADER.split(",")[:6]), f"{LACKS}: unit_price, tax_rate (row 3)"),
        (f"{HEADER},Tax Rate,customer-id", f"{REPEATS}: customer_id, tax_rate (row 1)"),
        (f"{HEADER}{',x' * 993}", "the header has 1001 columns; at most 1000 are allowed"),
        (" \n\t" + "\n" * 47, "the file is empty"),
    ],
    ids=["lacks-one", "lacks-two", "twice", "wide", "blank"],
)  # fmt: skip
def test_an_impossible_header_is_rejected_with_the_reason(header: str, reason: str) -> None:
    assert rejection(f"{header}\n") == reason


@pytest.mark.parametrize(("names", "reason"), [(2, "a line of more than a million"), (3, "the header lacks these")])
def test_damage_is_the_reason_unless_the_header_is_above_it(names: int, reason: str) -> None:
    above = ",".join(HEADER.split(",")[:names])
    assert reason in rejection(f"{above}\n{'x' * 2_000_000}")


def test_a_header_may_have_as_many_columns_as_the_limit() -> None:
    assert len(header_of(f"{HEADER}{',x' * 992}\n")) == 1000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "contains NUL bytes"),
        (b"x" * 2_000_000, "a line of more than a million characters"),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode() * 900)[:-20], "damaged or cut off"),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode() * 9000)[:100] + b"\xff" * 9000, "damaged or cut off"),
        ("a,b,c\n".encode("utf-16")[:-1] + b"\xd8", "damaged or cut off"),
        (b"\x1f\x8bno gzip", "damaged or cut off"),
        (f'{HEADER}\n{ROW}\n0002,"'.encode() + ENDLESS.encode(), "row 3 does not end within a million"),
    ],
    ids=[
        "empty",
        "png",
        "one-line",
        "cut-gzip",
        "bad-gzip",
        "utf-16",
        "no-gzip",
        "endless-record",
    ],
)
def test_other_files_are_rejected_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read(data)


@pytest.mark.parametrize("rows", [0, 3, 100], ids=["at-once", "among-the-first-lines", "further-down"])
@pytest.mark.parametrize("damage", ["x" * 2_000_000, '0001,"' + ENDLESS], ids=["line", "record"])
def test_damage_is_reported_with_its_row_and_rows_before_it_are_read(rows: int, damage: str) -> None:
    first_rows: list[int] = []
    numbers = [ROW.replace("0001", f"{number:04d}") for number in range(1, rows + 1)]

    with pytest.raises(UnreadableFileError) as failure:
        first_rows.extend(invoice.first for invoice in stream("\n".join(["", HEADER, *numbers, damage])))

    assert failure.value.row == rows + 3
    assert first_rows == list(range(3, rows + 2))  # without the last one, which might go on


@pytest.mark.parametrize("rows", [1, 3, 100, 1000])
@pytest.mark.parametrize(
    ("end", "lost"),
    [(b"\n", 1), (b"\n\x00\x00\xd8\x00\x00\n\x00", 0), (b"\n\x00\x00\xd8", 0)],
    ids=["half-a-letter", "surrogate", "half-a-pair"],
)
def test_rows_before_damage_are_read_of_utf_16_too(rows: int, end: bytes, lost: int) -> None:
    first_rows: list[int] = []
    numbers = [ROW.replace("0001", f"{number:04d}") for number in range(1, rows + 1)]
    data = codecs.BOM_UTF16_LE + "\n".join([HEADER, *numbers]).encode("utf-16-le") + end

    with pytest.raises(UnreadableFileError, match="it contains bytes that are not UTF-16") as error:
        first_rows.extend(invoice.first for invoice in stream(data))

    assert error.value.row == rows + 2 - lost
    assert first_rows == list(range(2, rows + 1 - lost))


def test_blank_rows_are_skipped_up_to_the_height_of_a_spreadsheet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert csv_text.MAX_BLANK_ROWS == 1 << 20
    monkeypatch.setattr(csv_text, "MAX_BLANK_ROWS", 1000)
    assert [invoice.first for invoice in read(f"{HEADER}\n" + ",\n" * 1000 + ROW)] == [1002]
    assert len(read("\n".join([HEADER, *[","] * 1000, ROW, *[","] * 1000, ROW.replace("0001", "0002")]))) == 2
    with pytest.raises(UnreadableFileError) as failure:
        read(gzip.compress(f"{HEADER}\n".encode() + b",\n" * 1001))

    assert str(failure.value) == "there are more than 1000 blank rows above row 1002"
    assert failure.value.row == 1002


def test_gzip_is_unpacked() -> None:
    assert [invoice.rows for invoice in read(gzip.compress(f"{HEADER}\n{ROW}\n".encode()))] == [1]


class Endless(io.RawIOBase):
    """A file that begins with one text and then repeats another one up to a size."""

    def __init__(self, start: str, again: str, size: int) -> None:
        super().__init__()
        self._start, self._again, self._remaining = start.encode(), again.encode(), size
        self._block = self._again * (1 + 65536 // len(self._again))
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), 65536, self._remaining)
        if self._start:
            data, self._start = self._start[:size], self._start[size:]
        else:
            data = self._block[self._at : self._at + size]
            self._at = (self._at + len(data)) % len(self._again)
        self._remaining -= len(data)
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize(
    ("start", "again", "size", "most"),
    [
        (f'{HEADER}\n0001,"', '","y\n', 4_000_000, 32_000_000),
        (f'{HEADER},"', '","y\n', 4_000_000, 24_000_000),
        ("", "x" * 65535 + "\n", 4_000_000, 24_000_000),
        (f"{HEADER}\n", f"0001,C-1,2026-11-01,EUR,{'x' * 900},2,10.50,19\n", 4_000_000, 2_000_000),
        (f"{HEADER}\n", "0001,C-1,2026-11-01,EUR,x,2,10.50,nothing\n", 250_000, 1_000_000),
    ],
    ids=["record", "header", "banner", "invoice", "bad-invoice"],
)
@pytest.mark.volume
def test_memory_stays_flat_if_something_never_ends(start: str, again: str, size: int, most: int) -> None:
    file = CsvFile(lambda _: io.BufferedReader(Endless(start, again, size)), size, {}, Deadline(lambda: 1e9), Kept())
    tracemalloc.start()

    try:
        findings, memory = file.survey(Findings())
        for _ in file.invoices(findings, memory, None):
            pass
    except UnreadableFileError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < most
