"""The bodies of the API's responses, as models that render them and describe them.

Members are rendered in the order of the fields. One without a value is left out, never null. Money is a decimal string
in minor units, and what is derived on read (``overdue``) is derived here.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from invoicing.domain.errors import InvoiceError
from invoicing.domain.fields import DECIMAL_TEXT, Currency, Day, InvoiceId, Moment, MoneyText
from invoicing.domain.models import SUMMARY_FIELDS, Customer, Invoice, InvoiceLine, Payment, Tax, payable_until
from invoicing.domain.money import number_text, price_text, text
from invoicing.domain.receipts import Receipt, ReceiptState
from invoicing.domain.status import OPEN, Status

PriceText = Annotated[
    str, Field(pattern=DECIMAL_TEXT, description="With the currency's minor digits, or more.", examples=["0.0375"])
]
QuantityText = Annotated[str, Field(pattern=DECIMAL_TEXT, description="Without trailing zeros.", examples=["2.5"])]
PercentText = Annotated[
    str, Field(pattern=DECIMAL_TEXT, description="In percent, without trailing zeros.", examples=["19"])
]
Kind = Literal["invoice", "credit-note"]
Version = Annotated[
    int, Field(ge=1, description="Increases by one with each change. The ETag is this number in quotes.")
]
Overdue = Annotated[bool, Field(description="Whether money is still due after the due date, as of today in UTC.")]
DueDate = Annotated[Day, Field(description="Credit notes have none: nobody has to pay them.")]
Overpaid = Annotated[
    str,
    Field(pattern=DECIMAL_TEXT, description="Received beyond the total: it is to be returned.", examples=["0.00"]),
]
ReversesSource = Annotated[str | None, Field(description="Whose payment went back, if it is not one of `source`.")]
ReportedId = Annotated[
    str | None, Field(description="The source's own id, if that was used before for another payment.")
]
AMOUNTS = ("subtotal", "tax_total", "total", "amount_paid", "amount_due", "overpaid")
"""The amounts of an invoice."""


class ResponseModel(BaseModel):
    """Base: camelCase names."""

    model_config = ConfigDict(defer_build=True, alias_generator=to_camel, validate_by_name=True, frozen=True)

    def body(self) -> dict[str, Any]:
        """The body of the response in JSON types."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class LineResponse(ResponseModel):
    """One line."""

    description: str
    quantity: QuantityText
    unit_price: PriceText
    discount: PercentText
    tax_rate: PercentText
    net: MoneyText

    @classmethod
    def of(cls, line: InvoiceLine, currency: str) -> Self:
        """The line of an invoice in this currency."""
        return cls(
            description=line.description,
            quantity=number_text(line.quantity),
            unit_price=price_text(line.unit_price, currency),
            discount=number_text(line.discount),
            tax_rate=number_text(line.tax_rate),
            net=text(line.net, currency),
        )


class TaxResponse(ResponseModel):
    """The tax of one rate: base times rate, rounded once."""

    rate: PercentText
    base: MoneyText
    amount: MoneyText

    @classmethod
    def of(cls, tax: Tax, currency: str) -> Self:
        """The tax of an invoice in this currency."""
        return cls(rate=number_text(tax.rate), base=text(tax.base, currency), amount=text(tax.amount, currency))


class PaymentResponse(ResponseModel):
    """A recorded payment."""

    payment_id: str
    amount: MoneyText
    method: str | None = None
    reference: str | None = None
    paid_at: Moment
    source: Annotated[str | None, Field(description="Who reported it: `api`, or a provider's event source.")] = None
    reverses: Annotated[str | None, Field(description="The payment that went back.")] = None
    reverses_source: ReversesSource = None
    reported_id: ReportedId = None
    unreadable: Annotated[
        dict[str, str] | None,
        Field(description="What its source sent and cannot be read. `paidAt` is then the time of receipt."),
    ] = None

    @classmethod
    def of(cls, payment: Payment, currency: str) -> Self:
        """The payment of an invoice in this currency."""
        return cls(**{**dict(payment), "amount": text(payment.amount, currency), "source": payment.source or None})


