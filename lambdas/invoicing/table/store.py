"""The invoices table. Every rule that two writers could break together is a condition of the write itself.

Besides invoices the table holds, under ids that no invoice can have: ``counter#<yyyy>`` (the last number assigned in
that year), ``idempotency#<sha256>`` (what an Idempotency-Key was used for) and ``upload#<sha256>`` (how far an upload
has come), and ``claim#...`` (what a customer's invoices agree on). They carry none of the indexes' keys.

An invoice lies at the id of its customer and number, whoever chose the number and whether the request had a key: two
invoices of one customer that bear one number would be one item.
"""

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from invoicing.domain.errors import Busy, ContentConflict, InvoiceError, TooLarge
from invoicing.domain.invoice_factory import assigned_number
from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.status import Status, sources
from invoicing.runtime.aws import client
from invoicing.table.items import MAX_BYTES, RESERVE, decode, encode, size
from invoicing.table.retries import PATIENCE, patiently, pause
from invoicing.table.retries import Canceled as Canceled  # noqa: PLC0414 -- whoever transacts meets it
from invoicing.table.retries import throttling as throttling  # noqa: PLC0414 -- and adds writes of its own

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MARKER_LIFE = timedelta(days=30)
"""How long a handled upload is remembered, and an Idempotency-Key of a request that names its invoice's number."""

NUMBERING_ATTEMPTS = 12
"""Times that other writers may take the next number of the year before a request is told to come again."""
NUMBERS_TRIED = 200
"""Numbers looked at in one request, those included that customers' own invoices use already."""

ROOM_TO_SETTLE = 3 * 1024
"""Bytes that part payments leave free in an item, so that the payment that settles the invoice still fits."""

_CHANGING = ("payments", "amountPaid", "amountDue", "status", "version", "history", "updatedAt")


@dataclass(frozen=True)
class CreateResult:
    """What the table holds after a create: the new invoice, or the one that was there first."""

    invoice: Invoice
    created: bool


@dataclass(frozen=True)
class Key:
    """An Idempotency-Key with the content that it stands for.

    Attributes:
        value: As the client sent it.
        content_hash: `invoicing.domain.invoice_factory.content_hash` of the request.
        lasting: Whether it is remembered for ever: nothing else leads from the request to an invoice whose number we
            assign, and a repetition would take another number.
    """

    value: str
    content_hash: str
    lasting: bool

    @property
    def item_id(self) -> str:
        """Where the key is remembered. Hashed: clients may put anything into it."""
        return f"idempotency#{hashlib.sha256(self.value.encode()).hexdigest()}"


