"""What the use cases need from the place where invoices are stored.

The use cases in `invoicing.services` depend on these protocols only, so they never reach boto3.
`invoicing.table.store.InvoiceStore` and `invoicing.table.claims.ClaimStore` implement them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.receipts import Receipt, ReceiptChange


@dataclass(frozen=True)
class CreateResult:
    """What is stored after a create: the new invoice, or the one that was there before."""

    invoice: Invoice
    created: bool


@dataclass(frozen=True)
class IdempotencyKey:
    """An ``Idempotency-Key`` and the content that it was sent with.

    Attributes:
        value: As the client sent it.
        content_hash: `invoicing.domain.invoice_factory.content_hash` of the request.
        lasting: True for requests without an invoice number: the key is then the only link to the invoice, so it never
            expires. If it did, a repeated request would take another number.
    """

    value: str
    content_hash: str
    lasting: bool


class InvoiceCreator(Protocol):
    """Stores new invoices, each once."""

    def create(self, invoice: Invoice) -> CreateResult:
        """Store the invoice unless one with its id exists.

        Raises:
            invoicing.domain.errors.ContentConflict: an invoice with this id exists and has different content.
            invoicing.domain.errors.TooLarge: the invoice is too large to be stored.
            invoicing.domain.errors.Busy: the request may be repeated in a moment.
        """
        ...

    def earlier(
        self, number: str | None, content_hash: str, key: IdempotencyKey | None, now: datetime
    ) -> CreateResult | None:
        """What an equal request created before, by its key or its number; None if none did."""
        ...

    def create_with_key(self, invoice: Invoice, key: IdempotencyKey, now: datetime) -> CreateResult:
        """Store an invoice that has its number, and remember the key: both or neither.

        Raises:
            invoicing.domain.errors.ContentConflict: the key or the number was used with different content.
            invoicing.domain.errors.TooLarge, invoicing.domain.errors.Busy: as `create`.
        """
        ...

    def create_numbered(
        self, build: Callable[[str], Invoice], year: int, key: IdempotencyKey | None, now: datetime
    ) -> CreateResult:
        """Store an invoice under the next number of the year, without gaps.

        Args:
            build: Builds the invoice that has a given number.
            year: The year of the sequence.
            key: The request's Idempotency-Key, if it has one.
            now: The moment of the request.

        Raises:
            invoicing.domain.errors.InvoiceError: as `create_with_key`.
        """
        ...


class InvoiceReader(Protocol):
    """Reads stored invoices."""

    def get(self, invoice_id: str) -> Invoice | None:
        """The invoice as it is now, or None."""
        ...


class ReceiptReader(Protocol):
    """Reads stored receipts."""

    def receipt(self, payment_key: str) -> Receipt | None:
        """The receipt as it is now, or None."""
        ...


class CustomerClaims(Protocol):
    """Knows what the invoices of one customer must agree on."""

    def conflicts(self, invoice: Invoice, now: datetime) -> list[str]:
        """Every reason to hold the invoice because of others of the same customer; if there is none, it is recorded."""
        ...

    def record(self, invoice: Invoice, now: datetime) -> None:
        """Record an invoice that an operator has released: from now on others are compared with it, too."""
        ...


class InvoiceUpdater(InvoiceReader, Protocol):
    """Reads stored invoices, and changes them."""

    def change(self, change: InvoiceChange) -> bool:
        """Store a change, and its receipts, if the invoice is still the one that the change was decided on.

        Returns:
            False when another writer was first: read the invoice and decide again.

        Raises:
            invoicing.domain.errors.TooLarge: there is no room for one more payment.
            invoicing.domain.errors.Busy: the request may be repeated in a moment.
        """
        ...


class Ledger(InvoiceUpdater, ReceiptReader, Protocol):
    """Invoices, and the receipts of money for them."""

    def keep(self, receipts: Sequence[ReceiptChange]) -> bool:
        """Store receipts without an invoice, all or none.

        Returns:
            False when another writer was first: read them and decide again.
        """
        ...
