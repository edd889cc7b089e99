"""The invoices table. Every rule that two writers could break together is a condition of the write itself.

Besides invoices the table holds other items, under ids that no invoice can have:

- ``counter#<yyyy>``: the last number assigned in that year
- ``idempotency#<sha256>``: what an Idempotency-Key was used for
- ``upload#<sha256>``: how far an upload has come
- ``claim#...``: what is compared with the invoices of a customer
- ``payment#<uuid>``: money that was received (`invoicing.table.receipts`)
- ``sweep#drawn``: up to which invoice the PDFs were looked for (`invoicing.table.backlog`)

They have none of the indexes' keys, so no list of invoices shows them.

The item key of an invoice is computed from its number alone, so there can never be two invoices with the same number:
whoever chose the number, whoever the customer is, and whether or not the request had a key.
"""

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from invoicing.domain.errors import Busy, ContentConflict, TooLarge
from invoicing.domain.identifiers import normal_form
from invoicing.domain.invoice_factory import assigned_number, invoice_id
from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.receipts import Receipt, ReceiptChange
from invoicing.domain.repository import CreateResult, IdempotencyKey
from invoicing.domain.status import Status, sources
from invoicing.table.connection import NEW, ConditionFailed, InvoiceTable, ItemTooLarge, Put, Update
from invoicing.table.correlation import correlated
from invoicing.table.items import MAX_BYTES, RESERVE, size
from invoicing.table.numbering import NumberSequence
from invoicing.table.receipts import put_receipt, read_receipt, receipt_id
from invoicing.table.retries import PATIENCE, Canceled, pause

MARKER_LIFE = timedelta(days=30)
"""How long an upload is remembered, and the Idempotency-Key of a request that names its invoice's number."""

NUMBERING_ATTEMPTS = 12
"""Times that other writers may take the next number of the year before the client has to repeat the request."""

ROOM_TO_SETTLE = 3 * 1024
"""Bytes that part payments leave free in an item, so that the payment that settles the invoice still fits."""

_CHANGING = ("payments", "amountPaid", "amountDue", "overpaid", "status", "version", "history", "updatedAt")


