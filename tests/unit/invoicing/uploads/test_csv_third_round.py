"""Files whose cells may mean something else than they say: no invoice may be created with a wrong amount.

Only what is created is compared, as in `test_csv_hostile`.
"""

import pytest

from invoicing.uploads.csv_invoices import Candidate, RejectedInvoice
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, LAST, MORE, H, R, created

WITH_ORDER = f"{H},order"

APART = {
    "apart": (f"{R},PO-1", f"{CUP},", f"{R},PO-2"),
    "only one has it": (f"{R},", f"{CUP},", f"{R},PO-2"),
    "below another header": (f"{R},PO-1", WITH_ORDER, f"{R},PO-2"),
    "in an unknown column before": (f"{R},PO-1", f"{CUP},", f"order,{H}", f"PO-2,{R}"),
}


@pytest.mark.parametrize("rows", APART.values(), ids=list(APART))
def test_rows_that_differ_in_an_unread_column_are_no_repetition(rows: tuple[str, ...]) -> None:
    assert created(WITH_ORDER, *rows).keys() <= {"I-2"}


def test_rows_that_are_equal_in_unread_columns_are_repetitions() -> None:
    assert created(WITH_ORDER, f"{R},PO 1", f"{CUP},", f"{R},po  1") == {"I-1": ["Rope"], "I-2": ["Cup"]}


DISCOUNTS = {
    "an amount above 100": ("150.00", "3.00"),
    "an amount with its currency": ("3.00 EUR", "3.00"),
    "an amount with its sign": ("$5", "5"),
    "an amount below zero": ("-3.00", "3.00"),
    "an amount with a decimal comma": ('"150,00"', '"3,00"'),
    "percentages with and without their sign": ("10 %", "10"),
    "factors": ("1.2", "1"),
    "only a factor": ("1.2", "1.5"),
    "amounts of many digits": ("1000", "20"),
}


@pytest.mark.parametrize(("proof", "discount"), DISCOUNTS.values(), ids=list(DISCOUNTS))
def test_a_discount_may_be_none_of_percent_if_another_one_is_none(proof: str, discount: str) -> None:
    rows = (f"{R},{discount}", f"{CUP},{proof}", f"{LAST},")

    assert created(f"{H},discount", *rows).keys() - {"I-2"} == {"I-9"}
    assert created(f"{H},discount", *reversed(rows)).keys() - {"I-2"} == {"I-9"}


def test_discounts_that_are_certain_are_read() -> None:
    signed = created(f"{H},discount", f"{R},150.00", f"{CUP},3 %", f"{LAST},0")
    factors = created(f"{H},discount", f"{R},1.2", f"{CUP},1", f"{LAST},10")

    assert signed.keys() == {"I-2", "I-9"}
    assert factors.keys() == {"I-1", "I-2", "I-9"}


@pytest.mark.parametrize("proof", ["1.20", "$5", "4.20 EUR"])
def test_a_tax_rate_may_be_none_if_another_one_is_none(proof: str) -> None:
    rows = [each.removesuffix("20") for each in (R, CUP, LAST)]

    assert created(H, f"{rows[0]}1", f"{rows[1]}{proof}", f"{rows[2]}0") == {"I-9": ["Last"]}


OTHER = LAST.replace("C-1", "C-9")
"""A row of another customer, which may be between two rows."""


def number(text: str, row: str = MORE) -> str:
    """The row with another number."""
    return row.replace("I-2", text)


def test_a_typing_error_in_a_tax_rate_says_nothing_of_the_others() -> None:
    assert created(H, R, CUP.replace(",20", ",119"), LAST).keys() == {"I-1", "I-9"}


