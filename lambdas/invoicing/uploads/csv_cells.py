"""The texts of cells: what stands for nothing, and what a spreadsheet has done to an identifier (pure)."""

import re

from invoicing.domain.identifiers import is_invisible, normal_form

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
_EXPONENT = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-][0-9]{2,3}")
_LONG_DIGITS = re.compile(r"[1-9][0-9]{15,}")
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


def is_lost(cell: str) -> bool:
    """Whether the cell had a value that a spreadsheet could not calculate or show."""
    text = cell.strip()
    return text in ERRORS or _TOO_NARROW.fullmatch(text) is not None


def identity(text: str) -> str:
    """What rows of one invoice have in common: the normal form of a number, without its invisible characters.

    An identifier with an invisible character is rejected. But it counts to the invoice that it looks like, because that
    must not be created without its row.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return normal_form("".join(character for character in text if not is_invisible(character)))


def numeral(text: str) -> str:
    """The first character that is a number and no digit, such as ``⑫``; an empty text if there is none.

    In the normal form it would be digits, and ``⑫5`` the same number as ``125``.
    """
    return next((one for one in text if one.isnumeric() and not one.isdecimal() and not one.isalpha()), "")


def is_exponent(cell: str) -> bool:
    """Whether a spreadsheet has shortened an identifier to a power of ten, such as ``2.02611E+11``."""
    return _EXPONENT.fullmatch(cell.strip()) is not None


def long_digits(cell: str) -> str | None:
    """The digits that a spreadsheet would cut from a number of more than 15 digits; None if the cell is no such number.

    What begins with 0 is not: a spreadsheet that takes it for a number drops that 0. Nor is ``="12…"``, which is text.
    """
    text = cell.strip()
    return text[MAX_KEPT:] if _LONG_DIGITS.fullmatch(text) else None
