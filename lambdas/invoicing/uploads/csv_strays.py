"""Rows whose number is lost: the invoices to which they may belong, wherever those are in the file (pure).

``1001.0`` was ``1001``, ``2.02611E+11`` one of many numbers, and a row with ``TBD`` or ``=A2`` may be one of any
invoice of its customer. No such invoice may be created without it. What a number may have been is written as a form; an
invoice has all forms into which a program may turn its number.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_identifiers import (
    ANY,
    DATE,
    DIGITS,
    NONE,
    SAME,
    SHORT,
    identity,
    is_of_month,
    kind_of_number,
    kind_of_ruin,
)
from invoicing.uploads.csv_rows import Row

MAX_STRAYS = 500
"""Lost numbers of different customers that are remembered; of more, the customer is forgotten."""
MAX_FORM = 64
"""Characters of a number or customer: no valid one has more."""
STRAY = "row {row} has lost its number, or has none, and may be one of this invoice: they have one customer"

_SHORT = re.compile(r"(?P<digits>[0-9.,]+) ?(?:e ?[+-]? ?|[x×] ?10\^?)(?P<exponent>[0-9]+)", re.IGNORECASE)
_SHORTENED = re.compile("[0-9]{1,40}|[0-9]{1,15}e[0-9]{1,2}")
_GROUPED = re.compile(r"[^0-9]*[0-9]{1,3}([.,])[0-9]{3}(?:\1[0-9]{3})*[^0-9]*")
_MONTHS = "(?:jan|feb|mar|mär|mrz|apr|mai|may|maj|mei|jun|jul|aug|sep|oct|okt|nov|dec|dez)"
_DATES = re.compile(
    rf"[0-9]{{1,4}}[-/. :][0-9]{{1,2}}(?:[-/. :][0-9]{{1,4}})?|{_MONTHS}\w*[-/. ]?[0-9]{{1,4}}|"
    rf"[0-9]{{1,4}}[-/. ]?{_MONTHS}\w*"
)
"""Numbers of which a spreadsheet makes a date."""
_DIGITS_KEPT = range(1, 16)


class Strays:
    """Finds the rows of a file whose number is lost.

    Args:
        rows: Takes the first row with each form of each customer.
    """

    def __init__(self, rows: dict[str, int]) -> None:
        self._rows = rows
        self._raw = ("", "")  # number and customer of the row above
        self._customer = ""  # that of the last row with a number

    def take(self, row: Row) -> None:
        """Look at the next row. A damaged one is looked at by `csv_doubts`."""
        raw = row.raw("invoice_number"), row.raw("customer_id")
        if raw == self._raw or row.torn or row.header.problem or row.hides_number:
            return
        if row.doubt and kind_of_ruin(raw[0]) == NONE != kind_of_number(raw[0]):  # the rest of a text
            return
        self._raw = raw
        number = content(raw[0])
        customer = "" if kind_of_ruin(raw[1]) else identity(content(raw[1]))
        is_of_above = customer == self._customer
        if not number:
            forms = [ANY]
        elif is_of_month(raw[0], row.raw("issue_date")):
            forms = []
        else:
            forms = lost_forms(raw[0])
            if forms == [SAME]:
                forms = [ANY] if not is_of_above and has_quantity(row) else []
            if row.is_short or content(row.raw("issue_date")).isalpha():  # a customer where the number should be
                self._note(ANY, identity(number), row.record.row)
        for form in forms:
            self._note(form, customer, row.record.row)
        if number and not forms:
            self._customer = customer

    def _note(self, form: str, customer: str, row: int) -> None:
        if not customer and form == ANY:  # `csv_doubts` looks at its neighbours
            return
        key = _key(form[:MAX_FORM], customer[:MAX_FORM] if len(self._rows) < MAX_STRAYS else "")
        if len(self._rows) < 2 * MAX_STRAYS:
            self._rows.setdefault(key, row)
        else:
            self._rows.setdefault(_key(ANY, ""), row)


def stray_row(number: str, customer: str, rows: Mapping[str, int]) -> int:
    """The first row that may be one of an invoice, although its number is lost; 0 if there is none.

    Args:
        number: The invoice's number, as `identity` has it.
        customer: Its customer, the same.
        rows: What `Strays` has found.
    """
    if not rows:
        return 0
    found = (rows.get(_key(form, whose)) for form in _forms(number) for whose in (customer[:MAX_FORM], ""))
    return min(filter(None, found), default=0)


def lost_forms(cell: str) -> list[str]:
    """What a destroyed number may have been; nothing if the number is sound, or that of no other invoice."""
    kind, text = kind_of_number(cell), cell.strip()
    if kind == SHORT and (match := _SHORT.search(text)):
        return [_short(f"{match['digits'].replace(',', '.')}E{match['exponent']}")]
    if kind == DIGITS:
        whole = re.sub(r"[.,]0*[^0-9]*$", "", text)
        texts = {whole, text} if _GROUPED.fullmatch(text) else {whole}
        return [f"={identity(re.sub('[^0-9]', '', each))}" for each in sorted(texts)]
    return [kind] if kind in {ANY, SAME, DATE} else []


def has_quantity(row: Row) -> bool:
    """Whether a row has a quantity: a line of dashes has none."""
    return any(map(str.isdigit, row.raw("quantity")))


def _forms(number: str) -> Iterator[str]:
    """Every form into which a program may turn a number."""
    yield ANY
    if number.isdigit():
        yield f"={number}"
    if _DATES.fullmatch(number):
        yield DATE
    if _SHORTENED.fullmatch(number):
        for kept in _DIGITS_KEPT:
            for rounding in (ROUND_HALF_UP, ROUND_DOWN):
                yield _short(number, Context(kept, rounding))


def _short(number: str, context: Context | None = None) -> str:
    """A number in scientific notation, however many zeros it has."""
    try:
        return f"{Decimal(number).normalize(context):E}"
    except InvalidOperation:  # not every text with points and commas is a number
        return ANY


def _key(form: str, customer: str) -> str:
    return f"{form}\t{customer}"
