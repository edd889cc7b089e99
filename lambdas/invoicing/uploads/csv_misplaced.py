"""Texts that are none: formulas, what a spreadsheet shows instead of a result, and cells of other columns (pure).

A description that is an e-mail address, a date or the row's currency, or a name that is a number, shows that cells are
in wrong columns, and then others may be, too.
"""

import re
from collections.abc import Iterator, Mapping

from invoicing.domain.money import MINOR_DIGITS
from invoicing.uploads.csv_numbers import readings

FORMULA = "is a formula, and not its result"
FAILED = "contains what a spreadsheet shows for a formula without a result; export its result, or write the text"
SHORTENED = "is a number that a spreadsheet has shortened; format the column as text"
OTHER = "is probably a cell of another column: it is {what}; then others may be in wrong columns, too"

_TEXTS = ("customer_name", "customer_address", "description")
_OPERAND = r"(?:(?:'[^']*'|\w+)!)?\$?[A-Z]{1,3}\$?[0-9]{1,7}|[0-9]+(?:[.,][0-9]+)?%?|\"[^\"]*\""
_FORMULA = re.compile(
    rf"=\s?[-+]?(?:{_OPERAND})(?:\s?[-+*/^&:<>=]+\s?(?:{_OPERAND}))*|=\s?[-+@]?[A-Z_][A-Z0-9._]*\(.*|=[^\s=]\S*|"
    r"[-+@]\$?[A-Z]{1,3}\$?[0-9]{1,7}(?:[-+*/^&:].*)?|[-+@][A-Z]{2,}[A-Z0-9.]*\(.*\)",
    re.DOTALL,
)
"""``=Equal Sign Studio`` is a name."""
_FAILED = re.compile(
    r"(?<![^\s(\[,;])(?:#[^\W\d_][\w/\u00a0 ]{1,20}[!?](?!\w)|#[¡¿][^\s!?]{2,12}[!?]|#N/[AD]\b|#DIV/0!?|#{4,}|"
    r"#GETTING_DATA\b|#CONNECT\b|Err:[0-9]{3}\b)"
)
_SHORTENED = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?E[-+][0-9]{1,3}", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]+Z?)?|[0-9]{1,2}([./])[0-9]{1,2}\1(?:[0-9]{2}|[0-9]{4})")
_DECIMAL = re.compile(r".*[.,][0-9]+-?|-.*")


def problems(cells: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The columns of a row whose texts are none: each with its text and the reason.

    Args:
        cells: The texts of the row by the names of their columns.
    """
    for name in _TEXTS:
        text = cells.get(name, "").strip()
        if text and (reason := _objection(name, text, cells)):
            yield name, text, reason


def _objection(name: str, text: str, cells: Mapping[str, str]) -> str | None:
    if text[0] in "=+-@" and _FORMULA.fullmatch(text):
        return FORMULA
    if ("#" in text or "Err:" in text) and _FAILED.search(text):
        return FAILED
    if any(map(str.isdigit, text[:2])) and _SHORTENED.fullmatch(text):
        return SHORTENED
    what = _kind(name, text, cells)
    return OTHER.format(what=what) if what else None


def _kind(name: str, text: str, cells: Mapping[str, str]) -> str:
    """What a text is instead; empty if it is one."""
    if text in MINOR_DIGITS and text == cells.get("currency", "").strip():
        return "the currency of the row"
    if "@" in text and _EMAIL.fullmatch(text):
        return "an e-mail address"
    if not any(map(str.isdigit, text)):
        return ""
    if _DATE.fullmatch(text):
        return "a date"
    number = text.removesuffix("%").rstrip()
    is_number = bool(readings(number)) and (name == "customer_name" or _DECIMAL.fullmatch(number))
    return "a number" if is_number else ""
