"""The texts of cells: what stands for nothing, and what a spreadsheet has done to an identifier (pure)."""

import re
import unicodedata
from functools import lru_cache

from invoicing.domain.identifiers import is_invisible, look, mixture, normal_form

ERRORS = frozenset(
    {"#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!", "#BEZUG!", "#WERT!", "#ZAHL!"}
    | {"#VALEUR!", "#NOM?", "#NOMBRE!", "#ERROR!", "#¡REF!", "#¡VALOR!", "#¿NOMBRE?", "Err:502", "Err:522"}
)
"""What a spreadsheet writes for a formula that failed, in English, German, French and Spanish."""
NOTHING = ERRORS | frozenset(
    {"NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "\\N", "nil", "None", "nan", "NaN", "NAN"}
    | {"NaT", "N/A", "n/a", "NA", "#N/A", "#N/A N/A", "#NA", "<NA>", "#NV", "#NULL!", "-", "--", "\u2013", "\u2014"}
)
"""Texts that stand for nothing, as databases, spreadsheets and programs write them; so ``Null``, a name, is a text.

See https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html (``na_values``), and
https://dev.mysql.com/doc/refman/8.4/en/load-data.html (``\\N``).
"""
_TOO_NARROW = re.compile("#{2,}")
_FORMULA_TEXT = re.compile('="([^"]*)"')
_LONG_DIGITS = re.compile(r"[1-9][0-9]{15,}")
_MONTH = (
    "(?:[Jj]an|[Ff]eb|[Mm]ar|[Mm]är|[Mm]rz|[Aa]pr|[Mm]ay|[Mm]ai|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Oo]kt|[Nn]ov|"
    r"[Dd]ec|[Dd]ez|janv|févr|mars|avr|juin|juil|août|sept|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott)\.?"
)
_DESTROYED = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (
            r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-][0-9]{2,3}",
            "a spreadsheet has shortened it, and other numbers look the same now; format the column as text",
        ),
        (
            rf"[0-9]{{1,2}}[-. ]+{_MONTH}(?:[-. ]+(?:[0-9]{{2}}|[0-9]{{4}}))?|{_MONTH}[- ]+[0-9]{{2}}",
            "a spreadsheet has probably made a date of it; format the column as text",
        ),
        (r"[0-9]+[.,]0", "a program has probably made a decimal number of it; export the column as text"),
        (
            r"[1-9][0-9]{0,2}(?:,[0-9]{3})+",
            "a spreadsheet has probably separated its thousands; format the column as text",
        ),
        ("['\u2019].*", "begins with an apostrophe, by which a spreadsheet marks a text; remove it"),
        (r'(?!="[^"]*"$).*".*', "contains a quotation mark: probably another one is missing in this row"),
    )
)
"""What shows that an identifier is not what somebody wrote, and the reason for its rejection."""
_BLANKS = "\t\n\r\x0b\x0c\x85"  # control characters that count as blanks in the normal form
_TOTALS = frozenset(
    {"total", "totals", "subtotal", "sub-total", "sub total", "grand total", "net total", "invoice total", "sum"}
    | {"summe", "zwischensumme", "gesamt", "gesamtsumme", "gesamtbetrag", "nettosumme", "rechnungsbetrag", "endbetrag"}
    | {"sous-total", "total général", "total ht", "total ttc", "totale", "subtotale", "suma", "importe total"}
)
"""What rows of totals are called in English, German, French, Italian and Spanish."""
MAX_KEPT = 15
"""Digits that a spreadsheet keeps of a number; the others become 0.

See https://learn.microsoft.com/en-us/office/troubleshoot/excel/last-digits-changed-to-zeros.
"""


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


def is_total(text: str) -> bool:
    """Whether a description is nothing but the name of a sum, as a row of totals has it."""
    return text.casefold().strip(" :=*.-") in _TOTALS


def is_lost(cell: str) -> bool:
    """Whether the cell had a value that a spreadsheet could not calculate or show."""
    text = cell.strip()
    return text in ERRORS or _TOO_NARROW.fullmatch(text) is not None


def identity(text: str) -> str:
    """What rows of one invoice have in common: what people read in a number.

    An identifier with an invisible or a control character, a quotation mark, the apostrophe of a spreadsheet, or
    letters of two alphabets is rejected. But it counts to the invoice that it looks like, because that must not be
    created without its row.
    """
    return look(spelling(text))


def spelling(text: str) -> str:
    """The normal form of a number without its invisible characters; look-alike letters stay what they are."""
    if not text.isascii() or not text.isprintable():
        text = normal_form("".join(character for character in text if not hidden(character)))
    return " ".join(text.replace('"', "").lstrip("'\u2019").split())


def hidden(text: str) -> str:
    """The first character that nobody sees: an invisible or a control character. An empty text if there is none."""
    return next((one for one in text if is_invisible(one) or _is_control(one)), "")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} and character not in _BLANKS


def numeral(text: str) -> str:
    """The first character that is a number and no digit, such as ``⑫``; an empty text if there is none.

    In the normal form it would be digits, and ``⑫5`` the same number as ``125``.
    """
    return next((one for one in text if one.isnumeric() and not one.isdecimal() and not one.isalpha()), "")


@lru_cache(maxsize=4096)  # the rows of an invoice have the same ones
def destruction(cell: str) -> str | None:
    """What a spreadsheet or another program has made of an identifier, or why it can be taken for another one.

    None if nothing shows. See https://support.microsoft.com/en-us/office/stop-automatically-changing-numbers-to-dates
    -452bd2db-cc96-47d1-81e4-72cec11c4ed8 for the dates.
    """
    text = cell.strip()
    if sign := numeral(text):
        return f"contains {sign}, which would be compared as digits; write digits"
    if letter := mixture(text):
        return f"mixes alphabets: {letter} is {unicodedata.name(letter)}; write all letters in one of them"
    return next((reason for pattern, reason in _DESTROYED if pattern.fullmatch(text)), None)


def long_digits(cell: str) -> str | None:
    """The digits that a spreadsheet would cut from a number of more than 15 digits; None if the cell is no such number.

    What begins with 0 is not: a spreadsheet that takes it for a number drops that 0. Nor is ``="12…"``, which is text.
    """
    text = cell.strip()
    return text[MAX_KEPT:] if _LONG_DIGITS.fullmatch(text) else None
