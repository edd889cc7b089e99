"""What is written where an identifier is missing: it never becomes the number of an invoice, or a customer."""

import pytest

from invoicing.uploads.csv_identifiers import destruction
from invoicing.uploads.csv_invoices import Candidate, RejectedInvoice
from tests.data.csv_reading import read

H = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"

PLACEHOLDERS = """\
0000000000|0000 000000|-1|dito|s.o.|siehe oben|see above|as above|same|同上|wie oben|id.|ibid.|k.A.|n.n.|N.N.|s/n
sin número|ohne|keine|new|neu|auto|(auto)|pending|DRAFT|Entwurf|TBC|to follow|xxx|INV-XXXX|<number>|[number]|%s|$number
#{number}|__NUMBER__|INV-null|INV-undefined|n/v|na|NIL|empty|leer|vide|not assigned|Rechnung|Invoice|Nr.|VOID
storniert|Total|Summe|Gesamtsumme|Subtotal|Zwischensumme|Average|Count|Page 1 of 2|EOF|Trailer|Grand Total|e.g. INV-1
00000000-0000-0000-0000-000000000000
"""
DESTROYED = """\
03.янв|3-sty|03.des|03월 01일|03.Oca|12:03 AM|2.02611×10^11|2.02611 E+11|1001.|1.001,00|1,00,001|(1001)|+1001
VERO|PRAWDA|ИСТИНА
"""
NUMBERS = "I-1 2026-0815 #1001 RE-2026/001 0042 A-100 0815/2026 DEC-26-1 MAR-001 K-10 0-1 00-17 1/26"


def words(text: str) -> list[str]:
    return text.strip().replace("\n", "|").split("|")


@pytest.mark.parametrize("cell", words(PLACEHOLDERS) + words(DESTROYED))
def test_what_is_no_number_is_rejected(cell: str) -> None:
    assert destruction(cell)


@pytest.mark.parametrize("cell", NUMBERS.split())
def test_numbers_are_numbers(cell: str) -> None:
    assert destruction(cell) is None


@pytest.mark.parametrize("cell", ["dito", "0000000000", "Grand Total"])
def test_rows_with_one_placeholder_make_no_invoice_together(cell: str) -> None:
    rows = "".join(f"{cell},C-1,2026-11-01,EUR,{name},2,10.50,20\n" for name in ("Cup", "Mug"))

    (rejected,) = read(f"{H}\n{rows}")

    assert isinstance(rejected, RejectedInvoice)


@pytest.mark.parametrize(("currency", "accepted"), [("GBP", True), ("gbp", True), ("GBp", False), ("\u0131NR", False)])
def test_a_hundredth_of_a_currency_is_not_taken_for_it(currency: str, *, accepted: bool) -> None:
    """``GBp`` is a market's name for pence: the amounts would be a hundred times too large."""
    (invoice,) = read(f"{H}\nI-1,C-1,2026-11-01,{currency},Rope,2,1050,20\n")

    assert isinstance(invoice, Candidate) is accepted
