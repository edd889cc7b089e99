"""The models of the domain: the requests of clients, and the invoice as it is stored.

Field names are snake_case here, and camelCase on the wire and in the table. Requests with unknown fields are rejected.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from invoicing.domain import money
from invoicing.domain.balance import balance
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
    NewIdentifier,
    Percentage,
    Quantity,
    StoredAmount,
    TaxRate,
    TermsDays,
    UnitPrice,
    VatId,
)
from invoicing.domain.status import REQUESTABLE, WITHOUT_PAYMENT, Status

_REQUESTABLE = sorted(REQUESTABLE)


def _requestable(value: object) -> object:
    if not isinstance(value, str) or value not in _REQUESTABLE:
        raise ValueError(f"must be one of {', '.join(_REQUESTABLE)}; only the platform sets the other statuses")
    return value


RequestedStatus = Annotated[
    Status, BeforeValidator(_requestable), WithJsonSchema({"type": "string", "enum": _REQUESTABLE})
]
"""A status that a client may request."""

MAX_LINES = 5000
"""Lines of one invoice. Usually the size of a DynamoDB item, 400 KB, is the lower limit."""


class WireModel(BaseModel):
    """Base of everything on the wire: camelCase names, immutable, no unknown fields.

    A model is built when it is first needed: most functions need few of them, and building all took a sixth of a start.
    """

    model_config = ConfigDict(
        defer_build=True,
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
    tax_rate: TaxRate


class CreateInvoice(WireModel):
    """The body of ``POST /invoices``. Each group of CSV rows becomes one, too."""

    invoice_number: NewIdentifier | None = None
    customer_id: NewIdentifier
    customer: Customer = Customer()
    issue_date: Day
    due_date: Day | None = None
    payment_terms_days: TermsDays | None = None
    currency: Currency
    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MAX_LINES)]


class WrittenAmount(WireModel):
    """A request with an amount, of which the text is kept: ``1.000`` is one or a thousand."""

    _written: object = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_written(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        if isinstance(value, Mapping):
            request._written = value.get("amount")
        return request

    def may_be_grouped(self, currency: str) -> bool:
        """Whether the amount may mean a thousand times as much, as in reports of payments."""
        return money.may_be_grouped(self._written, currency)


class PaymentRequest(WrittenAmount):
    """A payment in a ``PATCH``, in the invoice's currency."""

    payment_id: Identifier | None = None
    amount: Annotated[Amount | None, Field(description="Without it: the amount due, or all that it reverses.")] = None
    method: Annotated[Name | None, Field(description="`write-off` for what will not come.")] = None
    reference: Name | None = None
    paid_at: Moment | None = None
    reverses: Annotated[Identifier | None, Field(description="The paymentId of the payment that went back.")] = None
    reverses_source: Annotated[
        Name | None, Field(description="The source of that payment, if several sources have used its paymentId.")
    ] = None

    @model_validator(mode="after")
    def _names_a_payment(self) -> Self:
        if self.reverses_source is not None and self.reverses is None:
            raise ValueError("'reversesSource' needs 'reverses'")
        return self


class UpdateInvoice(WireModel):
    """The body of ``PATCH /invoices/{id}``."""

    status: RequestedStatus
    expected_version: Annotated[int, Field(ge=1, strict=True)] | None = None
    payment: PaymentRequest | None = None


class InvoiceLine(LineRequest):
    """One line with its net amount."""

    net: StoredAmount


class Tax(WireModel):
    """The tax of one rate (`invoicing.domain.totals.TaxSubtotal`)."""

    rate: Percentage
    base: StoredAmount
    amount: StoredAmount


class Payment(WireModel):
    """A recorded payment. That of a reversal has the opposite sign, and names the payment that it takes back.

    Attributes:
        reverses_source: The source of the payment that it takes back, if that is another one than its own.
        reported_id: The source's own id, if that was used before for another payment.
        unreadable: What its source sent and cannot be read; in place of ``paidAt`` is the time of receipt.
    """

    payment_id: Identifier
    amount: StoredAmount
    method: Name | None = None
    reference: Name | None = None
    paid_at: Moment
    source: str = ""
    reverses: Identifier | None = None
    reverses_source: str | None = None
    reported_id: str | None = None
    unreadable: dict[str, str] | None = None


class HistoryEntry(WireModel):
    """When a status was reached, and by whom; for a held invoice, also why."""

    status: Status
    at: Moment
    by: str
    reasons: list[str] | None = None


class InconsistentAmountsError(Exception):
    """The amount due is not the total minus what was paid. Only an item that was edited by hand can be like this."""


