"""From a request to an invoice: its id, its totals, and the hash that distinguishes a repetition from a conflict."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from invoicing.domain import money
from invoicing.domain.fields import timestamp
from invoicing.domain.identifiers import look, normal_form
from invoicing.domain.models import CreateInvoice, HistoryEntry, Invoice, InvoiceLine, Tax
from invoicing.domain.status import Status
from invoicing.domain.totals import document_totals, line_net

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:invoice-platform:invoice")
"""The UUIDv5 namespace of all invoice ids."""

DEFAULT_TERMS_DAYS = 30
"""Payment terms of a request with neither dueDate nor paymentTermsDays (the default of EU Directive 2011/7)."""


@dataclass(frozen=True)
class Origin:
    """When and where an invoice came from.

    Attributes:
        now: The moment of creation, with an offset.
        source: ``api``, or the file and the row.
        by: Who the history names for the creation.
    """

    now: datetime
    source: str
    by: str


def invoice_id(invoice_number: str) -> str:
    """The id of the one invoice with this number, whoever its customer is.

    A number "uniquely identifies the invoice" of an issuer (Directive 2006/112/EC, article 226(2),
    https://eur-lex.europa.eu/eli/dir/2006/112/oj). Numbers that look the same are the same number: of
    ``AB-1`` and the same in Cyrillic letters, only the first one can be created, for nobody could tell them apart.
    """
    return str(uuid.uuid5(NAMESPACE, look(normal_form(invoice_number))))


def assigned_number(year: int, sequence: int) -> str:
    """The ``sequence``-th number that the platform assigns in ``year``: ``2026-000017``."""
    return f"{year:04d}-{sequence:06d}"


def content_hash(request: CreateInvoice, number: str | None = None) -> str:
    """SHA-256 of the invoice's content, in a form in which equal content is equal text.

    ``19`` and ``19.0`` are equal content, and so are an absent due date and the same one written out, and two spellings
    of an id that look the same. When and how the request came is not part of the content.

    Args:
        request: The client's request.
        number: The number that the platform assigned, if the request has none. It counts as if the client had sent it.
    """
    number = number or request.invoice_number
    content = [
        normal_form(number) if number else None,
        normal_form(request.customer_id),
        request.customer.model_dump(exclude_none=True),
        request.issue_date.isoformat(),
        due_date(request).isoformat(),
        request.currency,
        [
            [line.description, *map(money.number_text, (line.quantity, line.unit_price, line.discount, line.tax_rate))]
            for line in request.lines
        ],
    ]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def due_date(request: CreateInvoice) -> date:
    """The due date: the request's own, or the issue date plus the payment terms."""
    if request.due_date is not None:
        return request.due_date
    days = DEFAULT_TERMS_DAYS if request.payment_terms_days is None else request.payment_terms_days
    try:
        return request.issue_date + timedelta(days=days)
    except OverflowError:  # no door accepts such an issue date
        return date.max


def issue(request: CreateInvoice, *, number: str, origin: Origin) -> Invoice:
    """The invoice, version 1, status created.

    Args:
        request: The client's request, as `invoicing.domain.door` accepts it.
        number: The invoice number: the request's own, or an assigned one.
        origin: When and where the request came from.
    """
    nets = [line_net(line.quantity, line.unit_price, line.discount, request.currency) for line in request.lines]
    rates = [line.tax_rate for line in request.lines]
    totals = document_totals(zip(rates, nets, strict=True), request.currency)
    is_credit_note = totals.total < 0
    at = timestamp(origin.now)
    return Invoice(
        invoice_id=invoice_id(number),
        invoice_number=number,
        kind="credit-note" if is_credit_note else "invoice",
        customer_id=request.customer_id,
        customer=request.customer,
        issue_date=request.issue_date,
        due_date=None if is_credit_note else due_date(request),
        currency=request.currency,
        lines=[
            InvoiceLine(
                description=line.description,
                quantity=line.quantity,
                unit_price=line.unit_price,
                discount=line.discount,
                tax_rate=line.tax_rate,
                net=net,
            )
            for line, net in zip(request.lines, nets, strict=True)
        ],
        taxes=[Tax(rate=tax.rate, base=tax.base, amount=tax.amount) for tax in totals.taxes],
        subtotal=totals.subtotal,
        tax_total=totals.tax_total,
        total=totals.total,
        amount_paid=Decimal(0),
        amount_due=totals.total,
        payments=[],
        status=Status.CREATED,
        version=1,
        history=[HistoryEntry(status=Status.CREATED, at=at, by=origin.by)],
        created_at=at,
        updated_at=at,
        year_month=at[:7],
        source=origin.source,
        content_hash=content_hash(request, number),
    )