class InvoiceStore:
    """Reads and writes invoices in one table; implements the protocols of `invoicing.domain.repository`.

    Args:
        table: Where they are stored.
    """

    def __init__(self, table: InvoiceTable) -> None:
        self._table = table

    def get(self, invoice_id: str) -> Invoice | None:
        """The invoice as it is now (a consistent read), or None."""
        item = self._table.item(invoice_id)
        return Invoice.from_item(item) if item else None

    def create(self, invoice: Invoice) -> CreateResult:
        """Put the invoice unless one with its id exists.

        Raises:
            ContentConflict: an invoice with this id exists and has different content.
            TooLarge: the invoice does not fit into one item.
            Busy: the table throttles.
        """
        try:
            self._table.put(put_invoice(invoice))
        except ConditionFailed as failure:
            stored = Invoice.from_item(failure.existing) if failure.existing else self._must_get(invoice.invoice_id)
            return match_content(invoice, stored)
        return CreateResult(invoice, created=True)

    def create_with_key(self, invoice: Invoice, key: IdempotencyKey, now: datetime) -> CreateResult:
        """Put an invoice that has its number, and remember the key: both or neither.

        Raises:
            ContentConflict: the key or the number was used with different content.
            TooLarge, Busy: as `create`.
        """
        existing: CreateResult | None = None
        for attempt in range(1, PATIENCE + 1):
            earlier = self._result_of(key, now)
            if earlier is not None:
                return earlier
            put_key = _put_key(key, invoice.invoice_id, now)
            writes = [put_key] if existing else [put_key, put_invoice(invoice)]
            try:
                self._table.transact(writes)
            except Canceled as error:
                if existing is None and error.failed(1) and not error.failed(0):
                    existing = match_content(invoice, self._must_get(invoice.invoice_id))
                else:  # another request has used the key since it was read, or is about to
                    pause(attempt)
            else:
                return existing or CreateResult(invoice, created=True)
        raise Busy("Another request with the same Idempotency-Key or invoice is in progress.")

    def create_numbered(
        self, build: Callable[[str], Invoice], year: int, key: IdempotencyKey | None, now: datetime
    ) -> CreateResult:
        """Put an invoice under the next number of the year: counter, invoice and key change together or not at all.

            writer A                        counter#2026        writer B
            read 41 -----------------------------41
                                                 41 ----------- read 41
            if 41: 42 + put 2026-000042 -------> 42
                                                 42 <---X------ if 41: fails, nothing is written
                                                 42 ----------- read 42
                                                 43 <---------- if 42: 43 + put 2026-000043

        No number is ever taken without its invoice, so the sequence has no gaps. A number that exists, because a client
        or a file chose it, makes the put fail. Then the next free one is looked up, and the counter moves there.
        The key is stored at the same moment as the invoice, and never expires: so a repeated request never takes a
        second number.

        Args:
            build: Builds the invoice that has a given number.
            year: The year of the sequence, which is that of the issue date.
            key: The request's Idempotency-Key, if it has one.
            now: The moment of the request.

        Raises:
            ContentConflict, TooLarge: as `create_with_key`.
            Busy: too many writers at once, or throttling.
        """
        sequence, taken = NumberSequence(self._table, year), 0
        for attempt in range(1, NUMBERING_ATTEMPTS + 1):
            earlier = self._result_of(key, now) if key else None
            if earlier is not None:
                return earlier
            last = sequence.last()
            number = sequence.next_free(taken) if taken > last else last + 1
            invoice = build(assigned_number(year, number))
            writes: list[Put | Update] = [put_invoice(invoice), sequence.advance(last, number)]
            if key:
                writes.append(_put_key(key, invoice.invoice_id, now))
            try:
                self._table.transact(writes)
            except Canceled as error:
                if error.failed(0) and not error.failed(1):  # an invoice has the number
                    taken = number
                else:  # another writer has moved the counter or used the key, or is about to
                    time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311 -- spreads writers, keeps no secret
            else:
                return CreateResult(invoice, created=True)
        raise Busy("Too many requests are taking a number at once.")

    def change(self, change: InvoiceChange) -> bool:
        """Write a change if the invoice is still the one that the change was decided on.

            this writer                        the invoice
            if version 2: version 3 ---------> version 3
            the response is lost <--X--------- written
            the SDK: if version 2 again -----> version 3: the condition fails

        The stored invoice holds this very change then, so the change counts as written. Receipts are written in the
        same transaction: either the payment is on the invoice and its id is taken, or neither.

        Returns:
            False when another writer was first: read the invoice and decide again.

        Raises:
            TooLarge: the item has no room for one more payment.
            Busy: the table throttles.
        """
        writes: list[Put | Update] = [change_invoice(change), *map(put_receipt, change.receipts)]
        try:
            if len(writes) == 1:
                self._table.update(change_invoice(change))
            else:
                self._table.transact(writes)
        except ConditionFailed as failure:
            return failure.existing is not None and change.is_included_in(Invoice.from_item(failure.existing))
        except Canceled as canceled:
            if canceled.too_large(0):
                raise _no_room(change.before) from None
            existing = canceled.existing_item(0)
            if existing is None:  # another transaction holds the invoice, or the payment id is in use
                pause(1)
            return existing is not None and change.is_included_in(Invoice.from_item(existing))
        except ItemTooLarge:
            raise _no_room(change.before) from None
        return True

    def receipt(self, payment_key: str) -> Receipt | None:
        """The receipt of a payment as it is now (a consistent read), or None."""
        item = self._table.item(receipt_id(payment_key))
        return read_receipt(item) if item else None

    def keep(self, receipts: Sequence[ReceiptChange]) -> bool:
        """Write receipts without an invoice, all or none.

        Returns:
            False when another writer was first: read them and decide again.

        Raises:
            Busy: the table throttles.
        """
        try:
            self._table.transact([put_receipt(receipt) for receipt in receipts])
        except Canceled:
            pause(1)
            return False
        return True

    def earlier(
        self, number: str | None, content_hash: str, key: IdempotencyKey | None, now: datetime
    ) -> CreateResult | None:
        """What an equal request created before, by its key or its number; None if none did.

        Raises:
            ContentConflict: the key was used with different content.
            Busy: the table throttles.
        """
        result = self._result_of(key, now) if key else None
        if result is None and number is not None:
            stored = self.get(invoice_id(number))
            if stored is not None and stored.content_hash == content_hash:
                result = CreateResult(stored, created=False)
        return result

    def _must_get(self, invoice_id: str) -> Invoice:
        invoice = self.get(invoice_id)
        if invoice is None:
            raise Busy(f"Invoice {invoice_id} was removed while it was being read.")
        return invoice

    def _result_of(self, key: IdempotencyKey, now: datetime) -> CreateResult | None:
        item = self._table.item(_item_id(key))
        if item is None:
            return None
        if "expiresAt" in item and item["expiresAt"] < int(now.timestamp()):  # DynamoDB deletes it days later
            return None
        if item["contentHash"] != key.content_hash:
            raise ContentConflict("This Idempotency-Key was used before with different content.")
        return CreateResult(self._must_get(item["usedFor"]), created=False)


