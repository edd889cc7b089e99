"""Texts beside the table: harmless ones pass, and any other rejects the file, wherever it is and however it is cut."""

import pytest

from invoicing.uploads.csv_banners import judgement
from invoicing.uploads.csv_bytes import UnreadableFileError
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, H, R, created

CHANGING = [
    "Prices with VAT", "Prices include tax", "VAT included", "incl. 19 %", "MwSt. enthalten", "Bruttopreise", "Gross",
    "Preise verstehen sich einschließlich Umsatzsteuer", "TVA comprise", "IVA compreso", "Amounts in hundreds",
    "All values x1000", "EUR '000", "Amounts in EUR 1,000", "EUR 000", "kEUR", "KEUR", "Amounts in KEUR",
    "in Tausendern", "Unit: cents", "Prices per 100", "per dozen", "je 100 Stück", "Preise pro 1000", "pro Karton",
    "Quantities in boxes", "Void", "VOIDED", "CANCELED", "Replaced by version 2", "Superseded", "Obsolete",
    "Old Prices", "Preliminary", "To Be Checked", "Not Approved", "Do Not Import", "DO NOT BILL", "already invoiced",
    "bereits fakturiert", "Test", "TEST RUN", "Testlauf", "Demo Company", "Dummy", "Muster GmbH", "Quote 17",
    "Angebot 17", "Offer", "Cotización", "Preventivo", "Credit note", "Gutschrift", "Refunds Q3", "Nota di credito",
    "Bills received", "Lieferantenrechnungen", "Supplier Bills", "Purchases", "Incoming invoices", "less 2 % discount",
    "Rabatt 5", "Skonto 2 % in 10 Tagen", "Payable in 14 days", "Due 2026-12-01", "Zahlbar sofort", "fällig am 1.12.",
    "reverse charge", "tax exempt", "Amounts in \u20ac x 10", "Amounts = EUR x 100", "+10 %", "exchange rate 1.08",
    "Copy", "Duplicate", "invoices?", "see note below", "prices may change", "Acme", "foo bar",
    "\u5358\u4f4d\u5343\u5186", "Lines reversed",
]  # fmt: skip
HARMLESS = [
    "Invoices", "INVOICES", "Rechnungen", "Rechnungsliste November 2026", "Factures", "Facturas", "Fatture", "Export",
    "Invoices 2026-11-01 to 2026-11-30", "January - December 2026", "01.11.2026 bis 30.11.2026", "Page 1 of 2",
    "Seite 2 von 3", "Page: 3", "Exported 2026-11-01 10:00", "Exported on 2026-11-01 at 10:00:12 UTC",
    "Stand: 1.11.2026", "Amounts in EUR", "All amounts in EUR", "Alle Beträge in EUR", "Beträge in \u20ac",
    "Montants en EUR", "Invoices (EUR)", "Currency: EUR", "Währung EUR", "Prices in euros", "Prices excl. VAT",
    "Preise netto", "net prices", "Nettopreise", "alle Preise zzgl. MwSt.", "Prix HT", "Prix hors taxes",
    "Precios sin IVA", "Prezzi netti", "Alpina Werkzeuge AG", "ACME LTD", "Lantern Books",
    "Lantern Books - Invoices November 2026", "Smith & Sons Ltd.", "Customer: K-1001", "Invoices of Bridge Clinic",
    "(221 rows)", "1,000 rows", "Total 42.00", "End of report", "EOF", "VAT id DE123456789", "USt-IdNr. DE 123456789",
    "# note", "-----", "======", "+---+---+", "I-9", "I-", "text text date text text decimal decimal decimal",
    "Q3 2026", "Week 45",
]  # fmt: skip


def rejection(*lines: str, **metadata: str) -> str:
    with pytest.raises(UnreadableFileError) as error:
        read("\n".join([*lines, ""]), **metadata)
    return str(error.value)


@pytest.mark.parametrize("text", CHANGING)
def test_a_text_that_is_not_known_to_be_harmless_rejects_the_file(text: str) -> None:
    quoted = '"' + text + '"'
    for lines in ((quoted, H, R, CUP), (H, quoted, R, CUP), (H, R, quoted, CUP), (H, R, CUP, f"{quoted},,,,,,,")):
        reason = rejection(*lines)

        assert f"says {text[:60]!r}: " in reason
        assert "ignore-text: yes" in reason


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text_is_passed(text: str) -> None:
    assert judgement(text).reason == ""
    assert len(read(f'"{text}"\n{H}\n{R}\n')) == 1


CUT = {
    "two cells": ("Note:,Prices incl. VAT,,,,,,", "Note: Prices incl. VAT"),
    "commas without quotation marks": ("Please note, amounts, in thousands", "Please note amounts in thousands"),
    "a text as long as a row": ("a,b,all 3,prices,are,with,taxes,19", "a b all 3 prices are with taxes 19"),
    "a date where a date is": ("as,of,2026-11-01,prices,are,gross,,", "as of 2026-11-01 prices are gross"),
    "a number where the price is": ("Discount,,,,,,5,", "Discount 5"),
    "in the last cell": (",,,,,,,incl. VAT", "incl. VAT"),
}


@pytest.mark.parametrize(("line", "text"), CUT.values(), ids=list(CUT))
def test_a_text_in_several_cells_is_one(line: str, text: str) -> None:
    for lines in ((line, H, R, CUP), (H, line, R, CUP), (H, R, line, CUP), (H, R, CUP, line)):
        assert f"says {text!r}: " in rejection(*lines)


def test_a_text_in_quotation_marks_that_do_not_match_is_looked_at() -> None:
    assert "include tax" in rejection('Prices "incl. VAT', H, R)
    assert "include tax" in rejection(H, R, CUP, 'Prices "incl. VAT" for all')


def test_an_uploader_may_permit_to_ignore_texts() -> None:
    lines = "\n".join(["Replaced", H, R, CUP.replace("C-1", "C-2"), ""])

    assert len(read(lines, ignore_text="yes")) == 2
    assert "says 'Replaced'" in rejection(*lines.split(), ignore_text="no")
    with pytest.raises(UnreadableFileError, match="metadata ignore-text is 'maybe', which is unknown; use yes or no"):
        read(lines, ignore_text="maybe")


@pytest.mark.parametrize("text", ["Amounts in USD", "(USD)", "Currency: USD", "Amounts in \u00a3"])
def test_a_text_must_name_the_currency_that_all_rows_have(text: str) -> None:
    assert "but row 3 has EUR" in rejection(text, H, R)
    assert "but row 2 has EUR" in rejection(H, R, f"{text},,,")


def test_a_text_names_no_currency_of_a_file_with_several() -> None:
    assert "but row 4 has USD" in rejection("Amounts in EUR", H, R, CUP.replace("EUR", "USD"))


def test_what_is_left_of_damaged_rows_is_no_text() -> None:
    cut = ("I-1,C-1,2026-11-01,EUR,Rope 12", "mm blue,2,10.50,20")

    assert created(H, *cut, H, CUP) == {"I-2": ["Cup"]}
    assert "include tax" in rejection(H, cut[0], "mm incl. VAT,2,10.50,20", H, CUP)


def test_a_row_without_a_price_is_a_row() -> None:
    assert created(H, R.replace("Rope,2,10.50", "incl. VAT,,"), CUP) == {"I-2": ["Cup"]}
