"""CSV as spreadsheets write it: dialects, row numbers, rejections; nothing is guessed."""

import codecs
import gzip
import io
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from invoicing import csv_bytes, csv_text, reports
from invoicing.csv_bytes import UnreadableFileError, open_lines
from invoicing.csv_import import KNOWN, Candidate, Problem, Rejected, read_invoices
from invoicing.csv_text import read_sheet
from invoicing.reports import RejectReport, joined, neutral

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
ROW = "0001,C-1,2026-11-01,EUR,Thing,2,10.50,19"


def stream(data: bytes | str) -> Iterator[Candidate | Rejected]:
    raw = data.encode() if isinstance(data, str) else data
    source = io.BufferedReader(io.BytesIO(raw))  # type: ignore[arg-type]
    return read_invoices(read_sheet(open_lines(source), KNOWN))


def read(data: bytes | str) -> list[Candidate | Rejected]:
    return list(stream(data))


def one(data: bytes | str) -> Candidate:
    (found,) = read(data)
    assert isinstance(found, Candidate), found
    return found


def refused(data: bytes | str) -> list[tuple[int, str, str]]:
    (found,) = read(data)
    assert isinstance(found, Rejected), found
    return [(problem.row, problem.column, problem.reason) for problem in found.problems]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    found = one(end.join([HEADER, ROW.replace("Thing", "Größe «é»")]).encode(encoding))
    assert found.request.lines[0].description == "Größe «é»"
    assert (found.first, found.last, found.request.invoice_number) == (2, 2, "0001")


@pytest.mark.parametrize(
    ("delimiter", "price", "expected"),
    [
        (",", "10.50", "10.5"),
        (",", '"1,234.50"', "1234.5"),
        (",", "1'234.50", "1234.5"),
        (";", "10,50", "10.5"),
        (";", "1.234,50", "1234.5"),
        (";", "1 234,50", "1234.5"),
        (";", "1\u202f234\u202f567,5", "1234567.5"),
        ("\t", "1,234.50", "1234.5"),
    ],
)
def test_delimiters_and_decimal_marks(delimiter: str, price: str, expected: str) -> None:
    row = ROW.replace(",", delimiter).replace("10.50", price)
    found = one(f"{HEADER.replace(',', delimiter)}\n{row}\n")
    assert found.request.lines[0].unit_price == Decimal(expected)


@pytest.mark.parametrize(
    ("delimiter", "price"),
    [(",", '"10,50"'), (",", '"1,2345.00"'), (",", '"1,23,456"'), (";", "10.50"), ("\t", "10,50"), (",", "€10"),
     (",", "1e3"), (",", "--1"), (",", "'5"), (";", "1.234.5"), (",", '"1,234 567.00"'), (",", "٣")],
)  # fmt: skip
def test_numbers_that_could_mean_two_things_are_refused(delimiter: str, price: str) -> None:
    row = ROW.replace(",", delimiter).replace("10.50", price)
    ((number, column, reason),) = refused(f"{HEADER.replace(',', delimiter)}\n{row}\n")
    assert (number, column) == (2, "unit_price")
    assert reason.startswith("is not a number with a decimal")


def test_header_names_are_matched_loosely_and_columns_may_come_in_any_order() -> None:
    header = "Tax-Rate *,UNIT PRICE,quantity,Description,currency,IssueDate,customer id,Invoice__Number,remark"
    found = one(f"{header}\n19 %,10.50,2,Thing,eur,2026-11-01,C-1,0001,whatever\n")
    assert found.request.currency == "EUR"
    assert found.request.lines[0].tax_rate == 19


def test_banners_and_blank_lines_count_as_rows_but_are_not_read() -> None:
    found = read(f"Quarterly export\n\n,,,\n{HEADER}\n\n{ROW}\n,,,,,,,\n{ROW.replace('0001', '0002')}\n")
    assert [(invoice.first, invoice.last) for invoice in found] == [(6, 6), (8, 8)]


def test_a_quoted_line_break_is_one_row_as_in_a_spreadsheet() -> None:
    found = read(
        f"{HEADER}\n{ROW.replace('Thing', chr(34) + 'two' + chr(10) + 'lines' + chr(34))}\n0002,C,x,EUR,d,1,1,0\n"
    )
    assert isinstance(found[0], Candidate)
    assert found[0].request.lines[0].description == "two\nlines"
    assert found[1].first == 3


