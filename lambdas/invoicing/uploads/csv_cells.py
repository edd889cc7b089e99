"""The texts of cells: what stands for nothing, and what names a sum (pure)."""

import re
import unicodedata

ERRORS = frozenset(
    {"#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!", "#BEZUG!", "#WERT!", "#ZAHL!"}
    | {"#VALEUR!", "#NOM?", "#NOMBRE!", "#ERROR!", "#¡REF!", "#¡VALOR!", "#¿NOMBRE?", "Err:502", "Err:522"}
)
"""What a spreadsheet writes for a formula that failed, in English, German, French and Spanish."""
NOTHING = ERRORS | frozenset(
    {"NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "\\N", "nil", "None", "nan", "NaN", "NAN"}
    | {"NaT", "N/A", "n/a", "NA", "#N/A", "#N/A N/A", "#NA", "<NA>", "#NV", "#NULL!", "-", "--", "\u2013", "\u2014"}
    | {"#N/D", "#ND"}
)
"""Texts that stand for nothing, as databases, spreadsheets and programs write them; so ``Null``, a name, is a text.

See https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html (``na_values``), and
https://dev.mysql.com/doc/refman/8.4/en/load-data.html (``\\N``).
"""
_TOO_NARROW = re.compile("#{2,}")
_FORMULA_TEXT = re.compile('="([^"]*)"')
_TOTALS = frozenset(
    {"total", "totals", "subtotal", "sub-total", "sub total", "grand total", "net total", "invoice total", "sum"}
    | {"summe", "zwischensumme", "gesamt", "gesamtsumme", "gesamtbetrag", "nettosumme", "rechnungsbetrag", "endbetrag"}
    | {"sous-total", "total général", "total ht", "total ttc", "totale", "subtotale", "suma", "importe total"}
)
"""What rows of totals are called in English, German, French, Italian and Spanish."""
_SUM_WORDS = re.compile(
    r"total|summe?\b|saldo|balance|amount due|betrag|gesamt|übertrag|carried|brought forward|somme|montant|importe|"
    r"summa\b|suma|totaal|razem|itogo|итого|всего|合計|小計|总计|合计|합계|รวม|toplam|المجموع|कुल|σύνολο|∑|mwst|steuer|"
    r"celkem|spolu|összesen|yhteensä|skupaj|ukupno|kokku|jumlah|att betala|zu zahlen|à payer|à reporter|carry over|"
    r"payable|netto|brutto|=sum\(|transport|payment|bezahlt|zahlung|acompte|"
    r"\b(?:vat|tva|iva|gst|moms|tax|i alt|net|gross|sum|tot|ttl|c/f|b/f|to pay|paid|payé|pago|pagado|pagato|\u03c3)\b"
)
"""Words for sums, taxes and payments in many languages, in the form of `str.casefold`."""
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_ONLY_SUM_WORD = re.compile(
    r"[\W\d]*(?:(?:sub|grand|zwischen|gesamt|end|netto|brutto)?-?(?:total|summe|betrag)|totals|sum|summa|suma|totale|"
    r"gesamt|netto|brutto|net|gross)?[\W\d]*",
    re.IGNORECASE,
)
"""A word of a name of a sum, or none."""


def content(cell: str) -> str:
    """The text of a cell, empty if it stands for nothing.

    Programs write ``="0042"`` to keep a spreadsheet from dropping leading zeros. ``####`` is a column too narrow.
    """
    text = cell.strip()
    if text in NOTHING:
        return ""
    if text.startswith(("=", "#")):
        if match := _FORMULA_TEXT.fullmatch(text):
            return match[1].strip()
        if _TOO_NARROW.fullmatch(text):
            return ""
    return text


def plain(text: str) -> str:
    """A text as it is compared with those of equal rows: other blanks, forms and cases of letters are the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_total(text: str) -> bool:
    """Whether a description is nothing but the name of a sum, as a row of totals has it."""
    return text.casefold().strip(" :=*.-") in _TOTALS


def names_sum(text: str) -> bool:
    """Whether a description names a sum among other words; many lines do that are none, such as ``Total care``."""
    return _SUM_WORDS.search(text.casefold()) is not None


def only_names_sum(text: str) -> bool:
    """Whether a description names a sum, and nothing but a currency or a number besides."""
    return is_total(text) or (names_sum(text) and all(map(_ONLY_SUM_WORD.fullmatch, _CURRENCY.sub(" ", text).split())))


def is_lost(cell: str) -> bool:
    """Whether the cell had a value that a spreadsheet could not find, calculate or show: then it is not empty."""
    text = cell.strip()
    return text in ERRORS or (text.startswith("#") and content(text) == "")
