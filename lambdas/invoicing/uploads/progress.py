"""How far each upload has come: its item in the invoices table.

Every update is conditional, so that of two invocations that do the same part only one moves the checkpoint.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from invoicing.domain.fields import timestamp
from invoicing.runtime.aws import client
from invoicing.table.items import decode, encode
from invoicing.table.retries import throttling
from invoicing.table.store import MARKER_LIFE
from invoicing.uploads.checkpoints import Checkpoint

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class UploadProgress:
    """Reads and moves the checkpoints of uploads.

    Every method raises `Busy` when the table throttles.

    Args:
        table: The invoices table's name.
        dynamodb: A client to use instead of a new one.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client("dynamodb")

    def begin(self, digest: str, identity: str, now: datetime) -> Checkpoint:
        """Record that an upload is being handled; returns its checkpoint if it was begun before, else an empty one.

        Args:
            digest: `invoicing.uploads.upload.Upload.digest`.
            identity: What it is the digest of, for people who look at the table.
            now: This moment.
        """
        item = {
            "invoiceId": _item_id(digest),
            "upload": identity,
            "begunAt": timestamp(now),
            "part": 0,
            "announced": 0,
            "expiresAt": _expiry(now),
        }
        try:
            with throttling():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=encode(item),
                    ConditionExpression="attribute_not_exists(invoiceId)",
                )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return self.checkpoint(digest) or Checkpoint()
        return Checkpoint()

    def checkpoint(self, digest: str) -> Checkpoint | None:
        """How far an upload has come; None if the table does not know the upload (a consistent read)."""
        with throttling():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=encode({"invoiceId": _item_id(digest)}), ConsistentRead=True
            )
        if "Item" not in response:
            return None
        item = decode(response["Item"])
        part, announced, done = int(item["part"]), int(item["announced"]), "doneAt" in item
        if "state" not in item:  # it was begun, and no part is done
            return Checkpoint(part, announced, done=done)
        return Checkpoint.from_text(item["state"], part=part, announced=announced, done=done)

    def advance(self, digest: str, checkpoint: Checkpoint, now: datetime) -> bool:
        """Record that a part is done, unless another invocation did that part meanwhile.

        Args:
            digest: The upload.
            checkpoint: Where the next part starts; its number is one more than that of the part that is done.
            now: This moment.

        Returns:
            Whether it was recorded. If not, nothing that this invocation counted may be used.
        """
        # The part: nobody was faster. No doneAt: a part after the last one, by an event that came very late.
        return self._update(
            digest,
            "SET #part = :part, #state = :state, expiresAt = :expiresAt",
            "#part = :before AND attribute_not_exists(doneAt)",
            {
                ":part": checkpoint.part,
                ":before": checkpoint.part - 1,
                ":state": checkpoint.text(),
                ":expiresAt": _expiry(now),
            },
            {"#part": "part", "#state": "state"},
        )

    def record_announcement(self, digest: str, part: int) -> None:
        """Record that an event names the next part."""
        self._update(digest, "SET announced = :part", "#part = :part", {":part": part}, {"#part": "part"})

    def record_report(self, key_digest: str, order: str, now: datetime) -> bool:
        """Record that an upload of a key reports; returns whether no later upload of that key has reported before.

        Args:
            key_digest: `invoicing.uploads.upload.Upload.key_digest`.
            order: S3's sequencer. Compared as text, it grows from one write of a key to the next.
            now: This moment.
        """
        return self._update(
            key_digest,
            "SET latest = :order, expiresAt = :expiresAt",
            "attribute_not_exists(latest) OR latest <= :order",
            {":order": order, ":expiresAt": _expiry(now)},
        )

    def finish(self, digest: str, now: datetime) -> None:
        """Record that an upload was handled to its end."""
        values = {":doneAt": timestamp(now), ":expiresAt": _expiry(now)}
        self._update(digest, "SET doneAt = :doneAt, expiresAt = :expiresAt", "attribute_exists(begunAt)", values)

    def _update(
        self,
        digest: str,
        update: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> bool:
        """Update an item if the condition holds; returns whether it did."""
        optional: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        try:
            with throttling():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=encode({"invoiceId": _item_id(digest)}),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=encode(values),
                    **optional,
                )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _expiry(now: datetime) -> int:
    return int((now + MARKER_LIFE).timestamp())


def _item_id(digest: str) -> str:
    return f"upload#{digest}"
