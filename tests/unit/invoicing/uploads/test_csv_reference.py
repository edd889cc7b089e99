"""Generated files, read by the platform's reader and by one that is slow and obvious: the same invoices come out."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from invoicing.uploads.csv_invoices import Candidate
from tests.data import csv_reference
from tests.data.csv_reading import read

HEADER = csv_reference.REQUIRED
NUMBERS = ["I-1", "I-2", "I-3", "I\u20111", "I-1\u200b", "\uff29-2", "2.02611E+11", "1234567890123450",
           "1234567890123457", '="1234567890123450"', "", "NULL", " I-1 ", "⑫5",
           "TBD", "#I-1", "i-1", "I-1.", "I - 2", "0125", "125", "202611000203"]  # fmt: skip
CELLS: dict[str, Any] = {
    "invoice_number": st.sampled_from(NUMBERS[:3]) | st.sampled_from(NUMBERS),
    "customer_id": st.sampled_from(["C 1", "C 1", "C 1", "C\u00a01", "C 2", "", "1,23E+11", "C\u200b 1"]),
    "issue_date": st.sampled_from(["2026-11-01", "2026-11-01", "2026-11-01", "2026-11-02", "", "01.11.2026"]),
    "currency": st.sampled_from(["EUR", "EUR", "eur", "USD", "#N/A"]),
    "description": st.sampled_from(["Rope", "Rope, 12 mm", "Cup; blue", 'a "b" c', "-", "Größe"]),
    "quantity": st.sampled_from(
        ["1", "2", "10", "1.000", "1,000", "2.5", "2,5", "0.125", "1-", "-", "x", "⑫5", "1 000"]
    ),
    "unit_price": st.sampled_from(
        ["3", "4.50", "4,50", "1.250", "1'249.50", "1.234,5", "1,234.5", "-1", "12.34.5", ",5"]
    ),
    "tax_rate": st.sampled_from(["19", "19 %", "8.1", "8,1", "0", "0.5%"] * 6 + ["1", "1.07", "0.19", "101", "4 EUR"]),
}
DISCOUNTS = st.sampled_from(["", "5", "7.5", "7,5", "NULL"] * 6 + ["0.05", "5 %", "1", "1.2", "150", "-5", "3 EUR"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """A file and its delimiter: rows of few numbers, in any order, with headers in between."""
    delimiter = draw(st.sampled_from([",", ";"]))
    lines: list[str] = []
    names = [*HEADER]

    def write(cells: list[str]) -> None:
        lines.append(delimiter.join(draw(quoted(cell, delimiter)) for cell in cells))

    write(names)
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 9)) == 0:
            names = draw(st.permutations([*HEADER, "discount"]))
            names = names[: draw(st.sampled_from([9, 9, 9, 5]))]
            write(names)
        row = {name: draw(cells) for name, cells in CELLS.items()} | {"discount": draw(DISCOUNTS)}
        cells = [row[name] for name in names]
        surplus = draw(st.sampled_from([[]] * 9 + [["more"]]))
        write([*cells, *surplus])
    return "\n".join(lines) + "\n", delimiter


@st.composite
def quoted(draw: st.DrawFn, cell: str, delimiter: str) -> str:
    needs_quotes = any(character in cell for character in f'{delimiter}"')
    if not needs_quotes and draw(st.booleans()):
        return cell
    before, after = draw(st.sampled_from([("", ""), ("", ""), (" ", ""), ("", " "), ("  ", " ")]))
    return before + '"' + cell.replace('"', '""') + '"' + after


def ours(text: str) -> tuple[dict[str, list[csv_reference.Line]], int]:
    invoices: dict[str, list[csv_reference.Line]] = {}
    rejected = 0
    for invoice in read(text):
        if not isinstance(invoice, Candidate):
            rejected += 1
            continue
        number = invoice.request.invoice_number or ""
        lines = invoice.request.lines
        invoices[number] = [
            (line.description, line.quantity, line.unit_price, line.discount, line.tax_rate) for line in lines
        ]
    return invoices, rejected


@pytest.mark.volume
@settings(max_examples=200)
@given(files())
@example(("\n".join([",".join(HEADER), "I-1,C 1,2026-11-01,EUR,a,1.000,3,19"]), ","))
def test_both_readers_make_the_same_invoices(file: tuple[str, str]) -> None:
    text, delimiter = file

    assert ours(text) == csv_reference.read(text, delimiter)
