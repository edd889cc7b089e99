"""Which rows are one invoice, with which reasons invoices are rejected, and how large one may be."""

from collections.abc import Callable

import pytest

from invoicing.domain.models import MAX_LINES
from invoicing.uploads import csv_invoices
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_dates import LOCAL
from invoicing.uploads.csv_invoices import Candidate, RejectedCell, RejectedInvoice
from invoicing.uploads.csv_rows import Place
from tests.data import csv_reading

COLUMNS = (
    "invoice_number", "customer_id", "issue_date", "currency", "description", "quantity", "unit_price", "tax_rate",
    "customer_name", "customer_email", "customer_address", "customer_vat_id", "due_date", "discount",
)  # fmt: skip
VALID = ("0001", "C-1", "2026-11-01", "EUR", "Thing", "2", "10.50", "19", "", "", "", "", "", "")
BLANK = "," * 13


def row(**cells: str) -> str:
    """A valid row, with these cells replaced."""
    values = (dict(zip(COLUMNS, VALID, strict=True)) | cells).values()
    return ",".join(f'"{cell}"' if set(cell) & set(",\n") else cell for cell in values)


def read(*rows: str) -> list[Candidate | RejectedInvoice]:
    return csv_reading.read("\n".join([",".join(COLUMNS), *rows]))


def problems(*rows: str) -> list[RejectedCell]:
    return csv_reading.problems("\n".join([",".join(COLUMNS), *rows]))


def accepted(*rows: str) -> Candidate:
    return csv_reading.accepted("\n".join([",".join(COLUMNS), *rows]))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("invoice_number", "I\u200b1", "contains the invisible character U+200B"),
        ("customer_id", "9" * 65, "String should have at most 64 characters"),
        ("customer_name", "two\nlines", "must be one line"),
        ("customer_email", "nobody", "must be an email address such as accounts@example.com"),
        ("customer_address", "\ufffd", "contains a character that could not be read (U+FFFD)"),
        ("customer_vat_id", "9" * 33, "String should have at most 32 characters"),
        ("issue_date", "1.11.2026", LOCAL),
        ("due_date", "2026-11-31", "is not a day of the calendar"),
        ("currency", "eurocent", "'EUROCENT' is not an ISO 4217 currency code"),
        ("description", "Thing\x07", "contains the control character U+0007"),
        ("quantity", "2%", "is not a number such as 1234.50 or 1234,50"),
        ("unit_price", "-1", "must not be negative"),
        ("discount", "101%", "must be a percentage from 0 to 100 (19 means 19 %)"),
        ("tax_rate", "%19", "is not a number such as 1234.50 or 1234,50"),
    ],
)
def test_any_wrong_column_is_named_with_its_value(column: str, value: str, reason: str) -> None:
    wrong = row(**{column: value})
    assert problems(wrong, wrong)[0] == RejectedCell(2, column, value, reason)


def test_all_problems_of_an_invoice_are_reported_at_once() -> None:
    first = row(issue_date="", due_date="soon", customer_email="nobody")

    assert problems(row(issue_date="", currency="")) == [
        RejectedCell(2, "issue_date", "", "is required"),
        RejectedCell(2, "currency", "", "is required"),
    ]
    assert [problem.column for problem in problems(first, row(issue_date="2026"))] == [
        "customer_email",
        "issue_date",
        "due_date",
    ]
    assert problems(row(description="", quantity="x", unit_price="", discount="y", tax_rate="z")) == [
        RejectedCell(2, "quantity", "x", "is not a number such as 1234.50 or 1234,50"),
        RejectedCell(2, "unit_price", "", "is required"),
        RejectedCell(2, "discount", "y", "is not a number such as 1234.50 or 1234,50"),
        RejectedCell(2, "tax_rate", "z", "is not a number such as 1234.50 or 1234,50"),
        RejectedCell(2, "description", "", "is required"),
    ]


def test_a_problem_of_the_invoice_is_reported_with_the_row_that_has_the_cell() -> None:
    assert problems(row(due_date=""), row(due_date="soon"), row(due_date="")) == [
        RejectedCell(3, "due_date", "soon", "must be an ISO 8601 date such as 2026-11-22")
    ]


@pytest.mark.parametrize(
    ("column", "value"), [("issue_date", "2026-11-02"), ("due_date", "2026-12-24"), ("currency", "USD")]
)
def test_a_cell_about_the_whole_invoice_may_be_in_any_row(column: str, value: str) -> None:
    without = row(**{column: ""})

    invoice = accepted(without, row(quantity="3", **{column: value}), without.replace("Thing", "More"))

    assert (str(getattr(invoice.request, column)), invoice.rows) == (value, 3)


def test_a_long_value_is_reported_in_part() -> None:
    name, other = "n" * 70, "m" * 201

    reason = f"differs from row 2 of the same invoice, which has '{'n' * 60}'"

    assert problems(row(customer_name=name), row(customer_name=other)) == [
        RejectedCell(3, "customer_name", "m" * 200, reason)
    ]


def test_no_more_than_twenty_problems_of_one_invoice_are_reported() -> None:
    assert problems(*[row(quantity="x")] * 25) == [
        RejectedCell(number, "quantity", "x", "is not a number such as 1234.50 or 1234,50") for number in range(2, 22)
    ]


