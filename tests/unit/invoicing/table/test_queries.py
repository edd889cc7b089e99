"""All pages together are the complete list: for any page size and query, while new invoices are created."""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.fields import timestamp
from invoicing.domain.status import Status
from invoicing.table.connection import InvoiceTable
from invoicing.table.items import decode, encode
from invoicing.table.pagination import ListQuery, plan
from invoicing.table.queries import InvoiceIndexes

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Index:
    """DynamoDB's Query over the three indexes, as far as it decides on pages.

    Entries with equal sort keys have an undefined but fixed order. A page ends after ``Limit`` entries, counted before
    the filter, or earlier when 1 MB is full (here: after any number). The last page may have a ``LastEvaluatedKey``.
    """

    def __init__(self, page_ends: list[int], *, key_at_the_end: bool) -> None:
        self.entries: list[dict[str, Any]] = []
        self._page_ends = page_ends
        self._key_at_the_end = key_at_the_end

    def put(self, number: int, created: datetime, customer: str, status: str) -> None:
        is_invoice = number % 5 > 0
        due = (
            {"kind": "invoice", "dueDate": f"2026-11-{number % 28 + 1:02d}"} if is_invoice else {"kind": "credit-note"}
        )
        at = timestamp(created)
        money = dict.fromkeys(("subtotal", "taxTotal", "total", "amountPaid", "amountDue"), Decimal(1))
        entry = {"invoiceId": f"id-{number * 7919 % 1009:04d}", "createdAt": at, "yearMonth": at[:7], **money}
        self.entries.append(entry | {"customerId": customer, "status": status, "version": 1, **due})

    def query(self, **request: Any) -> dict[str, Any]:
        attribute = request["IndexName"].removesuffix("-index").replace("createdAt", "yearMonth")
        values = decode(request["ExpressionAttributeValues"])
        entries = sorted(
            (e["createdAt"], e["invoiceId"], n)
            for n, e in enumerate(self.entries)
            if e[attribute] == values[":partition"]
        )
        entries = [key for key in entries if values[":earliest"] <= key[0] <= values[":latest"]]
        if not request["ScanIndexForward"]:
            entries.reverse()
        if start := request.get("ExclusiveStartKey"):
            after = decode(start)
            keys = [key[:2] for key in entries]
            place = (after["createdAt"], after["invoiceId"])
            if request["ScanIndexForward"]:
                entries = entries[bisect_right(keys, place) :]
            else:
                entries = entries[len(keys) - bisect_left(keys[::-1], place) :]
        size = min(request["Limit"], self._page_ends.pop() if self._page_ends else request["Limit"])
        page, rest = entries[:size], entries[size:]
        listed = [self.entries[number] for *_, number in page]
        statuses = [value for name, value in values.items() if name.startswith(":status")]
        before = values.get(":dueBefore", "9")

        def matches(entry: dict[str, Any]) -> bool:
            is_due = ":dueBefore" not in values or (entry["kind"] == "invoice" and entry["dueDate"] < before)
            return is_due and (not statuses or entry["status"] in statuses)

        response: dict[str, Any] = {"Items": [encode(entry) for entry in listed if matches(entry)]}
        if page and (rest or (self._key_at_the_end and len(page) == size)):
            response["LastEvaluatedKey"] = encode({n: listed[-1][n] for n in ("invoiceId", "createdAt", attribute)})
        return response


_days = st.integers(0, 80)
_customers = st.sampled_from(["A", "B"])
_statuses = st.sampled_from(["created", "paid", "processed", "partially-paid"])
_queries = st.fixed_dictionaries(
    {"order": st.sampled_from(["asc", "desc"]), "limit": st.integers(1, 100).map(str) | st.integers(1, 4).map(str)},
    optional={"customerId": _customers, "status": _statuses, "from": st.sampled_from(["2026-09-03", "2026-10-31"])},
) | st.fixed_dictionaries(
    {"overdue": st.just("true"), "limit": st.integers(1, 4).map(str)},
    optional={"customerId": _customers, "dueBefore": st.sampled_from(["2026-11-09", "2026-12-01"])},
)


@given(
    before=st.lists(st.tuples(_days, _customers, _statuses), max_size=25),
    meanwhile=st.lists(st.tuples(_customers, _statuses), max_size=10),
    query=_queries,
    page_ends=st.lists(st.integers(1, 5), max_size=40),
    key_at_the_end=st.booleans(),
)
def test_all_pages_together_are_the_complete_list(
    before: list[tuple[int, str, str]],
    meanwhile: list[tuple[str, str]],
    query: dict[str, str],
    page_ends: list[int],
    key_at_the_end: bool,  # noqa: FBT001
) -> None:
    """Invoices that exist at the start are listed once, in order; later ones at most once."""
    index = Index(page_ends, key_at_the_end=key_at_the_end)
    for number, (days, customer, status) in enumerate(before):
        index.put(number, NOW - timedelta(days=days), customer, status)
    list_query = ListQuery.model_validate(query)
    query_plan = plan(list_query, NOW)

    def belongs(entry: dict[str, Any]) -> bool:
        in_range = query_plan.earliest <= entry["createdAt"] and entry["yearMonth"] >= ("2026-11" if by_month else "")
        of_customer = list_query.customer_id in (None, entry["customerId"])
        if list_query.overdue:
            until = min(str(list_query.due_before or "2026-11-22"), "2026-11-22")
            is_open = entry["status"] in ("processed", "partially-paid")
            return of_customer and is_open and entry["kind"] == "invoice" and entry["dueDate"] < until
        return in_range and of_customer and list_query.status in (None, Status(entry["status"]))

    by_month = not {"customerId", "status", "from", "overdue"} & query.keys()
    expected = [entry["invoiceId"] for entry in index.entries if belongs(entry)]
    later, listed, token = iter(meanwhile), [], None
    for _ in range(400):
        parameters = query | ({"nextToken": token} if token else {})
        page = InvoiceIndexes(InvoiceTable("table", index)).page(  # type: ignore[arg-type]
            plan(ListQuery.model_validate(parameters), NOW), list_query.limit
        )
        assert len(page.items) <= list_query.limit
        listed += page.items
        token = page.next_token
        if token is None:
            break
        for customer, status in (new for new in [next(later, None)] if new):
            index.put(len(index.entries), NOW + timedelta(seconds=len(index.entries)), customer, status)
    assert token is None
    names = [entry["invoiceId"] for entry in listed]
    assert len(names) == len(set(names))
    assert set(expected) <= set(names)
    assert all(belongs(entry) for entry in listed)
    for partition in query_plan.partitions if query_plan.attribute == "status" else (None,):  # one after the other
        times = [entry["createdAt"] for entry in listed if partition in (None, entry["status"])]
        assert times == sorted(times, reverse=not query_plan.ascending)
