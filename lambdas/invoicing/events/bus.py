"""The event of each change of an invoice, and the EventBridge bus that events are published on.

The table's stream is the outbox: an event exists because a write happened, so no event is lost between the two. An
event and its id depend on the stream record alone, so a record that is delivered twice yields the same event twice.
See docs/decisions/0007-stream-as-outbox.md.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from invoicing.domain.invoice_factory import NAMESPACE
from invoicing.domain.models import HistoryEntry, Invoice
from invoicing.domain.money import number_text, text
from invoicing.domain.receipts import Receipt, ReceiptState
from invoicing.domain.status import Status
from invoicing.runtime.aws import client
from invoicing.runtime.observability import correlation_id

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MAX_REASONS = 10
"""Reasons for which an invoice is held that an event contains; the invoice has all of them."""

SOURCE = "invoice.platform"
"""The ``source`` of all events of this platform."""

DETAIL_TYPES: Mapping[Status, str] = {
    Status.CREATED: "invoice-created",
    Status.PROCESSED: "invoice-processed",
    Status.HELD: "invoice-held",
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

    def subject(self) -> dict[str, Any]:
        """What the event is about, for a log line."""
        names = ("paymentKey", "reason") if self.detail_type == UNAPPLIED else ("invoiceId", "version")
        return {_LOGGED[name]: self.detail[name] for name in names}


class PublishError(Exception):
    """EventBridge could not take an event; the record has to be delivered again."""


class UnpublishableError(Exception):
    """EventBridge will never take an event: it is invalid or too large, and repeating it changes nothing."""


_INVALID = {"InvalidArgument", "MalformedDetail", "RedactionFailure", "ValidationException"}
"""Codes of errors of the entry itself. Other codes, such as those of permissions, end when somebody fixes the cause.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
"""


_LOGGED = {"invoiceId": "invoice_id", "paymentKey": "payment_key", "reason": "reason", "version": "version"}

REOPENED = "invoice-reopened"
"""The type of the event that reports that a payment was reversed: something is due again."""


def derive(before: Invoice | None, after: Invoice) -> list[Event]:
    """The events of a change, one for each entry that the history has more.

    Each version adds one entry, so an entry's number is its version. A payment that waits with an undecided or held
    invoice adds one that has no event, because its status is the same as before.

    Args:
        before: The old image; None for an insert.
        after: The new image.
    """
    known = len(before.history) if before else 0
    reopened = before is not None and abs(before.amount_due) < abs(after.amount_due)
    return [
        _event(after, number, reopened=reopened)
        for number in range(known, len(after.history))
        if not _is_waiting(after.history, number)
    ]


def derive_again(invoice: Invoice, since: str, until: str) -> list[Event]:
    """The events of what happened to an invoice between two moments, both included, from the invoice as it is now.

    Their ids are those of the events that `derive` has made of the same changes, or would have made; their amounts are
    those of now. A reversal is known by the status that it leads back to. One that leads from ``partially-paid`` to
    ``partially-paid`` cannot be told from a payment here, and has the type of one.

    Args:
        invoice: As it is now.
        since: The first moment.
        until: The last moment.
    """
    return [
        _event(invoice, number, reopened=_leads_back(invoice.history, number))
        for number, entry in enumerate(invoice.history)
        if since <= entry.at <= until and not _is_waiting(invoice.history, number)
    ]


def _leads_back(history: Sequence[HistoryEntry], number: int) -> bool:
    paid = (Status.PROCESSED, Status.PARTIALLY_PAID, Status.PAID)
    before, after = history[number - 1].status, history[number].status
    return number > 0 and before in paid and after in paid and paid.index(after) < paid.index(before)


def _is_waiting(history: Sequence[HistoryEntry], number: int) -> bool:
    status = history[number].status
    return number > 0 and status is history[number - 1].status and status in {Status.CREATED, Status.HELD}


def _event(after: Invoice, number: int, *, reopened: bool) -> Event:
    entry, currency = after.history[number], after.currency
    detail: dict[str, Any] = {
        "eventId": str(uuid.uuid5(NAMESPACE, f"{after.invoice_id}/event/{number + 1}")),
        "invoiceId": after.invoice_id,
        "invoiceNumber": after.invoice_number,
        "kind": after.kind,
        "customerId": after.customer_id,
        "status": entry.status.value,
        "previousStatus": after.history[number - 1].status.value if number else None,
        "version": number + 1,
        "currency": currency,
        "subtotal": text(after.subtotal, currency),
        "taxTotal": text(after.tax_total, currency),
        "total": text(after.total, currency),
        "amountPaid": text(after.amount_paid, currency),
        "amountDue": text(after.amount_due, currency),
        "overpaid": text(after.overpaid, currency),
        "issueDate": after.issue_date.isoformat(),
        "createdAt": after.created_at,
        "occurredAt": entry.at,
    }
    if after.payable_until:
        detail["dueDate"] = after.payable_until.isoformat()
    if entry.reasons:
        detail["reasons"] = entry.reasons[:MAX_REASONS]
    return Event(REOPENED if reopened else DETAIL_TYPES[entry.status], entry.at, detail)


UNAPPLIED = "payment-unapplied"
"""The type of the event that reports money that no invoice takes."""


def derive_unapplied(before: Receipt | None, after: Receipt) -> Event | None:
    """The event of a receipt: None unless it became unapplied by this change."""
    if after.state is not ReceiptState.UNAPPLIED or (before is not None and before.state is after.state):
        return None
    detail = {
        "eventId": str(uuid.uuid5(NAMESPACE, f"{after.payment_key}/event/{after.version}")),
        "paymentKey": after.payment_key,
        "paymentId": after.payment_id,
        "source": after.source,
        "invoiceId": after.invoice_id,
        "amount": None if after.amount is None else number_text(after.amount),
        "currency": after.currency,
        "reverses": after.reverses,
        "reason": after.reason,
        "occurredAt": after.updated_at,
    }
    return Event(UNAPPLIED, after.updated_at, {name: value for name, value in detail.items() if value is not None})


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
        """Publish one event, with the correlation id of this invocation.

        Raises:
            PublishError: EventBridge rejected the entry, which it can do in a response with status 200.
            UnpublishableError: it would reject it each time.
        """
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Time": datetime.fromisoformat(event.time),
            "Resources": [],
            "Detail": json.dumps({**event.detail, "correlationId": correlation_id()}),
        }
        try:
            response = self._events.put_events(Entries=[entry])
        except ClientError as error:  # the request as a whole, such as one that is too large
            code = error.response["Error"]["Code"]
            if code in _INVALID:
                raise _rejection(event, code, error.response["Error"]["Message"]) from error
            raise
        if response["FailedEntryCount"]:
            result = response["Entries"][0]
            raise _rejection(event, result.get("ErrorCode", ""), result.get("ErrorMessage", ""))


def _rejection(event: Event, code: str, message: str) -> PublishError | UnpublishableError:
    """The error for an event that was rejected with this code."""
    subject = {name: event.detail[name] for name in ("invoiceId", "version", "paymentKey") if name in event.detail}
    kind = UnpublishableError if code in _INVALID else PublishError
    return kind(f"{event.detail_type} of {subject} was rejected: {code}: {message}")
