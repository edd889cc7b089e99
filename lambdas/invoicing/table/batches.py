"""Writing many invoices at once, for uploads, and remembering how far each upload has come.

A transaction costs twice the capacity and saves most of the time, of which a function has little. It is used for its
answer, too: when some of its invoices are there already, it says which, and what they say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from invoicing.domain.errors import ContentConflict, InvoiceError
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.repository import CreateResult
from invoicing.table.items import decode, encode, size
from invoicing.table.retries import Canceled, retry_conflicts, throttling
from invoicing.table.store import MARKER_LIFE, InvoiceStore, checked_item, match_content
from invoicing.uploads.checkpoints import Checkpoint

BATCH = 25
"""Invoices of one transaction; DynamoDB allows 100, and smaller ones get into each other's way less."""
BATCH_BYTES = 3 * 1024 * 1024
"""Bytes of one transaction; DynamoDB allows 4 MB."""


@dataclass(frozen=True)
class Repeated(CreateResult):
    """An invoice that the same upload created, from other rows."""


Outcome = CreateResult | InvoiceError


@dataclass(frozen=True)
class _Put:
    """An invoice on its way to the table.

    Attributes:
        invoice: What it is.
        item: Its item, in DynamoDB's notation. It also names the upload: when an upload meets an invoice of its own,
            because its event was delivered twice or its invocation crashed, it counts it as created.
        bytes_: How many bytes the item takes.
    """

    invoice: Invoice
    item: dict[str, Any]
    bytes_: int


