"""To which other invoices the rows of a file may belong: these must not be created without them (pure)."""

import re
from itertools import pairwise
from typing import NamedTuple

from invoicing.uploads.csv_cells import content, is_lost
from invoicing.uploads.csv_identifiers import ANY, LIST, NONE, SAME, identity, kind_of_number, kind_of_ruin, unmarked
from invoicing.uploads.csv_number_words import spoken_of
from invoicing.uploads.csv_rows import MAX_MENTIONED, Row, Runs
from invoicing.uploads.csv_strays import has_quantity

_JOINTS = ("", " ", ",", ";")
"""What may have been between the two halves of a number: nothing, the blank of a line's end, or the delimiter."""


class Doubts:
    """The invoices to which a row may belong, row by row.

    A damaged row, or one with a text for a number, may be one of any invoice whose number is in its cells. A row that
    ends early may be the rest of the row above, or the beginning of the one below; one that is twice as long may have
    that in it. A row with a ditto mark is one of the invoice above; one that has lost its number and its customer, or
    of which several cells are moved, of that or the one below. A number that is commented out, or one of a list, is
    that of an invoice.
    """

    def __init__(self) -> None:
        self._above = _Above()

    def of(self, row: Row, runs: Runs) -> list[tuple[str, int]]:
        """The keys of these invoices, each with the number of the row in doubt.

        Args:
            row: The next row of the file.
            runs: Whose current run has the row.
        """
        above, number, misfits = self._above, row.record.row, row.misfits
        cell, customer_cell = row.raw("invoice_number"), row.raw("customer_id")
        shape = cell, customer_cell, len(row.record.cells)
        if shape == above.sound and not (row.torn or row.is_first or misfits):  # most rows
            return []
        customer, is_fragment = identity(content(customer_cell)), row.is_fragment
        kind = ANY if is_lost(cell) else kind_of_number(cell) if content(cell) else NONE
        is_ruin = kind != NONE and (kind != SAME or has_quantity(row))
        is_moved = misfits > 1 and content(cell) != ""
        is_unnamed = is_moved or (kind == ANY and (not customer or kind_of_ruin(customer_cell) != NONE))
        doubts = [
            (key, number) for key in dict.fromkeys((*_halves(row, above.tail), *_written_in(cell), *row.mentioned()))
        ]
        if is_unnamed or (is_ruin and kind == SAME):
            doubts.append((above.key, number))
        if not row.is_first:
            doubts += _beside(row, runs, above, customer, is_ruin=is_ruin)
        has_key = bool(runs.key) and not is_fragment and not is_ruin
        fragment = number if is_fragment or row.is_double else 0
        self._above = _Above(
            key=runs.key if has_key else above.key,
            customer=(has_key and customer) or above.customer,
            row=number,
            fragment=fragment,
            unnamed=number if is_unnamed else 0,
            tail=row.record.cells[-1] if is_fragment else "",
            sound=None if doubts or fragment or is_unnamed else shape,
        )
        return [
            (key, doubtful)
            for key, doubtful in dict.fromkeys(doubts)
            if key and (key != runs.key or doubtful != number)
        ]


class _Above(NamedTuple):
    """What is above a row.

    Attributes:
        key: Of the last row that has a number.
        customer: Of the last row that has both.
        row: The last row that was looked at: those below it are like it.
        fragment: The row above, if it is one, or two in one.
        unnamed: The row above, if it has lost its number and its customer.
        tail: The last cell of the row above, if that is a fragment.
        sound: Number, customer and cells of the row above, if it is of no other invoice.
    """

    key: str = ""
    customer: str = ""
    row: int = 0
    fragment: int = 0
    unnamed: int = 0
    tail: str = ""
    sound: tuple[str, str, int] | None = None


def _beside(row: Row, runs: Runs, above: _Above, customer: str, *, is_ruin: bool) -> list[tuple[str, int]]:
    """The doubts between a row and the one above."""
    is_swapped = runs.key != above.key and (runs.key, customer) == (above.customer, above.key)
    doubts = [(runs.key, above.row), (above.key, row.record.row)] if is_swapped else []
    if above.fragment:
        doubts.append((runs.key, above.fragment))
    if above.unnamed and not is_ruin:
        doubts.append((runs.key, above.unnamed))
    if row.is_fragment and (row.is_rest or (runs.key and above.key.startswith(runs.key))):
        doubts.append((above.key, row.record.row))
    return doubts


def _halves(row: Row, tail: str) -> list[str]:
    """The numbers that a line break or a delimiter in the number may have cut in two."""
    cells, number = row.record.cells, row.raw("invoice_number")
    pairs = [(tail, cells[0])] if tail and cells and not row.is_first else []
    if row.is_wide:
        names = row.header.names
        pairs += [pair for at, pair in enumerate(pairwise(cells)) if "invoicenumber" in names[at : at + 2]]
    if "\n" in number or "\r" in number:
        pairs.append(("".join(number.split()), ""))
    return [identity(content(left.strip() + joint + right.strip())) for left, right in pairs for joint in _JOINTS]


def _written_in(cell: str) -> list[str]:
    """The numbers in a cell that has one that is commented out, or with words, or several."""
    if kind_of_number(cell) == LIST:
        return [identity(part.strip()) for part in re.split("[,;]", cell)[:MAX_MENTIONED]]
    if number := unmarked(cell):
        return [identity(number)]
    return [identity(number) for number in spoken_of(cell)]
