"""The details of the platform's events, as models: for consumers, and for tests that check published events.

Nothing here runs in a function. A detail has ids, version, status and totals, never the complete invoice:
EventBridge accepts 256 KB.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from invoicing.domain.fields import DECIMAL_TEXT, Currency, Day, InvoiceId, Moment, MoneyText
from invoicing.domain.status import Status
from invoicing.events.bus import MAX_REASONS


class EventDetail(BaseModel):
    """Base: camelCase names, no unknown members, and what every event has."""

    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, validate_by_name=True, frozen=True, extra="forbid"
    )

    correlation_id: Annotated[
        str | None,
        Field(description="The request, the upload or the event that caused it; log lines have it as correlation_id."),
    ] = None


class InvoiceChanged(EventDetail):
    """``invoice-created``, ``-processed``, ``-held``, ``-partially-paid``, ``-paid``, ``-reopened`` and ``-voided``."""

    event_id: Annotated[
        str, Field(json_schema_extra={"format": "uuid"}, description="The same when the event is delivered again.")
    ]
    invoice_id: InvoiceId
    invoice_number: str
    kind: Literal["invoice", "credit-note"]
    customer_id: str
    status: Status
    previous_status: Status | None
    version: Annotated[int, Field(ge=1)]
    currency: Currency
    subtotal: MoneyText
    tax_total: MoneyText
    total: MoneyText
    amount_paid: MoneyText
    amount_due: MoneyText
    overpaid: MoneyText
    issue_date: Day
    due_date: Annotated[Day | None, Field(description="Credit notes have none.")] = None
    created_at: Moment
    occurred_at: Moment
    reasons: Annotated[list[str], Field(max_length=MAX_REASONS)] | None = None


class PaymentUnapplied(EventDetail):
    """``payment-unapplied``: money was received that no invoice takes; an operator applies or returns it."""

    event_id: Annotated[
        str, Field(json_schema_extra={"format": "uuid"}, description="The same when the event is delivered again.")
    ]
    payment_key: Annotated[str, Field(json_schema_extra={"format": "uuid"}, description="Names it in the API.")]
    payment_id: str
    source: str
    invoice_id: Annotated[str | None, Field(description="As it was reported.")] = None
    amount: Annotated[str | None, Field(pattern=DECIMAL_TEXT)] = None
    currency: Currency | None = None
    reverses: str | None = None
    reason: str
    occurred_at: Moment


class UploadContinued(EventDetail):
    """``upload-continued``: create-invoice publishes it for itself, to import the rest of a file."""

    bucket: str
    key: str
    etag: str
    sequencer: str
    version_id: str
    size: Annotated[int, Field(ge=0)]
    checkpoint: Annotated[int, Field(ge=1, description="The number of the next part.")]
