"""process-invoice compares an invoice with others of its customer: currency, VAT id, the same content once more."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest

from invoicing.domain.invoice_factory import Origin, invoice_id, issue
from invoicing.domain.models import CreateInvoice, Invoice
from invoicing.domain.status import Status
from invoicing.table import claims
from invoicing.table.claims import CONTENT_LIFE, HOLDERS, Claim, ClaimContendedError, ClaimStore, conflicts

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


def fell(table: Any, invoice: Invoice, status: Status = Status.VOID) -> None:
    table.update_item(
        Key={"invoiceId": invoice.invoice_id},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": status.value},
    )


@pytest.mark.parametrize("status", [Status.VOID, Status.REJECTED])
def test_an_invoice_that_does_not_stand_any_more_binds_nobody(store: ClaimStore, table: Any, status: Status) -> None:
    wrong = made("1", currency="USD")
    decided(store, wrong)
    fell(table, wrong, status)
    assert decided(store, made("2")) == []
    (reason,) = decided(store, made("3", currency="USD"))
    assert "is invoiced in EUR (invoice 2)" in reason


@pytest.mark.parametrize(
    ("same", "different"),
    [({}, {"currency": "USD"}), ({"customer": {"vatId": "DE1"}}, {"customer": {"vatId": "DE2"}})],
)
def test_a_claim_stays_while_any_invoice_that_agreed_stands(
    store: ClaimStore, table: Any, same: dict[str, Any], different: dict[str, Any]
) -> None:
    first, second = made("1", **same), made("2", **same)
    assert decided(store, first) == decided(store, second) == []
    fell(table, first)
    (reason,) = decided(store, made("3", **different))
    assert "(invoice 2)" in reason
    assert decided(store, made("4", **same)) == []
    fell(table, second)
    assert decided(store, made("5", **different)) != []  # the fourth stands
    fell(table, made("4"))
    assert decided(store, made("6", **different)) == []
    assert decided(store, made("7", **same)) != []


def test_a_full_claim_takes_a_new_holder_for_one_that_fell(store: ClaimStore, table: Any) -> None:
    holders = [made(f"{number}") for number in range(HOLDERS)]
    for invoice in holders:
        assert decided(store, invoice) == []
    assert decided(store, made("unnoticed")) == []
    fell(table, made("unnoticed"))
    fell(table, holders[0])
    assert decided(store, made("heir")) == []
    for invoice in holders[1:]:
        fell(table, invoice)
    (reason,) = decided(store, made("other", currency="USD"))
    assert "(invoice heir)" in reason
    (claim,) = [item for item in table.scan()["Items"] if item["invoiceId"].startswith("claim#currency")]
    assert 1 + len(claim["alsoHeldBy"]) == HOLDERS
    fell(table, made("heir"))
    assert decided(store, made("last", currency="USD")) == []


def test_a_claim_that_is_held_already_or_full_is_not_written_again(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders = [made(f"{number}") for number in range(HOLDERS + 1)]
    for invoice in holders:
        decided(store, invoice)
    monkeypatch.setattr(ClaimStore, "_put", lambda *_: pytest.fail("written"))
    assert [conflicts(store, invoice, NOW) for invoice in holders] == [[]] * len(holders)


def test_a_claim_of_the_first_releases_is_read_and_held(store: ClaimStore, table: Any) -> None:
    first = made("1")
    decided(store, first)
    (claim,) = [item for item in table.scan()["Items"] if item["invoiceId"].startswith("claim#currency")]
    assert set(claim) == {"invoiceId", "heldBy", "number", "says"}  # as it was written then
    assert decided(store, made("2")) == []
    fell(table, first)
    assert decided(store, made("3", currency="USD")) != []


@pytest.mark.parametrize("filled", [1, 3])
def test_of_one_that_agrees_and_one_that_takes_over_one_is_first(
    store: ClaimStore, table: Any, monkeypatch: pytest.MonkeyPatch, filled: int
) -> None:
    """The one that takes over has seen all holders fall; before it writes, another one agrees and stands."""
    for number in range(filled):
        decided(store, made(f"{number}"))
        fell(table, made(f"{number}"))
    agreeing = made("agreeing")
    store.create(agreeing)
    real = ClaimStore._standing

    def overtaken(self: ClaimStore, claim: Claim) -> Claim | None:
        standing = real(self, claim)
        assert standing is None
        monkeypatch.undo()
        assert conflicts(store, agreeing, NOW) == []
        return standing

    monkeypatch.setattr(ClaimStore, "_standing", overtaken)
    (reason,) = decided(store, made("contrary", currency="USD"))
    assert "(invoice agreeing)" in reason


def test_one_that_agrees_is_compared_anew_when_the_claim_was_taken_over(
    store: ClaimStore, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(store, made("1"))
    fell(table, made("1"))
    real, contrary = ClaimStore._joined, made("2", currency="USD")
    store.create(contrary)

    def overtaken(self: ClaimStore, there: Claim, wanted: Claim) -> Claim:
        held = real(self, there, wanted)
        monkeypatch.undo()
        assert conflicts(store, contrary, NOW) == []
        return held

    monkeypatch.setattr(ClaimStore, "_joined", overtaken)
    (reason,) = decided(store, made("3"))
    assert "is invoiced in USD (invoice 2)" in reason


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
    assert set(kept[0]) <= {
        "invoiceId",
        "heldBy",
        "alsoHeldBy",
        "number",
        "says",
        "expiresAt",
    }  # none of the indexes' keys


def test_what_the_rules_reject_claims_nothing(load: Load, table: Any, stream_record: Any, context: Any) -> None:
    process = load("process_invoice")
    process.bus.publish = lambda _: None
    free = made("1", currency="USD", lines=[SAME[0] | {"unitPrice": 0}])
    process.store.create(free)
    (item,) = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    process.lambda_handler({"Records": [stream_record(item)]}, context)
    assert decided(process.store, made("2")) == []
