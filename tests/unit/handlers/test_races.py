"""Writers that meet, on the table itself: one 200 and one 409, and one event for each transition."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from invoicing.domain.errors import StatusConflict
from invoicing.domain.fields import timestamp
from invoicing.domain.models import Invoice, UpdateInvoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.receipts import Receipt
from invoicing.domain.status import Status
from invoicing.events.bus import derive
from invoicing.services.change_invoice import update
from invoicing.services.decide_invoice import decide_status
from invoicing.services.receive_payment import receive
from invoicing.table.items import decode
from invoicing.table.store import InvoiceStore

Load = Callable[..., ModuleType]

BODY = {
    "invoiceNumber": "1",
    "customerId": "C",
    "issueDate": "2026-11-01",
    "currency": "EUR",
    "lines": [{"description": "x", "quantity": 1, "unitPrice": 100, "taxRate": 19}],
}


class Bench:
    """A processed invoice, and all images of it that the table's stream would contain."""

    def __init__(self, load: Load, call: Any) -> None:
        self.update, self._call = load("update_invoice_status"), call
        create = load("create_invoice")
        self.path = f"/invoices/{call(create, 'POST', '/invoices', body=BODY).body['invoiceId']}"
        self.identity = self.path.rpartition("/")[2]
        created = create.store.get(self.identity)
        assert self.update.store.change(decide_status(created, datetime.fromisoformat(created.created_at)))
        self.images = [self.now()]

    def now(self) -> Invoice:
        key = {"invoiceId": {"S": self.identity}}
        return Invoice.from_item(decode(boto3.client("dynamodb").get_item(TableName="invoices-dev", Key=key)["Item"]))

    def patch(self, body: dict[str, Any]) -> Any:
        response = self._call(self.update, "PATCH", self.path, body=body)
        if self.images[-1] != self.now():
            self.images.append(self.now())
        return response

    def events(self) -> list[str]:
        events = [event for before, after in pairwise(self.images) for event in derive(before, after)]
        return [event.detail_type for event in events]


def lose_a_response(store: InvoiceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next response to a change is lost after the write, so botocore sends the request again."""
    dynamodb: Any = store._table._dynamodb
    endpoint, lost = dynamodb._endpoint, [None]
    ask = endpoint._do_get_response

    def losing(request: Any, operation: Any, context: Any) -> Any:
        response = ask(request, operation, context)
        if lost and operation.name in {"UpdateItem", "TransactWriteItems"}:
            lost.pop()
            return None, ReadTimeoutError(endpoint_url=request.url)
        return response

    monkeypatch.setattr(endpoint, "_do_get_response", losing)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)  # before it sends again


def meet(store: InvoiceStore, monkeypatch: pytest.MonkeyPatch, *writers: Callable[[], Any]) -> list[Any]:
    """Run both writers at once, and return their outcomes: neither writes before both have read the invoice."""
    both, one_at_a_time, outcomes = threading.Barrier(2, timeout=10), threading.Lock(), []
    read, first, dynamodb = store.get, threading.local(), store._table._dynamodb

    def together(identity: str) -> Any:
        invoice = read(identity)
        if not hasattr(first, "read"):
            first.read = invoice
            both.wait()
        return invoice

    def serialized(write: Any, **request: Any) -> Any:
        with one_at_a_time:  # DynamoDB checks and writes in one; moto does not by itself
            return write(**request)

    monkeypatch.setattr(store, "get", together)
    for operation in ("put_item", "update_item", "transact_write_items"):
        monkeypatch.setattr(dynamodb, operation, partial(serialized, getattr(dynamodb, operation)))

    threads = [threading.Thread(target=lambda writer=writer: outcomes.append(writer())) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(outcomes) == len(writers)
    return outcomes


@pytest.fixture
def bench(load: Load, call: Any, table: Any) -> Bench:
    assert table is not None
    return Bench(load, call)


@pytest.mark.parametrize(("one", "two"), [("paid", "void"), ("void", "paid"), ("paid", "paid"), ("void", "void")])
def test_of_two_concurrent_writers_one_succeeds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, one: str, two: str
) -> None:
    """Both have read version 2 before either writes; the condition of the write decides."""
    store = bench.update.store

    def run(status: str) -> Invoice | StatusConflict:
        try:
            request = UpdateInvoice.model_validate({"status": status})
            return update(store, bench.identity, request, now=datetime.now(UTC), by=threading.current_thread().name)
        except StatusConflict as error:
            return error

    outcomes = meet(store, monkeypatch, partial(run, one), partial(run, two))

    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Invoice)]
    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, StatusConflict)]
    assert (lost.status, lost.members) == (409, {"currentStatus": won.status, "currentVersion": 3})
    assert bench.now() == won
    assert (won.version, len(won.payments)) == (3, 1 if won.status == "paid" else 0)


def reported(bench: Bench, payment_id: str, amount: str = "119.00") -> Receipt:
    """Receive a payment as a provider's event announces it."""
    detail = {"invoiceId": bench.identity, "paymentId": payment_id, "amount": amount, "currency": "EUR"}
    now = datetime.now(UTC)
    receipt = read_receipt(detail, source="bank.example", event_id=payment_id, at=timestamp(now))
    return receive(bench.update.store, receipt, now)


@pytest.mark.parametrize(("other", "applied", "overpaid"), [("P-1", 1, "0"), ("P-2", 2, "119.00")])
def test_payments_that_meet_are_both_kept_and_one_that_comes_twice_is_kept_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, other: str, applied: int, overpaid: str
) -> None:
    writers = partial(reported, bench, "P-1"), partial(reported, bench, other)

    receipts = meet(bench.update.store, monkeypatch, *writers)

    stored = bench.now()
    assert [receipt.state for receipt in receipts] == ["applied", "applied"]
    assert (stored.status, stored.amount_paid, stored.overpaid) == ("paid", Decimal("119.00"), Decimal(overpaid))
    assert (len(stored.payments), stored.version) == (applied, 2 + applied)