def test_adjacent_rows_are_one_invoice_and_later_ones_another() -> None:
    other = ROW.replace("0001", "0002")
    found = read("\n".join([HEADER, ROW, ROW.replace("Thing", "More"), other, ROW]))
    assert [(invoice.first, invoice.last, invoice.rows) for invoice in found] == [(2, 3, 2), (4, 4, 1), (5, 5, 1)]
    assert isinstance(found[0], Candidate)
    assert [line.description for line in found[0].request.lines] == ["Thing", "More"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("issue_date", "01.11.2026", "must be an ISO 8601 date such as 2026-11-22"),
        ("issue_date", "2026-02-30", "is not a day of the calendar"),
        ("issue_date", "", "is required"),
        ("currency", "EURO", "'EURO' is not an ISO 4217 currency code"),
        ("currency", "", "is required"),
        ("description", "", "is required"),
        ("quantity", "0", "must not be zero"),
        ("quantity", "1.1234567", "has more than 6 decimal places"),
        ("quantity", "1000000000000000", "has more than 15 digits before the decimal point"),
        ("unit_price", "-1", "must not be negative"),
        ("unit_price", "", "is required"),
        ("tax_rate", "100.01", "must be a percentage from 0 to 100 (19 means 19 %)"),
        ("customer_id", "", "is required"),
        ("invoice_number", "", "is required"),
        ("invoice_number", "9" * 65, "String should have at most 64 characters"),
        ("customer_id", "C\x07", "contains the control character U+0007"),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(column: str, value: str, reason: str) -> None:
    cells = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | {column: value}
    assert refused(f"{HEADER}\n{','.join(cells.values())}\n") == [(2, column, reason)]


def test_customer_columns_are_checked_and_carried() -> None:
    header = f"{HEADER},customer_name,customer_email,customer_vat_id,due_date,discount"
    found = one(f"{header}\n{ROW},Łódź,ap@lodz.example,PL1,2026-12-24,7.5\n")
    assert found.request.customer.model_dump(exclude_none=True) == {
        "name": "Łódź",
        "email": "ap@lodz.example",
        "vat_id": "PL1",
    }
    assert found.request.lines[0].discount == Decimal("7.5")
    ((row, column, _),) = refused(f"{header}\n{ROW},Łódź,nobody,PL1,,\n")
    assert (row, column) == (2, "customer_email")


def test_one_bad_row_rejects_its_whole_invoice_and_no_other() -> None:
    bad = ROW.replace(",2,", ",two,")
    found = read("\n".join([HEADER, ROW, bad, ROW, ROW.replace("0001", "0002")]))
    assert [type(invoice) for invoice in found] == [Rejected, Candidate]
    assert (found[0].first, found[0].last, found[0].rows) == (2, 4, 3)


def test_rows_of_one_invoice_must_agree() -> None:
    assert refused("\n".join([HEADER, ROW, ROW.replace("EUR", "USD")])) == [
        (3, "currency", "differs from row 2 of the same invoice, which has 'EUR'")
    ]


@pytest.mark.parametrize("torn", [",,,,Rest,1,1,19", "0001,,,,Rest,1,1,19", ",C-1,,,Rest,1,1,19", '0001,"a"b,x'])
def test_a_row_that_may_belong_to_an_invoice_rejects_it(torn: str) -> None:
    found = read(f"{HEADER}\n{ROW}\n{torn}\n{ROW}")
    assert [type(invoice) for invoice in found] == [Rejected]
    assert (found[0].first, found[0].last) == (2, 4)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize(
    "torn",
    [
        '0002,C-1,2026-11-01,EUR,"5" pipe",2,1,19',
        '"0002","C-1",2026-11-01,EUR,"5" pipe",2,1,19',
        f"0002,C-1,2026-11-01,EUR,{'x' * 300_000},2,1,19",
        '0002,C-1,"5" pipe',
        '0002,C-1,5",6",EUR,"a\nb"c,1',
    ],
    ids=["quotes", "quoted-identity", "long-cell", "third-cell", "over-two-lines"],
)
def test_a_row_whose_quotation_marks_do_not_match_rejects_its_own_invoice(torn: str, delimiter: str) -> None:
    third = ROW.replace("0001", "0003").replace(".", "" if delimiter == ";" else ".")
    second = third.replace("0003", "0002")
    first = third.replace("0003", "0001")
    found = read(f"{HEADER}\n{first}\n{torn}\n{second}\n{third}".replace(",", delimiter))
    assert [type(invoice) for invoice in found] == [Candidate, Rejected, Candidate]
    assert [(invoice.first, invoice.last) for invoice in found] == [(2, 2), (3, 4), (5, 5)]
    assert isinstance(found[1], Rejected)
    assert (found[1].invoice_number, found[1].customer_id) == ("0002", "C-1")


@pytest.mark.parametrize("torn", ['"00"02,C-1,x', f'"{"0" * 200_000}",C-1,x', '0001,"C"-1,x'])
def test_a_row_whose_identity_cannot_be_read_is_counted_to_the_invoice_above(torn: str) -> None:
    found = read("\n".join([HEADER, ROW, torn, ROW.replace("0001", "0002")]))
    assert [type(invoice) for invoice in found] == [Rejected, Candidate]
    assert (found[0].first, found[0].last) == (2, 3)


def test_surplus_and_missing_cells_are_told() -> None:
    assert refused(f"{HEADER}\n{ROW},surplus\n") == [(2, "", "the row has more cells than the header, which has 8")]
    assert [problem[1] for problem in refused(f"{HEADER}\n0001,C-1,2026-11-01,EUR,Thing\n")] == [
        "quantity",
        "unit_price",
        "tax_rate",
    ]


def test_a_file_that_is_cut_off_says_so() -> None:
    found = read(f'{HEADER}\n{ROW}\n0002,C-1,2026-11-01,EUR,"Thi')
    assert [type(invoice) for invoice in found] == [Candidate, Rejected]
    assert isinstance(found[1], Rejected)
    assert "cut off" in found[1].problems[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "holds NUL bytes"),
        (b"invoice_number,customer_id,issue_date,currency\n", "lacks these columns: description, quantity"),
        (f"{HEADER},Customer ID\n".encode(), "more than once: customer_id"),
        (b"x" * 2_000_000, "a line of more than a million characters"),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode() * 900)[:-20], "damaged or cut off"),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode() * 9000)[:400] + b"\xff" * 9000, "damaged or cut off"),
        ("a,b,c\n".encode("utf-16")[:-1] + b"\xd8", "damaged or cut off"),
        (b"\x1f\x8bno gzip", "damaged or cut off"),
        (f"{HEADER}{',customer id' * 1000}\n".encode(), "the header has 1008 columns; 1000 is the most"),
        (f'{HEADER}\n{ROW}\n0002,"'.encode() + b'","y\n' * 300_000, "row 3 does not end within a million"),
    ],
    ids=[
        "empty",
        "blank",
        "png",
        "columns",
        "twice",
        "one-line",
        "cut-gzip",
        "bad-gzip",
        "utf-16",
        "no-gzip",
        "wide",
        "endless-record",
    ],
)
def test_files_that_are_no_such_csv_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read(data)