class ReceiptResponse(ResponseModel):
    """Money that was received, and what became of it."""

    payment_key: Annotated[str, Field(json_schema_extra={"format": "uuid"}, description="Names the payment here.")]
    payment_id: Annotated[str, Field(description="The source's own id, or that of its event.")]
    source: str
    status: ReceiptState
    reason: Annotated[str | None, Field(description="Why no invoice takes it.")] = None
    invoice_id: Annotated[str | None, Field(description="As it was reported.")] = None
    applied_to: Annotated[str | None, Field(description="The invoice on which it is recorded.")] = None
    amount: Annotated[str | None, Field(pattern=DECIMAL_TEXT, description="As it was reported.")] = None
    currency: Currency | None = None
    method: str | None = None
    reference: str | None = None
    reverses: str | None = None
    reverses_source: ReversesSource = None
    reported_id: ReportedId = None
    unreadable: Annotated[
        dict[str, str] | None,
        Field(description="What was sent and cannot be read. If that is `reverses`, the money may have come or gone."),
    ] = None
    paid_at: Moment | None = None
    received_at: Moment
    detail: Annotated[str | None, Field(description="The report, if not all of it could be read.")] = None

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """The response."""
        amount = None if receipt.amount is None else number_text(receipt.amount)
        return cls.model_validate({**dict(receipt), "status": receipt.state, "amount": amount})


class ReceiptPage(ResponseModel):
    """One page of unapplied payments, the oldest first."""

    items: list[ReceiptResponse]
    next_token: Annotated[
        str | None, Field(description="Send it with the same query to get the next page; absent on the last page.")
    ] = None

    @classmethod
    def of(cls, receipts: Sequence[Receipt], next_token: str | None) -> Self:
        """The page of these receipts."""
        return cls(items=[ReceiptResponse.of(receipt) for receipt in receipts], next_token=next_token)


class HistoryResponse(ResponseModel):
    """When a status was reached, and by whom; for a held invoice, also why."""

    status: Status
    at: Moment
    by: str
    reasons: list[str] | None = None


class InvoiceSummary(ResponseModel):
    """An invoice as lists contain it."""

    invoice_id: InvoiceId
    invoice_number: str
    kind: Kind
    customer_id: str
    issue_date: Day
    due_date: DueDate | None = None
    currency: Currency
    subtotal: MoneyText
    tax_total: MoneyText
    total: MoneyText
    amount_paid: MoneyText
    amount_due: MoneyText
    overpaid: Overpaid
    status: Status
    version: Version
    created_at: Moment
    updated_at: Moment
    customer_name: str | None = None
    overdue: Overdue

    @classmethod
    def of(cls, item: Mapping[str, Any], today: date) -> Self:
        """One entry of a list.

        Args:
            item: The projected attributes of an index.
            today: The day, in UTC, for which ``overdue`` is derived.
        """
        attributes = {name: item[name] for name in SUMMARY_FIELDS if name in item}
        customer = attributes.pop("customer", {})
        amounts = {name: text(item.get(name, Decimal(0)), item["currency"]) for name in map(to_camel, AMOUNTS)}
        due_date = payable_until(item["kind"], date.fromisoformat(item["dueDate"]) if "dueDate" in item else None)
        return cls.model_validate(
            {
                **attributes,
                **amounts,
                "dueDate": due_date,
                "customerName": customer.get("name"),
                "overdue": is_overdue(item["kind"], item["status"], due_date, today),
            }
        )

    @classmethod
    def read(cls, item: Mapping[str, Any], today: date) -> Self | None:
        """As `of`; None for an item that is no invoice: it was edited by hand, and must not keep others from view."""
        try:
            return cls.of(item, today)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None


