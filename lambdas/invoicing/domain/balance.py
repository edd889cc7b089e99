"""What an invoice's payments make of it: what is applied, due and overpaid, and the status that follows.

    received = applied + overpaid            received: all its payments, without those that were reversed
    due      = total - applied

On a credit note all of them are negative.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from invoicing.domain.money import CONTEXT
from invoicing.domain.status import Status


@dataclass(frozen=True)
class Balance:
    """Amounts in the invoice's currency: applied to its total, still due, and received beyond the total."""

    applied: Decimal
    due: Decimal
    overpaid: Decimal


def balance(total: Decimal, amounts: Iterable[Decimal]) -> Balance:
    """The balance of an invoice.

    Args:
        total: The invoice's total; negative for a credit note.
        amounts: What each payment added to what was received; a reversal takes away.
    """
    received = Decimal(0)
    for amount in amounts:
        received = CONTEXT.add(received, amount)
    applied = max(total, min(received, Decimal(0))) if total < 0 else min(total, max(received, Decimal(0)))
    return Balance(applied, CONTEXT.subtract(total, applied), CONTEXT.subtract(received, applied))


def status_of(applied: Decimal, due: Decimal) -> Status:
    """The status of an issued invoice with these amounts; with nothing due it is paid."""
    if not due:
        return Status.PAID
    return Status.PARTIALLY_PAID if applied else Status.PROCESSED
