"""The table has the keys and indexes that the code's requests use, and unit tests use the same table."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from harness.contract import tables
from harness.contract.mismatch import report, symbol
from harness.contract.tables import Query, TableFacts, WrittenItem
from harness.paths import ROOT
from invoicing.api import openapi
from invoicing.api.response_models import InvoiceSummary
from invoicing.domain.fields import timestamp
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.receipts import ReceiptChange
from invoicing.domain.repository import IdempotencyKey
from invoicing.domain.rules import Rules
from invoicing.domain.status import Status
from invoicing.table import store
from invoicing.table.backlog import Backlog, Place
from invoicing.table.claims import Claim, ClaimStore, Record
from invoicing.table.connection import InvoiceTable
from invoicing.table.items import encode
from invoicing.table.numbering import NumberSequence
from invoicing.table.pagination import ListQuery, Position, ReceiptQuery, plan, plan_receipts
from invoicing.table.queries import InvoiceIndexes
from invoicing.table.receipts import FIELDS, put_receipt
from invoicing.table.store import InvoiceStore
from invoicing.table.stream import read_images
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.progress import UploadProgress
from tests.contract import sites
from tests.contract.conftest import Environment

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

DEFINITION = ROOT / "tests" / "data" / "invoices_table.json"
"""The table of unit tests, written from the plan: ./noxw -s contract -- --update-table."""

QUERIES = {
    "lambdas/invoicing/table/queries.py: InvoiceIndexes._read",
    "lambdas/invoicing/table/connection.py: InvoiceTable.query",
    "lambdas/invoicing/table/backlog.py: Backlog._query",
}
"""Code that queries DynamoDB; `queries` sends every query that it can send."""

REQUESTS: tuple[dict[str, str], ...] = (
    {},
    {"customerId": "C-1"},
    {"customerId": "C-1", "status": "paid"},
    {"status": "paid"},
    {"overdue": "true"},
    {"customerId": "C-1", "overdue": "true"},
    {"status": "processed", "dueBefore": "2026-11-22"},
    {"from": "2026-01-01", "to": "2026-11-22"},
    {"status": "paid", "order": "asc", "from": "2026-01-01"},
)
"""Lists of every kind that clients can request: see `invoicing.table.pagination.plan`."""


class _Item(dict[str, Any]):
    """An item that records which attributes were read."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