class InvoiceResponse(ResponseModel):
    """The complete invoice."""

    invoice_id: InvoiceId
    invoice_number: str
    kind: Kind
    customer_id: str
    customer: Customer
    issue_date: Day
    due_date: DueDate | None = None
    currency: Currency
    lines: list[LineResponse]
    taxes: list[TaxResponse]
    subtotal: MoneyText
    tax_total: MoneyText
    total: MoneyText
    amount_paid: MoneyText
    amount_due: MoneyText
    overpaid: Overpaid
    payments: list[PaymentResponse]
    status: Status
    version: Version
    history: list[HistoryResponse]
    created_at: Moment
    updated_at: Moment
    source: Annotated[str, Field(description="`api`, or the row of the upload: `s3://bucket/key#row`.")]
    year_month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", description="The month of createdAt.")]
    overdue: Overdue

    @classmethod
    def of(cls, invoice: Invoice, today: date) -> Self:
        """The response.

        Args:
            invoice: As stored.
            today: The day, in UTC, for which ``overdue`` is derived.
        """
        currency, stored = invoice.currency, dict(invoice)
        del stored["content_hash"]
        return cls.model_validate(
            {
                **stored,
                **{name: text(stored[name], currency) for name in AMOUNTS},
                "lines": [LineResponse.of(line, currency) for line in invoice.lines],
                "taxes": [TaxResponse.of(tax, currency) for tax in invoice.taxes],
                "payments": [PaymentResponse.of(payment, currency) for payment in invoice.payments],
                "history": [HistoryResponse(**dict(entry)) for entry in invoice.history],
                "due_date": invoice.payable_until,
                "overdue": is_overdue(invoice.kind, invoice.status, invoice.due_date, today),
            }
        )

    def with_status_of(self, current: Invoice, today: date) -> Self:
        """The same response with the status that the invoice has now: a repetition must not look unprocessed."""
        overdue = is_overdue(current.kind, current.status, current.due_date, today)
        return self.model_validate({**dict(self), "status": current.status, "overdue": overdue})


class InvoiceWithDocument(InvoiceResponse):
    """The complete invoice, with a link to its PDF once that exists, unless the invoice is held or void."""

    document_url: Annotated[
        str | None,
        Field(json_schema_extra={"format": "uri"}, description="Presigned: needs no API key, and expires."),
    ] = None

    def linked(self, url: str | None) -> Self:
        """The same response with a link to the PDF."""
        return self.model_validate({**dict(self), "document_url": url})


class InvoicePage(ResponseModel):
    """One page of a list."""

    items: list[InvoiceSummary]
    next_token: Annotated[
        str | None, Field(description="Send it with the same query to get the next page; absent on the last page.")
    ] = None

    @classmethod
    def of(cls, items: Sequence[Mapping[str, Any]], next_token: str | None, today: date) -> Self:
        """The page of these items, as `InvoiceSummary.of` takes them; those that are no invoices are left out."""
        summaries = (InvoiceSummary.read(item, today) for item in items)
        return cls(items=[summary for summary in summaries if summary is not None], next_token=next_token)


class ProblemError(ResponseModel):
    """One error in the request."""

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
    request_id: Annotated[str | None, Field(description="Names the request in the logs: quote it to the operator.")] = (
        None
    )
    invoice_id: Annotated[str | None, Field(description="Id of the conflicting invoice.")] = None
    current_status: Status | None = None
    current_version: int | None = None
    amount_due: MoneyText | None = None
    currency: Currency | None = None

    @classmethod
    def of(cls, error: InvoiceError, request_id: str | None = None) -> Self:
        """The problem document of an error. ``errors`` is always there, as in the gateway's own problems."""
        return cls.model_validate(
            {
                "type": f"urn:invoice-platform:problem:{error.slug}",
                "title": HTTPStatus(error.status).phrase,
                "status": error.status,
                "detail": error.detail,
                "errors": error.errors,
                "requestId": request_id,
                **error.members,
            },
            extra="forbid",  # a member that is not described must not vanish
        )


def is_overdue(kind: str, status: Status | str, due_date: date | None, today: date) -> bool:
    """Whether money is still due after the due date. Of a credit note, nothing is due to us."""
    until = payable_until(kind, due_date)
    return Status(status) in OPEN and until is not None and until < today
