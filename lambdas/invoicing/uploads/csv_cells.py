"""The texts of cells: what stands for nothing, and what has the same content (pure)."""

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


def is_lost(cell: str) -> bool:
    """Whether the cell had a value that a spreadsheet could not find, calculate or show: then it is not empty."""
    text = cell.strip()
    return text in ERRORS or (text.startswith("#") and content(text) == "")
