"""The query of a list request, the index that serves it, and the opaque tokens that lead from page to page.

A token holds the keys of the last invoice on a page and a fingerprint of the query. It is not secret, so it is not
trusted. A checksum detects accidental changes, and its content is checked against the query. The most that a forged
token can do is to start at another position of a list that its bearer may read anyway.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from invoicing.domain.errors import InvalidRequest
from invoicing.domain.fields import Day, Identifier, instant, timestamp
from invoicing.domain.models import WireModel
from invoicing.domain.status import OPEN, Status
from invoicing.table.receipts import LISTED

MAX_MONTHS = 120
"""The longest range, in months, of a query without a customer or a status."""

_VERSION = "1"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CREATED_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z", re.ASCII)
_INVOICE_ID = re.compile(r"[0-9a-z#-]{1,64}")
_EXPECTED = "must be a date such as 2026-11-22, or a date and time with an offset such as 2026-11-22T09:30:00Z"


def _whole_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value):
        return int(value)
    raise ValueError("must be a whole number from 1 to 100")


def _bound(value: str) -> str:
    if _DAY.fullmatch(value):
        _day(value)
    else:
        _instant(value)
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(_EXPECTED) from None


def _instant(value: str) -> datetime:
    moment = instant(value)
    if moment is None:
        raise ValueError(_EXPECTED)
    return moment


def _only_true(value: object) -> object:
    if value == "true":
        return True
    raise ValueError("must be true, or left out")


_ONLY_TRUE = {"type": "string", "enum": ["true"]}

Limit = Annotated[int, BeforeValidator(_whole_number), Field(ge=1, le=100)]
Bound = Annotated[str, AfterValidator(_bound)]

_UNSERVED = frozenset({"issueDate", "issuedFrom", "issuedTo", "issuedBefore", "issuedAfter", "dueDate", "dueAfter"})
"""Filters that clients try because invoices have these dates; no index serves them."""
_OVERDUE = tuple(sorted(status.value for status in OPEN))


class ListQuery(WireModel):
    """The query string of ``GET /invoices``.

    ``from`` and ``to`` limit the time of creation; both are inclusive. ``dueBefore`` and ``overdue`` limit
    the due date.
    """

    customer_id: Identifier | None = None
    status: Status | None = None
    from_: Bound | None = Field(default=None, alias="from")
    to: Bound | None = None
    due_before: Day | None = None
    overdue: Annotated[bool | None, BeforeValidator(_only_true), WithJsonSchema(_ONLY_TRUE)] = None
    order: Literal["asc", "desc"] = "desc"
    limit: Limit = 25
    next_token: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="before")
    @classmethod
    def _is_served(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Reject by name what no index serves: a Scan of the table would read every invoice for it."""
        if unserved := sorted(_UNSERVED & values.keys()):
            raise ValueError(
                f"'{unserved[0]}' is not a filter: no index has that date. Lists are filtered by the time of creation"
                " (from, to) and by the due date (dueBefore, overdue=true)"
            )
        return values

    @model_validator(mode="after")
    def _due_dates_have_an_index(self) -> "ListQuery":
        if self.overdue and self.status and self.status not in OPEN:
            raise ValueError(f"'overdue' is for the statuses {' and '.join(_OVERDUE)}: leave 'status' out")
        if self.due_before and not (self.overdue or self.customer_id or self.status):
            raise ValueError("'dueBefore' needs 'customerId', 'status' or 'overdue=true': no index has all due dates")
        return self

    @model_validator(mode="after")
    def _range_is_forwards(self) -> "ListQuery":
        if self.from_ and self.to and first_moment(self.from_) > last_moment(self.to):
            raise ValueError("'from' must not be after 'to'")
        return self


class ReceiptQuery(WireModel):
    """The query string of ``GET /payments``: what no invoice takes."""

    status: Literal["unapplied"] = "unapplied"
    limit: Limit = 25
    next_token: str | None = Field(default=None, max_length=2000)


@dataclass(frozen=True)
class Position:
    """The keys of an invoice in one of the indexes; the next page begins after it."""

    partition: str
    created_at: str
    invoice_id: str


@dataclass(frozen=True)
class QueryPlan:
    """How a query is served: one index, its partitions in order, a range of its sort key, and where to start.

    Attributes:
        index: The index's name.
        attribute: Its partition key's name.
        partitions: The values of that key to read; more than one only for months, and for all that can be overdue.
        earliest, latest: Bounds of createdAt, both inclusive.
        ascending: Oldest first.
        statuses: The statuses to filter by, if the index does not select them; empty for all.
        due_before: The day before which the invoices are due; credit notes are not due.
        start: The position in the request's token.
        fingerprint: What a token of this query must contain.
    """

    index: str
    attribute: Literal["customerId", "status", "yearMonth"]
    partitions: tuple[str, ...]
    earliest: str
    latest: str
    ascending: bool
    statuses: tuple[Status, ...]
    due_before: date | None
    start: Position | None
    fingerprint: str

    def token(self, last: Position) -> str:
        """The token that continues after ``last``."""
        body = json.dumps([_VERSION, self.fingerprint, last.partition, last.created_at, last.invoice_id]).encode()
        return base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:9] + body).decode().rstrip("=")


def first_moment(bound: str) -> str:
    """The first moment that ``from`` includes; for a date, its first microsecond in UTC."""
    if _DAY.fullmatch(bound):
        return timestamp(datetime.combine(_day(bound), time.min, UTC))
    return timestamp(_instant(bound))


