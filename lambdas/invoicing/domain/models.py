"""The models of the domain: the requests of clients, and the invoice as it is stored.

Field names are snake_case here, and camelCase on the wire and in the table. Requests with unknown fields are rejected.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from invoicing.domain import money
from invoicing.domain.fields import (
    Address,
    Amount,
    Currency,
    Day,
    Description,
    Email,
    Identifier,
    Moment,
    Name,
    Percentage,
    Quantity,
    StoredAmount,
    TermsDays,
    UnitPrice,
    VatId,
)
from invoicing.domain.status import REQUESTABLE, Status

_REQUESTABLE = sorted(REQUESTABLE)


def _requestable(value: object) -> object:
    if not isinstance(value, str) or value not in _REQUESTABLE:
        raise ValueError(f"must be one of {', '.join(_REQUESTABLE)}; only the business rules set the other statuses")
    return value


RequestedStatus = Annotated[
    Status, BeforeValidator(_requestable), WithJsonSchema({"type": "string", "enum": _REQUESTABLE})
]
"""A status that a client may request."""

MAX_LINES = 5000
"""Lines of one invoice. Usually the size of a DynamoDB item, 400 KB, is the lower limit."""


class WireModel(BaseModel):
    """Base of everything on the wire: camelCase names, immutable, no unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # errors get into logs and traces, where names and payment references must not be
    )


class Customer(WireModel):
    """The recipient of the invoice, as printed."""

    name: Name | None = None
    email: Email | None = None
    address: Address | None = None
    vat_id: VatId | None = None


class LineRequest(WireModel):
    """One line of a request."""

    description: Description
    quantity: Quantity
    unit_price: UnitPrice
    discount: Percentage = Field(default=money.exactly(0))
    tax_rate: Percentage


class CreateInvoice(WireModel):
    """The body of ``POST /invoices``. Each group of CSV rows becomes one, too."""

    invoice_number: Identifier | None = None
    customer_id: Identifier
    customer: Customer = Customer()
    issue_date: Day
    due_date: Day | None = None
    payment_terms_days: TermsDays | None = None
    currency: Currency
    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MAX_LINES)]


class PaymentRequest(WireModel):
    """A payment in a ``PATCH``, in the invoice's currency."""

    payment_id: Identifier | None = None
    amount: Amount
    method: Name | None = None
    reference: Name | None = None
    paid_at: Moment | None = None


class UpdateInvoice(WireModel):
    """The body of ``PATCH /invoices/{id}``."""

    status: RequestedStatus
    expected_version: Annotated[int, Field(ge=1, strict=True)] | None = None
    payment: PaymentRequest | None = None


class PaymentReceived(BaseModel):
    """The detail of a payment provider's ``invoice-paid`` event; providers may add other fields."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    invoice_id: Identifier
    payment_id: Identifier
    amount: Annotated[Amount, BeforeValidator(money.from_event)]
    currency: Currency
    paid_at: Moment
    method: Name | None = None
    reference: Name | None = None


class InvoiceLine(LineRequest):
    """One line with its net amount."""

    net: StoredAmount


class Tax(WireModel):
    """The tax of one rate (`invoicing.domain.totals.TaxSubtotal`)."""

    rate: Percentage
    base: StoredAmount
    amount: StoredAmount


class Payment(WireModel):
    """A recorded payment."""

    payment_id: Identifier
    amount: StoredAmount
    method: Name | None = None
    reference: Name | None = None
    paid_at: Moment


class HistoryEntry(WireModel):
    """When a status was reached, and by whom; for a rejection, also why."""

    status: Status
    at: Moment
    by: str
    reasons: list[str] | None = None


class Invoice(WireModel):
    """An invoice as the table stores it. ``content_hash`` is internal: it tells a repetition from a conflict."""

    invoice_id: str
    invoice_number: str
    kind: Literal["invoice", "credit-note"]
    customer_id: str
    customer: Customer
    issue_date: Day
    due_date: Day
    currency: Currency
    lines: list[InvoiceLine]
    taxes: list[Tax]
    subtotal: StoredAmount
    tax_total: StoredAmount
    total: StoredAmount
    amount_paid: StoredAmount
    amount_due: StoredAmount
    payments: list[Payment]
    status: Status
    version: int
    history: list[HistoryEntry]
    created_at: Moment
    updated_at: Moment
    year_month: str
    source: str
    content_hash: str

    def to_item(self) -> dict[str, Any]:
        """The attributes of the DynamoDB item, in Python types (decimals stay decimals)."""
        return self.model_dump(by_alias=True, exclude_none=True)

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> "Invoice":
        """Read an item back; attributes that only later versions of the platform know are ignored.

        Raises:
            pydantic.ValidationError: the item is not an invoice.
        """
        attributes = {to_camel(name) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in item.items() if name in attributes})


SUMMARY_FIELDS = (
    "invoiceId",
    "invoiceNumber",
    "kind",
    "customerId",
    "customer",
    "issueDate",
    "dueDate",
    "currency",
    "subtotal",
    "taxTotal",
    "total",
    "amountPaid",
    "amountDue",
    "status",
    "version",
    "createdAt",
    "updatedAt",
)
"""The attributes of an invoice that lists contain: no lines, no taxes, no payments, no history."""
