"""What waits in the table: invoices without a decision, money without an invoice, and invoices by their creation.

`Backlog.created` is read in parts: a sweep that runs out of time goes on where the one before it has stopped. That
place is kept in the item ``sweep#drawn``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from invoicing.domain.status import Status
from invoicing.table.connection import NEW, ConditionFailed, InvoiceTable, Update
from invoicing.table.items import encode
from invoicing.table.pagination import months
from invoicing.table.receipts import LISTED

COUNTED = 1_000
"""What waits is counted up to here: more would cost reads, and is as bad."""

_PLACE = "sweep#drawn"
_READ = 200  # entries of an index read at a time
_FIELDS = ("invoiceId", "createdAt", "updatedAt", "status")


@dataclass(frozen=True)
class Place:
    """A place in the order of creation; the invoices after it come next.

    Attributes:
        created_at: The moment.
        invoice_id: The invoice of that moment; empty for the place before all of that moment.
    """

    created_at: str
    invoice_id: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it from a text such as ``2026-11-22T09:30:00.000000Z/<invoiceId>``; the id may be missing."""
        created_at, _, invoice_id = text.partition("/")
        return cls(created_at, invoice_id)

    def __str__(self) -> str:
        return f"{self.created_at}/{self.invoice_id}".rstrip("/")


@dataclass(frozen=True)
class Entry:
    """An invoice, as the index of creation shows it, which may be a moment late.

    Attributes:
        place: Its place in the order of creation.
        updated_at: The moment of its last change.
        status: Its status; empty, as the moment, if the item is not complete.
    """

    place: Place
    updated_at: str
    status: str


def number(ids: Iterator[str]) -> int:
    """How many there are, up to `COUNTED`."""
    return sum(1 for _ in islice(ids, COUNTED))


class Backlog:
    """Reads what waits. Every method raises `Busy` when the table throttles.

    Args:
        table: The invoices table.
    """

    def __init__(self, table: InvoiceTable) -> None:
        self._table = table

    def undecided(self, until: str) -> Iterator[str]:
        """The ids of the invoices that were created until a moment and have no decision, the oldest first."""
        return self._ids(Status.CREATED.value, until)

    def unapplied(self, until: str) -> Iterator[str]:
        """The ids of the items of unapplied payments that were received until a moment, the oldest first."""
        return self._ids(LISTED, until)

    def created(self, after: Place, until: str) -> Iterator[Entry]:
        """The invoices after a place and created until a moment, in order.

        Raises:
            InvalidRequest: There are more months between them than a query may have.
        """
        if after.created_at > until:
            return
        start: Place | None = after if after.invoice_id else None
        for month in months(after.created_at[:7], until[:7]):
            for item in self._query("createdAt-index", "yearMonth", month, after.created_at, until, start):
                place = Place(item["createdAt"], item["invoiceId"])
                yield Entry(place, item.get("updatedAt", ""), item.get("status", ""))
            start = None

    def drawn(self) -> Place | None:
        """The place up to which earlier sweeps have looked for PDFs; None before the first one."""
        item = self._table.item(_PLACE)
        return Place.parse(item["place"]) if item else None

    def remember(self, place: Place, read: Place | None) -> None:
        """Keep the place up to which PDFs were looked for, unless another sweep has kept one since it was read."""
        condition = NEW if read is None else "#place = :read"
        values = {":place": str(place)} | ({} if read is None else {":read": str(read)})
        try:
            self._table.update(Update(_PLACE, "SET #place = :place", condition, values, names={"#place": "place"}))
        except ConditionFailed:
            return

    def _ids(self, status: str, until: str) -> Iterator[str]:
        return (item["invoiceId"] for item in self._query("status-index", "status", status, "0", until))

    def _query(  # noqa: PLR0913, PLR0917 -- index, key, range and start
        self, index: str, attribute: str, partition: str, earliest: str, latest: str, start: Place | None = None
    ) -> Iterator[dict[str, Any]]:
        names = {f"#{name}": name for name in {*_FIELDS, attribute}}
        values = {":partition": partition, ":earliest": earliest, ":latest": latest}
        request: dict[str, Any] = {
            "IndexName": index,
            "KeyConditionExpression": f"#{attribute} = :partition AND #createdAt BETWEEN :earliest AND :latest",
            "ProjectionExpression": ", ".join(sorted(names)),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": encode(values),
            "Limit": _READ,
        }
        last = start and {"invoiceId": start.invoice_id, attribute: partition, "createdAt": start.created_at}
        while True:
            items, last = self._table.query(request | ({"ExclusiveStartKey": encode(last)} if last else {}))
            yield from items
            if last is None:
                return
