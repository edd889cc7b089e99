"""Why an invoice is rejected whose rows can be read one by one: with the row and the cell as the file has it."""

import pytest

from invoicing.domain.door import TOO_LATE
from invoicing.uploads.csv_invoices import SWAPPED, Candidate, RejectedInvoice
from invoicing.uploads.csv_strays import STRAY
from invoicing.uploads.csv_sums import DOUBLED, REPEATED, TOTALS
from tests.data.csv_reading import accepted, problems, read
from tests.data.csv_small_files import CUP, H, R

MIXED_CASE = "has letters of both cases, as GBp for pence has; write it in capitals"
OTHER_WAY = "looks like 'I-1' of another row, but is written in another way: write both alike"
OTHER_LETTERS = "looks like 'AB-1' of another row, but has letters of another alphabet"
NOT_THE_SAME = "differs from row 2 of the same invoice, which has"
SECOND = R.replace("Rope", "Cup")


def found(*lines: str, header: str = H, **metadata: str) -> list[tuple[int, str, str, str]]:
    text = "\n".join([header, *lines, ""])
    return [(each.row, each.column, each.value, each.reason) for each in problems(text, **metadata)]


@pytest.mark.parametrize(
    ("first", "second", "column", "reason"),
    [
        ("I-1", "i-1", "invoice_number", OTHER_WAY),
        ("I-1", "I-1.", "invoice_number", OTHER_WAY),
        ("AB-1", "\u0410\u0412-1", "invoice_number", OTHER_LETTERS),
        ("I-1", "I\u200b-1", "invoice_number", "contains the invisible character U+200B"),
        ("I-1", "I\x07-1", "invoice_number", "contains the control character U+0007"),
    ],
)
def test_a_number_that_looks_the_same_is_written_the_same(first: str, second: str, column: str, reason: str) -> None:
    lines = R.replace("I-1", first), SECOND.replace("I-1", second)

    assert found(*lines) == [(3, column, second, reason)]


def test_a_letter_of_another_alphabet_is_one_problem_of_its_row() -> None:
    first, second = R.replace("I-1", "AA-1"), SECOND.replace("I-1", "A\u0410-1")
    reason = "mixes alphabets: \u0410 is CYRILLIC CAPITAL LETTER A; write all letters in one of them"

    assert found(first, second) == [(3, "invoice_number", "A\u0410-1", reason)]


def test_a_long_number_is_quoted_in_part() -> None:
    (problem,) = found(R.replace("I-1", f"{'I' * 60}1"), SECOND.replace("I-1", f"{'i' * 60}1"))

    assert problem[3].startswith(f"looks like '{'I' * 60}' of another row")


def test_of_a_row_that_cannot_be_read_nothing_else_is_reported() -> None:
    wide, destroyed = R.replace("10.50", "ten") + ",x", R.replace("I-1", "1001.0").replace("10.50", "ten")

    assert found(wide) == [(2, "", "", "the row has more cells than the header, which has 8")]
    assert [column for _, column, _, _ in found(destroyed)] == ["invoice_number", "unit_price"]
    assert found(R.replace("10.50", "")) == [(2, "unit_price", "", "is required")]


def test_a_discount_of_one_percent_in_a_column_that_proves_nothing_is_read() -> None:
    assert accepted(f"{H},discount\n{R},1\n").request.lines[0].discount == 1


def test_a_row_that_ends_before_its_customer_has_none() -> None:
    (invoice,) = read(f"{H}\nI-1\n")

    assert isinstance(invoice, RejectedInvoice)
    assert (invoice.invoice_number, invoice.customer_id) == ("I-1", "")


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("currency", "EUR", "eur"),
        ("customer_email", "A@Example.com", "a@example.COM"),
        ("customer_name", "Acme  Ltd", "Acme\u00a0Ltd "),
        ("due_date", "2026-12-01", "2026-12-01 00:00:00"),
        ("due_date", "01.12.2026", "2026-12-01"),
    ],
)
def test_rows_may_write_the_same_in_two_ways(column: str, first: str, second: str) -> None:
    header = H if column in H else f"{H},{column}"
    lines = [
        line.replace("EUR", text) if column == "currency" else f"{line},{text}"
        for line, text in ((R, first), (SECOND, second))
    ]

    invoice = accepted("\n".join([header, *lines, ""]), date_format="dd.mm.yyyy")

    assert [line.description for line in invoice.request.lines] == ["Rope", "Cup"]


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("customer_email", "a@example.com", "b@example.com"),
        ("customer_name", "Acme Ltd", "ACME Ltd"),
        ("due_date", "2026-12-01", "2026-12-02"),
        ("customer_vat_id", "1 2", "12"),
    ],
)
def test_rows_that_contradict_each_other_name_the_first_one(column: str, first: str, second: str) -> None:
    assert found(f"{R},{first}", f"{SECOND},{second}", header=f"{H},{column}") == [
        (3, column, second, f"{NOT_THE_SAME} {first!r}")
    ]


