"""What an invoice is compared with: records of other invoices, in items that are read by id, never by a scan.

A record ``claim#<kind>#<sha256>`` is about the currency or the VAT id of one customer, or about one content (customer,
dates, currency and lines), whose values are invoices. For each value it names some invoices that have it. An invoice
agrees with its record if one of those invoices counts, or if no invoice with another value counts. Only issued invoices
count, and those that are just being decided on. So nothing binds others once it is void or held, and a value that an
operator released is as good as the first one.

    stream, invoice C                   claim#currency#...            stream, invoice B
                                         EUR: A (void)      rev 1
    read: A does not count <------------ EUR: A             rev 1
                                         EUR: A             rev 1 ---> read: A does not count
                                         USD: B             rev 2 <--- put if rev 1
    put if rev 1 -----------X----------> USD: B             rev 2
    read: B counts, C has EUR: hold <--- USD: B             rev 2

A record that is delivered twice finds that its invoice is already named.

A record names `HOLDERS` invoices for each value, and `VALUES` values. A full value checks only its first invoice: if
that no longer counts, the new invoice replaces it; otherwise nothing is written. The trade-off: if all the invoices
that are named become void, one that is not named no longer counts for the comparison, and a difference is not noticed.
Paid invoices cannot be voided, so in practice a full value stays.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from invoicing.domain.identifiers import normal_form
from invoicing.domain.models import Invoice
from invoicing.domain.money import number_text
from invoicing.domain.repository import InvoiceReader
from invoicing.domain.rules import Rules
from invoicing.domain.status import ISSUED, Status
from invoicing.table.connection import NEW, ConditionFailed, InvoiceTable, Put

CONTENT_LIFE = timedelta(days=366)
"""How long the content of an invoice is recorded; for that long, equal content under another number is noticed."""

HOLDERS = 10
"""Invoices that a record names for one value. Each costs one more write, and a read when another invoice disagrees."""

VALUES = 10
"""Values that a record keeps, the latest ones."""

ATTEMPTS = HOLDERS + 3
"""Times that others may change a record before the stream has to deliver again: more than it takes to fill a value."""

_COUNTING = ISSUED | {Status.CREATED}


@dataclass(frozen=True)
class Claim:
    """What one invoice says about one kind of value.

    Attributes:
        item_id: The id of the record in the table.
        value: The value; invoices with the same value agree.
        holder: The id of the invoice.
        life: How long the record is kept; indefinitely without it.
    """

    item_id: str
    value: str
    holder: str
    life: timedelta | None = None


@dataclass(frozen=True)
class Record:
    """A record as it was read: the ids of the invoices that are named for each value, oldest first."""

    revision: int = 0
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


class ClaimContendedError(Exception):
    """Other invoices changed a record on every attempt; the stream has to deliver again."""


class ClaimStore:
    """Stores claims.

    Args:
        table: Where they are stored.
        invoices: Where the invoices that they name are read.
        rules: Which differences hold an invoice; the others are not even recorded.
    """

    def __init__(self, table: InvoiceTable, invoices: InvoiceReader, rules: Rules) -> None:
        self._table = table
        self._invoices = invoices
        self._rules = rules

    def conflicts(self, invoice: Invoice, now: datetime) -> list[str]:
        """Every reason to hold the invoice because of others of the same customer.

        If there is none, the invoice is recorded. An invoice that is held is not, until it is released (`record`).

        Raises:
            ClaimContendedError: others changed a record on every attempt.
            invoicing.domain.errors.Busy: the table throttles.
        """
        claims = self._claims(invoice)
        reasons = [
            reason(other) for claim, reason in claims if (other := self._contradiction(self._read(claim, now), claim))
        ]
        if not reasons:  # another invoice may be recorded meanwhile, and then there is one reason
            for claim, reason in claims:
                if other := self.claim(claim, now):
                    return [reason(other)]
        return reasons

    def record(self, invoice: Invoice, now: datetime) -> None:
        """Record an invoice that an operator has released, whatever others say.

        Raises:
            ClaimContendedError, invoicing.domain.errors.Busy: as `conflicts`.
        """
        for claim, _ in self._claims(invoice):
            self.claim(claim, now, released=True)

    def claim(self, claim: Claim, now: datetime, *, released: bool = False) -> Invoice | None:
        """Record the claim, unless an invoice that counts contradicts it.

        Args:
            claim: The claim.
            now: This moment.
            released: Record it all the same.

        Returns:
            An invoice that contradicts it.

        Raises:
            ClaimContendedError, invoicing.domain.errors.Busy: as `conflicts`.
        """
        for _ in range(ATTEMPTS):
            record = self._read(claim, now)
            if not released and (other := self._contradiction(record, claim)):
                return other
            holders = self._with_holder(record, claim)
            if holders is None or self._put(claim, record, holders, now):
                return None
        raise ClaimContendedError(f"The claim {claim.item_id} changed hands {ATTEMPTS} times.")

    def _claims(self, invoice: Invoice) -> list[tuple[Claim, "_Reason"]]:
        """What the invoice says, as far as the rules ask for it."""
        claims: list[tuple[Claim, _Reason]] = []
        customer, holder = normal_form(invoice.customer_id), invoice.invoice_id
        if self._rules.second_currency == "hold":
            item_id = _item_id("currency", customer)
            claims.append((Claim(item_id, invoice.currency, holder), _Reason("currency", invoice)))
        if self._rules.changed_vat_id == "hold" and invoice.customer.vat_id:
            claim = Claim(_item_id("vat-id", customer), normalized_vat_id(invoice), holder)
            claims.append((claim, _Reason("vat-id", invoice)))
        if self._rules.suspected_duplicate == "hold":
            item_id = _item_id("content", _content(invoice))
            claims.append((Claim(item_id, holder, holder, CONTENT_LIFE), _Reason("content", invoice)))
        return claims

    def _read(self, claim: Claim, now: datetime) -> Record:
        item = self._table.item(claim.item_id)
        if item is None:
            return Record()
        revision = int(item["revision"])
        if item.get("expiresAt", now.timestamp()) < now.timestamp():  # DynamoDB deletes it days later
            return Record(revision)
        return Record(revision, {entry["says"]: tuple(entry["heldBy"]) for entry in item["values"]})

    def _contradiction(self, record: Record, claim: Claim) -> Invoice | None:
        """The oldest invoice that counts and has another value, unless one that counts has the same value."""
        if any(self._counting(holder) for holder in record.holders.get(claim.value, ()) if holder != claim.holder):
            return None
        if claim.holder in record.holders.get(claim.value, ()):  # delivered again: it was decided on before
            return None
        others = (holder for value, holders in record.holders.items() if value != claim.value for holder in holders)
        return next((invoice for holder in others if (invoice := self._counting(holder))), None)

    def _with_holder(self, record: Record, claim: Claim) -> dict[str, tuple[str, ...]] | None:
        """The holders with one more; None if nothing needs to be written."""
        holders = record.holders.get(claim.value, ())
        if claim.holder in holders:
            return None
        if len(holders) >= HOLDERS:
            if self._counting(holders[0]):
                return None
            holders = holders[1:]
        others = [(value, named) for value, named in record.holders.items() if value != claim.value]
        return dict([*others[-(VALUES - 1) :], (claim.value, (*holders, claim.holder))])

    def _put(self, claim: Claim, record: Record, holders: Mapping[str, tuple[str, ...]], now: datetime) -> bool:
        item: dict[str, Any] = {
            "invoiceId": claim.item_id,
            "revision": record.revision + 1,
            "values": [{"says": value, "heldBy": [*named]} for value, named in holders.items()],
        }
        item |= {} if claim.life is None else {"expiresAt": int((now + claim.life).timestamp())}
        # There is no record, or exactly the one that was read: no other invoice has been recorded since.
        condition, values = (f"{NEW} OR revision = :read", {":read": record.revision}) if record.revision else (NEW, {})
        try:
            self._table.put(Put(item, condition, values))
        except ConditionFailed:
            return False
        return True

    def _counting(self, holder: str) -> Invoice | None:
        invoice = self._invoices.get(holder)
        return invoice if invoice is not None and invoice.status in _COUNTING else None


@dataclass(frozen=True)
class _Reason:
    """The words of a reason, once the other invoice is known."""

    kind: str
    invoice: Invoice

    def __call__(self, other: Invoice) -> str:
        customer = f"customer {self.invoice.customer_id}"
        if self.kind == "currency":
            words = f"is invoiced in {other.currency} (invoice {other.invoice_number}), this is {self.invoice.currency}"
            return f"{customer} {words}"
        if self.kind == "vat-id":
            words = f"has the VAT id {normalized_vat_id(other)} (invoice {other.invoice_number})"
            return f"{customer} {words}, this has {normalized_vat_id(self.invoice)}"
        return (
            f"repeats invoice {other.invoice_number}: same customer, dates, currency and lines; if both are intended, "
            "release this one"
        )


def normalized_vat_id(invoice: Invoice) -> str:
    """The customer's VAT id without blanks, dots and hyphens, which everybody puts in different places."""
    return "".join(character for character in (invoice.customer.vat_id or "").upper() if character.isalnum())


def _item_id(kind: str, subject: str) -> str:
    return f"claim#{kind}#{hashlib.sha256(subject.encode()).hexdigest()}"


def _content(invoice: Invoice) -> str:
    """The invoice's content without its number, in a form in which equal content is equal text."""
    lines = [
        [line.description, *map(number_text, (line.quantity, line.unit_price, line.discount, line.tax_rate))]
        for line in invoice.lines
    ]
    dates = [invoice.issue_date.isoformat(), invoice.due_date and invoice.due_date.isoformat()]
    return json.dumps([normal_form(invoice.customer_id), *dates, invoice.currency, lines], ensure_ascii=False)