class InvoiceLoader(InvoiceStore):
    """An `InvoiceStore` that also takes whole batches, and remembers uploads."""

    def create_many(self, invoices: Sequence[Invoice], upload: str = "") -> list[Outcome]:
        """`create` for each invoice; refusals are given back in their places instead of being raised.

        Args:
            invoices: No two with the same id.
            upload: The upload's digest. What it created in an earlier delivery, from the same row, counts as created.

        Raises:
            Busy: the table throttles; what was created by then is found the next time.
        """
        outcomes: dict[str, Outcome] = {}
        puts: list[_Put] = []
        for invoice in invoices:
            try:
                item = checked_item(invoice) | {"upload": upload}
            except InvoiceError as refusal:
                outcomes[invoice.invoice_id] = refusal
            else:
                puts.append(_Put(invoice, encode(item), size(item)))
        for batch in _batches(puts):
            self._create_batch(batch, outcomes)
        return [outcomes[invoice.invoice_id] for invoice in invoices]

    def _create_batch(self, batch: Sequence[_Put], outcomes: dict[str, Outcome]) -> None:
        """All in one transaction; if some are there already, the others in one more; what is left, one by one."""
        waiting = self._create_together(batch, outcomes)
        if 0 < len(waiting) < len(batch):
            waiting = self._create_together(waiting, outcomes)
        for put in waiting:
            outcomes[put.invoice.invoice_id] = self._create_alone(put)

    def _create_together(self, batch: Sequence[_Put], outcomes: dict[str, Outcome]) -> list[_Put]:
        """Note what became of the batch; returns those of which nothing is known yet."""
        try:
            self.transact([{"Put": self._conditional(put)} for put in batch])
        except Canceled as refusal:
            waiting = []
            for index, put in enumerate(batch):
                there = refusal.existing_item(index)
                if there is None:
                    waiting.append(put)
                else:
                    outcomes[put.invoice.invoice_id] = _repetition(put, there)
            return waiting
        outcomes.update({put.invoice.invoice_id: CreateResult(put.invoice, created=True) for put in batch})
        return []

    def _create_alone(self, put: _Put) -> Outcome:
        try:
            retry_conflicts(lambda: self._dynamodb.put_item(**self._conditional(put)))
        except self._dynamodb.exceptions.ConditionalCheckFailedException as refusal:
            return _repetition(put, decode(cast("dict[str, Any]", refusal.response)["Item"]))
        return CreateResult(put.invoice, created=True)

    def _conditional(self, put: _Put) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": put.item,
            "ConditionExpression": "attribute_not_exists(invoiceId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def begin_upload(self, digest: str, identity: str, now: datetime) -> Checkpoint:
        """Remember that an upload is being handled; tells how far it came before.

        Args:
            digest: `invoicing.uploads.buckets.Upload.digest`.
            identity: What it is the digest of, for people who look at the table.
            now: This moment.
        """
        item = {
            "invoiceId": _upload_id(digest),
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
            return self.upload(digest) or Checkpoint()
        return Checkpoint()

    def upload(self, digest: str) -> Checkpoint | None:
        """How far an upload has come; None if nothing is known of it (a consistent read)."""
        item = self.item(_upload_id(digest))
        if item is None:
            return None
        part, announced = int(item.get("part", 0)), int(item.get("announced", 0))
        done = "doneAt" in item or "begunAt" not in item  # the first releases kept nothing but uploads that were done
        if "state" not in item:
            return Checkpoint(part, announced, done=done)
        return Checkpoint.from_text(item["state"], part=part, announced=announced, done=done)

    def advance_upload(self, digest: str, checkpoint: Checkpoint, now: datetime) -> bool:
        """Note that a part is done, unless somebody else did that part meanwhile.

        Args:
            digest: The upload.
            checkpoint: What the next part starts from; its number is one more than that of the part that is done.
            now: This moment.

        Returns:
            Whether it was noted; if not, nothing that this invocation counted may be used.
        """
        # The part: nobody was faster. No doneAt: a part after the last one, by an event that came very late.
        return self._update_upload(
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

    def announce_upload(self, digest: str, part: int) -> None:
        """Note that an event tells of the next part."""
        names = {"#part": "part"}
        self._update_upload(digest, "SET announced = :part", "#part = :part", {":part": part}, names)

    def finish_upload(self, digest: str, now: datetime) -> None:
        """Note that an upload was handled to its end."""
        values = {":doneAt": timestamp(now), ":expiresAt": _expiry(now)}
        self._update_upload(
            digest, "SET doneAt = :doneAt, expiresAt = :expiresAt", "attribute_exists(begunAt)", values, {}
        )

    def report_upload(self, place: str, order: str, now: datetime) -> bool:
        """Note that an upload of a key reports; tells whether no later one of that key has reported before.

        Args:
            place: `invoicing.uploads.buckets.Upload.place`.
            order: S3's sequencer, which grows from one write of a key to the next as text does.
            now: This moment.
        """
        return self._update_upload(
            place,
            "SET latest = :order, expiresAt = :expiresAt",
            "attribute_not_exists(latest) OR latest <= :order",
            {":order": order, ":expiresAt": _expiry(now)},
            {},
        )

    def _update_upload(
        self, digest: str, update: str, condition: str, values: dict[str, Any], names: dict[str, str]
    ) -> bool:
        given: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        try:
            with throttling():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=encode({"invoiceId": _upload_id(digest)}),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=encode(values),
                    **given,
                )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _repetition(put: _Put, item: dict[str, Any]) -> Outcome:
    there = Invoice.from_item(item)
    ours = put.item["upload"]["S"]
    try:
        found = match_content(put.invoice, there)
    except InvoiceError as refusal:
        if not ours or item.get("upload") != ours:
            return refusal
        row = there.source.rpartition("#")[2]
        detail = f"The rows of this invoice stand apart: it was created from row {row} of this file, without these."
        return ContentConflict(detail)
    if not ours or item.get("upload") != ours:
        return replace(found, created=False)
    if there.source != put.invoice.source:
        return Repeated(found.invoice, created=False)
    return replace(found, created=True)


def _batches(puts: Sequence[_Put]) -> Iterator[list[_Put]]:
    batch: list[_Put] = []
    bytes_ = 0
    for put in puts:
        if batch and (len(batch) >= BATCH or bytes_ + put.bytes_ > BATCH_BYTES):
            yield batch
            batch, bytes_ = [], 0
        batch.append(put)
        bytes_ += put.bytes_
    if batch:
        yield batch


def _expiry(now: datetime) -> int:
    return int((now + MARKER_LIFE).timestamp())


def _upload_id(digest: str) -> str:
    return f"upload#{digest}"
