"""Lines of an invoice that are none: sums and taxes of the others, and the same lines once more (pure)."""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from invoicing.domain.models import LineRequest
from invoicing.domain.money import MINOR_DIGITS
from invoicing.uploads.csv_cells import plain
from invoicing.uploads.csv_sum_words import names_subtotal, names_sum, only_names_sum

_NEARLY = Decimal("0.05")  # by which a total may differ from exact sums, for it is rounded
_RATE = re.compile(r"([0-9]{1,2}(?:[.,][0-9]{1,4})?) ?[%\u066a\uff05]|(?<=[%\u066a\uff05])([0-9]{1,2})")

TOTALS = "is probably a row of totals, and no line; leave it out or rename it"
DOUBLED = (
    "every line of this invoice comes equally often, more than once: its rows are probably twice in the file; write "
    "each line once, with its whole quantity"
)
REPEATED = (
    "repeats row {row} of the same invoice: it may be twice in the file, and nobody can tell; if two equal lines are "
    "meant, write one with the whole quantity, or make their descriptions differ"
)


class _Part(NamedTuple):
    """Lines of an invoice: how many of them are not free, their net sum and their tax."""

    number: int = 0
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)

    @classmethod
    def of(cls, line: LineRequest) -> "_Part":
        """One line."""
        net = line.quantity * line.unit_price * (100 - line.discount) / 100
        return cls(int(net != 0), net, net * line.tax_rate / 100)

    def plus(self, other: "_Part") -> "_Part":
        """These lines and others."""
        return _Part(self.number + other.number, self.net + other.net, self.tax + other.tax)

    def minus(self, other: "_Part") -> "_Part":
        """These lines without some of them."""
        return _Part(self.number - other.number, self.net - other.net, self.tax - other.tax)

    def sums(self, description: str, rate: Decimal) -> list[Decimal]:
        """The amounts that a line of this description and tax rate may have which sums them up."""
        sums = [self.net] if self.number > 1 or names_subtotal(description) else []
        rates = [Decimal((match[1] or match[2]).replace(",", ".")) for match in _RATE.finditer(description)]
        taxes = [self.tax, *(self.net * each / 100 for each in (rate, *rates))]
        sums += [each for tax in taxes if tax for each in (tax, self.net + tax)]
        return [each for each in sums if each]


class Objection(NamedTuple):
    """Why the lines of an invoice are not what is meant.

    Attributes:
        line: The line that shows it.
        column: Of the cell that does; empty if it is the whole row.
        reason: With a place for the row of the other line.
        other: Another line that shows it, or the same.
    """

    line: int
    column: str
    reason: str
    other: int


def objection(lines: Sequence[LineRequest], unread: Sequence[int], currency: str) -> Objection | None:
    """Why some of these lines are probably none; None if nothing shows.

    Args:
        lines: The lines of an invoice.
        unread: As `repetition` takes it.
        currency: Of the invoice.
    """
    if len(lines) < 2:  # most invoices: one line repeats and sums up nothing
        return None
    if (index := summed_up(lines, currency)) is not None:
        return Objection(index, "description", TOTALS, index)
    if len({*map(_content, lines)}) == len(lines):
        return None
    if are_doubled(lines):
        return Objection(0, "", DOUBLED, 0)
    repeated = repetition(lines, unread)
    return Objection(repeated[0], "", REPEATED, repeated[1]) if repeated else None


def summed_up(lines: Sequence[LineRequest], currency: str) -> int | None:
    """The first of several lines that is the sum of others or their tax; None if none is.

    A line is one that has nothing but the name of a sum or tax, whatever its amount: the sum may be that of another
    table, or without a discount. It is one, too, if it names a sum among other words, and its amount is the sum or tax
    of the lines above, of those since the sum above, of those below, or of all others. With one other line, equal
    amounts prove little: deposit and balance are equal.
    """
    named = [index for index, line in enumerate(lines) if names_sum(line.description)]
    if not named or len(lines) < 2:
        return None
    half = Decimal(5).scaleb(-MINOR_DIGITS.get(currency, 2) - 1)
    parts = [_Part.of(line) for line in lines]
    above = [*accumulate(parts, _Part.plus, initial=_Part())]  # of each line, and of all
    since = 0
    for index in named:
        line, below = lines[index], above[-1].minus(above[index + 1])
        if only_names_sum(line.description):
            return index
        written = {parts[index].net, line.unit_price}  # the quantity may be the sum of the others
        for part in (above[index], above[index].minus(above[since]), below, above[index].plus(below)):
            nearly = max(_NEARLY, half * (part.number + 1))
            sums = part.sums(line.description, line.tax_rate)
            if any(abs(amount - each) < nearly for each in sums for amount in written):
                return index
        since = index + 1
    return None


def repetition(lines: Sequence[LineRequest], unread: Sequence[int]) -> tuple[int, int] | None:
    """The first line that repeats another one in everything that its row says, and that one; None if none does.

    A row may be twice in the file, or two equal lines may be meant: nobody can tell.

    Args:
        lines: The lines.
        unread: What nothing reads in the row of each line, as `invoicing.uploads.csv_rows.Row` has it: rows that differ
            there, as in the number of the line, are two.
    """
    first: dict[tuple[Any, ...], int] = {}
    for index, line in enumerate(lines):
        before = first.setdefault((*_content(line), unread[index]), index)
        if before != index:
            return index, before
    return None


def are_doubled(lines: Sequence[LineRequest]) -> bool:
    """Whether there are different lines, and each of them comes equally often, more than once.

    So it is if rows of an invoice come twice in a file, or a query has joined each row with two others.
    """
    counts = Counter(map(_content, lines))
    return len(counts) > 1 and min(counts.values()) == max(counts.values()) > 1


def _content(line: LineRequest) -> tuple[str, Decimal, Decimal, Decimal, Decimal]:
    return plain(line.description), line.quantity, line.unit_price, line.discount, line.tax_rate
