"""The bodies of the API's responses, as models: for the OpenAPI description, and for tests that check responses.

Nothing here runs in a function. A member without a value is left out of a response, never null.
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


class ResponseModel(BaseModel):
    """Base: camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


class LineResponse(ResponseModel):
    """One line."""

    description: str
    quantity: QuantityText
    unit_price: PriceText
    discount: PercentText
    tax_rate: PercentText
    net: MoneyText


class TaxResponse(ResponseModel):
    """The tax of one rate: base times rate, rounded once."""

    rate: PercentText
    base: MoneyText
    amount: MoneyText


class PaymentResponse(ResponseModel):
    """A recorded payment."""

    payment_id: str
    amount: MoneyText
    method: str | None = None
    reference: str | None = None
    paid_at: Moment


class HistoryResponse(ResponseModel):
    """When a status was reached, and by whom; for a rejection, also why."""

    status: Status
    at: Moment
    by: str
    reasons: list[str] | None = None


class _InvoiceHead(ResponseModel):
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
    overdue: Annotated[bool, Field(description="Whether money is still due after the due date, as of today in UTC.")]
    version: Version
    created_at: Moment
    updated_at: Moment


class InvoiceSummary(_InvoiceHead):
    """An invoice as lists contain it."""

    customer_name: str | None = None


class InvoiceResponse(_InvoiceHead):
    """The complete invoice."""

    customer: Customer
    lines: list[LineResponse]
    taxes: list[TaxResponse]
    payments: list[PaymentResponse]
    history: list[HistoryResponse]
    year_month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", description="The month of createdAt.")]
    source: Annotated[str, Field(description="`api`, or the row of the upload: `s3://bucket/key#row`.")]


class InvoiceWithDocument(InvoiceResponse):
    """The complete invoice, with a link to its PDF once that exists, unless the invoice is void or rejected."""

    document_url: Annotated[
        str | None,
        Field(json_schema_extra={"format": "uri"}, description="Presigned: needs no API key, and expires."),
    ] = None


class InvoicePage(ResponseModel):
    """One page of a list."""

    items: list[InvoiceSummary]
    next_token: Annotated[
        str | None, Field(description="Send it with the same query to get the next page; absent on the last page.")
    ] = None


class ProblemError(ResponseModel):
    """One thing that is wrong with the request."""

    pointer: Annotated[
        str | None, Field(description="A JSON pointer into the body, or the name of a parameter or header.")
    ] = None
    detail: str


class Problem(ResponseModel):
    """An RFC 9457 problem document. The gateway reports its own errors in the same form."""

    type: Annotated[
        str,
        Field(json_schema_extra={"format": "uri-reference"}, examples=["urn:invoice-platform:problem:status-conflict"]),
    ]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: list[ProblemError] | None = None
    request_id: Annotated[str | None, Field(description="Only in errors of the gateway itself.")] = None
    invoice_id: Annotated[str | None, Field(description="Id of the conflicting invoice.")] = None
    current_status: Status | None = None
    current_version: int | None = None
    amount_due: MoneyText | None = None
    currency: Currency | None = None