class InvoiceStore:
    """Reads and writes invoices in one table.

    Args:
        table: The table's name.
        dynamodb: A client to use instead of a new one.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client("dynamodb")

    def get(self, invoice_id: str) -> Invoice | None:
        """The invoice as it is now (a consistent read), or None."""
        item = self.item(invoice_id)
        return Invoice.from_item(item) if item else None

    def create(self, invoice: Invoice) -> CreateResult:
        """Put the invoice unless there is one with its id.

        Raises:
            ContentConflict: there is one, and it says something else.
            TooLarge: it does not fit one item.
            Busy: the table throttles.
        """
        item = encode(sized(invoice))
        try:
            patiently(
                lambda: self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(invoiceId)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as refusal:
            there = cast("dict[str, Any]", refusal.response).get("Item")
            return same(invoice, Invoice.from_item(decode(there)) if there else self._must_get(invoice.invoice_id))
        return CreateResult(invoice, created=True)

    def create_with_key(self, invoice: Invoice, key: Key, now: datetime) -> CreateResult:
        """Put an invoice that has its number and remember the key, both or neither.

        Raises:
            ContentConflict: the key or the number stands for different content.
            TooLarge, Busy: as `create`.
        """
        there: CreateResult | None = None
        for attempt in range(1, PATIENCE + 1):
            known = self._remembered(key, now)
            if known is not None:
                return known
            remember = self._put_key(key, invoice.invoice_id, now)
            try:
                self.transact([remember] if there else [remember, self.put_new(invoice)])
            except Canceled as refusal:
                if there is None and refusal.failed(1) and not refusal.failed(0):
                    there = same(invoice, self._must_get(invoice.invoice_id))
                else:  # somebody used the key since we looked, or is about to
                    pause(attempt)
            else:
                return there or CreateResult(invoice, created=True)
        raise Busy("The same Idempotency-Key or invoice is in use right now.")

    def create_numbered(
        self, build: Callable[[str], Invoice], year: int, key: Key | None, now: datetime
    ) -> CreateResult:
        """Put an invoice under the next number of the year: counter, invoice and key change together or not at all.

            writer A                        counter#2026        writer B
            read 41 -----------------------------41
                                                 41 ----------- read 41
            if 41: 42 + put 2026-000042 -------> 42
                                                 42 <---X------ if 41: refused, nothing is written
                                                 42 ----------- read 42
                                                 43 <---------- if 42: 43 + put 2026-000043

        No number is ever taken without its invoice, so the sequence has no gaps. What is remembered of the key is
        there from the same moment on as the invoice, and stays: a repetition never takes a second number.

        Args:
            build: Makes the invoice that bears a given number.
            year: Which year's sequence.
            key: The request's Idempotency-Key, if it has one.
            now: The moment of the request.

        Raises:
            ContentConflict, TooLarge: as `create_with_key`.
            Busy: too many writers at once, or throttling.
        """
        counter, contended = f"counter#{year:04d}", 0
        for _ in range(NUMBERS_TRIED):
            known = self._remembered(key, now) if key else None
            if known is not None:
                return known
            last = int((self.item(counter) or {}).get("lastNumber", 0))
            invoice = build(assigned_number(year, last + 1))
            writes = [self.put_new(invoice), self._advance(counter, last)]
            if key:
                writes.append(self._put_key(key, invoice.invoice_id, now))
            try:
                self.transact(writes)
            except Canceled as refusal:
                used = key is not None and refusal.failed(2)  # since we looked: the same content, or a conflict
                if refusal.failed(0) and not refusal.failed(1) and not used:  # somebody chose this very number by hand
                    self._go_past(counter, last)
                    continue
                contended += 1
                if contended == NUMBERING_ATTEMPTS:
                    break
                time.sleep(random.uniform(0.005, 0.03) * contended)  # noqa: S311 -- spreads writers, keeps no secret
            else:
                return CreateResult(invoice, created=True)
        raise Busy("Too many invoices are being numbered at once.")

    def change(self, change: InvoiceChange) -> bool:
        """Write a change if the invoice is still what it was decided on.

            this writer                        the invoice
            if version 2: version 3 ---------> version 3
            the answer is lost <--X----------- written
            the SDK: if version 2 again -----> version 3: refused, and it holds what we wrote. Then it is written.

        Returns:
            False when it is not: somebody else was first; read and decide again.

        Raises:
            TooLarge: the item has no room for one more payment.
            Busy: the table throttles.
        """
        before, after = change.before, change.after
        item = after.to_item()
        if size(item) > MAX_BYTES - (ROOM_TO_SETTLE if after.status is Status.PARTIALLY_PAID else 0):
            raise _full(before)
        # The version: nobody wrote since we read. The status: the machine allows the new one from here, or (a further
        # part payment) it stays where it is.
        allowed = sorted(sources(after.status) | ({before.status} if _instalment(change) else set()))
        values = {f":{name}": item[name] for name in _CHANGING} | {":read": before.version}
        values |= {f":from{number}": status.value for number, status in enumerate(allowed)}
        one_of = ", ".join(f":from{number}" for number in range(len(allowed)))
        try:
            patiently(
                lambda: self._dynamodb.update_item(
                    TableName=self._table,
                    Key=encode({"invoiceId": before.invoice_id}),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in _CHANGING),
                    ConditionExpression=f"#version = :read AND #status IN ({one_of})",
                    ExpressionAttributeNames={f"#{name}": name for name in _CHANGING},
                    ExpressionAttributeValues=encode(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as refusal:
            there = cast("dict[str, Any]", refusal.response).get("Item")
            return change.made(Invoice.from_item(decode(there))) if there else False
        except ClientError as error:
            if "Item size" in error.response["Error"].get("Message", ""):  # a ValidationException like many others
                raise _full(before) from None
            raise
        return True

    def item(self, item_id: str) -> dict[str, Any] | None:
        """The item under an id, whatever it is, or None (a consistent read)."""
        with throttling():
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=encode({"invoiceId": item_id}), ConsistentRead=True
            )
        return decode(answer["Item"]) if "Item" in answer else None

    def _must_get(self, invoice_id: str) -> Invoice:
        invoice = self.get(invoice_id)
        return invoice or _raise(Busy(f"Invoice {invoice_id} was removed while it was looked at."))

    def _remembered(self, key: Key, now: datetime) -> CreateResult | None:
        item = self.item(key.item_id)
        if item is None:
            return None
        if "expiresAt" in item and item["expiresAt"] < int(now.timestamp()):  # deleted only within days
            return None
        if item["contentHash"] != key.content_hash:
            raise ContentConflict("This Idempotency-Key was used before for a request with different content.")
        return CreateResult(self._must_get(item["usedFor"]), created=False)

    def put_new(self, invoice: Invoice) -> dict[str, Any]:
        """The part of a transaction that puts an invoice unless there is one with its id."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": encode(sized(invoice)),
                "ConditionExpression": "attribute_not_exists(invoiceId)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _put_key(self, key: Key, invoice_id: str, now: datetime) -> dict[str, Any]:
        item: dict[str, Any] = {"invoiceId": key.item_id, "usedFor": invoice_id, "contentHash": key.content_hash}
        if not key.lasting:
            item["expiresAt"] = int((now + MARKER_LIFE).timestamp())
        return {
            "Put": {
                "TableName": self._table,
                "Item": encode(item),
                "ConditionExpression": "attribute_not_exists(invoiceId) OR expiresAt < :now",
                "ExpressionAttributeValues": encode({":now": int(now.timestamp())}),
            }
        }

    def _advance(self, counter: str, last: int) -> dict[str, Any]:
        condition = "lastNumber = :last" if last else "attribute_not_exists(invoiceId)"
        values = {":next": last + 1, ":last": last} if last else {":next": last + 1}
        return {
            "Update": {
                "TableName": self._table,
                "Key": encode({"invoiceId": counter}),
                "UpdateExpression": "SET lastNumber = :next",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": encode(values),
            }
        }

    def _go_past(self, counter: str, last: int) -> None:
        """Count a number that is in use already, unless somebody else moved the counter: it has its invoice, no gap."""
        with suppress(Canceled):
            self.transact([self._advance(counter, last)])

    def transact(self, writes: list[dict[str, Any]]) -> None:
        """Make all the writes, or none.

        Raises:
            Canceled: none was made; it says which conditions failed.
            Busy: the table throttles.
        """
        try:
            with throttling():
                self._dynamodb.transact_write_items(TransactItems=writes)  # type: ignore[arg-type]
        except self._dynamodb.exceptions.TransactionCanceledException as refusal:
            reasons = cast("dict[str, Any]", refusal.response)["CancellationReasons"]
            raise Canceled(reasons) from None