def test_a_payment_that_meets_a_cancellation_is_kept_whoever_is_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = bench.update.store

    def cancel() -> Invoice | StatusConflict:
        try:
            request = UpdateInvoice.model_validate({"status": "void"})
            return update(store, bench.identity, request, now=datetime.now(UTC), by="api")
        except StatusConflict as error:
            return error

    outcomes = meet(store, monkeypatch, partial(reported, bench, "P-1"), cancel)

    (receipt,) = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    stored = bench.now()
    assert (stored.status, receipt.state) in {("paid", "applied"), ("void", "unapplied")}
    assert stored.amount_paid == (Decimal("119.00") if receipt.state == "applied" else 0)


@pytest.mark.parametrize(
    ("body", "paid", "payments"),
    [
        ({"status": "partially-paid", "payment": {"amount": "10"}}, "10.00", 1),
        ({"status": "partially-paid", "payment": {"paymentId": "P", "amount": "10"}}, "10.00", 1),
        ({"status": "paid", "expectedVersion": 2}, "119.00", 1),
        ({"status": "void"}, "0.00", 0),
    ],
)
def test_a_write_whose_response_was_lost_happens_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], paid: str, payments: int
) -> None:
    lose_a_response(bench.update.store, monkeypatch)
    response = bench.patch(body)
    assert (response.status, response.body["status"], response.body["version"]) == (200, body["status"], 3)
    assert (response.body["amountPaid"], len(response.body["payments"])) == (paid, payments)
    assert bench.now().version == 3


def test_a_decision_whose_response_was_lost_counts_as_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    store = bench.update.store
    created = bench.now().model_copy(update={"invoice_id": "other", "status": Status.CREATED, "version": 1})
    store.create(created)
    decision = decide_status(created, datetime.now(UTC))
    lose_a_response(store, monkeypatch)
    assert store.change(decision)
    assert not store.change(decide_status(created, datetime.now(UTC) + timedelta(seconds=1)))


def test_paid_is_an_event_once_for_the_transition(bench: Bench) -> None:
    payments = [
        ("p-1", "50.00"),
        ("p-1", "50.00"),
        ("p-2", "60.00"),
        ("p-3", "9.00"),
        ("p-3", "9.00"),
        ("p-1", "50.00"),
    ]
    statuses = [
        bench.patch({"status": "paid", "payment": {"paymentId": name, "amount": amount}}).status
        for name, amount in payments
    ]
    assert statuses == [200] * len(payments)
    assert bench.patch({"status": "paid"}).status == 409
    assert bench.events() == ["invoice-partially-paid", "invoice-partially-paid", "invoice-paid"]
    stored = bench.now()
    assert [payment.payment_id for payment in stored.payments] == ["p-1", "p-2", "p-3"]
    assert [entry.status for entry in stored.history] == [
        "created", "processed", "partially-paid", "partially-paid", "paid",
    ]  # fmt: skip


def test_an_overpayment_is_rejected_and_changes_nothing(bench: Bench) -> None:
    before = bench.now()
    response = bench.patch({"status": "paid", "payment": {"paymentId": "p", "amount": "119.01"}})
    assert (response.status, response.body["amountDue"]) == (409, "119.00")
    assert bench.now() == before
    assert bench.events() == []
