"""What the invoices of one customer must agree on, stored in separate items that are read by id, never by a scan.

A claim is an item ``claim#<kind>#<sha256>`` with a value, such as the currency EUR, and its holders: the ids of
invoices with this value. The first invoice that is processed creates the claim. Later ones are compared with it, and
those that agree become holders too. A claim is valid while at least one of its holders is neither void, rejected nor
removed. After that, an invoice with another value takes the claim over, so a mistake can be fixed by voiding it.

    stream, invoice C                   claim#currency#...            stream, invoice B
                                         EUR, held by A (void)
    read: EUR, A is void <-------------- EUR, held by A
                                         EUR, held by A -------------> read: EUR, and so is B
                                         EUR, held by A and B <------- put if A alone holds it
    put if A alone holds it -----X-----> EUR, held by A and B
    read: B is valid, C must be EUR <--- EUR, held by A and B

If C had been first, B's put would have failed, and B would have had to agree with C. A record that is delivered twice
finds that its invoice already holds the claim.

A claim records `HOLDERS` invoices. A full claim checks only its first holder: if that invoice has been voided or
rejected, the new invoice replaces it; otherwise nothing is written. The trade-off: if all recorded holders are voided
before another matching invoice arrives, an invoice that was never recorded no longer protects the claim, and one that
contradicts it is accepted. Paid invoices cannot be voided, so in practice a full claim stays valid.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from invoicing.domain.models import Invoice
from invoicing.domain.money import number_text
from invoicing.domain.repository import InvoiceReader
from invoicing.domain.status import Status
from invoicing.table.connection import NEW, ConditionFailed, InvoiceTable, Put

CONTENT_LIFE = timedelta(days=366)
"""How long the content of an invoice is recorded; for that long, equal content under another number is rejected."""

HOLDERS = 10
"""Invoices that a claim records. Each costs one more write, and a read when another invoice disagrees."""

ATTEMPTS = HOLDERS + 3
"""Times that others may change a claim before the record has to be delivered again: more than it takes to fill it."""

_INVALID = {Status.REJECTED, Status.VOID}


@dataclass(frozen=True)
class Claim:
    """A value that the invoices of a customer must have.

    Attributes:
        item_id: The claim's id in the table.
        holder: The id of its first holder, an invoice with this value.
        number: The number of that invoice.
        value: The value; invoices with the same value agree.
        other_holders: The ids of the other holders, oldest first.
    """

    item_id: str
    holder: str
    number: str
    value: str
    other_holders: tuple[str, ...] = ()


class ClaimContendedError(Exception):
    """Other invoices changed a claim on every attempt; the record has to be delivered again."""


class ClaimStore:
    """Stores claims.

    Args:
        table: Where they are stored.
        invoices: Where their holders are read.
    """

    def __init__(self, table: InvoiceTable, invoices: InvoiceReader) -> None:
        self._table = table
        self._invoices = invoices

    def conflicts(self, invoice: Invoice, now: datetime) -> list[str]:
        """Every reason to reject the invoice because of others of the same customer; empty if it agrees with them.

        Call this only for invoices that `invoicing.domain.rules` accepts: one that is rejected must claim nothing.
        """
        customer = f"customer {invoice.customer_id}"
        reasons = []
        if other := self.claim(_claim(invoice, "currency", invoice.customer_id, invoice.currency), now):
            reasons.append(
                f"{customer} is invoiced in {other.value} (invoice {other.number}), this is {invoice.currency}"
            )
        if invoice.customer.vat_id:
            vat_id = _normalized(invoice.customer.vat_id)
            if other := self.claim(_claim(invoice, "vat-id", invoice.customer_id, vat_id), now):
                reasons.append(f"{customer} has the VAT id {other.value} (invoice {other.number}), this has {vat_id}")
        if reasons:
            return reasons
        if other := self.claim(_claim(invoice, "content", _content(invoice), invoice.invoice_id), now, CONTENT_LIFE):
            reasons.append(
                f"repeats invoice {other.number}: same customer, dates, currency and lines; if both are intended, give "
                "them different descriptions"
            )
        return reasons

    def claim(self, claim: Claim, now: datetime, life: timedelta | None = None) -> Claim | None:
        """Create the claim, or become one of its holders, unless a valid claim has another value.

        Args:
            claim: The claim of the invoice that is being decided on.
            now: This moment.
            life: How long the claim is stored; indefinitely without it.

        Returns:
            The valid claim with another value, naming one of its valid holders; None if there is none.

        Raises:
            ClaimContendedError: others changed the claim on every attempt.
            invoicing.domain.errors.Busy: the table throttles.
        """
        for _ in range(ATTEMPTS):
            stored = self._read(claim.item_id, now)
            if stored is not None and stored.value != claim.value and (contradiction := self._validated(stored)):
                return contradiction
            update = claim if stored is None or stored.value != claim.value else self._with_holder(stored, claim)
            if update == stored or self._put(update, stored, now, life):
                return None
        raise ClaimContendedError(f"The claim {claim.item_id} changed hands {ATTEMPTS} times.")

    def _read(self, item_id: str, now: datetime) -> Claim | None:
        item = self._table.item(item_id)
        if item is None or item.get("expiresAt", now.timestamp()) < now.timestamp():  # DynamoDB deletes it days later
            return None
        others = tuple(item.get("alsoHeldBy", ()))  # absent while there is one holder
        return Claim(item_id, item["heldBy"], item["number"], item["says"], others)

    def _with_holder(self, stored: Claim, claim: Claim) -> Claim:
        """The stored claim with one more holder; unchanged if nothing needs to be written."""
        if claim.holder in (stored.holder, *stored.other_holders):
            return stored
        if len(stored.other_holders) < HOLDERS - 1:
            return replace(stored, other_holders=(*stored.other_holders, claim.holder))
        return stored if self._valid_invoice(stored.holder) else replace(claim, other_holders=stored.other_holders)

    def _put(self, update: Claim, stored: Claim | None, now: datetime, life: timedelta | None) -> bool:
        item: dict[str, Any] = {
            "invoiceId": update.item_id,
            "heldBy": update.holder,
            "number": update.number,
            "says": update.value,
        }
        item |= {"alsoHeldBy": list(update.other_holders)} if update.other_holders else {}
        item |= {} if life is None else {"expiresAt": int((now + life).timestamp())}
        # There is no item, or an expired one, or exactly the holders that were read: no other invoice has joined since.
        condition, values = f"{NEW} OR expiresAt < :now", {":now": int(now.timestamp())}
        holders: dict[str, Any] = {}
        if stored is not None:
            holders = {":holder": stored.holder}
            holders |= {":others": list(stored.other_holders)} if stored.other_holders else {}
            others = "alsoHeldBy = :others" if stored.other_holders else "attribute_not_exists(alsoHeldBy)"
            condition += f" OR (heldBy = :holder AND {others})"
        try:
            self._table.put(Put(item, condition, {**values, **holders}))
        except ConditionFailed:
            return False
        return True

    def _validated(self, claim: Claim) -> Claim | None:
        """The claim, naming its oldest valid holder; None if no holder is valid."""
        for holder in (claim.holder, *claim.other_holders):
            if invoice := self._valid_invoice(holder):
                return replace(claim, holder=holder, number=invoice.invoice_number)
        return None

    def _valid_invoice(self, holder: str) -> Invoice | None:
        invoice = self._invoices.get(holder)
        return invoice if invoice is not None and invoice.status not in _INVALID else None


def _claim(invoice: Invoice, kind: str, subject: str, value: str) -> Claim:
    item_id = f"claim#{kind}#{hashlib.sha256(subject.encode()).hexdigest()}"
    return Claim(item_id, invoice.invoice_id, invoice.invoice_number, value)


def _content(invoice: Invoice) -> str:
    """The invoice's content without its number, in a form in which equal content is equal text."""
    lines = [
        [line.description, *map(number_text, (line.quantity, line.unit_price, line.discount, line.tax_rate))]
        for line in invoice.lines
    ]
    dates = [invoice.issue_date.isoformat(), invoice.due_date.isoformat()]
    return json.dumps([invoice.customer_id, *dates, invoice.currency, lines], ensure_ascii=False)


def _normalized(vat_id: str) -> str:
    """A VAT id without blanks, dots and hyphens, which everybody puts in different places."""
    return "".join(character for character in vat_id.upper() if character.isalnum())
