"""Headers: the names of columns, which record is a header further down, and what it lacks."""

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError, open_lines
from invoicing.uploads.csv_columns import normalized
from invoicing.uploads.csv_header import MAX_COLUMNS, Header, glued_header, read_sheet, repeated_header
from invoicing.uploads.csv_text import Record
from tests.data.csv_reading import byte_stream
from tests.data.csv_small_files import H, R

NAMES = H.split(",")
HEADER = Header.of(NAMES)
VALID = ["I-1", "C-1", "2026-11-01", "EUR", "Thing", "2", "10.50", "19"]


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


def test_only_a_header_has_columns_that_must_not_be_left_unread() -> None:
    record, header = Header.of([*NAMES[:2], "Rabatt"]), Header.of([*NAMES[:3], "Rabatt"])

    assert (record.names, record.unread) == (("invoicenumber", "customerid", ""), ())
    assert (header.names[3], header.unread) == ("!Rabatt", ("Rabatt",))


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

    assert found == Header.of(cells)
    assert (found.problem or "").startswith("the header lacks these columns")


def test_a_header_that_follows_a_row_in_its_line_hides_what_is_below() -> None:
    assert glued_header(Record(9, 0, [*VALID[:-1], "20invoice_number", *NAMES[1:]]), HEADER) == Header(())
    assert glued_header(Record(9, 0, [*VALID, "customer_id", "currency"]), HEADER) is None
    assert glued_header(Record(9, 0, [*VALID, "customer_id", "currency", "quantity"]), HEADER) == Header(())
    assert glued_header(Record(9, 0, NAMES), HEADER) is None


def test_a_row_has_a_digit_in_its_quantity_wherever_that_is() -> None:
    first = Header.of(["quantity", *(name for name in NAMES if name != "quantity")])
    looks_like_names = Record(3, 0, ["2", "Currency", "Description", "2026-11-01", "EUR", "Discount", "10.50", "20"])
    assert repeated_header(looks_like_names, first) is None
    assert repeated_header(Record(3, 0, ["x", *looks_like_names.cells[1:]]), first)
    with_another_date = ["2", "Currency", "Description", "1 Nov 2026", "EUR", "Discount", "10.50", "20"]
    assert repeated_header(Record(3, 0, with_another_date), first) is None
    four_names = [*with_another_date[:6], "Customer name", "20"]
    assert repeated_header(Record(3, 0, four_names), first) is None
    assert repeated_header(Record(3, 0, ["x", *with_another_date[1:]]), first) == Header.of(
        ["x", *with_another_date[1:]]
    )
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


def test_a_row_is_as_long_as_its_last_required_column() -> None:
    assert HEADER.last_required == 7
    assert Header.of([*NAMES, "discount", "x"]).last_required == 7
    assert Header.of(["x", *reversed(NAMES), "due_date"]).last_required == 8
    assert Header.of(NAMES[1:]).last_required == 0


def rejection(*lines: str) -> tuple[str, int | None]:
    with pytest.raises(UnreadableFileError) as failure:
        read_sheet(open_lines(byte_stream("\n".join([*lines, ""]).encode())))
    return str(failure.value), failure.value.row


@pytest.mark.parametrize(
    "line",
    [R, "I-1,C-1,1.11.26,EUR,Rope,2,10", 'I-1,C-1,EUR," 2026-11-01 00:00 ",Rope,2,10', ",I-1,C-1,11/1/2026,a,b,c,d"],
)
def test_a_row_above_the_header_is_not_lost(line: str) -> None:
    assert rejection("Export", line, H, R) == ("row 2 is above the header, and looks like a row of a table", 2)


@pytest.mark.parametrize(
    "line", ["I-1,C-1,2026-11-01,a,b,c", "I-1,C-1,2026-11-01,a,b,c, ", "a,b,c,d,e,f,g,h", "a,b,c,d,e,f,from 2026-11-01"]
)
def test_other_lines_above_the_header_are_banners(line: str) -> None:
    sheet = read_sheet(open_lines(byte_stream(f"{line}\n{H}\n{R}\n".encode())))

    assert (sheet.header, sheet.header_row) == (HEADER, 2)


@pytest.mark.parametrize("cell", ["2026-11-01", "1.11.2026", "10.50", " 10,5 "])
def test_a_row_that_follows_the_header_in_its_line_is_not_lost(cell: str) -> None:
    reason = f"the header has a column {cell!r}, which looks like a cell of a row"

    assert rejection(f'{H},"{cell}"', R) == (reason, None)


@pytest.mark.parametrize("delimiter", ["|", ":", "^", "~", "\x1f", "\u00a6", " "])
def test_another_delimiter_is_named(delimiter: str) -> None:
    reason = f"its columns are separated by {delimiter!r}; use , or ; or a tab"

    assert rejection("x", H.replace(",", delimiter)) == (reason, None)
    assert rejection(delimiter.join(NAMES[:3])) == (reason, None)


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["Nr", "Kunde", "Datum", "Waehrung", 'Text"', "Menge", "Preis", "Steuer"], True),
        (["Nr", "Kunde", "Datum"], True),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "Menge"], False),
        (["Nr", "Kunde", "2026-11-01"], False),
        (["Nr", "Kunde", "???"], False),
        (["Nr", "Kunde", "Datum", "Waehrung", "Text", "7", "Preis", "Steuer"], False),
    ],
)
def test_of_words_with_wrong_quotation_marks_all_that_are_there_are_looked_at(cells: list[str], *, names: bool) -> None:
    found = repeated_header(Record(3, 0, cells, "torn"), HEADER)

    assert found == (Header(()) if names else None)
