"""Money that was received, and what became of it.

A payment that a provider reports has happened, so it is never rejected. A receipt is kept once for each payment id of a
source, whatever the invoice looks like. It is *applied* when the payment is recorded on an invoice. Otherwise it is
*unapplied*, with the reason, until an operator applies or returns it.
"""

import hashlib
import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from invoicing.domain import money
from invoicing.domain.fields import Amount, Currency, Identifier, Moment, Name, StoredAmount
from invoicing.domain.invoice_factory import NAMESPACE
from invoicing.domain.models import Invoice, Payment, WireModel, WrittenAmount
from invoicing.domain.status import RECORDING, Status

API = "api"
"""The source of payments that clients of the API report; all of them share one set of payment ids."""

_ON_THE_INVOICE = ("method", "paidAt", "reference")
"""What could not be read of a payment that is on an invoice all the same: the invoice shows it as it came."""


class ReceiptState(StrEnum):
    """What became of a payment. ``reversed``: it went back before it was applied."""

    APPLIED = "applied"
    UNAPPLIED = "unapplied"
    RETURNED = "returned"
    REVERSED = "reversed"


class Receipt(WireModel):
    """One payment of one source, or the reversal of one.

    Attributes:
        invoice_id: What the source named.
        applied_to: The invoice on which it is recorded.
        reported_id: The source's own id, if that was used before for another payment.
        shared: Whether the source has used the id again for another payment.
        unreadable: What was sent and cannot be read, by the names of its members. Without ``reverses`` nobody knows
            whether the money came or went.
    """

    payment_key: str
    source: str
    payment_id: str
    state: ReceiptState
    version: int = 1
    received_at: Moment
    updated_at: Moment
    by: str
    invoice_id: str | None = None
    applied_to: str | None = None
    amount: StoredAmount | None = None
    currency: str | None = None
    paid_at: Moment | None = None
    method: Name | None = None
    reference: Name | None = None
    reverses: Identifier | None = None
    reverses_source: str | None = None
    reported_id: str | None = None
    shared: bool | None = None
    unreadable: dict[str, str] | None = None
    reason: str | None = None
    detail: str | None = None
    content_hash: str

    def moved(self, state: ReceiptState, *, at: str, by: str, **changes: Any) -> Self:
        """The next version, in another state. A reason that no longer holds is dropped."""
        fields = {"reason": None, **changes, "state": state, "version": self.version + 1, "updated_at": at, "by": by}
        return self.model_validate({**dict(self), **fields})

    def unapplied(self, reason: str) -> Self:
        """The same receipt, kept with the reason why it cannot be applied."""
        return self.model_validate({**dict(self), "state": ReceiptState.UNAPPLIED, "reason": reason})

    def applied(self, invoice_id: str) -> Self:
        """The same receipt, recorded on an invoice."""
        return self.model_validate({**dict(self), "state": ReceiptState.APPLIED, "applied_to": invoice_id})

    def naming(self, invoice_id: str | None) -> Self:
        """The same receipt, as if its source had named this invoice."""
        return self.model_validate({**dict(self), "invoice_id": invoice_id})

    def may_reverse(self) -> bool:
        """Whether it takes back another payment, or nobody can tell."""
        return self.reverses is not None or "reverses" in (self.unreadable or {})

    def with_shared_id(self) -> Self:
        """The next version: its source has used its id again, for another payment."""
        return self.model_copy(update={"shared": True, "version": self.version + 1})

    def payment(self, amount: Decimal, *, reverses_source: str | None = None) -> Payment:
        """The payment as its invoice records it.

        Args:
            amount: The amount, with the sign by which it changes what is received.
            reverses_source: The source of the payment that it takes back.
        """
        unreadable = {name: sent for name, sent in (self.unreadable or {}).items() if name in _ON_THE_INVOICE}
        return Payment(
            payment_id=self.payment_id,
            amount=amount,
            method=self.method,
            reference=self.reference,
            paid_at=self.paid_at or self.received_at,
            source=self.source,
            reverses=self.reverses,
            reverses_source=None if reverses_source == self.source else reverses_source,
            reported_id=self.reported_id,
            unreadable=unreadable or None,
        )


class ResolvePayment(WrittenAmount):
    """The body of ``PATCH /payments/{key}``: what becomes of an unapplied payment."""

    status: Annotated[Literal["applied", "returned"], Field(description="`returned`: the money went back.")]
    invoice_id: Annotated[
        Identifier | None, Field(description="The invoice that takes the payment; only with `applied`.")
    ] = None
    amount: Annotated[Amount | None, Field(description="Only if the reported amount could not be read.")] = None
    currency: Annotated[Currency | None, Field(description="Only if the reported currency could not be read.")] = None
    reverses: Annotated[
        Identifier | None,
        Field(
            description="The payment of the invoice that a reversal takes back: if what was reported could not be read,"
            " or names no payment for certain. `null`: it is a payment, not a reversal."
        ),
    ] = None

    @model_validator(mode="after")
    def _names_an_invoice(self) -> Self:
        if self.status == "applied" and self.invoice_id is None:
            raise ValueError("'applied' needs an 'invoiceId'")
        others = (self.invoice_id, self.amount, self.currency, self.reverses)
        if self.status == "returned" and any(value is not None for value in others):
            raise ValueError("'returned' takes nothing else")
        return self


