"""One quotation mark too many or too few, anywhere in a file: rows are rejected, and no invoice is wrong."""

from decimal import Decimal
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_invoices import Candidate
from tests.data.csv_reading import read

NAMES = ["invoice_number", "customer_id", "issue_date", "currency", "description", "quantity", "unit_price", "tax_rate"]
TEXTS = st.sampled_from(["Rope", "Rope, 12 mm", 'Screen 24"', "two\nlines", "a, b\nc, d", "", ",,,", '"', "x" * 40])


@st.composite
def files(draw: st.DrawFn) -> tuple[list[str], list[dict[str, str]]]:
    """The names of the columns in some order, and rows."""
    names = draw(st.permutations([*NAMES, "customer_name"]))
    rows = [
        {"invoice_number": f"I-{number}", "customer_id": "C-1", "customer_name": "Smith, Jones"}
        | {"issue_date": "2026-11-01", "currency": "EUR", "description": draw(TEXTS) or f"Line {line}"}
        | {"quantity": str(line + 1), "unit_price": f"{number + 1}.5", "tax_rate": "19"}
        for number in range(draw(st.integers(1, 5)))
        for line in range(draw(st.integers(1, 4)))
    ]
    return names, rows


def written(names: list[str], rows: list[dict[str, str]], *, quotes_all: bool) -> str:
    def cell(text: str) -> str:
        needs_quotes = quotes_all or any(character in text for character in ',"\n')
        return '"' + text.replace('"', '""') + '"' if needs_quotes else text

    return "".join(
        ",".join(map(cell, cells)) + "\n" for cells in [names, *([row[name] for name in names] for row in rows)]
    )


def amounts(rows: list[dict[str, str]]) -> dict[str, list[tuple[str, Decimal, Decimal]]]:
    """The customer, quantity and price of each line, by the number of its invoice."""
    return {
        number: [(row["customer_id"], Decimal(row["quantity"]), Decimal(row["unit_price"])) for row in lines]
        for number, lines in groupby(rows, key=lambda row: row["invoice_number"])
    }


@given(files(), st.data())
def test_one_wrong_quotation_mark_makes_no_wrong_invoice(
    file: tuple[list[str], list[dict[str, str]]], data: st.DataObject
) -> None:
    names, rows = file
    text = written(names, rows, quotes_all=data.draw(st.booleans()))
    is_missing = data.draw(st.booleans())
    body = text.index("\n") + 1
    marks = [at for at in range(body, len(text)) if text[at] == '"']
    at = data.draw(st.sampled_from(marks) if is_missing and marks else st.integers(body, len(text) - 1))
    damaged = text[:at] + text[at + 1 :] if is_missing and marks else text[:at] + '"' + text[at:]

    invoices = read(damaged)

    right = amounts(rows)
    for invoice in invoices:
        if isinstance(invoice, Candidate):
            request = invoice.request
            lines = [(request.customer_id, line.quantity, line.unit_price) for line in request.lines]
            assert right[request.invoice_number or ""] == lines