def payable_until(kind: str, due_date: date | None) -> date | None:
    """The due date; None for a credit note, also for one that an earlier version of the platform gave a due date.

    EN 16931 BR-CO-25 requires a due date, or terms of payment, only if the amount due is positive.
    """
    return None if kind == "credit-note" else due_date


class Invoice(WireModel):
    """An invoice as the table stores it. ``content_hash`` is internal: it tells a repetition from a conflict.

    `reached` is the only way to change one. Almost every call needs this model, so it is built at the start, when
    Lambda gives a function more than its share of CPU time.
    """

    model_config = ConfigDict(defer_build=False)

    invoice_id: str
    invoice_number: str
    kind: Literal["invoice", "credit-note"]
    customer_id: str
    customer: Customer
    issue_date: Day
    due_date: Day | None = None
    currency: Currency
    lines: list[InvoiceLine]
    taxes: list[Tax]
    subtotal: StoredAmount
    tax_total: StoredAmount
    total: StoredAmount
    amount_paid: StoredAmount
    amount_due: StoredAmount
    overpaid: StoredAmount = Decimal(0)
    payments: list[Payment]
    status: Status
    version: int
    history: list[HistoryEntry]
    created_at: Moment
    updated_at: Moment
    year_month: str
    source: str
    content_hash: str

    @property
    def payable_until(self) -> date | None:
        """The due date, if the customer has anything to pay."""
        return payable_until(self.kind, self.due_date)

    def current(self) -> dict[str, str | int]:
        """What a conflict tells of the invoice: its status and its version."""
        return {"currentStatus": self.status, "currentVersion": self.version}

    def reached(  # noqa: PLR0913 -- what is reached, when, by whom and with what
        self,
        status: Status,
        *,
        at: str,
        by: str,
        payment: Payment | None = None,
        write_offs: Sequence[Payment] = (),
        reasons: Sequence[str] = (),
    ) -> Self:
        """The next version, which has reached a status. Whether it may is for the caller to decide.

        Args:
            status: The status; a payment may leave it as it is.
            at: The moment of the change, as `invoicing.domain.fields.timestamp` writes it.
            by: Who the history names for the change.
            payment: The payment that is recorded with it, if one is.
            write_offs: The reversals of write-offs in whose place the payment comes.
            reasons: Why an invoice is held.

        Raises:
            InconsistentAmountsError: the stored amounts are not those of the stored payments. Such an invoice can still
                be held or made void, because neither needs the amounts.
            pydantic.ValidationError: the result is not an invoice.
        """
        stored = balance(self.total, (recorded.amount for recorded in self.payments))
        amounts = (self.amount_paid, self.amount_due, self.overpaid)
        if status not in WITHOUT_PAYMENT and amounts != (stored.applied, stored.due, stored.overpaid):
            raise InconsistentAmountsError(
                f"Invoice {self.invoice_id} would be {status} with {self.amount_due} due and {self.amount_paid} paid"
                f" of {self.total}. Its item has been edited: correct the amounts, or make the invoice void."
            )
        payments = [*self.payments, payment, *write_offs] if payment else self.payments
        after = balance(self.total, (recorded.amount for recorded in payments)) if payment else None
        return self._with(
            status=status,
            version=self.version + 1,
            payments=payments,
            amount_paid=after.applied if after else self.amount_paid,
            amount_due=after.due if after else self.amount_due,
            overpaid=after.overpaid if after else self.overpaid,
            history=[*self.history, HistoryEntry(status=status, at=at, by=by, reasons=[*reasons] or None)],
            updated_at=at,
        )

    def first_version(self) -> Self:
        """The invoice as it was when it was created. This is the response to a repeated request."""
        return self._with(
            status=Status.CREATED,
            version=1,
            payments=[],
            amount_paid=Decimal(0),
            amount_due=self.total,
            overpaid=Decimal(0),
            history=self.history[:1],
            updated_at=self.created_at,
        )

    def _with(self, **changes: Any) -> Self:
        """A validated copy; what does not change is shared, and not validated again line by line."""
        return self.model_validate({**dict(self), **changes})

    def to_item(self) -> dict[str, Any]:
        """The attributes of the DynamoDB item, in Python types (decimals stay decimals)."""
        return self.model_dump(by_alias=True, exclude_none=True)

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> "Invoice":
        """Read an item back; attributes that only later versions of the platform know are ignored.

        Raises:
            pydantic.ValidationError: the item is not an invoice.
        """
        return cls.model_validate({name: value for name, value in item.items() if name in _ATTRIBUTES})


_ATTRIBUTES = frozenset(map(to_camel, Invoice.model_fields))

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
    "overpaid",
    "status",
    "version",
    "createdAt",
    "updatedAt",
)
"""The attributes of an invoice that lists contain: no lines, no taxes, no payments, no history."""
