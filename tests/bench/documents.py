"""What a PDF takes, beside a bare reportlab table of the same rows."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.platypus import LongTable, SimpleDocTemplate

from invoicing.documents.pdf import Renderer
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.runtime.settings import BrandSettings
from tests.bench.measure import Figure, cpu_ms, in_turns, profile

FONTS = Path(__file__).resolve().parents[2] / "lambdas" / "generate_pdf" / "fonts"
LINES = (300, 1200)
GOAL = 1.5
MOST_MS = 5.0
"""Milliseconds that an invoice of one line may take."""


def invoice(lines: int) -> Invoice:
    """An issued invoice with so many lines."""
    request = CreateInvoice.model_validate(
        {
            "customerId": "BENCH",
            "customer": {"name": "Bench"},
            "issueDate": "2026-11-30",
            "currency": "EUR",
            "lines": [
                {"description": f"Part number {at}", "quantity": "2", "unitPrice": "10.50", "taxRate": "19"}
                for at in range(lines)
            ],
        }
    )
    return issue(request, number="B-1", origin=Origin(datetime(2026, 11, 30, tzinfo=UTC), "api", "bench"))


def bare(document: Invoice) -> bytes:
    """The same rows in reportlab's own table, with its own fonts, and nothing else."""
    output = io.BytesIO()
    rows = [
        [str(at), line.description, str(line.quantity), str(line.unit_price), "", f"{line.tax_rate:f}", str(line.net)]
        for at, line in enumerate(document.lines, 1)
    ]
    SimpleDocTemplate(output, pagesize=A4).build([LongTable(rows)])
    return output.getvalue()


def figures() -> Iterator[Figure]:
    """An invoice of one line, and long ones beside their floor."""
    renderer = Renderer(BrandSettings(brand_name="Bench"), FONTS)
    short = invoice(1)
    render = partial(renderer.render, short)
    render()  # the fonts are read once
    value, _ = in_turns(cpu_ms(render), lambda: 0.0, rounds=50)
    yield Figure("PDF of 1 line", value, "ms CPU", MOST_MS, shares=profile(render))
    for lines in LINES:
        document = invoice(lines)
        render = partial(renderer.render, document)
        value, floor = in_turns(cpu_ms(render), cpu_ms(partial(bare, document)), rounds=5)
        yield Figure(f"PDF of {lines} lines", value, "ms CPU", GOAL, floor, shares=profile(render))
