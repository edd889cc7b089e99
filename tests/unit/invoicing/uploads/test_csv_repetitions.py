"""Invoices whose rows stand apart: one invoice, the same one several times, or none because nobody can tell."""

import pytest

from invoicing.uploads.apart_invoices import BELOW, IN_DOUBT_OF
from invoicing.uploads.csv_invoices import Candidate, RejectedInvoice
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, H, R

MORE = R.replace("Rope", "More")
REPEATS = (
    "repeats row {} of the same invoice, and stands apart from it: nobody can tell whether it is meant twice; put all "
    "rows of the invoice together"
)
OTHERS = (
    "repeats row {} of the same invoice, and differs from it in a column that is not read: nobody can tell whether it "
    "is meant twice; put all rows of the invoice together"
)


def apart(*lines: str, header: str = H) -> tuple[list[list[str]], list[tuple[int, str]]]:
    """The lines of each invoice I-1 that a file makes, and why one is rejected."""
    created, reasons = [], []
    for invoice in read("\n".join([header, *lines, ""])):
        if isinstance(invoice, Candidate) and invoice.request.invoice_number == "I-1":
            created.append([line.description for line in invoice.request.lines])
        elif isinstance(invoice, RejectedInvoice) and invoice.invoice_number == "I-1":
            reasons += [(problem.row, problem.reason) for problem in invoice.problems]
    return created, reasons


@pytest.mark.parametrize(
    ("lines", "created"),
    [
        ((R, CUP, MORE), [["Rope", "More"]]),
        ((R, MORE, CUP, R, MORE), [["Rope", "More"]] * 2),
        ((R, CUP, R, CUP, R), [["Rope"]] * 3),
        ((R, CUP, R.replace("10.50", "10.5")), [["Rope"]] * 2),
        ((R, CUP, R.replace("20", "20 %", 2).replace("20 %26", "2026")), [["Rope"]] * 2),
        ((R, CUP, R.replace("Rope", "ROPE ")), [["Rope"], ["ROPE"]]),
        ((R, H, MORE), [["Rope", "More"]]),
    ],
)
def test_rows_apart_are_one_invoice_or_the_same_one_again(lines: tuple[str, ...], created: list[list[str]]) -> None:
    assert apart(*lines) == (created, [])


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((R, MORE, CUP, R), (5, REPEATS.format(2))),
        ((R, MORE, CUP, MORE, R), (5, REPEATS.format(3))),
        ((R, CUP, MORE, CUP, MORE), (6, REPEATS.format(4))),
        ((R, CUP, H, MORE), (5, BELOW)),
        ((R, CUP, H, MORE, H, CUP, MORE), (8, REPEATS.format(5))),
    ],
)
def test_rows_apart_that_may_be_meant_twice_make_no_invoice(lines: tuple[str, ...], reason: tuple[int, str]) -> None:
    assert apart(*lines) == ([], [reason])


def test_rows_that_differ_in_a_column_that_is_not_read_may_be_two_lines() -> None:
    header, other = f"{H},order", f"{CUP},"

    assert apart(f"{R},A", other, f"{R},B", header=header) == ([], [(4, OTHERS.format(2))])
    assert apart(f"{R},A", other, f"{R},a ", header=header) == ([["Rope"]] * 2, [])


@pytest.mark.parametrize(
    ("one", "other", "created"),
    [
        ("", "0", [["Rope"]] * 2),
        ("0", "0.00", [["Rope"]] * 2),
        ("5", "5.0", [["Rope"]] * 2),
        ("5 %", "5%", [["Rope"]] * 2),
    ],
)
def test_no_discount_is_a_discount_of_nothing(one: str, other: str, created: list[list[str]]) -> None:
    assert apart(f"{R},{one}", f"{CUP},", f"{R},{other}", header=f"{H},discount") == (created, [])


def test_a_damaged_row_may_be_one_of_an_invoice_apart() -> None:
    damaged = 'I-3,C-1,"Rope" I-1,2'

    assert apart(R, CUP, MORE, damaged) == ([], [(2, IN_DOUBT_OF.format(row=5))])


def test_another_reason_comes_before_that_of_a_repetition() -> None:
    assert apart(R, MORE, CUP, R.replace("EUR", "USD"))[1] == [
        (5, "differs from row 2 of the same invoice, which has 'EUR'")
    ]


@pytest.mark.parametrize("other", ["3,10.50,20", "2,10.60,20", "2,10.50,19"])
def test_rows_apart_with_the_same_text_and_other_numbers_may_be_a_correction(other: str) -> None:
    again = R.replace("2,10.50,20", other)

    for between in ((CUP,), (H,), (CUP, H)):
        created, reasons = apart(R, *between, again)
        assert (created, [row for row, _ in reasons]) == ([], [len(between) + 3])
    assert apart(R, again) == ([["Rope", "Rope"]], [])
