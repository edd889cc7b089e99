"""The status machine, as data. `invoicing.table.store` builds the condition of its writes from the same data."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Every status that is stored. ``overdue`` is not one: it is derived from the due date when an invoice is read."""

    CREATED = "created"
    PROCESSED = "processed"
    REJECTED = "rejected"
    PARTIALLY_PAID = "partially-paid"
    PAID = "paid"
    VOID = "void"


TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.CREATED: frozenset({Status.PROCESSED, Status.REJECTED, Status.VOID}),
        Status.PROCESSED: frozenset({Status.PARTIALLY_PAID, Status.PAID, Status.VOID}),
        Status.PARTIALLY_PAID: frozenset({Status.PAID}),
        Status.REJECTED: frozenset(),
        Status.PAID: frozenset(),
        Status.VOID: frozenset(),
    }
)
"""The allowed transitions from each status. Any other is an error."""

FINAL = frozenset(status for status, targets in TRANSITIONS.items() if not targets)
"""Statuses without a transition to another one."""

OPEN = frozenset({Status.PROCESSED, Status.PARTIALLY_PAID})
"""Statuses in which money is due: only these accept a payment, and only these can be overdue."""

WITHOUT_PAYMENT = frozenset({Status.REJECTED, Status.VOID})
"""Statuses that end an invoice without a payment, whatever its amounts are."""

REQUESTABLE = frozenset({Status.PARTIALLY_PAID, Status.PAID, Status.VOID})
"""Statuses that a client may request. Only the business rules set ``processed`` and ``rejected``."""


def may_change(source: Status, target: Status) -> bool:
    """Whether the transition ``source → target`` is allowed."""
    return target in TRANSITIONS[source]


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which ``target`` can be reached in one step."""
    return frozenset(status for status, targets in TRANSITIONS.items() if target in targets)