LOST = {
    "ditto": (CUP, number("ditto")),
    "ditto mark": (CUP, number('""""')),
    "japanese ditto mark": (CUP, number("\u3003"), number("\u3003")),
    "ditto mark for the customer, too": (CUP, number("\u3003").replace("C-1", "\u3003")),
    "ditto below a header": (CUP, H, number("ditto")),
    "unknown": (CUP, OTHER, number("TBD")),
    "unknown, above": (number("TBD"), OTHER, CUP),
    "formula": (CUP, OTHER, number("=A2")),
    "formulas": (CUP, number("=A2").replace("C-1", "=B2")),
    "formulas, above": (number("=A3").replace("C-1", "=B3"), CUP),
    "error of a formula": (CUP, OTHER, number("#REF!")),
    "no number, below another customer": (CUP, OTHER, number("")),
    "customer for the number, away": (CUP, OTHER, "C-1,2026-11-01,EUR,More,2,10.50,20"),
    "decimal number": (number("1001", CUP), OTHER, number("1001.0")),
    "decimal number of a destroyed customer": (number("1001", CUP), OTHER, number("1001.00").replace("C-1", "1.0")),
    "thousands": (number("1001", CUP), OTHER, number('"1,001"')),
    "thousands and decimals": (number("1001", CUP), OTHER, number('"1.001,00"')),
    "brackets": (number("1001", CUP), OTHER, number("(1001)")),
    "exponent": (number("202611000203", CUP), OTHER, number("2.02611E+11")),
    "exponent, rounded": (number("202617000203", CUP), OTHER, number("2.03E+11")),
    "exponent, with a comma": (number("202611000203", CUP), OTHER, number('"2,0261E+11"')),
    "exponent, written by hand": (number("202611000203", CUP), OTHER, number("2.02611 x 10^11")),
    "exponent of a text": (number("12E7", CUP), OTHER, number("1.20E+08")),
    "date": (number("2-11", CUP), OTHER, number("2-Nov")),
    "date with its year": (number("NOV-26", CUP), OTHER, number("26-Nov")),
    "commented out": (CUP, OTHER, number("// I-2")),
    "commented out, with a star": (CUP, OTHER, number("* I-2")),
    "commented out, with a number sign": (CUP, OTHER, number("#I-2")),
    "withdrawn": (CUP, OTHER, number("I-2 (void)")),
    "withdrawn, in another language": (CUP, OTHER, number("I-2 storniert")),
    "list": (CUP, OTHER, number('"I-1, I-2"')),
    "leading zeros": (number("12", CUP), OTHER, number("0012")),
    "leading zeros, below": (number("0012", CUP), OTHER, number("12")),
    "a dot at the end": (CUP, OTHER, number("I-2.")),
    "blanks beside the hyphen": (CUP, OTHER, number("I - 2")),
    "a number sign": (number("1001", CUP), OTHER, number("#1001")),
    "another case": (CUP, OTHER, number("i-2")),
    "another case, adjacent": (CUP, number("i-2")),
}  # fmt: skip


@pytest.mark.parametrize("rows", LOST.values(), ids=list(LOST))
def test_no_invoice_is_created_without_a_row_of_which_the_number_is_lost(rows: tuple[str, ...]) -> None:
    assert created(H, *rows, OTHER.replace("I-9", "I-8").replace("C-9", "C-8")).keys() <= {"I-8", "I-9"}


SOUND = {
    "a number without the digits": (CUP, number("1001.0")),
    "other digits": (number("1002", CUP), number("1001.0")),
    "another length": (number("20261100020", CUP), number("2.02611E+11")),
    "another customer": (number("1001", CUP), number("1001.0").replace("C-1", "C-2")),
    "no date": (CUP, number("2-Nov")),
    "a line of dashes": (CUP, ",".join(["---"] * 8)),
    "totals of a customer": (CUP, number("Total")),
    "the number of a page": (CUP, number("Page 1 of 2")),
}


@pytest.mark.parametrize("rows", SOUND.values(), ids=list(SOUND))
def test_a_lost_number_has_no_effect_on_one_that_it_cannot_be(rows: tuple[str, ...]) -> None:
    assert len(created(H, *rows)) == 1


def test_numbers_may_all_begin_with_a_number_sign() -> None:
    assert created(H, number("#1001"), number("#1002")) == {"#1001": ["More"], "#1002": ["More"]}
    assert created(H, number("#1001"), number("1002")) == {"1002": ["More"]}


