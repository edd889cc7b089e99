"""The event of each change of an invoice, and the EventBridge bus that events are published on.

The table's stream is the outbox: an event exists because a write happened, so no event is lost between the two. An
event and its id depend on the stream record alone, so a record that is delivered twice yields the same event twice.
See docs/decisions/0007-stream-as-outbox.md.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from invoicing.domain.invoice_factory import NAMESPACE
from invoicing.domain.models import Invoice
from invoicing.domain.money import text
from invoicing.domain.status import Status
from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

MAX_REASONS = 10
"""Reasons of a rejection that an event contains; the invoice has all of them."""

SOURCE = "invoice.platform"
"""The ``source`` of all events of this platform."""

DETAIL_TYPES: Mapping[Status, str] = {
    Status.CREATED: "invoice-created",
    Status.PROCESSED: "invoice-processed",
    Status.REJECTED: "invoice-rejected",
    Status.PARTIALLY_PAID: "invoice-partially-paid",
    Status.PAID: "invoice-paid",
    Status.VOID: "invoice-voided",
}
"""The type of the event that reports that a status was reached."""


@dataclass(frozen=True)
class Event:
    """One event: its type, its time (UTC), and a detail with ids, version, status and totals, not the whole invoice."""

    detail_type: str
    time: str
    detail: dict[str, Any]


class PublishError(Exception):
    """EventBridge rejected an event; the record has to be delivered again."""


def derive(before: Invoice | None, after: Invoice) -> Event | None:
    """The event of a change.

    Args:
        before: The old image; None for an insert.
        after: The new image.

    Returns:
        None if neither the status nor the amount paid has changed.
    """
    if before is not None and (before.status, before.amount_paid) == (after.status, after.amount_paid):
        return None
    detail_type = DETAIL_TYPES[after.status]
    currency = after.currency
    detail: dict[str, Any] = {
        "eventId": str(uuid.uuid5(NAMESPACE, f"{after.invoice_id}/event/{after.version}")),
        "invoiceId": after.invoice_id,
        "invoiceNumber": after.invoice_number,
        "kind": after.kind,
        "customerId": after.customer_id,
        "status": after.status.value,
        "previousStatus": before.status.value if before else None,
        "version": after.version,
        "currency": currency,
        "subtotal": text(after.subtotal, currency),
        "taxTotal": text(after.tax_total, currency),
        "total": text(after.total, currency),
        "amountPaid": text(after.amount_paid, currency),
        "amountDue": text(after.amount_due, currency),
        "issueDate": after.issue_date.isoformat(),
        "dueDate": after.due_date.isoformat(),
        "createdAt": after.created_at,
        "occurredAt": after.updated_at,
    }
    reasons = after.history[-1].reasons
    if reasons:
        detail["reasons"] = reasons[:MAX_REASONS]
    return Event(detail_type, after.updated_at, detail)


class EventBus:
    """Publishes to one EventBridge bus.

    Args:
        name: The bus.
        events: A client to use instead of a new one.
    """

    def __init__(self, name: str, events: "EventBridgeClient | None" = None) -> None:
        self._name = name
        self._events = events or client("events")

    def publish(self, event: Event) -> None:
        """Publish one event.

        Raises:
            PublishError: EventBridge rejected the entry, which it can do in a response with status 200.
        """
        response = self._events.put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": SOURCE,
                    "DetailType": event.detail_type,
                    "Time": datetime.fromisoformat(event.time),
                    "Resources": [],
                    "Detail": json.dumps(event.detail),
                }
            ]
        )
        if response["FailedEntryCount"]:
            entry = response["Entries"][0]
            subject = {name: event.detail[name] for name in ("invoiceId", "version", "key") if name in event.detail}
            rejected = f"{event.detail_type} of {subject}"
            raise PublishError(f"{rejected} was rejected: {entry.get('ErrorCode')}: {entry.get('ErrorMessage')}")
