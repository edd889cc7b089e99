"""What is judged at the door: everything that the content of a request alone can tell, before it takes a number.

Requests of the API and invoices of files pass the same door. Nothing here looks at other invoices: that is done after
the invoice was created, by `invoicing.services.decide_invoice`, and holds an invoice instead of rejecting it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from invoicing.domain.errors import NotAcceptable
from invoicing.domain.fields import MAX_INTEGER_DIGITS
from invoicing.domain.models import CreateInvoice
from invoicing.domain.totals import document_totals, line_net

EARLIEST_ISSUE = date(2000, 1, 1)
"""An earlier date is a typing error: no invoice of that age is issued today."""
LATEST_ISSUE = timedelta(days=366)
"""How long after today an invoice may be dated; a later date is probably a typing error."""

MAX_TERMS_DAYS = 3660
"""Days from the issue date to the latest due date: ten years."""
TOO_LATE = "is more than ten years after the issue date"

Objection = dict[str, str]
"""Why no invoice may be issued with this content: ``pointer`` (RFC 6901) and ``detail``."""


@dataclass(frozen=True)
class Door:
    """What an environment accepts.

    Attributes:
        closed_until: The last day of the periods that are closed; no invoice is issued on or before it.
    """

    closed_until: date | None = None

    def check(self, request: CreateInvoice, today: date) -> None:
        """Raise `NotAcceptable` with every objection, if there are any."""
        objections = self.objections(request, today)
        if objections:
            first = objections[0]
            more = f" There are {len(objections)} objections." if len(objections) > 1 else ""
            field = first["pointer"].removeprefix("#/").replace("/", " ")
            raise NotAcceptable(f"No invoice can be issued: {field} {first['detail']}.{more}", errors=objections)

    def objections(self, request: CreateInvoice, today: date) -> list[Objection]:
        """Every objection to the content.

        Args:
            request: The request.
            today: The day in UTC.
        """
        return [*self._dates(request, today), *_rates(request), *_amounts(request)]

    def _dates(self, request: CreateInvoice, today: date) -> Iterator[Objection]:
        issued, due = request.issue_date, request.due_date
        if issued < EARLIEST_ISSUE:
            yield _objection("#/issueDate", f"{issued} is before {EARLIEST_ISSUE}")
        elif issued - today > LATEST_ISSUE:
            yield _objection("#/issueDate", f"{issued} is more than a year ahead of {today}")
        if self.closed_until is not None and issued <= self.closed_until:
            yield _objection("#/issueDate", f"{issued} is in a closed period, which ends on {self.closed_until}")
        if due is not None and due < issued:
            yield _objection("#/dueDate", f"{due} is before the issue date {issued}")
        if due is not None and (due - issued).days > MAX_TERMS_DAYS:
            yield _objection("#/dueDate", f"{due} {TOO_LATE} {issued}")


def rate_objection(rate: Decimal) -> str | None:
    """Why a tax rate is none: it is a percentage from 0 to 100, and less than 1 is a ratio."""
    if not 0 <= rate <= 100:
        return "must be a percentage from 0 to 100 (19 means 19 %)"
    if 0 < rate < 1:
        return f"is {rate.normalize():f} %, and probably a ratio: write {(rate * 100).normalize():f}"
    return None


def _rates(request: CreateInvoice) -> Iterator[Objection]:
    for number, line in enumerate(request.lines):
        if reason := rate_objection(line.tax_rate):
            yield _objection(f"#/lines/{number}/taxRate", reason)


def _amounts(request: CreateInvoice) -> Iterator[Objection]:
    """The sums must fit; each net is a sum of one line."""
    reason = f"makes an amount of more than {MAX_INTEGER_DIGITS} digits before the decimal point"
    nets = [line_net(line.quantity, line.unit_price, line.discount, request.currency) for line in request.lines]
    too_large = [number for number, net in enumerate(nets) if _is_too_large(net)]
    yield from (_objection(f"#/lines/{number}", reason) for number in too_large)
    totals = document_totals(zip((line.tax_rate for line in request.lines), nets, strict=True), request.currency)
    if not too_large and (_is_too_large(totals.subtotal) or _is_too_large(totals.total)):
        yield _objection("#/lines", reason)


def _is_too_large(amount: Decimal) -> bool:
    return bool(amount) and amount.adjusted() >= MAX_INTEGER_DIGITS


def _objection(pointer: str, detail: str) -> Objection:
    return {"pointer": pointer, "detail": detail}
