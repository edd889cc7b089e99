"""CSV as spreadsheets write it: dialects, row numbers, rejections; nothing is guessed."""

from decimal import Decimal

import pytest

from invoicing.uploads.csv_dates import LOCAL
from invoicing.uploads.csv_invoices import Candidate, RejectedCell, RejectedInvoice
from tests.data.csv_reading import accepted, problems, read

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
ROW = "0001,C-1,2026-11-01,EUR,Thing,2,10.50,19"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    invoice = accepted(end.join([HEADER, ROW.replace("Thing", "Größe «é»")]).encode(encoding))

    assert invoice.request.lines[0].description == "Größe «é»"
    assert (invoice.first, invoice.last, invoice.request.invoice_number) == (2, 2, "0001")


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

    invoice = accepted(f"{HEADER.replace(',', delimiter)}\n{row}\n")

    assert invoice.request.lines[0].unit_price == Decimal(expected)


@pytest.mark.parametrize(
    ("delimiter", "price", "expected"),
    [
        (",", '"10,50"', "10.5"), (";", "10.50", "10.5"), ("\t", "10,50", "10.5"), (",", '"0,125"', "0.125"),
        (";", "0.125", "0.125"), ("\t", "0,500", "0.5"), (",", '"1.234.567"', "1234567"), (";", "1,234,567", "1234567"),
    ],
)  # fmt: skip
def test_a_number_that_can_mean_one_thing_only_is_read_whatever_the_delimiter(
    delimiter: str, price: str, expected: str
) -> None:
    row = ROW.replace(",", delimiter).replace("10.50", price)

    invoice = accepted(f"{HEADER.replace(',', delimiter)}\n{row}\n")

    assert invoice.request.lines[0].unit_price == Decimal(expected)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize(
    "price",
    [
        "1,2345.00",
        "1,234,56.7",
        "€10",
        "1e3",
        "00,125.5",
        "-0,125.5",
        "0 125",
        "--1",
        "'5",
        "1.234.5",
        "1,234 567.00",
        "٣",
    ],
)
def test_texts_that_are_no_numbers_are_rejected(delimiter: str, price: str) -> None:
    row = ROW.replace(",", delimiter).replace("10.50", f'"{price}"')

    assert problems(f"{HEADER.replace(',', delimiter)}\n{row}\n") == [
        RejectedCell(2, "unit_price", price, "is not a number such as 1234.50 or 1234,50")
    ]


def test_header_names_are_matched_loosely_and_columns_may_come_in_any_order() -> None:
    header = "Tax-Rate *,UNIT PRICE,quantity,Description,currency,IssueDate,customer id,Invoice__Number,remark"

    invoice = accepted(f"{header}\n19 %,10.50,2,Thing,eur,2026-11-01,C-1,0001,whatever\n")

    assert invoice.request.currency == "EUR"
    assert invoice.request.lines[0].tax_rate == 19


@pytest.mark.parametrize("written", ['="0001"', '"=""0001"""', '="0001 "'])
def test_text_that_is_written_as_a_formula_to_keep_its_zeros_is_that_text(written: str) -> None:
    assert accepted(f"{HEADER}\n{ROW.replace('0001', written)}\n").request.invoice_number == "0001"


def test_other_formulas_are_no_texts() -> None:
    (problem,) = problems(f"{HEADER}\n{ROW.replace('Thing', '=1+1')}\n")
    assert (problem.column, problem.reason) == ("description", "is a formula, and not its result")


def test_a_currency_is_the_same_in_small_letters() -> None:
    invoice = accepted(f"{HEADER}\n{ROW}\n{ROW.replace('EUR', 'eur').replace('Thing', 'More')}\n")
    assert (invoice.request.currency, len(invoice.request.lines)) == ("EUR", 2)


def test_banners_and_blank_lines_count_as_rows_but_are_not_read() -> None:
    invoices = read(f"Quarterly export\n\n,,,\n{HEADER}\n\n{ROW}\n,,,,,,,\n{ROW.replace('0001', '0002')}\n")
    assert [(invoice.first, invoice.last) for invoice in invoices] == [(6, 6), (8, 8)]


def test_a_quoted_line_break_is_one_row_as_in_a_spreadsheet() -> None:
    invoices = read(
        f"{HEADER}\n{ROW.replace('Thing', chr(34) + 'two' + chr(10) + 'lines' + chr(34))}\n0002,C,x,EUR,d,1,1,0\n"
    )

    assert isinstance(invoices[0], Candidate)
    assert invoices[0].request.lines[0].description == "two\nlines"
    assert invoices[1].first == 3


