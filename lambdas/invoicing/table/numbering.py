"""The numbers that the platform assigns: one sequence for each year of issue, ``2026-000001`` and so on.

The counter of a year holds the last assigned number. Clients and files may bring numbers of the same form, so a number
of the sequence may exist already. Then the next free one is looked up, by the ids of invoices, which are computed from
their numbers. No import has to touch the counter for that, so imports and the API never wait for each other here.
"""

from collections.abc import Sequence

from invoicing.domain.invoice_factory import assigned_number, invoice_id
from invoicing.table.connection import NEW, InvoiceTable, Update

WINDOW = 100
"""Numbers that one read looks up: as many as BatchGetItem takes.

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html.
"""
_DOUBLINGS = 24  # the furthest number that is looked up is more than a billion away


class NumberSequence:
    """The sequence of one year.

    Args:
        table: Where invoices and counters are stored.
        year: The year of the issue date.
    """

    def __init__(self, table: InvoiceTable, year: int) -> None:
        self._table = table
        self._year = year
        self._counter = f"counter#{year:04d}"

    def last(self) -> int:
        """The last number that was assigned; 0 before the first."""
        return int((self._table.item(self._counter) or {}).get("lastNumber", 0))

    def advance(self, last: int, number: int) -> Update:
        """The write that moves the counter to ``number``, if it still is at ``last``."""
        condition, values = ("lastNumber = :last", {":last": last}) if last else (NEW, {})
        return Update(self._counter, "SET lastNumber = :number", condition, {":number": number, **values})

    def next_free(self, taken: int) -> int:
        """The next number after ``taken`` that no invoice has.

        Of the next hundred numbers it is the first free one. When all of them exist, an import brought them: then it is
        a number behind that import, found in a few reads however long it is. Each read divides what is left by a
        hundred. A number that the import itself left out may stay unused.

            000001 .................. 004000 | 004001          numbers that exist | the next free one
                   |   |      |          |    high             the reads double the distance until a number is free,
                                  low ...||||| high            then look between the last two
        """
        window = self._free(range(taken + 1, taken + 1 + WINDOW))
        if window:
            return window[0]
        low = taken + WINDOW
        probes = [low + WINDOW * 2**doubling for doubling in range(_DOUBLINGS)]
        low, high = self._narrow(low, probes)
        while high - low > 1:
            step = max(1, (high - low) // WINDOW)
            low, high = self._narrow(low, [*range(low + step, high, step)[: WINDOW - 1], high])
        return high

    def _narrow(self, low: int, probes: Sequence[int]) -> tuple[int, int]:
        """The first free probe, and the probe before it. The last one counts as free without being looked up."""
        free = self._free(probes[:-1])
        high = free[0] if free else probes[-1]
        before = probes[: probes.index(high)]
        return (before[-1] if before else low), high

    def _free(self, numbers: Sequence[int]) -> list[int]:
        ids = {number: invoice_id(assigned_number(self._year, number)) for number in numbers}
        existing = self._table.existing(ids.values())
        return [number for number, identity in ids.items() if identity not in existing]
