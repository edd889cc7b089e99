"""How far each upload has come: its item in the invoices table.

Every update is conditional, so that of two invocations that do the same part only one moves the checkpoint.

An import that is itself what the table throttles must still be able to record how far it has come. So every read and
write of a checkpoint is repeated for some seconds.
"""

from datetime import datetime
from typing import Any

from invoicing.domain.fields import timestamp
from invoicing.table.connection import NEW, ConditionFailed, InvoiceTable, Put, Update
from invoicing.table.retries import retry_throttled
from invoicing.table.store import MARKER_LIFE
from invoicing.uploads.checkpoints import Checkpoint

PATIENCE_S = 4.0
"""Seconds for which a throttled read or write is repeated."""


class UploadProgress:
    """Reads and moves the checkpoints of uploads.

    Every method raises `Busy` when the table throttles for longer than `PATIENCE_S`.

    Args:
        table: The invoices table.
    """

    def __init__(self, table: InvoiceTable) -> None:
        self._table = table

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
            retry_throttled(lambda: self._table.put(Put(item, NEW)), PATIENCE_S)
        except ConditionFailed:
            return self.checkpoint(digest) or Checkpoint()
        return Checkpoint()

    def checkpoint(self, digest: str) -> Checkpoint | None:
        """How far an upload has come; None if the table does not know the upload (a consistent read)."""
        item = retry_throttled(lambda: self._table.item(_item_id(digest)), PATIENCE_S)
        if item is None:
            return None
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
        write = Update(_item_id(digest), update, condition, values, names or {})
        try:
            retry_throttled(lambda: self._table.update(write), PATIENCE_S)
        except ConditionFailed:
            return False
        return True


def _expiry(now: datetime) -> int:
    return int((now + MARKER_LIFE).timestamp())


def _item_id(digest: str) -> str:
    return f"upload#{digest}"
