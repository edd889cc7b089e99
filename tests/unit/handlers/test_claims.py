"""process-invoice compares an invoice with others of its customer: currency, VAT id, the same content once more."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest

from invoicing import claims
from invoicing.claims import CONTENT_LIFE, Claim, ClaimContendedError, ClaimStore, conflicts
from invoicing.issuing import Origin, invoice_id, issue
from invoicing.models import CreateInvoice, Invoice
from invoicing.status import Status

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Load = Callable[..., ModuleType]


def made(number: str, **changes: Any) -> Invoice:
    """An invoice; each number has a line of its own unless the lines are given."""
    line = {"description": f"Thing {number}", "quantity": 2, "unitPrice": "10.50", "taxRate": 19}
    body = {"customerId": "C-1", "invoiceNumber": number, "issueDate": "2026-11-01", "currency": "EUR", "lines": [line]}
    request = CreateInvoice.model_validate(body | changes)
    identity = invoice_id(request.customer_id, number)
    return issue(request, number=number, identity=identity, origin=Origin(NOW, "api", "api"))


@pytest.fixture
def store(table: Any) -> ClaimStore:
    return ClaimStore(table.name)


def decided(store: ClaimStore, invoice: Invoice, now: datetime = NOW) -> list[str]:
    """Put the invoice there, and ask what speaks against it."""
    store.create(invoice)
    return conflicts(store, invoice, now)


SAME = [{"description": "Thing", "quantity": 2, "unitPrice": "10.50", "taxRate": 19}]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({}, {}, None),
        ({}, {"currency": "USD"}, "customer C-1 is invoiced in EUR (invoice 1), this is USD"),
        ({}, {"currency": "USD", "customerId": "C-2"}, None),
        (
            {"customer": {"vatId": "DE 123.456.789"}},
            {"customer": {"vatId": "DE987654321"}},
            "customer C-1 has the VAT id DE123456789 (invoice 1), this says DE987654321",
        ),
        ({"customer": {"vatId": "DE 123.456.789"}}, {"customer": {"vatId": "de-123456789"}}, None),
        ({"customer": {"vatId": "DE123456789"}}, {}, None),
        ({}, {"customer": {"vatId": "DE123456789"}}, None),
        ({"customer": {"name": "Alpha", "email": "a@a.example"}}, {"customer": {"name": "Alpha Ltd"}}, None),
        ({"lines": SAME}, {"lines": SAME}, "repeats invoice 1: same customer, dates, currency and lines"),
        ({"lines": SAME}, {"lines": [SAME[0] | {"quantity": "2.0"}]}, "repeats invoice 1"),
        ({"lines": SAME}, {"lines": SAME, "customerId": "C-2"}, None),
        ({"lines": SAME}, {"lines": SAME, "issueDate": "2026-11-02"}, None),
        ({"lines": SAME}, {"lines": SAME, "dueDate": "2026-11-02"}, None),
        ({"lines": SAME}, {"lines": SAME * 2}, None),
        ({"lines": SAME}, {"lines": [SAME[0] | {"description": "Thing, order 2"}]}, None),
    ],
)
def test_what_a_second_invoice_must_agree_with(
    store: ClaimStore, first: dict[str, Any], second: dict[str, Any], reason: str | None
) -> None:
    assert decided(store, made("1", **first)) == []
    found = decided(store, made("2", **second))
    assert len(found) == (reason is not None)
    assert "".join(found).startswith(reason or "")


def test_all_disagreements_are_told_at_once(store: ClaimStore) -> None:
    decided(store, made("1", customer={"vatId": "DE1"}))
    assert len(decided(store, made("2", customer={"vatId": "DE2"}, currency="JPY"))) == 2


def test_a_vat_id_that_comes_later_counts_from_then_on(store: ClaimStore) -> None:
    decided(store, made("1"))
    decided(store, made("2", customer={"vatId": "DE1"}))
    (reason,) = decided(store, made("3", customer={"vatId": "DE2"}))
    assert "has the VAT id DE1 (invoice 2)" in reason


def test_a_record_that_is_delivered_twice_agrees_with_itself(store: ClaimStore) -> None:
    invoice = made("1", customer={"vatId": "DE1"})
    assert decided(store, invoice) == []
    assert conflicts(store, invoice, NOW) == []


@pytest.mark.parametrize("status", [Status.VOID, Status.REJECTED])
def test_an_invoice_that_does_not_stand_any_more_binds_nobody(store: ClaimStore, table: Any, status: Status) -> None:
    wrong = made("1", currency="USD")
    decided(store, wrong)
    table.update_item(
        Key={"invoiceId": wrong.invoice_id},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": status.value},
    )
    assert decided(store, made("2")) == []
    (reason,) = decided(store, made("3", currency="USD"))
    assert "is invoiced in EUR (invoice 2)" in reason


def test_what_an_invoice_said_is_forgotten_after_a_year(store: ClaimStore) -> None:
    decided(store, made("1", lines=SAME))
    later = NOW + CONTENT_LIFE + timedelta(seconds=2)
    assert decided(store, made("2", lines=SAME), later) == []
    assert decided(store, made("3", currency="USD"), later) != []  # the currency is not


def test_of_two_that_decide_at_once_one_is_first(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = made("1"), made("2", currency="USD")
    store.create(one)
    real = ClaimStore._claim

    def overtaken(self: ClaimStore, item_id: str, now: datetime) -> Claim | None:
        there = real(self, item_id, now)
        monkeypatch.undo()
        assert conflicts(store, one, NOW) == []
        return there

    monkeypatch.setattr(ClaimStore, "_claim", overtaken)
    assert len(decided(store, other)) == 1


def test_a_claim_that_keeps_changing_hands_makes_the_record_come_again(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClaimStore, "_put", lambda *_: False)
    with pytest.raises(ClaimContendedError, match=f"changed hands {claims.ATTEMPTS} times"):
        decided(store, made("1"))


def test_reasons_are_kept_on_the_invoice_and_told_in_the_event(
    load: Load, table: Any, stream_record: Any, context: Any
) -> None:
    process = load("process_invoice")
    told: list[Any] = []
    process.bus.publish = told.append
    dynamodb = boto3.client("dynamodb")
    for invoice in (made("1"), made("2", currency="USD")):
        process.store.create(invoice)
        key = {"invoiceId": {"S": invoice.invoice_id}}
        before = dynamodb.get_item(TableName=table.name, Key=key)["Item"]
        assert process.lambda_handler({"Records": [stream_record(before)]}, context) == {"batchItemFailures": []}
        after = dynamodb.get_item(TableName=table.name, Key=key)["Item"]
        process.lambda_handler({"Records": [stream_record(after, before)]}, context)
    assert [event.detail_type for event in told] == [
        "invoice-created",
        "invoice-processed",
        "invoice-created",
        "invoice-rejected",
    ]
    reason = "customer C-1 is invoiced in EUR (invoice 1), this is USD"
    assert told[-1].detail["reasons"] == [reason]
    assert after["history"]["L"][-1]["M"]["reasons"]["L"] == [{"S": reason}]


def test_claims_are_no_invoices_for_the_stream(load: Load, table: Any, stream_record: Any, context: Any) -> None:
    process = load("process_invoice")
    process.bus.publish = lambda event: pytest.fail(f"published {event}")
    decided(process.store, made("1"))
    items = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    kept = [item for item in items if item["invoiceId"]["S"].startswith("claim#")]
    assert len(kept) == 2
    assert "C-1" not in json.dumps([item["invoiceId"] for item in kept])
    records = [stream_record(item, number=number) for number, item in enumerate(kept, 1)]
    assert process.lambda_handler({"Records": records}, context) == {"batchItemFailures": []}
    assert set(kept[0]) <= {"invoiceId", "heldBy", "number", "says", "expiresAt"}  # none of the indexes' keys


def test_what_the_rules_reject_claims_nothing(load: Load, table: Any, stream_record: Any, context: Any) -> None:
    process = load("process_invoice")
    process.bus.publish = lambda _: None
    free = made("1", currency="USD", lines=[SAME[0] | {"unitPrice": 0}])
    process.store.create(free)
    (item,) = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    process.lambda_handler({"Records": [stream_record(item)]}, context)
    assert decided(process.store, made("2")) == []
