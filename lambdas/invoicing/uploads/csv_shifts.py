"""Rows whose cells may have moved among the columns of numbers: what the tax rates of the file say of it (pure).

A cell that is missing and one that is too many leave a row as long as it was, and so does ``1,250`` without quotation
marks where the last cell is left out. Then a quantity, a price or a discount is where the tax rate should be. A file
has few tax rates, each written in one way: so a row is doubted if one of its other cells is one in other rows.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_harmless import words
from invoicing.uploads.csv_numbers import readings

MAX_RATES, MAX_ROWS = 20, 8
"""Tax rates of a file, and rows of each, that are remembered."""
MOVED = (
    "may be in a wrong column: the {name} of this row, {other}, is a tax rate in other rows; if this is the tax rate, "
    "write it with a sign of percent"
)
CUT = (
    "{left},{right} may be one number whose comma is not in quotation marks, in a row that leaves out its last cell; "
    "if they are two, write the tax rate with a sign of percent"
)
_USUAL = words(
    """
    1 2.1 2.5 2.6 3 3.8 4 4.8 5 5.5 6 7 7.5 7.7 8 8.1 8.5 9 9.5 9.975 10 11 12 12.5 13 13.5 14 14.975 15 16 17 17.5 18
    19 19.6 20 21 22 23 24 25 25.5 26 27 28
    """
)
"""Tax rates of the world's countries, without 0, which may also be a discount."""
_FAR_MORE, _MANY = 2, 8
_OTHERS = ("quantity", "unit_price", "discount")
_LEFT, _RIGHT = re.compile("[1-9][0-9]{0,2}"), re.compile(r"[0-9]{3}(?:\.[0-9]+)?")


@lru_cache(maxsize=4096)  # columns of numbers repeat them
def _value(cell: str) -> str:
    """The one number that a cell can mean, in one form; empty if it means none, or two."""
    numbers = {*readings(content(cell).removesuffix("%")).values()}
    return f"{numbers.pop().normalize():f}" if len(numbers) == 1 else ""


def take(rates: dict[str, list[int]], cells: Mapping[str, str], row: int) -> None:
    """Remember the tax rate of a row.

    Args:
        rates: By tax rate as it is written, the first rows with it.
        cells: The numbers of the row by the names of their columns.
        row: Its number.
    """
    rate = cells["tax_rate"].strip()
    rows = rates.get(rate)
    if rows is None and _value(rate) and len(rates) < MAX_RATES:
        rates[rate] = [row]
    elif rows is not None and len(rows) < MAX_ROWS and row not in rows:
        rows.append(row)


class Rates(NamedTuple):
    """The tax rates of a file, as they are written.

    Attributes:
        rows: How many rows have each of them; a few are enough.
        neighbours: By tax rate, those for which it may be taken if they are in the cell beside it.
        others: The same, if they are in any other cell of numbers.
        usual: Those that some country has, and for which any other number may be taken.
    """

    rows: Mapping[str, int] = MappingProxyType({})
    neighbours: Mapping[str, Collection[str]] = MappingProxyType({})
    others: Mapping[str, Collection[str]] = MappingProxyType({})
    usual: Collection[str] = frozenset()

    @classmethod
    def of(cls, rates: Mapping[str, Sequence[int]]) -> "Rates":
        """What `take` has remembered.

        A rate that far more rows have than the other one is one. One that no country has is none if the other is; of
        two usual ones, neither is.
        """
        usual = {rate for rate in rates if _value(rate) in _USUAL}
        counts = {rate: len(rows) for rate, rows in rates.items()}
        neighbours, others = dict[str, Collection[str]](), dict[str, Collection[str]]()
        for rate, count in counts.items():
            is_none = rate not in usual and _value(rate) != "0" and count <= _FAR_MORE
            neighbours[rate] = {each for each in usual - {rate} if count <= _FAR_MORE * counts[each]}
            others[rate] = {each for each in usual - {rate} if is_none or (count == 1 and counts[each] >= _MANY)}
        return cls(counts, neighbours, others, frozenset(usual) if len(rates) < MAX_RATES else frozenset())

    def objection(
        self,
        cells: Mapping[str, str],
        columns: Mapping[str, int],
        halves: Sequence[str] | None,
        *,
        is_optional: bool,
        ends_empty: bool,
    ) -> str | None:
        """Why the numbers of a row may be in wrong columns; None if nothing shows it, or the rate has its sign.

        Args:
            cells: The numbers by the names of their columns.
            columns: Where each column is.
            halves: As `halves` returns them.
            is_optional: Whether the last column is no required one: else no cell can have moved.
            ends_empty: Whether the last cell of the row is empty: cells may have moved to the left.
        """
        rate = cells["tax_rate"].strip()
        if not rate or rate.endswith("%"):
            return None
        if halves and (halves[2] in self.rows or self.rows.get(rate, 0) == 1 or _value(rate) not in _USUAL | {"0"}):
            return CUT.format(left=halves[0], right=halves[1])
        for name in _OTHERS:
            other, distance = cells[name].strip(), columns.get(name, -1) - columns["tax_rate"]
            rivals = self.others.get(rate, self.usual)
            is_beside = distance == 1 or (distance == -1 and ends_empty)
            if other in rivals or (is_beside and is_optional and other in self.neighbours.get(rate, ())):
                return MOVED.format(name=name.replace("_", " "), other=other)
        return None


def halves(cells: Sequence[str], names: Sequence[str], columns: Mapping[str, int]) -> tuple[str, str, str] | None:
    """Two cells that may be the halves of one number, cut at its thousands, and the tax rate that the row has then.

    None if there are none, if the row makes no sense with one number for them, or if it leaves out its last cell.

    Args:
        cells: The cells of a row.
        names: The normalized names of the columns.
        columns: Where each column is.
    """
    if len(cells) != len(names) or not cells[-1].strip():
        return None
    for name in ("quantity", "unit_price"):
        at = columns[name]
        if (
            at + 1 >= len(cells)
            or not _LEFT.fullmatch(cells[at].strip())
            or not _RIGHT.fullmatch(cells[at + 1].strip())
        ):
            continue
        left, right = cells[at].strip(), cells[at + 1].strip()
        joined = [*cells[:at], left + right, *cells[at + 2 :], ""]
        others = {each: joined[index].strip() for each, index in columns.items()}
        if all(map(_value, map(others.__getitem__, ("quantity", "unit_price", "tax_rate")))) and _is_rate(others):
            return left, right, others["tax_rate"]
    return None


def _is_rate(cells: Mapping[str, str]) -> bool:
    """Whether a row has a tax rate and a discount that can be some, and a date and texts where they should be."""
    rate, discount = (Decimal(_value(cells.get(name, "")) or 0) for name in ("tax_rate", "discount"))
    is_number = not cells.get("discount") or bool(_value(cells["discount"]))
    has_date = any(map(str.isdigit, cells["issue_date"]))
    return is_number and has_date and 0 <= discount <= 100 and (rate == 0 or 1 <= rate <= 100)