def test_more_lost_numbers_than_are_remembered_are_those_of_any_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [number(f"{1000 + each}.0").replace("C-1", f"C-{each}") for each in range(12)]
    sound = [number(each, CUP).replace("C-1", "C-99") for each in ("1001", "1009", "1011", "I-7")]

    assert created(H, *rows, *sound).keys() == {"1001", "1009", "1011", "I-7"}
    monkeypatch.setattr("invoicing.uploads.csv_strays.MAX_STRAYS", 8)
    assert created(H, *rows, *sound).keys() == {"1001", "I-7"}
    monkeypatch.setattr("invoicing.uploads.csv_strays.MAX_STRAYS", 4)
    assert created(H, *rows, *sound).keys() == set()


def test_a_longer_number_does_not_prove_that_shorter_ones_are_not_cut() -> None:
    cut, long = number("1234567890123450", CUP), number("12345678901234567890")

    assert created(H, cut, long) == {"12345678901234567890": ["More"]}


ERRORS = ["#NA", "#N/A N/A", "#N/A", "#REF!", "#NAME?"]


@pytest.mark.parametrize("column", ["discount", "due_date"])
@pytest.mark.parametrize("error", ERRORS)
def test_what_a_spreadsheet_could_not_calculate_is_not_empty(column: str, error: str) -> None:
    assert created(f"{H},{column}", f"{R},{error}", f"{OTHER},") == {"I-9": ["Last"]}


def test_what_is_written_as_people_do_is_read() -> None:
    rows = [
        f"{number('1/11/2026')},123 456 789",
        f"{number('2/11/2026')},12.345.678",
        f"{number('I-3').replace('C-1', chr(34) + 'Smith, John' + chr(34))},",
        f"{number('3/12/2026').replace('C-1', 'C-2')},",
        f"{number('I-4').replace('C-1', chr(34) + 'C-1, C-2' + chr(34))},",
    ]

    assert created(f"{H},customer_vat_id", *rows).keys() == {"1/11/2026", "2/11/2026", "I-3"}


SAME = {
    "e-mail": ("customer_email", "A@Example.com", "a@example.com"),
    "blanks in a name": ("customer_name", "Acme  Ltd", "Acme Ltd"),
    "a no-break space in a name": ("customer_name", "Acme\u00a0Ltd", "Acme Ltd"),
    "line breaks in an address": ("customer_address", '"Street 1\n12345 Town"', '"Street 1\r\n12345 Town "'),
    "midnight": ("due_date", "2026-12-01", "2026-12-01 00:00:00"),
}


@pytest.mark.parametrize(("column", "one", "other"), SAME.values(), ids=list(SAME))
def test_rows_of_an_invoice_may_write_the_same_otherwise(column: str, one: str, other: str) -> None:
    assert created(f"{H},{column}", f"{CUP},{one}", f"{MORE},{other}") == {"I-2": ["Cup", "More"]}
    assert created(f"{H},{column}", f"{CUP},{one}", f"{MORE},{other}x") == {}


def test_a_reason_has_the_date_as_the_file_has_it() -> None:
    rows = f"{R},31.11.2026", f"{CUP},01.12.2040"

    first, second = read("\n".join([f"{H},due_date", *rows]), date_format="dd.mm.yyyy")

    assert isinstance(first, RejectedInvoice)
    assert isinstance(second, RejectedInvoice)
    assert [(each.column, each.value) for each in (*first.problems, *second.problems)] == [
        ("due_date", "31.11.2026"),
        ("due_date", "01.12.2040"),
    ]


def test_an_invoice_has_its_dates_as_the_file_has_them() -> None:
    rows = [each.replace("I-2", "I-1").replace("2026-11-01", "01.11.2026") for each in (R, MORE)]

    (invoice,) = read("\n".join([H, *rows]), date_format="dd.mm.yyyy")

    assert isinstance(invoice, Candidate)
    assert invoice.dates == {"issue_date": ("01.11.2026", 2)}