def _raise(error: InvoiceError) -> Any:
    raise error


def same(invoice: Invoice, there: Invoice) -> CreateResult:
    """What a repetition is answered with: the invoice that is there, if it says the same.

    Raises:
        ContentConflict: it says something else.
    """
    if there.content_hash != invoice.content_hash:
        whose = f"Invoice {there.invoice_number} of customer {there.customer_id}"
        detail = f"{whose} exists with different content; it is {there.status}."
        raise ContentConflict(detail, members={"invoiceId": there.invoice_id, "currentVersion": there.version})
    return CreateResult(there, created=False)


def sized(invoice: Invoice) -> dict[str, Any]:
    """The invoice's attributes.

    Raises:
        TooLarge: they do not fit one item.
    """
    item = invoice.to_item()
    bytes_ = size(item)
    if bytes_ > MAX_BYTES - RESERVE:
        most = (MAX_BYTES - RESERVE) // 1024
        raise TooLarge(f"The invoice takes {bytes_ // 1024} KB in the table; {most} KB is the most. Split it in two.")
    return item


def _full(invoice: Invoice) -> TooLarge:
    detail = "The invoice has no room in the table for another part payment; settle it with one payment."
    return TooLarge(detail, members={"currentStatus": invoice.status, "currentVersion": invoice.version})


def _instalment(change: InvoiceChange) -> bool:
    return change.before.status == change.after.status and change.before.amount_paid != change.after.amount_paid
