"""Writing many invoices at once, for uploads.

A transaction costs twice the capacity, but saves most of the time, of which a function has little. Its error is useful,
too: if some of the invoices are in the table already, it names them and contains their items. A single invoice is
written without one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from invoicing.domain.door import Door
from invoicing.domain.errors import InvoiceError, NotAcceptable
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.domain.repository import CreateResult
from invoicing.table.connection import ConditionFailed, InvoiceTable, Put
from invoicing.table.items import size
from invoicing.table.retries import Canceled
from invoicing.table.store import match_content, put_invoice

BATCH = 25
"""Invoices of one transaction; DynamoDB allows 100, and smaller ones collide less often."""
BATCH_BYTES = 3 * 1024 * 1024
"""Bytes of one transaction; DynamoDB allows 4 MB."""


@dataclass(frozen=True)
class Repetition(CreateResult):
    """The same upload created this invoice before, from other rows."""


CreateOutcome = CreateResult | InvoiceError


@dataclass(frozen=True)
class _Candidate:
    """An invoice on its way to the table.

    Attributes:
        invoice: The invoice.
        put: Its write. The item also names the upload. If an upload finds an invoice that it created itself, because
            its event was delivered twice or its invocation was killed, it counts it as created.
        bytes_: How many bytes the item takes.
    """

    invoice: Invoice
    put: Put
    bytes_: int

    @property
    def upload(self) -> str:
        """The upload's digest, or an empty string."""
        return str(self.put.item["upload"])


class InvoiceLoader:
    """Writes batches of invoices.

    Args:
        table: Where they are stored.
        door: What the environment accepts.
    """

    def __init__(self, table: InvoiceTable, door: Door) -> None:
        self._table = table
        self._door = door

    def create_many(self, invoices: Sequence[Invoice], upload: str = "") -> list[CreateOutcome]:
        """`InvoiceStore.create` for each invoice; errors are returned in the invoices' places instead of being raised.

        Args:
            invoices: No two with the same id.
            upload: The upload's digest. An invoice that it created in an earlier delivery, from the same row, counts as
                created.

        Raises:
            Busy: the table throttles. Invoices that were created before that are found the next time.
        """
        outcomes: dict[str, CreateOutcome] = {}
        candidates: list[_Candidate] = []
        for invoice in invoices:
            try:
                put = put_invoice(invoice, upload=upload)
            except InvoiceError as error:
                outcomes[invoice.invoice_id] = error
            else:
                candidates.append(_Candidate(invoice, put, size(put.item)))
        for batch in _batches(candidates):
            self._create_batch(batch, outcomes)
        return [outcomes[invoice.invoice_id] for invoice in invoices]

    def judge(self, request: CreateInvoice, invoice: Invoice, upload: str) -> CreateOutcome | None:
        """What becomes of an invoice that the door does not accept; None if it does.

        An invoice that was created before, when its period was open, is a repetition all the same.

        Raises:
            Busy: the table throttles.
        """
        try:
            self._door.check(request, datetime.fromisoformat(invoice.created_at).date())
        except NotAcceptable as error:
            item = self._table.item(invoice.invoice_id)
            same = item is not None and item.get("contentHash") == invoice.content_hash
            return _repetition(invoice, upload, item) if item and same else error
        return None

    def _create_batch(self, batch: Sequence[_Candidate], outcomes: dict[str, CreateOutcome]) -> None:
        """All in one transaction; if some exist already, the others in another one; the rest one by one."""
        waiting = self._create_together(batch, outcomes) if len(batch) > 1 else list(batch)
        if 0 < len(waiting) < len(batch):
            waiting = self._create_together(waiting, outcomes)
        for candidate in waiting:
            outcomes[candidate.invoice.invoice_id] = self._create_alone(candidate)

    def _create_together(self, batch: Sequence[_Candidate], outcomes: dict[str, CreateOutcome]) -> list[_Candidate]:
        """Note what became of the batch; returns the invoices of which that is not known yet."""
        try:
            self._table.transact([candidate.put for candidate in batch])
        except Canceled as canceled:
            waiting = []
            for index, candidate in enumerate(batch):
                existing = canceled.existing_item(index)
                if existing is None:
                    waiting.append(candidate)
                else:
                    outcomes[candidate.invoice.invoice_id] = _repetition(candidate.invoice, candidate.upload, existing)
            return waiting
        created = (CreateResult(candidate.invoice, created=True) for candidate in batch)
        outcomes.update({result.invoice.invoice_id: result for result in created})
        return []

    def _create_alone(self, candidate: _Candidate) -> CreateOutcome:
        try:
            self._table.put(candidate.put)
        except ConditionFailed as failure:
            if failure.existing is None:  # DynamoDB returns it always
                raise
            return _repetition(candidate.invoice, candidate.upload, failure.existing)
        return CreateResult(candidate.invoice, created=True)


def _repetition(invoice: Invoice, upload: str, item: dict[str, Any]) -> CreateOutcome:
    """What an invoice becomes if there is an item with its id already."""
    existing = Invoice.from_item(item)
    is_ours = bool(upload) and item.get("upload") == upload
    try:
        result = match_content(invoice, existing)
    except InvoiceError as error:
        return error
    if not is_ours:
        return replace(result, created=False)
    if existing.source != invoice.source:
        return Repetition(result.invoice, created=False)
    return replace(result, created=True)


def _batches(candidates: Sequence[_Candidate]) -> Iterator[list[_Candidate]]:
    batch: list[_Candidate] = []
    bytes_ = 0
    for candidate in candidates:
        if batch and (len(batch) >= BATCH or bytes_ + candidate.bytes_ > BATCH_BYTES):
            yield batch
            batch, bytes_ = [], 0
        batch.append(candidate)
        bytes_ += candidate.bytes_
    if batch:
        yield batch
