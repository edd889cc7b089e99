"""The status machine, as data. `invoicing.table.store` builds the condition of its writes from the same data."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Every status that is stored. ``overdue`` is not one: it is derived from the due date when an invoice is read."""

    CREATED = "created"
    HELD = "held"
    PROCESSED = "processed"
    PARTIALLY_PAID = "partially-paid"
    PAID = "paid"
    VOID = "void"


TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.CREATED: frozenset({Status.PROCESSED, Status.HELD}),
        Status.HELD: frozenset({Status.PROCESSED, Status.VOID}),
        Status.PROCESSED: frozenset({Status.PARTIALLY_PAID, Status.PAID, Status.VOID}),
        Status.PARTIALLY_PAID: frozenset({Status.PAID, Status.PROCESSED}),
        Status.PAID: frozenset({Status.PARTIALLY_PAID, Status.PROCESSED}),
        Status.VOID: frozenset(),
    }
)
"""The allowed transitions from each status. Any other is an error. Only a reversed payment leads back from ``paid``."""

FINAL = frozenset(status for status, targets in TRANSITIONS.items() if not targets)
"""Statuses without a transition to another one."""

OPEN = frozenset({Status.PROCESSED, Status.PARTIALLY_PAID})
"""Statuses in which money is due: only these can be overdue."""

ISSUED = OPEN | {Status.PAID}
"""Statuses of invoices that count: their customers owe them or have paid them, and others are compared with them."""

RECORDING = ISSUED | {Status.CREATED}
"""Statuses in which a payment is recorded on the invoice. Before the decision it waits there."""

WITHOUT_PAYMENT = frozenset({Status.HELD, Status.VOID})
"""Statuses that an invoice reaches whatever its amounts are."""

REQUESTABLE = frozenset({Status.PROCESSED, Status.PARTIALLY_PAID, Status.PAID, Status.VOID})
"""Statuses that a client may request. Only the business rules set ``held``."""


def may_change(source: Status, target: Status) -> bool:
    """Whether the transition ``source → target`` is allowed."""
    return target in TRANSITIONS[source]


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which ``target`` can be reached in one step."""
    return frozenset(status for status, targets in TRANSITIONS.items() if target in targets)
