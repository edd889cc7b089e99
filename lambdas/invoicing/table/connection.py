"""One connection to the invoices table: reads by id, conditional writes, transactions, queries.

A function creates one `InvoiceTable`, and its stores share it. Writes are data (`Put`, `Update`) in Python types: the
same write can be made alone or in a transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from invoicing.runtime.aws import client
from invoicing.table.items import decode, encode
from invoicing.table.retries import PATIENCE, busy, canceled, pause, retry_conflicts, throttling

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NEW = "attribute_not_exists(invoiceId)"
"""The condition that there is no item under the id yet."""


@dataclass(frozen=True)
class Put:
    """A write of a complete item.

    Attributes:
        item: The item; its id is in ``invoiceId``.
        condition: When it may be written.
        values: The values that the condition names.
        reads_existing: Whether a failure returns the item that is stored.
    """

    item: Mapping[str, Any]
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reads_existing: bool = False

    def request(self, table: str) -> dict[str, Any]:
        """The write in DynamoDB's notation."""
        return {"TableName": table, "Item": encode(self.item), **_conditions(self)}


@dataclass(frozen=True)
class Update:
    """A write of some attributes of an item.

    Attributes:
        item_id: The item's id.
        update: What is written.
        condition: When it may be written.
        values: The values that the update and the condition name.
        names: The attributes that they name by placeholders.
        reads_existing: Whether a failure returns the item that is stored.
    """

    item_id: str
    update: str
    condition: str
    values: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    reads_existing: bool = False

    def request(self, table: str) -> dict[str, Any]:
        """The write in DynamoDB's notation."""
        key = encode({"invoiceId": self.item_id})
        names = {"ExpressionAttributeNames": dict(self.names)} if self.names else {}
        return {"TableName": table, "Key": key, "UpdateExpression": self.update, **names, **_conditions(self)}


class ConditionFailed(Exception):
    """The condition of a write was not met, and nothing was written.

    Attributes:
        existing: The item that is stored, if the write reads it and there is one.
    """

    def __init__(self, existing: dict[str, Any] | None) -> None:
        super().__init__("The condition of the write was not met.")
        self.existing = existing


class ItemTooLarge(Exception):
    """The item would be larger than DynamoDB allows."""


class InvoiceTable:
    """One table, and the client that reads and writes it. Every method raises `Busy` when the table throttles.

    Args:
        name: The table's name.
        dynamodb: A client to use instead of a new one.
    """

    def __init__(self, name: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._name = name
        self._dynamodb = dynamodb or client("dynamodb")

    def item(self, item_id: str) -> dict[str, Any] | None:
        """The item under an id, whatever it is, or None (a consistent read)."""
        with throttling():
            response = self._dynamodb.get_item(
                TableName=self._name, Key=encode({"invoiceId": item_id}), ConsistentRead=True
            )
        return decode(response["Item"]) if "Item" in response else None

    def put(self, put: Put) -> None:
        """Write an item, repeatedly while transactions of other writers hold it.

        Raises:
            ConditionFailed: the condition was not met.
        """
        request = put.request(self._name)
        with self._failures():
            retry_conflicts(lambda: self._dynamodb.put_item(**request))

    def update(self, update: Update) -> None:
        """Write some attributes of an item, repeatedly while transactions of other writers hold it.

        Raises:
            ConditionFailed: the condition was not met.
            ItemTooLarge: the item has no room for them.
        """
        request = update.request(self._name)
        with self._failures():
            retry_conflicts(lambda: self._dynamodb.update_item(**request))

    def transact(self, writes: Sequence[Put | Update]) -> None:
        """Do all the writes, or none.

        Raises:
            Canceled: none was done; the exception says which conditions failed.
        """
        items: list[Any] = [{type(write).__name__: write.request(self._name)} for write in writes]
        try:
            with throttling():
                self._dynamodb.transact_write_items(TransactItems=items)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons = cast("dict[str, Any]", error.response)["CancellationReasons"]
            raise canceled(reasons) from None

    def existing(self, item_ids: Iterable[str]) -> set[str]:
        """Those of the ids, at most a hundred, under which there is an item (a consistent read).

        Raises:
            Busy: DynamoDB read only some of them in `PATIENCE` attempts.
        """
        keys: list[Any] = [encode({"invoiceId": item_id}) for item_id in item_ids]
        existing: set[str] = set()
        for attempt in range(1, PATIENCE + 1):
            if not keys:
                return existing
            request: Any = {"Keys": keys, "ProjectionExpression": "invoiceId", "ConsistentRead": True}
            with throttling():
                response = self._dynamodb.batch_get_item(RequestItems={self._name: request})
            existing |= {decode(item)["invoiceId"] for item in response["Responses"].get(self._name, ())}
            unprocessed = cast("dict[str, Any]", response["UnprocessedKeys"])
            keys = unprocessed[self._name]["Keys"] if unprocessed else []
            if keys:
                pause(attempt)
        raise busy()

    def query(self, request: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """The items of one page of a query, and the key after which the next page begins, if there is one.

        Args:
            request: The query in DynamoDB's notation, without the table.
        """
        with throttling():
            response = self._dynamodb.query(TableName=self._name, **request)
        last = response.get("LastEvaluatedKey")
        return [decode(item) for item in response["Items"]], decode(last) if last else None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Translate the errors of one write."""
        try:
            yield
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            existing = cast("dict[str, Any]", error.response).get("Item")
            raise ConditionFailed(decode(existing) if existing else None) from None
        except ClientError as error:
            if "Item size" in error.response["Error"].get("Message", ""):  # a ValidationException like many others
                raise ItemTooLarge from None
            raise


def _conditions(write: Put | Update) -> dict[str, Any]:
    request: dict[str, Any] = {"ConditionExpression": write.condition}
    if write.values:
        request["ExpressionAttributeValues"] = encode(write.values)
    if write.reads_existing:
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request