def last_moment(bound: str) -> str:
    """The last moment that ``to`` includes; for a date, its last microsecond in UTC."""
    if _DAY.fullmatch(bound):
        return timestamp(datetime.combine(_day(bound), time.max, UTC))
    return timestamp(_instant(bound))


def plan(query: ListQuery, now: datetime) -> QueryPlan:
    """The one way to serve ``query``.

    - With a customer: customerId-index; a status is a filter then.
    - Else with a status: status-index.
    - Else what is overdue: status-index, one status after the other. The due date is a filter.
    - Else: createdAt-index, with the months of the range, or the current month without one. A range without a
      beginning is the month of its end.

    Raises:
        InvalidRequest: the range has too many months, or the token does not belong to this query.
    """
    earliest = first_moment(query.from_) if query.from_ else "0"
    latest = last_moment(query.to or "9999-12-31")
    index, attribute, partitions = _partitions(query, now)
    ascending = query.order == "asc"
    due_before = _due_before(query, now)
    parts: list[Any] = [query.customer_id, query.status, query.from_, query.to, query.order]
    if due_before:  # "overdue" is of the day of its first page: a token of yesterday does not continue another list
        parts += [due_before.isoformat(), query.overdue]
    fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    if not ascending:
        partitions = partitions[::-1]
    start = None
    if query.next_token is not None:
        start = _parse_token(query.next_token, fingerprint)
        months = attribute == "yearMonth"
        # a query without a range means the current month; its later pages stay in the month of the first one
        if months and not (query.from_ or query.to):
            partitions = (start.partition,)
        in_partition = start.partition in partitions and (not months or start.created_at.startswith(start.partition))
        if not in_partition or not earliest <= start.created_at <= latest:
            raise _token_error()
        partitions = partitions[partitions.index(start.partition) :]
    statuses: tuple[Status, ...] = ()
    if attribute == "customerId":
        statuses = (query.status,) if query.status else tuple(sorted(OPEN)) if query.overdue else ()
    return QueryPlan(
        index, attribute, partitions, earliest, latest, ascending, statuses, due_before, start, fingerprint
    )


def _due_before(query: ListQuery, now: datetime) -> date | None:
    """The day before which listed invoices are due: the earlier one of ``dueBefore`` and, with ``overdue``, today."""
    days = [query.due_before, now.astimezone(UTC).date() if query.overdue else None]
    return min((day for day in days if day), default=None)


def plan_receipts(query: ReceiptQuery) -> QueryPlan:
    """The one way to list unapplied receipts: their status in status-index, the oldest first.

    Raises:
        InvalidRequest: the token does not belong to this query.
    """
    fingerprint = hashlib.sha256(LISTED.encode()).hexdigest()[:16]
    start = None if query.next_token is None else _parse_token(query.next_token, fingerprint)
    if start is not None and start.partition != LISTED:
        raise _token_error()
    latest = last_moment("9999-12-31")
    return QueryPlan("status-index", "status", (LISTED,), "0", latest, True, (), None, start, fingerprint)  # noqa: FBT003


def _partitions(
    query: ListQuery, now: datetime
) -> tuple[str, Literal["customerId", "status", "yearMonth"], tuple[str, ...]]:
    if query.customer_id is not None:
        return "customerId-index", "customerId", (query.customer_id,)
    if query.status is not None:
        return "status-index", "status", (query.status.value,)
    if query.overdue:
        return "status-index", "status", _OVERDUE
    current = timestamp(now)
    last = last_moment(query.to)[:7] if query.to else current[:7]
    first = first_moment(query.from_)[:7] if query.from_ else last
    if first > last:  # the range begins in the future: there are no invoices yet
        return "createdAt-index", "yearMonth", (first,)
    return "createdAt-index", "yearMonth", months(first, last)


def months(first: str, last: str) -> tuple[str, ...]:
    """The months from one to another, both included, as ``2026-11``.

    Raises:
        InvalidRequest: There are more than `MAX_MONTHS`.
    """
    begin, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    if end - begin >= MAX_MONTHS:
        error = {"pointer": "from", "detail": f"spans more than {MAX_MONTHS} months"}
        raise InvalidRequest("The range is too long. Shorten it, or add a customer or a status.", errors=[error])
    return tuple(f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(begin, end + 1))


def _parse_token(token: str, fingerprint: str) -> Position:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        checksum, body = raw[:9], raw[9:]
        version, query, *keys = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        raise _token_error() from None
    canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == token
    if not canonical or hashlib.sha256(body).digest()[:9] != checksum or (version, query) != (_VERSION, fingerprint):
        raise _token_error()
    if len(keys) != 3 or not all(isinstance(key, str) for key in keys):
        raise _token_error()
    if not _CREATED_AT.fullmatch(keys[1]) or not _INVOICE_ID.fullmatch(keys[2]):  # DynamoDB accepts no others as keys
        raise _token_error()
    return Position(*keys)


def _token_error() -> InvalidRequest:
    error = {"pointer": "nextToken", "detail": "does not belong to this query; repeat the query without it"}
    return InvalidRequest("The token belongs to another query, or was changed.", errors=[error])


def position_of(item: dict[str, Any], attribute: str) -> Position:
    """The position of a listed item in the index that is partitioned by ``attribute``."""
    return Position(item[attribute], item["createdAt"], item["invoiceId"])
