"""The documents that the API answers with, as models: for its description, and for tests to hold answers against.

Nothing here runs in a function. What is absent in an answer is left out there, never null.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from invoicing.domain.fields import DECIMAL_TEXT, Currency, Day, InvoiceId, Moment, MoneyText
from invoicing.domain.models import Customer
from invoicing.domain.status import Status

PriceText = Annotated[
    str, Field(pattern=DECIMAL_TEXT, description="With the currency's minor digits, or more.", examples=["0.0375"])
]
QuantityText = Annotated[str, Field(pattern=DECIMAL_TEXT, description="Without trailing zeros.", examples=["2.5"])]
PercentText = Annotated[
    str, Field(pattern=DECIMAL_TEXT, description="In percent, without trailing zeros.", examples=["19"])
]
Version = Annotated[
    int, Field(ge=1, description="Increases by one with each change. The ETag is this number in quotes.")
]


class Answered(BaseModel):
    """Base: camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


class LineAnswer(Answered):
    """One line."""

    description: str
    quantity: QuantityText
    unit_price: PriceText
    discount: PercentText
    tax_rate: PercentText
    net: MoneyText


class TaxAnswer(Answered):
    """The tax of one rate: base times rate, rounded once."""

    rate: PercentText
    base: MoneyText
    amount: MoneyText


class PaymentAnswer(Answered):
    """A recorded payment."""

    payment_id: str
    amount: MoneyText
    method: str | None = None
    reference: str | None = None
    paid_at: Moment


class HistoryAnswer(Answered):
    """When a status was reached, and by whom; a rejection says why."""

    status: Status
    at: Moment
    by: str
    reasons: list[str] | None = None


class _Head(Answered):
    invoice_id: InvoiceId
    invoice_number: str
    kind: Literal["invoice", "credit-note"]
    customer_id: str
    issue_date: Day
    due_date: Day
    currency: Currency
    subtotal: MoneyText
    tax_total: MoneyText
    total: MoneyText
    amount_paid: MoneyText
    amount_due: MoneyText
    status: Status
    overdue: Annotated[bool, Field(description="Whether money is awaited after the due date, today in UTC.")]
    version: Version
    created_at: Moment
    updated_at: Moment


class InvoiceSummary(_Head):
    """What a list shows of an invoice."""

    customer_name: str | None = None


class InvoiceAnswer(_Head):
    """The whole invoice."""

    customer: Customer
    lines: list[LineAnswer]
    taxes: list[TaxAnswer]
    payments: list[PaymentAnswer]
    history: list[HistoryAnswer]
    year_month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", description="The month of createdAt.")]
    source: Annotated[str, Field(description="`api`, or the row of the upload: `s3://bucket/key#row`.")]


class InvoiceWithDocument(InvoiceAnswer):
    """The whole invoice, with a link to its PDF once there is one, unless it is void or rejected."""

    document_url: Annotated[
        str | None,
        Field(json_schema_extra={"format": "uri"}, description="Presigned: needs no key, ends after a while."),
    ] = None


class InvoicePage(Answered):
    """One page of a list."""

    items: list[InvoiceSummary]
    next_token: Annotated[
        str | None, Field(description="Leads to the next page of the same query; absent on the last.")
    ] = None


class ProblemError(Answered):
    """One thing that is wrong with the request."""

    pointer: Annotated[
        str | None, Field(description="Where: a JSON pointer into the body, or the name of a parameter or header.")
    ] = None
    detail: str


class Problem(Answered):
    """An RFC 9457 problem document; the gateway answers its own refusals in the same shape."""

    type: Annotated[
        str,
        Field(json_schema_extra={"format": "uri-reference"}, examples=["urn:invoice-platform:problem:status-conflict"]),
    ]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: list[ProblemError] | None = None
    request_id: Annotated[str | None, Field(description="Of a refusal by the gateway itself.")] = None
    invoice_id: Annotated[str | None, Field(description="The invoice that is in the way.")] = None
    current_status: Status | None = None
    current_version: int | None = None
    amount_due: MoneyText | None = None
    currency: Currency | None = None
