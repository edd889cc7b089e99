"""The protocols of `invoicing.domain.repository` in memory, for tests of the use cases."""

from collections.abc import Callable, Sequence
from datetime import datetime

from invoicing.domain.errors import ContentConflict
from invoicing.domain.invoice_factory import assigned_number, invoice_id
from invoicing.domain.models import Invoice
from invoicing.domain.payments import InvoiceChange
from invoicing.domain.receipts import Receipt, ReceiptChange
from invoicing.domain.repository import CreateResult, IdempotencyKey


class Invoices:
    """Stored invoices: an `InvoiceCreator`, and a `Ledger`.

    Attributes:
        stored: The invoices by their ids.
        overtakers: Changes of other writers. Each is made after one read of an invoice, before its write.
    """

    def __init__(self, *invoices: Invoice) -> None:
        self.stored = {invoice.invoice_id: invoice for invoice in invoices}
        self.overtakers: list[Callable[[Invoice], InvoiceChange]] = []
        self._keys: dict[str, tuple[str, str]] = {}
        self._numbers: dict[int, int] = {}
        self.receipts: dict[str, Receipt] = {}

    def get(self, invoice_id: str) -> Invoice | None:
        """The invoice as it is now."""
        invoice = self.stored.get(invoice_id)
        if invoice is not None and self.overtakers:
            assert self.change(self.overtakers.pop(0)(invoice))
        return invoice

    def create(self, invoice: Invoice) -> CreateResult:
        """Store the invoice unless one with its id exists."""
        existing = self.stored.setdefault(invoice.invoice_id, invoice)
        if existing.content_hash != invoice.content_hash:
            raise ContentConflict("The invoice exists with different content.")
        return CreateResult(existing, created=existing is invoice)

    def create_with_key(self, invoice: Invoice, key: IdempotencyKey, now: datetime) -> CreateResult:
        """Store an invoice and the key."""
        assert now.tzinfo
        if earlier := self._result_of(key):
            return earlier
        result = self.create(invoice)
        self._keys[key.value] = (key.content_hash, invoice.invoice_id)
        return result

    def create_numbered(
        self, build: Callable[[str], Invoice], year: int, key: IdempotencyKey | None, now: datetime
    ) -> CreateResult:
        """Store an invoice under the next number of the year."""
        if key and (earlier := self._result_of(key)):
            return earlier
        self._numbers[year] = self._numbers.get(year, 0) + 1
        invoice = build(assigned_number(year, self._numbers[year]))
        return self.create_with_key(invoice, key, now) if key else self.create(invoice)

    def change(self, change: InvoiceChange) -> bool:
        """Store the change if the invoice is still the one that it was decided on."""
        if self.stored.get(change.before.invoice_id) != change.before or not self._keeps(change.receipts):
            return False
        self.stored[change.before.invoice_id] = change.after
        return self.keep(change.receipts)

    def receipt(self, payment_key: str) -> Receipt | None:
        """The receipt as it is now."""
        return self.receipts.get(payment_key)

    def keep(self, receipts: Sequence[ReceiptChange]) -> bool:
        """Store the receipts if nobody has changed them."""
        if not self._keeps(receipts):
            return False
        self.receipts |= {change.after.payment_key: change.after for change in receipts}
        return True

    def earlier(
        self, number: str | None, content_hash: str, key: IdempotencyKey | None, now: datetime
    ) -> CreateResult | None:
        """What an equal request created before."""
        assert now.tzinfo
        if key and (result := self._result_of(key)):
            return result
        stored = self.stored.get(invoice_id(number)) if number else None
        return CreateResult(stored, created=False) if stored and stored.content_hash == content_hash else None

    def _keeps(self, receipts: Sequence[ReceiptChange]) -> bool:
        return all(self.receipts.get(change.after.payment_key) == change.before for change in receipts)

    def _result_of(self, key: IdempotencyKey) -> CreateResult | None:
        if key.value not in self._keys:
            return None
        content_hash, invoice_id = self._keys[key.value]
        if content_hash != key.content_hash:
            raise ContentConflict("The key was used with different content.")
        return CreateResult(self.stored[invoice_id], created=False)


class Claims:
    """What the customers' other invoices say: a `CustomerClaims`.

    Attributes:
        reasons: What every invoice contradicts.
        compared: The invoices that were compared.
    """

    def __init__(self, *reasons: str) -> None:
        self.reasons = [*reasons]
        self.compared: list[Invoice] = []

    def conflicts(self, invoice: Invoice, now: datetime) -> list[str]:
        """The reasons, and a note of the invoice."""
        assert now.tzinfo
        self.compared.append(invoice)
        return self.reasons

    def record(self, invoice: Invoice, now: datetime) -> None:
        """A note of the invoice."""
        assert now.tzinfo
        self.compared.append(invoice)
