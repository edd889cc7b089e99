"""What invoices of one customer must agree on, kept in items of its own: read by id, never by a Scan.

A claim is an item ``claim#<kind>#<sha256>`` that names the invoice that made it and what that invoice says. The first
invoice that is processed makes it; later ones are compared with it. When that invoice turns out not to stand any more
(void, rejected or gone), the next one takes the claim over, so that a mistake can be mended by voiding it.

    stream, invoice A                 claim#currency#...              stream, invoice B
    read: nothing is there             nothing
                                       nothing <--------------------- read: nothing is there
    put if nothing is there ---------> A says EUR
                                       A says EUR <---X-------------- put if nothing is there: refused
                                       A says EUR <------------------ read: A says EUR. A stands, so B must say EUR

A record that is delivered twice finds what it claimed itself. Of two shards that decide two contradicting invoices at
once, one is first by the condition of the put.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from invoicing.contention import patiently
from invoicing.items import encode
from invoicing.models import Invoice
from invoicing.money import number_text
from invoicing.status import Status
from invoicing.store import InvoiceStore

CONTENT_LIFE = timedelta(days=366)
"""How long it is remembered what an invoice said; the same content under another number is a repetition that long."""

ATTEMPTS = 3
"""Times that others may take over a claim before the record is told to come again."""

_FALLEN = {Status.REJECTED, Status.VOID}


@dataclass(frozen=True)
class Claim:
    """What is claimed.

    Attributes:
        item_id: The claim's id in the table.
        holder: The id of the invoice that made it.
        number: The number of that invoice.
        says: What it says; invoices that say the same agree.
    """

    item_id: str
    holder: str
    number: str
    says: str


class ClaimContendedError(Exception):
    """A claim changed hands too often while it was looked at; the record has to be delivered again."""


class ClaimStore(InvoiceStore):
    """An `InvoiceStore` that also keeps claims."""

    def claim(self, wanted: Claim, now: datetime, life: timedelta | None = None) -> Claim | None:
        """Make the claim unless there is one.

        Args:
            wanted: The claim of the invoice that is decided on.
            now: This moment.
            life: How long it is kept; for ever without.

        Returns:
            The claim of another invoice that stands and says something else; None if there is none.

        Raises:
            ClaimContendedError: others were faster each time.
            invoicing.errors.Busy: the table throttles.
        """
        for _ in range(ATTEMPTS):
            there = self._claim(wanted.item_id, now)
            if there is not None and there.says == wanted.says:
                return None
            if there is not None and self._stands(there):
                return there
            if self._put(wanted, there, now, life):
                return None
        raise ClaimContendedError(f"The claim {wanted.item_id} changed hands {ATTEMPTS} times.")

    def _claim(self, item_id: str, now: datetime) -> Claim | None:
        item = self.item(item_id)
        if item is None or item.get("expiresAt", now.timestamp()) < now.timestamp():  # deleted only within days
            return None
        return Claim(item_id, item["heldBy"], item["number"], item["says"])

    def _put(self, wanted: Claim, fallen: Claim | None, now: datetime, life: timedelta | None) -> bool:
        item = {
            "invoiceId": wanted.item_id,
            "heldBy": wanted.holder,
            "number": wanted.number,
            "says": wanted.says,
        } | ({} if life is None else {"expiresAt": int((now + life).timestamp())})
        # Nothing is there, or nothing that counts any more, or what we saw fall: nobody has taken it over since.
        condition, values = "attribute_not_exists(invoiceId) OR expiresAt < :now", {":now": int(now.timestamp())}
        given = {} if fallen is None else {":fallen": fallen.holder}
        try:
            patiently(
                lambda: self._dynamodb.put_item(
                    TableName=self._table,
                    Item=encode(item),
                    ConditionExpression=condition + (" OR heldBy = :fallen" if given else ""),
                    ExpressionAttributeValues=encode({**values, **given}),
                )
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _stands(self, claim: Claim) -> bool:
        holder = self.get(claim.holder)
        return holder is not None and holder.status not in _FALLEN


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
