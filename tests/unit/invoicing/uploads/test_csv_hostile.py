"""Files in which rows are lost, shifted, cut or doubled: no invoice may be created that lacks a row, or has one twice.

Only what is created is compared. Why the others are rejected is for `test_csv_kinds` and the tests of each module.
"""

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_invoices import Candidate
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, LAST, MORE, H, R, created

HEADERS = {
    "a digit in the old column of quantities": H.replace("description,quantity", "description,Ref 2,quantity"),
    "names counted by a spreadsheet": ",".join(f"{name}2" for name in H.split(",")),
    "names counted by pandas": ",".join(f"{name}.1" for name in H.split(",")),
    "unknown words": "Nr,Kunde,Datum,Waehrung,Text,Menge,%,Preis",
    "unknown words with a digit": "Nr,Kunde,Datum,Waehrung,Text,Menge,MwSt 19,Preis",
    "unknown words, one twice": "Nr,Kunde,Datum,Waehrung,Text,Menge,Menge,Preis",
    "wrong quotation marks": H.replace("description", '"description"x'),
    "wrong quotation marks in unknown words": 'Nr,Kunde,Datum,Waehrung,"Text 3"",Menge,USt,Preis',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
def test_no_row_is_read_by_a_header_that_is_not_its_own(header: str) -> None:
    below = (
        MORE.replace("2,10.50,20", "47,3,10.50,20") if "Ref 2" in header else "I-2,C-1,2026-11-01,EUR,Cup,2,20,10.50"
    )

    assert "I-2" not in created(H, R, header, below) or "Ref 2" in header
    assert created(H, R, header, below, H, LAST).get("I-9") == ["Last"]


def test_a_header_glued_to_the_row_above_hides_what_is_below() -> None:
    swapped = H.replace("unit_price,tax_rate", "tax_rate,unit_price")

    assert created(H, CUP, R + swapped, "I-3,C-1,2026-11-01,EUR,Cup,3,20,10.50") == {"I-2": ["Cup"]}


@pytest.mark.parametrize(
    "name", ["discount %", "Discount(%)", "[discount]", "discount:", "discount\u200e", "D\u0130SCOUNT"]
)
def test_signs_around_the_name_of_a_column_are_no_part_of_it(name: str) -> None:
    (invoice,) = read(f"{H},{name}\n{R},50\n")

    assert isinstance(invoice, Candidate)
    assert invoice.request.lines[0].discount == 50


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("discount_percent", "discount"),
        ("Rabatt", "discount"),
        ("due_on", "due_date"),
        ("payment_terms_days", "due_date"),
    ],
)
def test_a_column_that_may_change_amounts_or_dates_is_not_ignored(name: str, meant: str) -> None:
    with pytest.raises(UnreadableFileError, match=f"which may be meant for {meant}: name it so, or remove it"):
        read(f"{H},{name}\n{R},50\n")

    assert len(read(f"{H},{name},{meant}\n{R},,\n")) == 1


@pytest.mark.parametrize(
    "lines",
    [
        (R, H, MORE),
        (f"{H},{R}", MORE),
        ("Nr,Kunde,Datum,Waehrung,Text,Menge,Steuer,Preis", R, H, MORE),
    ],
    ids=["header sorted into the data", "header and row in one line", "first table with other names"],
)
def test_a_row_that_is_lost_above_the_header_rejects_the_file(lines: tuple[str, ...]) -> None:
    assert created(*lines) == {}


LOST = {
    "two rows in one line": (R + CUP, MORE),
    "two rows with a blank between": (f"{R} {CUP}", MORE),
    "an indented row": (CUP, f",{MORE}"),
    "a quotation mark missing twice, in other columns": (
        'I-1,C-1,2026-11-01,EUR,"Rope,2,10.50,20',
        'I-2,C-1",2026-11-01,EUR,Cup,2,10.50,20',
        MORE,
    ),
    "a row in quotation marks of the row above": (
        'I-1,C-1,2026-11-01,EUR,"Rope,2',
        'I-2,C-1,2026-11-01,EUR,Cup",2,10.50,20',
        MORE,
    ),
    "page two has another name of a column": (CUP, H.replace("invoice_number", "invoice_no"), MORE),
    "a number that is missing, with another customer": (CUP, ",C-2,2026-11-01,EUR,More,2,10.50,20"),
    "the same rows below the header once more, partly": (CUP, MORE, H, MORE),
    "a correction below": (CUP, R, H, MORE),
}


@pytest.mark.parametrize("rows", LOST.values(), ids=list(LOST))
def test_no_invoice_is_created_without_one_of_its_rows(rows: tuple[str, ...]) -> None:
    outcome = created(H, *rows, H, LAST)

    assert "I-2" not in outcome
    assert outcome["I-9"] == ["Last"]