@pytest.mark.parametrize("rows", [0, 3, 100], ids=["at-once", "among-the-first-lines", "further-down"])
@pytest.mark.parametrize("damage", ["x" * 2_000_000, '0001,"' + '","y\n' * 300_000], ids=["line", "record"])
def test_damage_is_told_with_its_row_and_what_stands_before_it_is_read(rows: int, damage: str) -> None:
    found: list[int] = []
    numbers = [ROW.replace("0001", f"{number:04d}") for number in range(rows)]
    with pytest.raises(UnreadableFileError) as told:
        found.extend(invoice.first for invoice in stream("\n".join(["", HEADER, *numbers, damage])))
    assert told.value.row == rows + 3
    assert found == list(range(3, rows + 2))  # less the last one, which might go on


@pytest.mark.parametrize("rows", [1, 3, 100, 3000])
@pytest.mark.parametrize(
    ("end", "told"),
    [(b"\n", 1), (b"\n\x00\x00\xd8\x00\x00\n\x00", 0), (b"\n\x00\x00\xd8", 0)],
    ids=["half-a-letter", "surrogate", "half-a-pair"],
)
def test_of_utf_16_too_what_stands_before_the_damage_is_read(rows: int, end: bytes, told: int) -> None:
    found: list[int] = []
    numbers = [ROW.replace("0001", f"{number:04d}") for number in range(rows)]
    data = codecs.BOM_UTF16_LE + "\n".join([HEADER, *numbers]).encode("utf-16-le") + end
    with pytest.raises(UnreadableFileError, match="it is not UTF-16 throughout") as error:
        found.extend(invoice.first for invoice in stream(data))
    assert error.value.row == rows + 2 - told
    assert found == list(range(2, rows + 1 - told))


def test_blank_rows_are_skipped_up_to_the_height_of_a_spreadsheet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert csv_text.MAX_BLANK_ROWS == 1 << 20
    monkeypatch.setattr(csv_text, "MAX_BLANK_ROWS", 1000)
    assert one(f"{HEADER}\n" + ",\n" * 1000 + ROW).first == 1002
    with pytest.raises(UnreadableFileError, match="more than 1000 blank rows above row 1002"):
        read(gzip.compress(f"{HEADER}\n".encode() + b",\n" * 1001))


def test_gzip_is_unpacked() -> None:
    assert one(gzip.compress(f"{HEADER}\n{ROW}\n".encode())).rows == 1


