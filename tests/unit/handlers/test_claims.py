"""process-invoice compares an invoice with others of its customer: currency, VAT id, repeated content."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest

from invoicing.domain.models import Invoice
from invoicing.domain.rules import Rules
from invoicing.domain.status import Status
from invoicing.table import claims
from invoicing.table.claims import CONTENT_LIFE, HOLDERS, VALUES, Claim, ClaimContendedError, ClaimStore, Record
from invoicing.table.connection import InvoiceTable
from invoicing.table.store import InvoiceStore
from tests.data import invoices

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL = Rules("hold", "hold", "hold")
Load = Callable[..., ModuleType]


def an_invoice(number: str, **changes: Any) -> Invoice:
    """An invoice; each number has its own line unless the lines are passed."""
    line = {"description": f"Thing {number}", "quantity": 2, "unitPrice": "10.50", "taxRate": 19}
    return invoices.an_invoice(**{"number": number, "lines": [line]} | changes)


@pytest.fixture
def store(table: Any) -> ClaimStore:
    connection = InvoiceTable(table.name)
    return ClaimStore(connection, InvoiceStore(connection), ALL)


def create(invoice: Invoice) -> None:
    InvoiceStore(InvoiceTable("invoices-dev")).create(invoice)


def decide(store: ClaimStore, invoice: Invoice, now: datetime = NOW) -> list[str]:
    """Store the invoice, and return the reasons to hold it."""
    create(invoice)
    return store.conflicts(invoice, now)


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
            "customer C-1 has the VAT id DE123456789 (invoice 1), this has DE987654321",
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
    assert decide(store, an_invoice("1", **first)) == []

    reasons = decide(store, an_invoice("2", **second))

    assert len(reasons) == (reason is not None)
    assert "".join(reasons).startswith(reason or "")


def test_all_disagreements_are_reported_together(store: ClaimStore) -> None:
    decide(store, an_invoice("1", customer={"vatId": "DE1"}))
    assert len(decide(store, an_invoice("2", customer={"vatId": "DE2"}, currency="JPY"))) == 2


def test_a_vat_id_that_comes_later_counts_from_then_on(store: ClaimStore) -> None:
    decide(store, an_invoice("1"))
    decide(store, an_invoice("2", customer={"vatId": "DE1"}))
    (reason,) = decide(store, an_invoice("3", customer={"vatId": "DE2"}))
    assert "has the VAT id DE1 (invoice 2)" in reason


def test_a_record_that_is_delivered_twice_agrees_with_itself(store: ClaimStore) -> None:
    invoice = an_invoice("1", customer={"vatId": "DE1"})
    assert decide(store, invoice) == []
    assert store.conflicts(invoice, NOW) == []


def set_status(table: Any, invoice: Invoice, status: Status = Status.VOID) -> None:
    table.update_item(
        Key={"invoiceId": invoice.invoice_id},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": status.value},
    )


@pytest.mark.parametrize("status", [Status.VOID, Status.HELD])
def test_a_void_or_held_invoice_no_longer_binds_others(store: ClaimStore, table: Any, status: Status) -> None:
    wrong = an_invoice("1", currency="USD")
    decide(store, wrong)
    set_status(table, wrong, status)
    assert decide(store, an_invoice("2")) == []
    (reason,) = decide(store, an_invoice("3", currency="USD"))
    assert "is invoiced in EUR (invoice 2)" in reason


@pytest.mark.parametrize(
    ("same", "different"),
    [({}, {"currency": "USD"}), ({"customer": {"vatId": "DE1"}}, {"customer": {"vatId": "DE2"}})],
)
def test_a_claim_is_valid_while_any_of_its_holders_is(
    store: ClaimStore, table: Any, same: dict[str, Any], different: dict[str, Any]
) -> None:
    first, second = an_invoice("1", **same), an_invoice("2", **same)
    assert decide(store, first) == decide(store, second) == []
    set_status(table, first)
    (reason,) = decide(store, an_invoice("3", **different))
    assert "(invoice 2)" in reason
    assert decide(store, an_invoice("4", **same)) == []
    set_status(table, second)
    assert decide(store, an_invoice("5", **different)) != []  # the fourth is still valid
    set_status(table, an_invoice("4"))
    assert decide(store, an_invoice("6", **different)) == []
    assert decide(store, an_invoice("7", **same)) != []


def test_a_full_claim_replaces_its_first_holder_when_that_is_void(store: ClaimStore, table: Any) -> None:
    holders = [an_invoice(f"{number}") for number in range(HOLDERS)]
    for invoice in holders:
        assert decide(store, invoice) == []
    assert decide(store, an_invoice("unrecorded")) == []
    set_status(table, an_invoice("unrecorded"))
    set_status(table, holders[0])
    assert decide(store, an_invoice("replacement")) == []
    for invoice in holders[1:]:
        set_status(table, invoice)
    (reason,) = decide(store, an_invoice("other", currency="USD"))
    assert "(invoice replacement)" in reason
    (claim,) = [item for item in table.scan()["Items"] if item["invoiceId"].startswith("claim#currency")]
    assert [len(entry["heldBy"]) for entry in claim["values"]] == [HOLDERS]
    set_status(table, an_invoice("replacement"))
    assert decide(store, an_invoice("last", currency="USD")) == []


def test_a_claim_that_is_held_already_or_full_is_not_written_again(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders = [an_invoice(f"{number}") for number in range(HOLDERS + 1)]
    for invoice in holders:
        decide(store, invoice)
    monkeypatch.setattr(ClaimStore, "_put", lambda *_: pytest.fail("written"))
    assert [store.conflicts(invoice, NOW) for invoice in holders] == [[]] * len(holders)


@pytest.mark.parametrize("filled", [1, 3])
def test_an_agreeing_invoice_can_be_first_while_another_takes_over(
    store: ClaimStore, table: Any, monkeypatch: pytest.MonkeyPatch, filled: int
) -> None:
    """The one that takes over has read that all holders are void; before it writes, another invoice agrees."""
    for number in range(filled):
        decide(store, an_invoice(f"{number}"))
        set_status(table, an_invoice(f"{number}"))
    agreeing = an_invoice("agreeing")
    create(agreeing)
    real = ClaimStore._with_holder

    def overtaken(self: ClaimStore, record: Record, claim: Claim) -> Any:
        holders = real(self, record, claim)
        monkeypatch.undo()
        assert store.conflicts(agreeing, NOW) == []
        return holders

    monkeypatch.setattr(ClaimStore, "_with_holder", overtaken)
    (reason,) = decide(store, an_invoice("contrary", currency="USD"))
    assert "(invoice agreeing)" in reason


def test_an_agreeing_invoice_is_compared_again_when_the_claim_was_taken_over(
    store: ClaimStore, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(store, an_invoice("1"))
    set_status(table, an_invoice("1"))
    real, contrary = ClaimStore._with_holder, an_invoice("2", currency="USD")
    create(contrary)

    def overtaken(self: ClaimStore, record: Record, claim: Claim) -> Any:
        holders = real(self, record, claim)
        monkeypatch.undo()
        assert store.conflicts(contrary, NOW) == []
        return holders

    monkeypatch.setattr(ClaimStore, "_with_holder", overtaken)
    (reason,) = decide(store, an_invoice("3"))
    assert "is invoiced in USD (invoice 2)" in reason


def test_the_content_of_an_invoice_is_forgotten_after_a_year(store: ClaimStore) -> None:
    decide(store, an_invoice("1", lines=SAME))
    later = NOW + CONTENT_LIFE + timedelta(seconds=2)
    assert decide(store, an_invoice("2", lines=SAME), later) == []
    assert decide(store, an_invoice("3", currency="USD"), later) != []  # the currency is not


def test_of_two_concurrent_decisions_one_is_first(store: ClaimStore, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = an_invoice("1"), an_invoice("2", currency="USD")
    create(one)
    real = ClaimStore._read

    def overtaken(self: ClaimStore, claim: Claim, now: datetime) -> Record:
        stored = real(self, claim, now)
        monkeypatch.undo()
        assert store.conflicts(one, NOW) == []
        return stored

    monkeypatch.setattr(ClaimStore, "_read", overtaken)
    assert len(decide(store, other)) == 1


def test_a_claim_that_keeps_changing_hands_has_the_record_delivered_again(
    store: ClaimStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClaimStore, "_put", lambda *_: False)
    with pytest.raises(ClaimContendedError, match=f"changed hands {claims.ATTEMPTS} times"):
        decide(store, an_invoice("1"))


def test_reasons_are_in_the_history_and_in_the_event(load: Load, table: Any, stream_record: Any, context: Any) -> None:
    process = load("process_invoice")
    events: list[Any] = []
    process.bus.publish = events.append
    dynamodb = boto3.client("dynamodb")
    for invoice in (an_invoice("1"), an_invoice("2", currency="USD")):
        process.store.create(invoice)
        key = {"invoiceId": {"S": invoice.invoice_id}}
        before = dynamodb.get_item(TableName=table.name, Key=key)["Item"]
        assert process.lambda_handler({"Records": [stream_record(before)]}, context) == {"batchItemFailures": []}
        after = dynamodb.get_item(TableName=table.name, Key=key)["Item"]
        process.lambda_handler({"Records": [stream_record(after, before)]}, context)
    assert [event.detail_type for event in events] == [
        "invoice-created",
        "invoice-processed",
        "invoice-created",
        "invoice-held",
    ]
    reason = "customer C-1 is invoiced in EUR (invoice 1), this is USD"
    assert events[-1].detail["reasons"] == [reason]
    assert after["history"]["L"][-1]["M"]["reasons"]["L"] == [{"S": reason}]


def test_claims_in_the_stream_are_not_invoices(load: Load, table: Any, stream_record: Any, context: Any) -> None:
    process = load("process_invoice")
    process.bus.publish = lambda event: pytest.fail(f"published {event}")
    decide(process.claims, an_invoice("1"))
    items = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    stored = [item for item in items if item["invoiceId"]["S"].startswith("claim#")]
    assert len(stored) == 2
    assert "C-1" not in json.dumps([item["invoiceId"] for item in stored])
    records = [stream_record(item, number=number) for number, item in enumerate(stored, 1)]
    assert process.lambda_handler({"Records": records}, context) == {"batchItemFailures": []}
    assert set(stored[0]) <= {"invoiceId", "revision", "values", "expiresAt"}  # none of the indexes' keys


def test_a_held_invoice_claims_nothing(store: ClaimStore) -> None:
    """Its currency agrees, its VAT id does not: so its currency must not count either."""
    decide(store, an_invoice("1", customer={"vatId": "DE1"}))
    assert decide(store, an_invoice("2", customer={"vatId": "DE2"}, lines=SAME)) != []
    assert decide(store, an_invoice("3", lines=SAME)) == []  # nothing is repeated


def test_a_first_wrong_invoice_binds_nobody_once_a_right_one_is_released(store: ClaimStore) -> None:
    decide(store, an_invoice("1", customer={"vatId": "DE1"}))
    right = an_invoice("2", customer={"vatId": "DE2"})
    assert decide(store, right) != []

    store.record(right, NOW)  # an operator has released it

    assert decide(store, an_invoice("3", customer={"vatId": "DE2"})) == []
    assert decide(store, an_invoice("4", customer={"vatId": "DE1"})) == []  # both count
    assert decide(store, an_invoice("5", customer={"vatId": "DE3"})) != []


def test_the_latest_values_are_kept(store: ClaimStore, table: Any) -> None:
    for number in range(VALUES + 2):
        invoice = an_invoice(f"{number}", customer={"vatId": f"DE{number}"})
        create(invoice)
        store.record(invoice, NOW)

    (record,) = [item for item in table.scan()["Items"] if item["invoiceId"].startswith("claim#vat-id")]
    assert [entry["says"] for entry in record["values"]] == [f"DE{number}" for number in range(2, VALUES + 2)]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (Rules("accept", "accept", "accept"), []),
        (Rules("hold", "accept", "accept"), ["currency"]),
        (Rules("accept", "hold", "accept"), ["vat-id"]),
        (Rules("accept", "accept", "hold"), ["content"]),
    ],
)
def test_what_an_environment_accepts_is_not_even_recorded(table: Any, rules: Rules, kept: list[str]) -> None:
    connection = InvoiceTable(table.name)
    store = ClaimStore(connection, InvoiceStore(connection), rules)
    decide(store, an_invoice("1", customer={"vatId": "DE1"}, lines=SAME))

    reasons = decide(store, an_invoice("2", customer={"vatId": "DE1"}, lines=SAME))
    reasons += decide(store, an_invoice("3", customer={"vatId": "DE2"}, currency="USD"))

    records = [item["invoiceId"].split("#")[1] for item in table.scan()["Items"] if "#" in item["invoiceId"]]
    assert (sorted({*records}), len(reasons)) == (kept, len(kept))


def test_customers_whose_ids_look_the_same_are_one(store: ClaimStore) -> None:
    decide(store, an_invoice("1", customerId="C 1001"))

    (reason,) = decide(store, an_invoice("2", customerId="C\u00a01001", currency="USD"))

    assert "is invoiced in EUR (invoice 1)" in reason


def test_a_released_invoice_is_recorded_when_the_stream_says_so(
    load: Load, call: Any, table: Any, stream_record: Any, context: Any
) -> None:
    process, update = load("process_invoice"), load("update_invoice_status")
    events: list[Any] = []
    process.bus.publish = events.append
    dynamodb = boto3.client("dynamodb")

    def image(invoice: Invoice) -> Any:
        return dynamodb.get_item(TableName=table.name, Key={"invoiceId": {"S": invoice.invoice_id}})["Item"]

    for invoice in (an_invoice("1"), released := an_invoice("2", currency="USD")):
        process.store.create(invoice)
        process.lambda_handler({"Records": [stream_record(image(invoice))]}, context)
    held = image(released)
    response = call(update, "PATCH", f"/invoices/{released.invoice_id}", body={"status": "processed"})
    assert (response.status, response.body["status"]) == (200, "processed")
    assert [entry["status"] for entry in response.body["history"]] == ["created", "held", "processed"]
    process.lambda_handler({"Records": [stream_record(image(released), held)]}, context)
    assert decide(process.claims, an_invoice("3", currency="USD")) == []
    assert events[-1].detail_type == "invoice-processed"
    assert events[-1].detail["previousStatus"] == "held"