@dataclass(frozen=True)
class ReceiptChange:
    """One write of a receipt: a new one, or the next version of a stored one."""

    before: Receipt | None
    after: Receipt


def payment_key(source: str, payment_id: str) -> str:
    """The id of the one receipt for this payment id of this source (UUIDv5)."""
    return str(uuid.uuid5(NAMESPACE, f"payment\x1f{source}\x1f{payment_id}"))


def receipt_of(payment: Payment, invoice: Invoice, *, at: str, by: str) -> Receipt:
    """The receipt of a payment that the API recorded on an invoice."""
    values = {**dict(payment), "invoice_id": invoice.invoice_id, "currency": invoice.currency}
    return Receipt(
        **values,
        payment_key=payment_key(payment.source, payment.payment_id),
        state=ReceiptState.APPLIED,
        applied_to=invoice.invoice_id,
        received_at=at,
        updated_at=at,
        by=by,
        content_hash=content_hash(invoice.invoice_id, payment.amount, invoice.currency, payment.reverses),
    )


def repeats(receipt: Receipt, earlier: Receipt) -> bool:
    """Whether a report with the id of an earlier one is about the same payment: it says the same.

    Another time or reference is another payment: some providers give each instalment the id of its mandate. So is a
    report that leaves one of them out, or has it for the first time. What is delivered twice is equal, and money that
    came is rather kept for an operator than forgotten.
    """
    return _told(receipt) == _told(earlier)


def _told(receipt: Receipt) -> tuple[object, ...]:
    """What distinguishes the reports with one payment id."""
    unreadable = [(receipt.unreadable or {}).get(name) for name in ("paidAt", "reference")]
    return receipt.content_hash, receipt.paid_at, receipt.reference, *unreadable


def renamed(receipt: Receipt) -> Receipt:
    """The receipt under another id, because its own was used before with other content. Nobody knows what it is for.

    The same report always gets the same id, and no other report does.
    """
    content = [receipt.payment_id, *_told(receipt)]
    payment_id = f"{receipt.payment_id[:40]}:{digest(json.dumps(content, sort_keys=True))[:16]}"
    renamed_ = receipt.model_copy(
        update={
            "payment_id": payment_id,
            "payment_key": payment_key(receipt.source, payment_id),
            "reported_id": receipt.reported_id or receipt.payment_id,
        }
    )
    return renamed_.unapplied(f"payment {receipt.payment_id} was reported before, with other content")


def objection(invoice: Invoice | None, receipt: Receipt, takes: Collection[Status] = RECORDING) -> str | None:
    """Why a payment cannot be applied to an invoice; None if it can.

    Args:
        invoice: The invoice, if there is one.
        receipt: The payment.
        takes: The statuses of invoices that take it.
    """
    if invoice is None:
        return f"there is no invoice {receipt.invoice_id}"
    if receipt.currency != invoice.currency:
        return f"the invoice is in {invoice.currency}, the payment in {receipt.currency}"
    if invoice.status not in takes:
        return f"the invoice is {invoice.status}"
    return _amount_objection(invoice, receipt.amount or Decimal(0), is_reversal=receipt.reverses is not None)


def _amount_objection(invoice: Invoice, amount: Decimal, *, is_reversal: bool) -> str | None:
    if not money.is_exact(amount, invoice.currency):
        return f"the amount {amount} has more decimals than {invoice.currency}"
    if not amount:
        return "the amount is zero"
    if not is_reversal and (amount < 0) != (invoice.total < 0):
        return f"{money.text(amount, invoice.currency)} does not reduce what is due of this {invoice.kind}"
    return None


def canonical(invoice_id: str | None) -> str | None:
    """The id in its one spelling; a text that is no id is kept, so that the operator sees it."""
    try:
        return str(uuid.UUID(invoice_id)) if invoice_id else None
    except ValueError:
        return invoice_id


def content_hash(invoice_id: str | None, amount: Decimal | None, currency: str | None, reverses: str | None) -> str:
    """What distinguishes a repeated report from another payment with the same id."""
    number = None if amount is None else money.number_text(amount)
    return digest(json.dumps([invoice_id, number, currency, reverses]))


def digest(text: str) -> str:
    """SHA-256; characters that have no UTF-8 count as one and the same."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
