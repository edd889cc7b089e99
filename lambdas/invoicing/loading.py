"""Writing many invoices at once, for uploads: transactions of a few dozen puts instead of one call for each.

A transaction costs twice the capacity and saves most of the time, of which a function has little. It is used for its
answer, too: when some of its invoices are there already, it says which, and what they say.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from invoicing.errors import Busy, InvoiceError
from invoicing.fields import timestamp
from invoicing.items import encode, size
from invoicing.models import Invoice
from invoicing.store import MARKER_LIFE, Canceled, InvoiceStore, Stored, same, sized, throttling

BATCH = 25
"""Invoices of one transaction; DynamoDB allows 100, and smaller ones get into each other's way less."""
BATCH_BYTES = 3 * 1024 * 1024
"""Bytes of one transaction; DynamoDB allows 4 MB."""

Outcome = Stored | InvoiceError


@dataclass(frozen=True)
class Progress:
    """How far an upload has come.

    Attributes:
        begun: When its first delivery began (`invoicing.fields.timestamp`).
        done: Whether it was handled to its end.
    """

    begun: str
    done: bool

    def own(self, invoice: Invoice, source: str) -> bool:
        """Whether the upload itself created this invoice, in an earlier delivery of its event.

        Args:
            invoice: What was found in the table.
            source: What the upload writes into the invoice of that row.
        """
        return invoice.source == source and invoice.created_at >= self.begun


class InvoiceLoader(InvoiceStore):
    """An `InvoiceStore` that also takes whole batches, and remembers uploads."""

    def create_many(self, invoices: Sequence[Invoice]) -> list[Outcome]:
        """`create` for each invoice; refusals are given back in their places instead of being raised.

        Args:
            invoices: No two with the same id.

        Raises:
            Busy: the table throttles; what was created by then is found as a repetition the next time.
        """
        outcomes: dict[str, Outcome] = {}
        sound: list[Invoice] = []
        for invoice in invoices:
            try:
                sized(invoice)
            except InvoiceError as refusal:
                outcomes[invoice.invoice_id] = refusal
            else:
                sound.append(invoice)
        for batch in _batches(sound):
            self._create_batch(batch, outcomes)
        return [outcomes[invoice.invoice_id] for invoice in invoices]

    def _create_batch(self, batch: Sequence[Invoice], outcomes: dict[str, Outcome]) -> None:
        """All in one transaction; if some are there already, the others in one more; what is left, one by one."""
        waiting = self._create_together(batch, outcomes)
        if 0 < len(waiting) < len(batch):
            waiting = self._create_together(waiting, outcomes)
        for invoice in waiting:
            try:
                outcomes[invoice.invoice_id] = self.create(invoice)
            except Busy:
                raise
            except InvoiceError as refusal:
                outcomes[invoice.invoice_id] = refusal

    def _create_together(self, batch: Sequence[Invoice], outcomes: dict[str, Outcome]) -> list[Invoice]:
        """Note what became of the batch; returns those of which nothing is known yet."""
        try:
            self.transact([self.put_new(invoice) for invoice in batch])
        except Canceled as refusal:
            waiting = []
            for index, invoice in enumerate(batch):
                there = refusal.there(index)
                if there is None:
                    waiting.append(invoice)
                else:
                    outcomes[invoice.invoice_id] = _repetition(invoice, there)
            return waiting
        outcomes.update({invoice.invoice_id: Stored(invoice, created=True) for invoice in batch})
        return []

    def begin_upload(self, upload: str, now: datetime) -> Progress:
        """Remember that an upload with this identity is being handled; tells how far it came before.

        The first moment stays: a repetition after a failure knows by it which invoices the upload itself created.
        """
        item: dict[str, Any] = {
            "invoiceId": _upload_id(upload),
            "upload": upload,
            "begunAt": timestamp(now),
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
            there = self.item(_upload_id(upload)) or item
            return Progress(there.get("begunAt", ""), done="doneAt" in there or "begunAt" not in there)
        return Progress(timestamp(now), done=False)

    def mark_upload_done(self, upload: str, progress: Progress, now: datetime) -> None:
        """Remember that an upload was handled to its end."""
        item = {
            "invoiceId": _upload_id(upload),
            "upload": upload,
            "begunAt": progress.begun,
            "doneAt": timestamp(now),
            "expiresAt": _expiry(now),
        }
        with throttling():
            self._dynamodb.put_item(TableName=self._table, Item=encode(item))


def _repetition(invoice: Invoice, there: Invoice) -> Outcome:
    try:
        return same(invoice, there)
    except InvoiceError as refusal:
        return refusal


def _batches(invoices: Sequence[Invoice]) -> Iterator[list[Invoice]]:
    batch: list[Invoice] = []
    bytes_ = 0
    for invoice in invoices:
        more = size(invoice.to_item())
        if batch and (len(batch) >= BATCH or bytes_ + more > BATCH_BYTES):
            yield batch
            batch, bytes_ = [], 0
        batch.append(invoice)
        bytes_ += more
    if batch:
        yield batch


def _expiry(now: datetime) -> int:
    return int((now + MARKER_LIFE).timestamp())


def _upload_id(upload: str) -> str:
    return f"upload#{hashlib.sha256(upload.encode()).hexdigest()}"