@pytest.mark.parametrize(
    ("number", "customer", "belongs"),
    [
        ("", "", True), ("0001", "", True), ("", "C-1", True),
        ("0001", "C-2", True),
        ("", "C-2", True), ("0002", "", False), ("0002", "C-1", False),
    ],
)  # fmt: skip
def test_a_row_belongs_to_the_invoice_above_unless_it_contradicts_it(number: str, customer: str, belongs: bool) -> None:  # noqa: FBT001
    invoices = read(row(), row(invoice_number=number, customer_id=customer))
    assert [(invoice.first, invoice.last) for invoice in invoices] == ([(2, 3)] if belongs else [(2, 2), (3, 3)])
    complete = bool(number and customer) and not (belongs and customer == "C-2")
    assert isinstance(invoices[-1], Candidate) is complete
    missing = [column for column, cell in (("invoice_number", number), ("customer_id", customer)) if not cell]
    reasons = [RejectedCell(3, column, "", "is required") for column in missing]
    if belongs and customer == "C-2":
        reasons.append(
            RejectedCell(3, "customer_id", "C-2", "differs from another row of the same invoice, which has 'C-1'")
        )
    if isinstance(invoices[-1], RejectedInvoice):
        assert invoices[-1].problems == reasons
    if not belongs:
        assert isinstance(invoices[0], Candidate)


def test_each_invoice_has_the_place_where_the_next_one_begins() -> None:
    rows = [row(), row(quantity="x", invoice_number="é1"), BLANK, row(invoice_number="0003")]
    invoices = read(*rows)
    text = "\n".join([",".join(COLUMNS), *rows]).encode()

    second, third = text.index("é".encode()), text.rindex(b"\n") + 1

    assert [(type(invoice), invoice.following) for invoice in invoices] == [
        (Candidate, Place(second, 3)),
        (RejectedInvoice, Place(third, 5)),
        (Candidate, None),
    ]


def test_a_rejected_invoice_has_its_whole_identity() -> None:
    (invoice,) = read(row(quantity="x"), row())
    assert invoice == RejectedInvoice(
        2, 3, "0001", [RejectedCell(2, "quantity", "x", "is not a number such as 1234.50 or 1234,50")], 2, None, "C-1"
    )


def rejection(action: Callable[[], object]) -> tuple[str, int | None]:
    with pytest.raises(UnreadableFileError) as failure:
        action()
    return str(failure.value), failure.value.row


def test_an_invoice_may_have_as_many_lines_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_LINES == 5000
    monkeypatch.setattr(csv_invoices, "MAX_LINES", 3)
    assert len(accepted(*(row(quantity=f"{each}") for each in range(1, 4))).request.lines) == 3
    rejected, following = read(*[row()] * 4, row(quantity="x"), row(invoice_number="0002"))

    assert isinstance(rejected, RejectedInvoice)
    assert (rejected.rows, rejected.problems) == (5, [RejectedCell(5, "", "", "the invoice has more than 3 lines")])
    assert isinstance(following, Candidate)


def test_an_invoice_may_be_as_large_as_an_item_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert csv_invoices.MAX_INVOICE_BYTES == 400 << 10
    monkeypatch.setattr(csv_invoices, "MAX_INVOICE_BYTES", 2048)
    fits = [row(description=sign * 960) for sign in "xy"]  # a line takes 64 bytes besides
    assert len(accepted(*fits).request.lines) == 2
    rejected, following = read(fits[0], row(description="x" * 961), *fits, row(invoice_number="0002"))
    assert isinstance(rejected, RejectedInvoice)
    reason = "the invoice takes more than 2 KB; split it in two"

    assert (rejected.rows, rejected.problems) == (4, [RejectedCell(3, "", "", reason)])
    assert isinstance(following, Candidate)


def test_contradictions_are_reported_even_of_an_invoice_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_invoices, "MAX_LINES", 1)

    reported = problems(row(), row(), row(currency="USD", quantity="x"))

    assert [(problem.row, problem.column) for problem in reported] == [(3, ""), (4, "currency")]


def test_an_invoice_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert csv_invoices.MAX_INVOICE_ROWS == 100_000
    monkeypatch.setattr(csv_invoices, "MAX_INVOICE_ROWS", 40)
    assert [invoice.rows for invoice in read(row(), *[row(quantity="x")] * 39)] == [40]
    expected = "the invoice that begins at row 2 does not end by row 42", 42

    assert rejection(lambda: read(row(), *[row(quantity="x")] * 40)) == expected


def test_an_invoice_with_too_many_blank_rows_between_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_invoices, "MAX_BLANK_ROWS", 10)
    assert accepted(row(), *[BLANK] * 9, row(quantity="3")).last == 12
    expected = "the invoice that begins at row 2 does not end by row 13", 13

    assert rejection(lambda: read(row(), *[BLANK] * 10, row())) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [("+2", "2"), ("-1'000", "-1000"), (" 2 000 ", "2000"), ("\u22122\u2009000.5", "-2000.5"), ("007", "7")],
)
def test_a_quantity_is_read_as_it_is_written(text: str, number: str) -> None:
    assert f"{accepted(row(quantity=text)).request.lines[0].quantity.normalize():f}" == number


def test_a_percentage_may_have_its_sign() -> None:
    (line,) = accepted(row(tax_rate="19 %", discount="7.5%")).request.lines
    assert (line.tax_rate, str(line.discount)) == (19, "7.5")