def test_adjacent_rows_are_one_invoice_and_later_ones_another() -> None:
    other = ROW.replace("0001", "0002")

    invoices = read("\n".join([HEADER, ROW, ROW.replace("Thing", "More"), other]))

    assert [(invoice.first, invoice.last, invoice.rows) for invoice in invoices] == [(2, 3, 2), (4, 4, 1)]
    assert isinstance(invoices[0], Candidate)
    assert [line.description for line in invoices[0].request.lines] == ["Thing", "More"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("issue_date", "01.11.2026", LOCAL),
        ("issue_date", "soon", "must be an ISO 8601 date such as 2026-11-22"),
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
    assert problems(f"{HEADER}\n{','.join(cells.values())}\n") == [RejectedCell(2, column, value, reason)]


def test_customer_columns_are_checked_and_kept() -> None:
    header = f"{HEADER},customer_name,customer_email,customer_vat_id,due_date,discount"

    invoice = accepted(f"{header}\n{ROW},Łódź,ap@lodz.example,PL1,2026-12-24,7.5\n")

    assert invoice.request.customer.model_dump(exclude_none=True) == {
        "name": "Łódź",
        "email": "ap@lodz.example",
        "vat_id": "PL1",
    }
    assert invoice.request.lines[0].discount == Decimal("7.5")


def test_one_bad_row_rejects_its_whole_invoice_and_no_other() -> None:
    bad = ROW.replace(",2,", ",two,")

    invoices = read("\n".join([HEADER, ROW, bad, ROW, ROW.replace("0001", "0002")]))

    assert [type(invoice) for invoice in invoices] == [RejectedInvoice, Candidate]
    assert (invoices[0].first, invoices[0].last, invoices[0].rows) == (2, 4, 3)


def test_rows_of_one_invoice_must_agree() -> None:
    assert problems("\n".join([HEADER, ROW, ROW.replace("EUR", "USD")])) == [
        RejectedCell(3, "currency", "USD", "differs from row 2 of the same invoice, which has 'EUR'")
    ]


@pytest.mark.parametrize("torn", [",,,,Rest,1,1,19", "0001,,,,Rest,1,1,19", ",C-1,,,Rest,1,1,19", '0001,"a"b,x'])
def test_a_row_that_may_belong_to_an_invoice_rejects_it(torn: str) -> None:
    invoices = read(f"{HEADER}\n{ROW}\n{torn}\n{ROW}")

    assert [type(invoice) for invoice in invoices] == [RejectedInvoice]
    assert (invoices[0].first, invoices[0].last) == (2, 4)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize(
    "torn",
    [
        '0002,C-1,2026-11-01,EUR,"5" pipe",2,41,19',
        '"0002","C-1",2026-11-01,EUR,"5" pipe",2,41,19',
        f"0002,C-1,2026-11-01,EUR,{'x' * 300_000},2,41,19",
        '0002,C-1,"5" pipe',
    ],
    ids=["quotes", "quoted-identity", "long-cell", "third-cell"],
)
def test_a_row_whose_quotation_marks_do_not_match_rejects_its_own_invoice(torn: str, delimiter: str) -> None:
    third = ROW.replace("0001", "0003").replace(".", "" if delimiter == ";" else ".")
    second = third.replace("0003", "0002")
    first = third.replace("0003", "0001")

    invoices = read(f"{HEADER}\n{first}\n{torn}\n{second}\n{third}".replace(",", delimiter))

    assert [type(invoice) for invoice in invoices] == [Candidate, RejectedInvoice, Candidate]
    assert [(invoice.first, invoice.last) for invoice in invoices] == [(2, 2), (3, 4), (5, 5)]
    assert isinstance(invoices[1], RejectedInvoice)
    assert (invoices[1].invoice_number, invoices[1].customer_id) == ("0002", "C-1")


def test_a_row_whose_customer_cannot_be_read_counts_to_its_number() -> None:
    invoices = read("\n".join([HEADER, ROW, '0001,"C"-1,x', ROW.replace("0001", "0002")]))

    assert [type(invoice) for invoice in invoices] == [RejectedInvoice, Candidate]
    assert (invoices[0].first, invoices[0].last) == (2, 3)


@pytest.mark.parametrize("torn", ['"00"32,C-1,x', f'"{"0" * 200_000}",C-1,x'])
def test_a_row_whose_number_cannot_be_read_rejects_the_invoices_above_and_below(torn: str) -> None:
    others = [ROW.replace("0001", number) for number in ("0002", "0002", "0003")]

    invoices = read("\n".join([HEADER, ROW, torn, *others]))

    assert [type(invoice) for invoice in invoices] == [RejectedInvoice, RejectedInvoice, Candidate]
    assert [(invoice.first, invoice.last) for invoice in invoices] == [(2, 3), (4, 5), (6, 6)]
    assert isinstance(invoices[1], RejectedInvoice)
    assert [(problem.row, problem.reason) for problem in invoices[1].problems] == [
        (4, "row 3 above is damaged, and may be a part of this row or its invoice")
    ]


def test_surplus_and_missing_cells_are_reported() -> None:
    surplus = RejectedCell(2, "", "", "the row has more cells than the header, which has 8")

    assert problems(f"{HEADER}\n{ROW}, ,surplus\n") == [surplus]
    assert accepted(f"{HEADER}\n{ROW}, ,\n").rows == 1
    assert problems(f"{HEADER}\n0001,C-1,2026-11-01,EUR\n") == [
        RejectedCell(2, column, "", "is required") for column in ("quantity", "unit_price", "tax_rate", "description")
    ]


def test_a_file_that_is_cut_off_is_reported_as_such() -> None:
    invoices = read(f'{HEADER}\n{ROW}\n0002,C-1,2026-11-01,EUR,"Thi')
    assert [type(invoice) for invoice in invoices] == [Candidate, RejectedInvoice]
    assert isinstance(invoices[1], RejectedInvoice)
    reason = "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing"

    assert invoices[1].problems == [RejectedCell(3, "", "", reason)]