def test_gzip_is_unpacked_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_bytes, "MAX_UNPACKED", 1 << 20)
    rows = b"0001,C," + b" " * 1000 + b"\n0002,C," + b" " * 1000 + b"\n"
    assert len(read(gzip.compress(f"{HEADER}\n".encode() + rows * 500))) == 1000
    with pytest.raises(UnreadableFileError, match="unpacks to more than 1 MB; split it"):
        read(gzip.compress(f"{HEADER}\n".encode() + rows * 550))


class Endless(io.RawIOBase):
    """A file that begins with one text and goes on with another, over and over, up to a size."""

    def __init__(self, start: str, again: str, size: int) -> None:
        super().__init__()
        self._start, self._again, self._left = start.encode(), again.encode(), size
        self._block = self._again * (1 + 65536 // len(self._again))
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), 65536, self._left)
        if self._start:
            data, self._start = self._start[:size], self._start[size:]
        else:
            data = self._block[self._at : self._at + size]
            self._at = (self._at + len(data)) % len(self._again)
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize(
    ("start", "again", "size", "most"),
    [
        (f'{HEADER}\n0001,"', '","y\n', 4_000_000, 24_000_000),
        (f'{HEADER},"', '","y\n', 4_000_000, 24_000_000),
        ("", "x" * 65535 + "\n", 4_000_000, 24_000_000),
        (f"{HEADER}\n", f"0001,C-1,2026-11-01,EUR,{'x' * 900},2,10.50,19\n", 4_000_000, 2_000_000),
        (f"{HEADER}\n", "0001,C-1,2026-11-01,EUR,x,2,10.50,nothing\n", 250_000, 1_000_000),
    ],
    ids=["record", "header", "banner", "invoice", "bad-invoice"],
)
def test_memory_stays_flat_whatever_never_ends(start: str, again: str, size: int, most: int) -> None:
    stream = io.BufferedReader(Endless(start, again, size))
    text = open_lines(stream)
    tracemalloc.start()
    try:
        for _ in read_invoices(read_sheet(text, KNOWN)):
            pass
    except UnreadableFileError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < most


def test_the_clock_is_looked_at_where_there_is_nothing_to_import() -> None:
    class OutOfTime(Exception):
        pass

    looks = iter(range(20))

    def pulse() -> None:
        if next(looks, None) is None:
            raise OutOfTime

    packed = gzip.compress(f"{HEADER}\n".encode() + b"\n".rjust(100) * 20_000)
    for data in (packed, gzip.compress(b"") * 20_000):
        stream = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
        looks = iter(range(20 if data is packed else 3))
        with pytest.raises(OutOfTime):
            list(read_invoices(read_sheet(open_lines(stream, pulse), KNOWN)))


def test_more_lines_than_an_invoice_may_have() -> None:
    found = read("\n".join([HEADER, *[ROW] * 5001, ROW.replace("0001", "0002")]))
    assert isinstance(found[0], Rejected)
    assert (found[0].rows, found[0].problems[0].reason) == (5001, "the invoice has more than 5000 lines")
    assert isinstance(found[1], Candidate)


def test_an_invoice_that_cannot_fit_one_item_is_given_up_early() -> None:
    found = read("\n".join([HEADER, *[ROW.replace("Thing", "x" * 1000)] * 450, ROW.replace("0001", "0002")]))
    assert isinstance(found[0], Rejected)
    assert (found[0].rows, [problem.reason for problem in found[0].problems]) == (
        450,
        ["the invoice takes more than 400 KB; split it in two"],
    )
    assert isinstance(found[1], Candidate)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1+1", "＋1", "－1", "＠x"])
def test_formulas_are_neutralised_in_reports(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    assert neutral(f"x{cell}") == f"x{cell}"


def test_the_reject_report_names_what_was_lost() -> None:
    (found,) = read("\n".join([HEADER, ROW, ROW.replace(",2,", ",=2,")]))
    assert isinstance(found, Rejected)
    report = RejectReport()
    report.add(found)
    with joined([[report.content().read()]]) as whole:
        text = whole.read().decode()
    assert text.startswith("\ufeff")  # else Excel does not take it for UTF-8
    lines = text.removeprefix("\ufeff").splitlines()
    report.close()
    assert lines == [
        "row,column,value,reason",
        "3,quantity,'=2,is not a number with a decimal point; invoice 0001 (rows 2 to 3) was not imported",
    ]


def test_a_reject_report_ends_before_the_disk_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_REPORT", 1000)
    report = RejectReport()
    number = "9" * 100_000
    for row in range(2, 200):
        report.add(Rejected(row, row + 1, number, [Problem(row, "quantity", "x", "is wrong")], 2))
    lines = report.content().read().decode().splitlines()
    report.close()
    assert len(lines) < 10
    assert "the report ends here, at row" in lines[-1]
    assert max(map(len, lines)) < 400