@pytest.mark.parametrize(
    ("currency", "reason"),
    [("GBp", MIXED_CASE), ("Eur", MIXED_CASE), ("gb\u0131", "'gb\u0131' is not an ISO 4217 currency code")],
)
def test_a_currency_has_letters_of_one_case_and_alphabet(currency: str, reason: str) -> None:
    assert found(R.replace("EUR", currency)) == [(2, "currency", currency, reason)]


def test_a_currency_may_be_in_small_letters() -> None:
    assert accepted(f"{H}\n{R.replace('EUR', 'eur')}\n").request.currency == "EUR"


@pytest.mark.parametrize(
    ("lines", "row", "name"),
    [
        (("Total,1,42,20", "Rope,2,10.50,20"), 2, "Total"),
        (("Rope,2,10.50,20", "Summe:,1,7,20", "Total,1,9,20"), 3, "Summe:"),
        (("Rope,2,10.50,20", "Cup,2,10.50,20", "Total EUR,1,42,20"), 4, "Total EUR"),
        (("Yen,3,33.5,10", "Sum JPY,1,101,10"), 3, "Sum JPY"),
    ],
)
def test_a_row_of_totals_is_no_line(lines: tuple[str, ...], row: int, name: str) -> None:
    currency = "JPY" if "JPY" in name else "eur"
    rows = [f"I-1,C-1,2026-11-01,{currency},{line}" for line in lines]

    assert found(*rows) == [(row, "description", name, TOTALS)]


def test_a_row_that_comes_again_is_named_with_the_first_one() -> None:
    assert found(R, SECOND, R) == [(4, "", "", REPEATED.format(row=2))]


def test_an_invoice_whose_lines_are_all_there_twice_is_rejected_at_its_first_row() -> None:
    assert found(R, SECOND, R, SECOND) == [(2, "", "", DOUBLED)]


def test_an_invoice_that_may_lack_a_row_names_that_row() -> None:
    lines = R, CUP.replace("C-1", "C-2"), R.replace("I-1", "TBD")

    first, second, _ = read("\n".join([H, *lines, ""]))

    assert isinstance(first, RejectedInvoice)
    assert [(each.row, each.column, each.value, each.reason) for each in first.problems] == [
        (2, "", "", STRAY.format(row=4))
    ]
    assert isinstance(second, Candidate)


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ("2,10.50,0.2", "tax_rate", "is 0.2 %, and probably a ratio: write 20"),
        ("2,10.50,1.19", "tax_rate", "is probably a factor: write 19, or 1.19 % with its sign"),
        ("2,10.50,20,0.1", "discount", "means 0.1 %, and is probably a ratio: write 10, or 0.1 % with its sign"),
    ],
)
def test_a_percentage_that_is_probably_none_is_reported_as_it_is_written(cells: str, column: str, reason: str) -> None:
    header = f"{H},discount"
    line = f"I-1,C-1,2026-11-01,EUR,Rope,{cells}" + ("," if cells.count(",") == 2 else "")

    ((row, name, value, why),) = found(line, header=header)

    assert (row, name, why[: len(reason)]) == (2, column, reason)
    assert value in cells.split(",")


@pytest.mark.parametrize(
    ("date", "swapped", "metadata"),
    [
        ("2026-12-01", "2026-22-11", {}),
        ("03/12/2026", "12/22/2026", {"date_format": "dd/mm/yyyy"}),
    ],
)
def test_a_date_that_may_be_swapped_names_the_row_that_shows_it(
    date: str, swapped: str, metadata: dict[str, str]
) -> None:
    first, second = read("\n".join([f"{H},due_date", f"{R},{date}", f"{CUP},{swapped}", ""]), **metadata)

    assert isinstance(first, RejectedInvoice)
    assert [(each.row, each.column, each.value, each.reason) for each in first.problems] == [
        (2, "due_date", date, SWAPPED.format(row=3))
    ]
    assert isinstance(second, RejectedInvoice)


def test_a_date_in_another_than_the_declared_format_is_reported_as_it_is_written() -> None:
    reason = "is neither a date such as 2026-11-22 nor one in the format dd.mm.yyyy of the upload's metadata"

    assert found(f"{R},22/12/2026", header=f"{H},due_date", date_format="dd.mm.yyyy") == [
        (2, "due_date", "22/12/2026", reason)
    ]


@pytest.mark.parametrize(("date", "is_too_late"), [("08.11.2036", False), ("09.11.2036", True)])
def test_terms_of_payment_end_within_ten_years(date: str, *, is_too_late: bool) -> None:
    rows = f"{R},", f"{SECOND},{date}"

    if is_too_late:
        assert found(*rows, header=f"{H},due_date", date_format="dd.mm.yyyy") == [(3, "due_date", date, TOO_LATE)]
    else:
        invoice = accepted("\n".join([f"{H},due_date", *rows, ""]), date_format="dd.mm.yyyy")
        assert invoice.dates == {"issue_date": ("2026-11-01", 2), "due_date": (date, 3)}