class _DynamoDB:
    """Records the requests."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        class ConditionalCheckFailedException(Exception): ...

        class TransactionCanceledException(Exception): ...

    def __init__(self, items: list[dict[str, Any]] | None = None) -> None:
        self.items = items or []
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def query(self, **request: Any) -> dict[str, Any]:
        self.requests.append(("query", request))
        return {"Items": [encode(item) for item in self.items]}

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append(("get_item", request))
        return {}

    def put_item(self, **request: Any) -> None:
        self.requests.append(("put_item", request))

    def update_item(self, **request: Any) -> None:
        self.requests.append(("update_item", request))

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's name
        for part in TransactItems:
            ((kind, request),) = part.items()
            self.requests.append((f"{kind.lower()}_item", request))

    def attributes(self) -> Iterator[dict[str, str]]:
        """The attributes of each item that was put, and of each key, with their types."""
        for _, request in self.requests:
            for part in ("Item", "Key"):
                if part in request:
                    yield {name: next(iter(value)) for name, value in request[part].items()}


def invoice() -> Invoice:
    """The described example, issued."""
    request = CreateInvoice.model_validate(openapi.EXAMPLE_REQUEST)
    return issue(request, number="2026-0042", origin=Origin(NOW, "api", "api"))


@pytest.fixture(scope="session")
def queries() -> list[Query]:
    """Every query that the code can send, and the attributes that it reads from the responses."""
    item = _Item(invoice().to_item())
    InvoiceSummary.of(item, date(2026, 11, 22))
    all_queries = []
    for parameters in REQUESTS:
        chosen = plan(ListQuery.model_validate(parameters), NOW)
        for start in (None, Position(chosen.partitions[0], invoice().created_at, "1")):
            dynamodb = _DynamoDB([invoice().to_item()])
            indexes = InvoiceIndexes(InvoiceTable("table", dynamodb))  # type: ignore[arg-type]
            indexes._read(chosen, chosen.partitions[0], start, 25)
            indexes.page(chosen, 25)
            all_queries += [
                tables.query_of(request, symbol(InvoiceIndexes._read), read=frozenset(item.names))
                for _, request in dynamodb.requests
            ]
    dynamodb = _DynamoDB()
    receipts = InvoiceIndexes(InvoiceTable("table", dynamodb), FIELDS)  # type: ignore[arg-type]
    receipts.page(plan_receipts(ReceiptQuery()), 25)
    all_queries += [tables.query_of(request, symbol(InvoiceIndexes._read)) for _, request in dynamodb.requests]
    dynamodb = _DynamoDB()
    backlog = Backlog(InvoiceTable("table", dynamodb))  # type: ignore[arg-type]
    now = timestamp(NOW)
    for found in (backlog.undecided(now), backlog.unapplied(now), backlog.created(Place(now, "1"), now)):
        assert [*found] == []
    return [*all_queries, *(tables.query_of(request, symbol(Backlog._query)) for _, request in dynamodb.requests)]


@pytest.fixture(scope="session")
def written() -> list[WrittenItem]:
    """The items that the code writes and looks up: invoices, counters, and records of requests, uploads and claims."""
    items = [WrittenItem(symbol(Invoice.to_item), _types(invoice().to_item()), indexed=True)]

    def noted(thing: Any, dynamodb: _DynamoDB, *, expires: bool) -> None:
        items.extend(
            WrittenItem(symbol(thing), attributes, expires=expires and len(attributes) > 1)
            for attributes in dynamodb.attributes()
        )

    looked = _DynamoDB()
    InvoiceTable("table", looked).item("1")  # type: ignore[arg-type]
    noted(InvoiceTable.item, looked, expires=False)
    keyed = _DynamoDB()
    key = IdempotencyKey("k", "h", lasting=False)
    InvoiceTable("table", keyed).transact([store._put_key(key, "1", NOW)])  # type: ignore[arg-type]
    noted(store._put_key, keyed, expires=True)
    numbered = _DynamoDB()
    sequence = NumberSequence(table := InvoiceTable("table", numbered), 2026)  # type: ignore[arg-type]
    table.transact([sequence.advance(1, 2)])
    noted(NumberSequence.advance, numbered, expires=False)
    uploads = _DynamoDB()
    UploadProgress(InvoiceTable("table", uploads)).begin("d", "u", NOW)  # type: ignore[arg-type]
    noted(UploadProgress.begin, uploads, expires=True)
    moved = _DynamoDB()
    UploadProgress(InvoiceTable("table", moved)).advance("d", Checkpoint(part=1), NOW)  # type: ignore[arg-type]
    noted(UploadProgress.advance, moved, expires=False)
    claimed = _DynamoDB()
    table = InvoiceTable("table", claimed)  # type: ignore[arg-type]
    claim, claims = Claim("c", "EUR", "1", timedelta(days=1)), ClaimStore(table, InvoiceStore(table), Rules())
    claims._put(claim, Record(), {"EUR": ("1",)}, NOW)
    noted(ClaimStore._put, claimed, expires=True)
    received = _DynamoDB()
    receipt = read_receipt({}, source="bank", event_id="e", at=timestamp(NOW))
    InvoiceTable("table", received).transact([put_receipt(ReceiptChange(None, receipt))])  # type: ignore[arg-type]
    noted(put_receipt, received, expires=False)
    return items


def _types(item: dict[str, Any]) -> dict[str, str]:
    return {name: next(iter(value)) for name, value in encode(item).items()}


def the_table(live: Environment) -> TableFacts:
    """The table that the code uses."""
    return tables.tables_of(live.plan)[str(live.outputs["table_name"])]


def test_every_query_is_known_here() -> None:
    callers = sites.calls("query", "scan", "execute_statement", "batch_execute_statement", "execute_transaction")

    assert callers == QUERIES, "send the queries of these in `queries`, and name them in QUERIES; nothing scans"


def test_queries_fit_the_indexes(live: Environment, queries: list[Query]) -> None:
    mismatches = [*tables.compare(the_table(live), queries)]

    assert not mismatches, report(mismatches)
    assert {query.index for query in queries} == {index.name for index in the_table(live).indexes} != set()


def test_items_carry_the_keys(live: Environment, written: list[WrittenItem]) -> None:
    mismatches = [*tables.compare_items(the_table(live), written)]

    assert not mismatches, report(mismatches)
    assert sum(item.expires for item in written) == 3


def test_the_stream_carries_both_images(live: Environment) -> None:
    """process-invoice recognizes a change, as opposed to a creation, by the old image."""
    table = the_table(live)
    new = encode(invoice().to_item())
    old = encode(invoice().model_copy(update={"status": Status.PROCESSED}).to_item())
    parts = {"NEW_AND_OLD_IMAGES": {"NewImage": new, "OldImage": old}, "NEW_IMAGE": {"NewImage": new}}.get(
        table.stream, {}
    )

    before, after = read_images({"dynamodb": {"Keys": {"invoiceId": {"S": "1"}}, **parts}})

    assert before, f"{symbol(read_images)} reads both images; {table.address} has stream_view_type {table.stream}"
    assert after


def test_unit_tests_use_the_planned_table(live: Environment, request: pytest.FixtureRequest) -> None:
    definition = the_table(live).definition()
    if request.config.getoption("--update-table", default=False):
        DEFINITION.write_text(json.dumps(definition, indent=2) + "\n", encoding="utf-8")

    stored = json.loads(DEFINITION.read_text(encoding="utf-8"))

    name = DEFINITION.relative_to(ROOT)
    assert stored == definition, f"{name} is not {the_table(live).address}: ./noxw -s contract -- --update-table"