@pytest.mark.parametrize(
    ("number", "destroyed"),
    [
        ("202611000203", "2.02611E+11"),
        ("1001", "1001.0"),
        ("1001", '"1,001"'),
        ("2-11", "2-Nov"),
        ("1001", "1001.00"),
        ("1001", "1 001"),
    ],
)
def test_a_destroyed_number_beside_an_invoice_may_be_one_of_its_rows(number: str, destroyed: str) -> None:
    intact, other = (R.replace("I-1", each) for each in (number, destroyed))

    assert created(H, intact, other, LAST) == {"I-9": ["Last"]}
    assert created(H, other, intact, LAST) == {"I-9": ["Last"]}
    assert number in created(H, other.replace("C-1", "C-2"), intact)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate,description",
         ("I-1,C-1,2026-11-01,EUR,2,10.50,20,Rope 12", "mm blue")),
        (f"{H},customer_address", (f"{R},Main Street 1", "12345 Town")),
        ("description,invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate",
         ("two", "lines,I-1,C-1,2026-11-01,EUR,2,10.50,20")),
        (H, ("I-", "1,C-1,2026-11-01,EUR,Rope,2,10.50,20")),
    ],
    ids=["text at the end", "address at the end", "text at the beginning", "number"],
)  # fmt: skip
def test_a_line_break_without_quotation_marks_cuts_no_text(header: str, rows: tuple[str, ...]) -> None:
    assert created(header, *rows) == {}


OTHER_SPELLINGS = {
    "a number without its zero": (CUP, CUP.replace("10.50", "10.5")),
    "with its zero": (CUP, CUP.replace(",2,", ",2.0,")),
    "a sign of percent": (CUP, f"{CUP} %"),
    "another blank": (CUP.replace("Cup", "Cup 1"), CUP.replace("Cup", "Cup\u00a01")),
    "another case": (CUP, CUP.replace("Cup", "CUP")),
}


@pytest.mark.parametrize(("first", "second"), OTHER_SPELLINGS.values(), ids=list(OTHER_SPELLINGS))
def test_a_file_that_comes_twice_makes_no_line_twice(first: str, second: str) -> None:
    assert len(created(H, R, first, H, R, second)["I-2"]) == 1
    assert len(created(H, first, H, second)["I-2"]) == 1
    assert len(created(H, R, first, H, second, LAST)["I-2"]) == 1


def test_an_invoice_goes_on_below_the_header_of_the_next_page() -> None:
    assert created(H, R, CUP, H, MORE, LAST) == {"I-1": ["Rope"], "I-2": ["Cup", "More"], "I-9": ["Last"]}


@pytest.mark.parametrize("number", ["#I-1", "# I-1", "//I-1", "> I-1", "=A2", "{{invoice_number}}", "undefined", "0"])
def test_what_is_no_number_makes_no_invoice(number: str) -> None:
    assert created(H, R, R.replace("I-1", number).replace("Rope", "Cup"), LAST.replace("C-1", "C-9")).keys() <= {
        "I-1",
        "I-9",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("INV-1", "INV\u30fc1"), ("26/1", "26\u22151"), ("L'26", "L\u201926"), ("INV-\u0661", "INV-\u06f1")],
)
def test_numbers_that_look_the_same_are_one_invoice_or_none(one: str, other: str) -> None:
    assert len(created(H, R.replace("I-1", one), LAST, R.replace("I-1", other))) == 1


TOTALS = [
    "Total EUR",
    "Summe netto",
    "Bruttobetrag",
    "Amount due",
    "I-2 Total",
    "Zwischensumme 1",
    "Razem",
    "\u5408\u8a08",
]


@pytest.mark.parametrize("name", TOTALS)
def test_a_row_that_names_a_sum_and_is_one_is_no_line(name: str) -> None:
    rows = [CUP, MORE, CUP.replace("Cup,2,10.50", f"{name},1,42.00")]

    assert created(H, *rows, LAST) == {"I-9": ["Last"]}
    assert created(H, *rows[:2], rows[2].replace("42.00", "50.40")) == {}


@pytest.mark.parametrize("row", ["Rope,2,10,50,20", "Rope,12,2,10.50,20", "Rope,1,250,10.50,20"])
def test_a_row_that_may_have_a_delimiter_too_many_is_not_read(row: str) -> None:
    """Nothing shows it if every row leaves out its last cell and has a delimiter too many."""
    below = LAST.replace("I-9", "I-8"), f"{LAST},"

    assert created(f"{H},discount", f"I-1,C-1,2026-11-01,EUR,{row}", *below) == {"I-8": ["Last"], "I-9": ["Last"]}