def match_content(invoice: Invoice, stored: Invoice) -> CreateResult:
    """The result of creating an invoice again: the stored one, if its content is the same.

    Raises:
        ContentConflict: its content is different.
    """
    if stored.content_hash != invoice.content_hash:
        name = f"Invoice {stored.invoice_number}"
        if normal_form(stored.customer_id) == normal_form(invoice.customer_id):
            detail = f"{name} exists with different content; it is {stored.status}."
        else:
            detail = f"{name} exists for another customer; a number belongs to one invoice. It is {stored.status}."
        raise ContentConflict(detail, members={"invoiceId": stored.invoice_id, "currentVersion": stored.version})
    return CreateResult(stored, created=False)


def checked_item(invoice: Invoice) -> dict[str, Any]:
    """The attributes of the invoice's item, in Python types.

    Raises:
        TooLarge: they do not fit into one item.
    """
    item = invoice.to_item()
    bytes_ = size(item)
    if bytes_ > MAX_BYTES - RESERVE:
        limit = (MAX_BYTES - RESERVE) // 1024
        raise TooLarge(f"The invoice takes {bytes_ // 1024} KB in the table; the limit is {limit} KB. Split it in two.")
    return item


def change_invoice(change: InvoiceChange) -> Update:
    """The write of a change.

    Raises:
        TooLarge: the item has no room for it.
    """
    before, after = change.before, change.after
    item = after.to_item() | correlated()
    if size(item) > MAX_BYTES - (ROOM_TO_SETTLE if after.status is Status.PARTIALLY_PAID else 0):
        raise _no_room(before)
    # The version: nobody has written since it was read. The status: the transition to the first step is allowed, or
    # (a payment that changes no status) it stays.
    first = change.steps[0]
    allowed = sorted(sources(first) | ({first} if before.status is first else set()))
    changing = [*_CHANGING, *correlated()]
    values = {f":{name}": item[name] for name in changing} | {":read": before.version}
    values |= {f":from{number}": status.value for number, status in enumerate(allowed)}
    one_of = ", ".join(f":from{number}" for number in range(len(allowed)))
    return Update(
        before.invoice_id,
        "SET " + ", ".join(f"#{name} = :{name}" for name in changing),
        f"#version = :read AND #status IN ({one_of})",
        values,
        names={f"#{name}": name for name in changing},
        reads_existing=True,
    )


def put_invoice(invoice: Invoice, **attributes: str) -> Put:
    """The write that stores an invoice unless one with its id exists.

    Args:
        invoice: The invoice.
        **attributes: Further attributes of its item.

    Raises:
        TooLarge: it does not fit into one item.
    """
    return Put(checked_item(invoice) | attributes | correlated(), NEW, reads_existing=True)


def _put_key(key: IdempotencyKey, invoice_id: str, now: datetime) -> Put:
    item: dict[str, Any] = {"invoiceId": _item_id(key), "usedFor": invoice_id, "contentHash": key.content_hash}
    if not key.lasting:
        item["expiresAt"] = int((now + MARKER_LIFE).timestamp())
    return Put(item, f"{NEW} OR expiresAt < :now", {":now": int(now.timestamp())})


def _item_id(key: IdempotencyKey) -> str:
    """Where the key is stored. It is hashed, because clients may put anything into it."""
    return f"idempotency#{hashlib.sha256(key.value.encode()).hexdigest()}"


def _no_room(invoice: Invoice) -> TooLarge:
    detail = "The invoice has no room in the table for another part payment; settle it with one payment."
    return TooLarge(detail, members={"currentStatus": invoice.status, "currentVersion": invoice.version})
