"""Writing many invoices at once, for uploads.

A transaction costs twice the capacity, but saves most of the time, of which a function has little. Its error is useful,
too: if some of the invoices are in the table already, it names them and contains their items.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from invoicing.domain.errors import ContentConflict, InvoiceError
from invoicing.domain.models import Invoice
from invoicing.domain.repository import CreateResult
from invoicing.table.items import decode, encode, size
from invoicing.table.retries import Canceled, retry_conflicts
from invoicing.table.store import InvoiceStore, checked_item, match_content

BATCH = 25
"""Invoices of one transaction; DynamoDB allows 100, and smaller ones collide less often."""
BATCH_BYTES = 3 * 1024 * 1024
"""Bytes of one transaction; DynamoDB allows 4 MB."""


@dataclass(frozen=True)
class Repetition(CreateResult):
    """The same upload created this invoice before, from other rows."""


CreateOutcome = CreateResult | InvoiceError


@dataclass(frozen=True)
class _Put:
    """An invoice on its way to the table.

    Attributes:
        invoice: The invoice.
        item: Its item, in DynamoDB's notation. It also names the upload. If an upload finds an invoice that it created
            itself, because its event was delivered twice or its invocation was killed, it counts it as created.
        bytes_: How many bytes the item takes.
    """

    invoice: Invoice
    item: dict[str, Any]
    bytes_: int


class InvoiceLoader(InvoiceStore):
    """An `InvoiceStore` that also writes batches."""

    def create_many(self, invoices: Sequence[Invoice], upload: str = "") -> list[CreateOutcome]:
        """`create` for each invoice; errors are returned in the invoices' places instead of being raised.

        Args:
            invoices: No two with the same id.
            upload: The upload's digest. An invoice that it created in an earlier delivery, from the same row, counts as
                created.

        Raises:
            Busy: the table throttles. Invoices that were created before that are found the next time.
        """
        outcomes: dict[str, CreateOutcome] = {}
        puts: list[_Put] = []
        for invoice in invoices:
            try:
                item = checked_item(invoice) | {"upload": upload}
            except InvoiceError as error:
                outcomes[invoice.invoice_id] = error
            else:
                puts.append(_Put(invoice, encode(item), size(item)))
        for batch in _batches(puts):
            self._create_batch(batch, outcomes)
        return [outcomes[invoice.invoice_id] for invoice in invoices]

    def _create_batch(self, batch: Sequence[_Put], outcomes: dict[str, CreateOutcome]) -> None:
        """All in one transaction; if some exist already, the others in another one; the rest one by one."""
        waiting = self._create_together(batch, outcomes)
        if 0 < len(waiting) < len(batch):
            waiting = self._create_together(waiting, outcomes)
        for put in waiting:
            outcomes[put.invoice.invoice_id] = self._create_alone(put)

    def _create_together(self, batch: Sequence[_Put], outcomes: dict[str, CreateOutcome]) -> list[_Put]:
        """Note what became of the batch; returns the invoices of which that is not known yet."""
        try:
            self.transact([{"Put": self._conditional(put)} for put in batch])
        except Canceled as canceled:
            waiting = []
            for index, put in enumerate(batch):
                existing = canceled.existing_item(index)
                if existing is None:
                    waiting.append(put)
                else:
                    outcomes[put.invoice.invoice_id] = _repetition(put, existing)
            return waiting
        outcomes.update({put.invoice.invoice_id: CreateResult(put.invoice, created=True) for put in batch})
        return []

    def _create_alone(self, put: _Put) -> CreateOutcome:
        try:
            retry_conflicts(lambda: self._dynamodb.put_item(**self._conditional(put)))
        except self._dynamodb.exceptions.ConditionalCheckFailedException as failure:
            return _repetition(put, decode(cast("dict[str, Any]", failure.response)["Item"]))
        return CreateResult(put.invoice, created=True)

    def _conditional(self, put: _Put) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": put.item,
            "ConditionExpression": "attribute_not_exists(invoiceId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _repetition(put: _Put, item: dict[str, Any]) -> CreateOutcome:
    """What an invoice becomes if there is an item with its id already."""
    existing = Invoice.from_item(item)
    upload = put.item["upload"]["S"]
    is_ours = bool(upload) and item.get("upload") == upload
    try:
        result = match_content(put.invoice, existing)
    except InvoiceError as error:
        if not is_ours:
            return error
        row = existing.source.rpartition("#")[2]
        detail = f"The rows of this invoice are not adjacent: row {row} of this file created it, without these."
        return ContentConflict(detail)
    if not is_ours:
        return replace(result, created=False)
    if existing.source != put.invoice.source:
        return Repetition(result.invoice, created=False)
    return replace(result, created=True)


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
