"""Names of sums and taxes: alone they are no line, and among other words they are judged by their amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_sum_words import is_total, names_subtotal, names_sum, only_names_sum
from tests.data.csv_small_files import CUP, LAST, MORE, H, created

NAMES = [
    "Subtotal", "Sub-Total", "sub total:", "Total", "*** TOTAL ***", "Total EUR", "Total (EUR)", "Total excl. VAT",
    "Total incl. 20 % VAT", "MwSt 19 %", "MwSt. 19%", "19% MwSt", "zzgl. 19 % MwSt.", "VAT", "V.A.T.", "V.A.T. 20%",
    "V A T 20", "VAT@20%", "VAT (20%)", "VAT19", "TVA 20 %", "T.V.A.", "IVA 21%", "I.V.A.", "BTW 21%", "HST",
    "GST/HST", "GST + PST", "QST 9.975%", "DPH 21 %", "\u00c1FA 27%", "A\u0301FA", "\u041d\u0414\u0421 20%", "KDV %20",
    "PDV 25%", "moms 25 %", "\u6d88\u8cbb\u7a0e", "\u6d88\u8cbb\u7a0e (10%)", "\u6d88\u8cbb\u7a0e\u7b49",
    "\u5408\u8a08\u91d1\u984d", "\u7a0e\u8fbc\u5408\u8a08", "Invoice amount", "Zwischensumme", "Zwischensumme 1",
    "Gesamt", "Gesamtbetrag brutto", "Rechnungsbetrag", "Nettobetrag CHF 42.00", "Summe netto", "Gross EURO",
    "Mehrwertsteuer 7 %", "USt", "U.St. 19%", "USt.-Betrag", "Umsatzsteuerbetrag", "Sales Tax 8.25%",
    "Goods and Services Tax", "Value added tax", "Grand total", "Total g\u00e9n\u00e9ral", "Total HT", "Importe total",
    "Totale imponibile", "Sous-total", "Razem", "Amount due", "Total to pay", "\ubd80\uac00\uc138",
    "\u0418\u0442\u043e\u0433\u043e", "Ara Toplam", "\u03a3\u03cd\u03bd\u03bf\u03bb\u03bf", '\u05de\u05e2"\u05de',
    "\u0627\u0644\u0645\u062c\u0645\u0648\u0639", "Total for invoice I-2", "I-2 Total",
]  # fmt: skip
LINES = [
    "Rope", "Steuerberatung", "Total redesign of the website", "Total care", "Total station rental", "Balance",
    "Balance 50 %", "Deposit", "Tax advice", "VAT return", "VAT registration", "Steuererkl\u00e4rung 2025",
    "Kfz-Steuer", "City tax", "Import VAT", "Einfuhrumsatzsteuer", "Taxi", "private", "Netzteil", "Gesamtkonzept",
    "Summer school", "Sum of both", "Transport", "Gross weight scale", "Gesamtschule Workshop",
    "\u7a0e\u7406\u58eb\u5831\u916c", "Payment terminal", "Invoice design", "Sumatra coffee",
]  # fmt: skip


@pytest.mark.parametrize("text", NAMES)
def test_a_name_of_a_sum_or_tax_is_no_line_among_others(text: str) -> None:
    assert names_sum(text)
    assert only_names_sum(text)
    row = CUP.replace("Cup", f'"{text.replace(chr(34), chr(34) * 2)}"').replace("10.50", "11.11")
    assert created(H, CUP, MORE, row, LAST) == {"I-9": ["Last"]}
    assert created(H, row, LAST).keys() == {"I-2", "I-9"}


@pytest.mark.parametrize("text", LINES)
def test_words_of_goods_are_no_sum_unless_the_amount_is_one(text: str) -> None:
    assert not only_names_sum(text)
    row = CUP.replace("Cup", text).replace("10.50", "11.11")
    assert created(H, CUP, MORE, row).keys() == ({"I-2"} if text else set())


@pytest.mark.parametrize("text", ["Rope", "private", "taxi", "Steuerberatung", "Betreuung"])
def test_other_descriptions_name_no_sum_at_all(text: str) -> None:
    assert not names_sum(text)


def test_tax_advice_may_cost_what_the_other_lines_cost() -> None:
    row = CUP.replace("Cup,2,10.50", "Steuerberatung,1,42.00")

    assert created(H, CUP, MORE, row) == {"I-2": ["Cup", "More", "Steuerberatung"]}


@pytest.mark.parametrize(
    ("text", "number", "subtotal"),
    [("Total", True, False), ("*** TOTAL: ***", True, False), ("= Summe.", True, True), ("Total EUR", False, False),
     ("Subtotal hardware", False, True), ("NET-17", False, False)],
)  # fmt: skip
def test_fewer_names_are_no_number_or_no_goods(text: str, *, number: bool, subtotal: bool) -> None:
    assert (is_total(text), names_subtotal(text)) == (number, subtotal)


@given(
    st.sampled_from(["Total", "Subtotal", "MwSt", "V.A.T.", "TVA", "\u00c1FA", "\u6d88\u8cbb\u7a0e", "Zwischensumme"]),
    st.sampled_from(["", "EUR", "(CHF)", "19 %", "7,7%", "1", "2026", "netto", "excl. VAT", "incl."]),
    st.sampled_from(["{} {}", "{1} {0}", "{}: {}", "*{}* {}", "{}_{}", "{1}/{0}"]),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_no_spelling_hides_a_name(name: str, beside: str, order: str, case: type[str]) -> None:
    text = order.format(case(name), beside)

    assert only_names_sum(text)
    assert not only_names_sum(f"{text} repair")
