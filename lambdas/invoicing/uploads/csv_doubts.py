"""To which other invoices the rows of a file may belong: these must not be created without them (pure)."""

import re

from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_identifiers import ANY, LIST, NONE, SAME, identity, kind_of_ruin, unmarked
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
        self._key, self._customer = "", ""  # of the last row that has both
        self._fragment, self._unnamed = 0, 0  # the row above, if it is one
        self._tail = ""  # the last cell of the row above, if that is a fragment
        self._raw, self._width = ("", ""), -1  # number, customer and cells of the row above
        self._row = 0  # the last row that differs from the one above it

    def of(self, row: Row, runs: Runs) -> list[tuple[str, int]]:
        """The keys of these invoices, each with the number of the row in doubt.

        Args:
            row: The next row of the file.
            runs: Whose current run has the row.
        """
        raw = row.raw("invoice_number"), row.raw("customer_id")
        misfits = row.misfits
        is_usual = self._width == len(row.record.cells) and not (row.torn or row.is_first or misfits)
        if raw == self._raw and is_usual:  # most rows
            return []
        self._raw, self._width = raw, len(row.record.cells)
        number, customer, is_fragment, is_double = row.record.row, identity(content(raw[1])), False, False
        kind = kind_of_ruin(raw[0]) if content(raw[0]) else NONE
        is_lost = kind != NONE and (kind != SAME or has_quantity(row))
        is_moved = misfits > 1 and bool(content(raw[0]))
        is_unnamed = is_moved or (kind == ANY and (not customer or kind_of_ruin(raw[1]) != NONE))
        doubts = [(key, number) for key in (*self._halves(row), *_written_in(raw[0]))]
        if len(row.record.cells) != len(row.header.names) or row.torn or row.header.problem or misfits:
            is_fragment, is_double = row.is_fragment, row.is_double
            doubts += [(key, number) for key in row.mentioned()]
        if is_unnamed or (is_lost and kind == SAME):
            doubts.append((self._key, number))
        if not row.is_first:
            doubts += self._beside(row, runs, customer, is_fragment=is_fragment, is_lost=is_lost)
        self._fragment = number if is_fragment or is_double else 0
        self._tail = row.record.cells[-1] if is_fragment and row.record.cells else ""
        self._unnamed = number if is_unnamed else 0
        if doubts or self._fragment or is_unnamed:
            self._width = -1  # the next row is looked at, whatever it has
        if runs.key and not is_fragment and not is_lost:
            self._key, self._customer = runs.key, customer or self._customer
        self._row = number
        return [(key, doubtful) for key, doubtful in doubts if key and (key != runs.key or doubtful != number)]

    def _beside(
        self, row: Row, runs: Runs, customer: str, *, is_fragment: bool, is_lost: bool
    ) -> list[tuple[str, int]]:
        """The doubts between a row and the one above."""
        number, doubts = row.record.row, list[tuple[str, int]]()
        if runs.key != self._key and (runs.key, customer) == (self._customer, self._key):  # one of both is swapped
            doubts += [(runs.key, self._row), (self._key, number)]
        if self._fragment:
            doubts.append((runs.key, self._fragment))
        if self._unnamed and not is_lost:
            doubts.append((runs.key, self._unnamed))
        if is_fragment and (row.is_rest or (runs.key != "" and self._key.startswith(runs.key))):
            doubts.append((self._key, number))
        return doubts

    def _halves(self, row: Row) -> list[str]:
        """The numbers that a line break or a delimiter in the number may have cut in two."""
        cells, raw = row.record.cells, self._raw[0]
        if not self._tail and len(cells) <= len(row.header.names) and raw.isprintable():  # most rows
            return []
        pairs = [(self._tail, cells[0])] if self._tail and cells and not row.is_first else []
        if row.is_wide and (at := row.header.index.get("invoice_number", -1)) >= 0:
            pairs += [(cells[index], cells[index + 1]) for index in (at - 1, at) if index >= 0]
        if "\n" in raw or "\r" in raw:
            pairs.append(("".join(raw.split()), ""))
        return [identity(content(left.strip() + joint + right.strip())) for left, right in pairs for joint in _JOINTS]


def _written_in(cell: str) -> list[str]:
    """The numbers in a cell that has one that is commented out, or several."""
    if kind_of_ruin(cell) == LIST:
        return [identity(part.strip()) for part in re.split("[,;]", cell)[:MAX_MENTIONED]]
    return [identity(unmarked(cell))]
