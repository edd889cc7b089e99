"""Lists of invoices, read from the table's indexes by queries, never by a scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from invoicing.domain.models import SUMMARY_FIELDS
from invoicing.table.connection import InvoiceTable
from invoicing.table.items import encode
from invoicing.table.pagination import Position, QueryPlan, position_of

MAX_READS = 20
"""Index pages that one request reads at most. A filter that matches little then gets a short page and a token."""

FILTERED_READ = 200
"""Entries of the index read at a time when a filter is applied to them."""


@dataclass(frozen=True)
class Page:
    """One page: the items' projected attributes, and the token of the next page if there is one."""

    items: list[dict[str, Any]]
    next_token: str | None


class InvoiceIndexes:
    """Reads the indexes of one table.

    Args:
        table: The table.
        fields: The attributes to read.
    """

    def __init__(self, table: InvoiceTable, fields: Sequence[str] = SUMMARY_FIELDS) -> None:
        self._table = table
        self._fields = fields

    def page(self, plan: QueryPlan, limit: int) -> Page:
        """The next ``limit`` invoices of the plan.

        One more is requested than is returned, so that there is a token only when more invoices follow.
        """
        items: list[dict[str, Any]] = []
        reads, position = 0, plan.start
        for number, partition in enumerate(plan.partitions):
            start = position if position and position.partition == partition else None
            while True:
                batch, next_start = self._read(plan, partition, start, limit + 1 - len(items))
                items += batch
                reads += 1
                if len(items) > limit:
                    items = items[:limit]
                    return Page(items, plan.token(position_of(items[-1], plan.attribute)))
                if next_start is None:
                    break
                if reads >= MAX_READS:
                    return Page(items, plan.token(next_start))
                start = next_start
            if reads >= MAX_READS and items and number + 1 < len(plan.partitions):
                return Page(items, plan.token(position_of(items[-1], plan.attribute)))
        return Page(items, None)

    def _read(
        self, plan: QueryPlan, partition: str, start: Position | None, count: int
    ) -> tuple[list[dict[str, Any]], Position | None]:
        names = {f"#{name}": name for name in {*self._fields, "invoiceId", "createdAt", plan.attribute}}
        values: dict[str, Any] = {":partition": partition, ":earliest": plan.earliest, ":latest": plan.latest}
        request: dict[str, Any] = {
            "IndexName": plan.index,
            "KeyConditionExpression": f"#{plan.attribute} = :partition AND #createdAt BETWEEN :earliest AND :latest",
            "ProjectionExpression": ", ".join(names),
            "ScanIndexForward": plan.ascending,
            "Limit": FILTERED_READ if plan.statuses or plan.due_before else count,
        }
        conditions = []
        if plan.statuses:
            values |= {f":status{number}": status.value for number, status in enumerate(plan.statuses)}
            conditions.append(f"#status IN ({', '.join(name for name in values if name.startswith(':status'))})")
        if plan.due_before:
            values |= {":dueBefore": plan.due_before.isoformat(), ":invoice": "invoice"}
            conditions.append("#dueDate < :dueBefore AND #kind = :invoice")
        if conditions:
            request["FilterExpression"] = " AND ".join(conditions)
        if start:
            key = {"invoiceId": start.invoice_id, plan.attribute: partition, "createdAt": start.created_at}
            request["ExclusiveStartKey"] = encode(key)
        request |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": encode(values)}
        items, last = self._table.query(request)
        return items, position_of(last, plan.attribute) if last else None
