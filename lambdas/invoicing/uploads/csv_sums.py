"""Lines of an invoice that are none: sums and taxes of the others, and the same lines once more (pure)."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from invoicing.domain.models import LineRequest
from invoicing.domain.money import MINOR_DIGITS
from invoicing.uploads.csv_cells import names_sum, only_names_sum, plain

_NEARLY = Decimal("0.05")  # by which a total may differ from exact sums, for it is rounded


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

    def sums(self, *, only_named: bool) -> list[Decimal]:
        """The amounts that a line may have which sums them up."""
        sums = [self.net] if self.number > 1 or only_named else []
        if self.tax:
            sums += [self.net + self.tax, self.tax]
        return [each for each in sums if each]


def summed_up(lines: Sequence[LineRequest], currency: str) -> int | None:
    """The first line that names a sum among other words and is the sum of others, or their tax; None if none is.

    These are the lines above, those below, or both. With one other line, equal amounts prove little: deposit and
    balance are equal. Then it must have nothing but the name of a sum, unless it is the gross amount or the tax.
    """
    named = [index for index, line in enumerate(lines) if names_sum(line.description)]
    if not named:
        return None
    half = Decimal(5).scaleb(-MINOR_DIGITS.get(currency, 2) - 1)
    parts = [_Part.of(line) for line in lines]
    above = [*accumulate(parts, _Part.plus, initial=_Part())]  # of each line, and of all
    for index in named:
        below = above[-1].minus(above[index + 1])
        others = above[index].plus(below)
        written = {parts[index].net, lines[index].unit_price}  # the quantity may be the sum of the others
        only_named = only_names_sum(lines[index].description)
        for part in (above[index], below, others):
            nearly = max(_NEARLY, half * (part.number + 1))
            sums = part.sums(only_named=only_named)
            if any(abs(amount - each) < nearly for each in sums for amount in written):
                return index
    return None


def are_doubled(lines: Sequence[LineRequest]) -> bool:
    """Whether there are different lines, and each of them comes equally often, more than once.

    So it is if rows of an invoice come twice in a file, or a query has joined each row with two others.
    """
    counts = Counter(
        (plain(each.description), each.quantity, each.unit_price, each.discount, each.tax_rate) for each in lines
    )
    return len(counts) > 1 and min(counts.values()) == max(counts.values()) > 1
