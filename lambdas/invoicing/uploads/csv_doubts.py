"""To which other invoices the rows of a file may belong: these must not be created without them (pure)."""

from typing import NamedTuple

from invoicing.uploads.csv_cells import content, identity
from invoicing.uploads.csv_rows import Row, Runs

_JOINTS = ("", " ", ",", ";")
"""What may have been between the two halves of a number: nothing, the blank of a line's end, or the delimiter."""


class _Stray(NamedTuple):
    """A row that does not tell its invoice.

    Attributes:
        row: Its number.
        customer: The identity of its customer: it may be a row of an invoice beside it that has the same one.
        is_digits: Whether its number is what a program makes of one without letters.
    """

    row: int = 0
    customer: str = ""
    is_digits: bool = False

    def may_be_of(self, key: str, customer: str) -> bool:
        """Whether it may be a row of the invoice beside it."""
        return bool(self.row) and self.customer == customer and not (self.is_digits and _has_letters(key))


class Doubts:
    """The invoices to which a row may belong, row by row.

    A damaged row may be one of any invoice whose number is in its cells. A row that ends early may be the rest of the
    row above, or the beginning of the one below; one that is twice as long may have that in it. A row with a destroyed
    number may be one of the invoices beside it, if they have its customer, and a number without letters, as programs
    destroy. So may one without a number, and one that has a customer where its number should be.
    """

    def __init__(self) -> None:
        self._key, self._customer = "", ""  # of the last row that has both
        self._fragment, self._stray = 0, _Stray()  # the row above, if it is one
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
        if raw == self._raw and self._width == len(row.record.cells) and not row.torn and not row.is_first:  # most rows
            return []
        self._raw, self._width = raw, len(row.record.cells)
        number, customer, is_fragment, is_double = row.record.row, identity(content(raw[1])), False, False
        stray = self._strayed(row, runs, customer)
        doubts = [(key, number) for key in self._halves(row)]
        if len(row.record.cells) != len(row.header.names) or row.torn or row.header.problem:  # few rows
            is_fragment, is_double = row.is_fragment, row.is_double
            doubts += [(key, number) for key in row.mentioned()]
        if not row.is_first:
            doubts += self._beside(row, runs, stray, customer, is_fragment=is_fragment)
        self._fragment = number if is_fragment or is_double else 0
        self._tail = row.record.cells[-1] if is_fragment and row.record.cells else ""
        self._stray = stray
        if doubts or self._fragment or stray.row:
            self._width = -1  # the next row is looked at, whatever it has
        if runs.key and not is_fragment and (stray.is_digits or not stray.row):
            self._key, self._customer = "" if stray.is_digits else runs.key, customer or self._customer
        self._row = number
        return [(key, doubtful) for key, doubtful in doubts if key and (key != runs.key or doubtful != number)]

    def _beside(
        self, row: Row, runs: Runs, stray: _Stray, customer: str, *, is_fragment: bool
    ) -> list[tuple[str, int]]:
        """The doubts between a row and the one above."""
        number, doubts = row.record.row, list[tuple[str, int]]()
        if runs.key != self._key and (runs.key, customer) == (self._customer, self._key):  # one of both is swapped
            doubts += [(runs.key, self._row), (self._key, number)]
        if self._fragment:
            doubts.append((runs.key, self._fragment))
        if not stray.row and self._stray.may_be_of(runs.key, customer):
            doubts.append((runs.key, self._stray.row))
        is_cut = is_fragment and (row.is_rest or (runs.key != "" and self._key.startswith(runs.key)))
        if is_cut or stray.may_be_of(self._key, self._customer):
            doubts.append((self._key, number))
        return doubts

    def _strayed(self, row: Row, runs: Runs, customer: str) -> _Stray:
        """The row, if nobody can tell its invoice."""
        number = content(self._raw[0])
        if not number and customer != self._customer:
            return _Stray(row.record.row, customer)
        if row.is_destroyed:
            return _Stray(row.record.row, customer, is_digits=True)
        if number and (row.is_short or content(row.raw("issue_date")).isalpha()):
            return _Stray(row.record.row, runs.key)
        return _Stray()

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


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))
