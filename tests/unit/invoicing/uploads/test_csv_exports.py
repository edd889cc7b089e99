"""Exports of programs: each makes the same two hundred invoices, to the last digit."""

from decimal import Decimal

import pytest

from invoicing.domain.models import CreateInvoice
from invoicing.uploads.csv_invoices import Candidate
from tests.data import csv_exports
from tests.data.csv_exports import PROGRAMS, Program
from tests.data.csv_reading import read

CUSTOMER = {"name": "customer_name", "vat_id": "customer_vat_id"}


@pytest.fixture(scope="module")
def expected() -> list[CreateInvoice]:
    """The invoices as requests of the API."""
    requests = []
    for rows in csv_exports.invoices():
        head = {name: rows[0][name] for name in ("invoice_number", "customer_id", "issue_date", "due_date", "currency")}
        customer = {name: rows[0][column] for name, column in CUSTOMER.items() if rows[0][column]}
        names = ("description", "quantity", "unit_price", "discount", "tax_rate")
        lines = [{name: row[name] for name in names if row[name] is not None} for row in rows]
        requests.append(CreateInvoice.model_validate({**head, "customer": customer, "lines": lines}))
    return requests


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name.replace(" ", "-"))
def test_an_export_makes_the_invoices_that_were_exported(program: Program, expected: list[CreateInvoice]) -> None:
    invoices = read(program.write(), **program.metadata)

    assert len(invoices) == csv_exports.COUNT
    for invoice, request in zip(invoices, expected, strict=True):
        assert isinstance(invoice, Candidate), invoice
        assert invoice.request == request


def test_exports_without_metadata_make_no_wrong_invoice(expected: list[CreateInvoice]) -> None:
    """GIVEN files whose dates are those of a country THEN all of them are rejected, and none is guessed."""
    requests = {request.invoice_number: request for request in expected}
    for program in (program for program in PROGRAMS if program.metadata):
        invoices = read(program.write())
        assert len(invoices) == csv_exports.COUNT
        for invoice in invoices:
            assert not isinstance(invoice, Candidate) or invoice.request == requests[invoice.request.invoice_number]


def test_the_invoices_have_what_makes_files_hard() -> None:
    rows = [row for invoice in csv_exports.invoices() for row in invoice]

    assert any(row["quantity"] == Decimal(1000) for row in rows)
    assert any(isinstance(row["quantity"], Decimal) and row["quantity"] < 0 for row in rows)
    assert any(row["due_date"] is None for row in rows)
    assert any(";" in str(row["description"]) for row in rows)
    assert any(isinstance(row["unit_price"], Decimal) and row["unit_price"] > 1000 for row in rows)
