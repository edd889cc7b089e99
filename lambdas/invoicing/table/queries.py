"""Lists of invoices, read from the table's indexes by query; there is no scan."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invoicing.api.responses import SUMMARY_FIELDS
from invoicing.runtime.aws import client
from invoicing.table.items import decode, encode
from invoicing.table.pagination import Position, QueryPlan, keys_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAX_READS = 20
"""Index pages that one request reads at most; a filter that matches little then yields a short page and a token."""

FILTERED_READ = 200
"""Entries read at a time when a filter follows the index."""


@dataclass(frozen=True)
class Page:
    """One page: the items' projected attributes, and the token of the next page if there is one."""

    items: list[dict[str, Any]]
    next_token: str | None


class InvoiceIndexes:
    """Reads the indexes of one table.

    Args:
        table: The table's name.
        dynamodb: A client to use instead of a new one.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client("dynamodb")

    def page(self, plan: QueryPlan, limit: int) -> Page:
        """The next ``limit`` invoices of the plan.

        One more is asked for than is shown, so that a token is handed out only when something follows.
        """
        found: list[dict[str, Any]] = []
        reads, position = 0, plan.start
        for number, partition in enumerate(plan.partitions):
            start = position if position and position.partition == partition else None
            while True:
                items, following = self._read(plan, partition, start, limit + 1 - len(found))
                found += items
                reads += 1
                if len(found) > limit:
                    shown = found[:limit]
                    return Page(shown, plan.token(keys_of(shown[-1], plan.attribute)))
                if following is None:
                    break
                if reads >= MAX_READS:
                    return Page(found, plan.token(following))
                start = following
            if reads >= MAX_READS and found and number + 1 < len(plan.partitions):
                return Page(found, plan.token(keys_of(found[-1], plan.attribute)))
        return Page(found, None)

    def _read(
        self, plan: QueryPlan, partition: str, start: Position | None, wanted: int
    ) -> tuple[list[dict[str, Any]], Position | None]:
        names = {f"#{name}": name for name in {*SUMMARY_FIELDS, plan.attribute}}
        values: dict[str, Any] = {":partition": partition, ":earliest": plan.earliest, ":latest": plan.latest}
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": plan.index,
            "KeyConditionExpression": f"#{plan.attribute} = :partition AND #createdAt BETWEEN :earliest AND :latest",
            "ProjectionExpression": ", ".join(names),
            "ScanIndexForward": plan.ascending,
            "Limit": FILTERED_READ if plan.status else wanted,
        }
        if plan.status:
            request["FilterExpression"] = "#status = :status"
            values[":status"] = plan.status.value
        if start:
            key = {"invoiceId": start.invoice_id, plan.attribute: partition, "createdAt": start.created_at}
            request["ExclusiveStartKey"] = encode(key)
        request |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": encode(values)}
        answer = self._dynamodb.query(**request)
        items = [decode(item) for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        return items, keys_of(decode(last), plan.attribute) if last else None
