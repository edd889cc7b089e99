"""Lines of an invoice that are none: sums and taxes of the others, and the same lines once more (pure)."""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from invoicing.domain.models import LineRequest
from invoicing.domain.money import MINOR_DIGITS
from invoicing.uploads.csv_cells import plain
from invoicing.uploads.csv_sum_words import names_subtotal, names_sum, only_names_sum

_NEARLY = Decimal("0.05")  # by which a total may differ from exact sums, for it is rounded
_RATE = re.compile(r"([0-9]{1,2}(?:[.,][0-9]{1,4})?) ?[%\u066a\uff05]|(?<=[%\u066a\uff05])([0-9]{1,2})")


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


def are_doubled(lines: Sequence[LineRequest]) -> bool:
    """Whether there are different lines, and each of them comes equally often, more than once.

    So it is if rows of an invoice come twice in a file, or a query has joined each row with two others.
    """
    counts = Counter(
        (plain(each.description), each.quantity, each.unit_price, each.discount, each.tax_rate) for each in lines
    )
    return len(counts) > 1 and min(counts.values()) == max(counts.values()) > 1
