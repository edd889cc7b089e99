"""What invoices of one customer must agree on, kept in items of its own: read by id, never by a Scan.

A claim is an item ``claim#<kind>#<sha256>`` that names the invoices that hold it and what they all say. The first
invoice that is processed makes it; later ones are compared with it, and those that agree hold it too. Only when none of
its holders stands any more (void, rejected or gone), one that says something else takes the claim over, so that a
mistake can be fixed by voiding it.

    stream, invoice C                 claim#currency#...              stream, invoice B
                                       A says EUR (A is void)
    read: A says EUR, A fell <-------- A says EUR
                                       A says EUR <------------------ read: A says EUR, and so does B
                                       A, B say EUR <---------------- put if it is A's alone
    put if it is A's alone ------X---> A, B say EUR
    read: B stands, C must say EUR <-- A, B say EUR

Had C been first, B's put would have been refused, and B would have had to say what C says. A record that is delivered
twice finds that it holds the claim already.

A claim remembers `HOLDERS` invoices. When it is full, an invoice that agrees looks at the first holder only, and takes
that one's place if it fell; if it stands, the claim is safe and nothing is written. So an invoice may stand unnoticed
behind a full claim, if all `HOLDERS` that are named fall before another one agrees; what contradicts it then is
accepted. Paid invoices cannot fall, so in practice a full claim stays.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from invoicing.domain.models import Invoice
from invoicing.domain.money import number_text
from invoicing.domain.status import Status
from invoicing.table.items import encode
from invoicing.table.retries import retry_conflicts
from invoicing.table.store import InvoiceStore

CONTENT_LIFE = timedelta(days=366)
"""How long it is remembered what an invoice said; the same content under another number is a repetition that long."""

HOLDERS = 10
"""Invoices that a claim names. Each costs one more write, and a read when another invoice disagrees."""

ATTEMPTS = HOLDERS + 3
"""Times that others may change a claim before the record is told to come again: they fill it, and then some."""

_FALLEN = {Status.REJECTED, Status.VOID}


@dataclass(frozen=True)
class Claim:
    """What is claimed.

    Attributes:
        item_id: The claim's id in the table.
        holder: The id of an invoice that holds it; the first one's.
        number: The number of that invoice.
        says: What it says; invoices that say the same agree.
        others: The ids of other invoices that hold it, oldest first.
    """

    item_id: str
    holder: str
    number: str
    says: str
    others: tuple[str, ...] = ()


class ClaimContendedError(Exception):
    """A claim changed hands too often while it was looked at; the record has to be delivered again."""


class ClaimStore(InvoiceStore):
    """An `InvoiceStore` that also keeps claims."""

    def claim(self, wanted: Claim, now: datetime, life: timedelta | None = None) -> Claim | None:
        """Make the claim, or hold it too if it says the same, unless what contradicts it stands.

        Args:
            wanted: The claim of the invoice that is decided on.
            now: This moment.
            life: How long it is kept; for ever without.

        Returns:
            The claim of another invoice that stands and says something else, naming that invoice; None if there is
            none.

        Raises:
            ClaimContendedError: others were faster each time.
            invoicing.domain.errors.Busy: the table throttles.
        """
        for _ in range(ATTEMPTS):
            there = self._claim(wanted.item_id, now)
            if there is not None and there.says != wanted.says and (standing := self._standing(there)):
                return standing
            held = wanted if there is None or there.says != wanted.says else self._joined(there, wanted)
            if held == there or self._put(held, there, now, life):
                return None
        raise ClaimContendedError(f"The claim {wanted.item_id} changed hands {ATTEMPTS} times.")

    def _claim(self, item_id: str, now: datetime) -> Claim | None:
        item = self.item(item_id)
        if item is None or item.get("expiresAt", now.timestamp()) < now.timestamp():  # deleted only within days
            return None
        others = tuple(item.get("alsoHeldBy", ()))  # the first releases named one holder only
        return Claim(item_id, item["heldBy"], item["number"], item["says"], others)

    def _joined(self, there: Claim, wanted: Claim) -> Claim:
        """The claim as it is when one more invoice that agrees holds it; just as it was when nothing needs writing."""
        if wanted.holder in (there.holder, *there.others):
            return there
        if len(there.others) < HOLDERS - 1:
            return replace(there, others=(*there.others, wanted.holder))
        return there if self._stands(there.holder) else replace(wanted, others=there.others)

    def _put(self, held: Claim, seen: Claim | None, now: datetime, life: timedelta | None) -> bool:
        item: dict[str, Any] = {
            "invoiceId": held.item_id,
            "heldBy": held.holder,
            "number": held.number,
            "says": held.says,
        }
        item |= {"alsoHeldBy": list(held.others)} if held.others else {}
        item |= {} if life is None else {"expiresAt": int((now + life).timestamp())}
        # Nothing is there, or nothing that counts any more, or what we looked at, holder by holder: none joined since.
        condition, values = "attribute_not_exists(invoiceId) OR expiresAt < :now", {":now": int(now.timestamp())}
        given: dict[str, Any] = {}
        if seen is not None:
            given = {":holder": seen.holder} | ({":others": list(seen.others)} if seen.others else {})
            others = "alsoHeldBy = :others" if seen.others else "attribute_not_exists(alsoHeldBy)"
            condition += f" OR (heldBy = :holder AND {others})"
        try:
            retry_conflicts(
                lambda: self._dynamodb.put_item(
                    TableName=self._table,
                    Item=encode(item),
                    ConditionExpression=condition,
                    ExpressionAttributeValues=encode({**values, **given}),
                )
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _standing(self, claim: Claim) -> Claim | None:
        """The claim by the name of its oldest holder that stands, or None."""
        for holder in (claim.holder, *claim.others):
            if invoice := self._stands(holder):
                return replace(claim, holder=holder, number=invoice.invoice_number)
        return None

    def _stands(self, holder: str) -> Invoice | None:
        invoice = self.get(holder)
        return invoice if invoice is not None and invoice.status not in _FALLEN else None


def conflicts(store: ClaimStore, invoice: Invoice, now: datetime) -> list[str]:
    """Every reason to reject the invoice because of others of the same customer; empty when it agrees with them.

    Only invoices that the rules for one invoice alone accept belong here: what is rejected must claim nothing.
    """
    customer = f"customer {invoice.customer_id}"
    reasons = []
    if there := store.claim(_claim(invoice, "currency", invoice.customer_id, invoice.currency), now):
        reasons.append(f"{customer} is invoiced in {there.says} (invoice {there.number}), this is {invoice.currency}")
    if invoice.customer.vat_id:
        vat_id = _plain(invoice.customer.vat_id)
        if there := store.claim(_claim(invoice, "vat-id", invoice.customer_id, vat_id), now):
            reasons.append(f"{customer} has the VAT id {there.says} (invoice {there.number}), this says {vat_id}")
    if reasons:
        return reasons
    if there := store.claim(_claim(invoice, "content", _content(invoice), invoice.invoice_id), now, CONTENT_LIFE):
        reasons.append(
            f"repeats invoice {there.number}: same customer, dates, currency and lines; if both are meant, tell them "
            "apart in a description"
        )
    return reasons


def _claim(invoice: Invoice, kind: str, of: str, says: str) -> Claim:
    item_id = f"claim#{kind}#{hashlib.sha256(of.encode()).hexdigest()}"
    return Claim(item_id, invoice.invoice_id, invoice.invoice_number, says)


def _content(invoice: Invoice) -> str:
    """What the invoice says besides its number, in a form in which equal content is equal text."""
    lines = [
        [line.description, *map(number_text, (line.quantity, line.unit_price, line.discount, line.tax_rate))]
        for line in invoice.lines
    ]
    dates = [invoice.issue_date.isoformat(), invoice.due_date.isoformat()]
    return json.dumps([invoice.customer_id, *dates, invoice.currency, lines], ensure_ascii=False)


def _plain(vat_id: str) -> str:
    """A VAT id without blanks, dots and hyphens, which everybody sets elsewhere."""
    return "".join(character for character in vat_id.upper() if character.isalnum())
