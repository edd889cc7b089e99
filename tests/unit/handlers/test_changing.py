"""``PATCH /invoices/{id}`` and payment events: writers that meet, versions, and what an invoice has room for."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from invoicing.services.decide_invoice import decide_status
from invoicing.table.retries import Canceled
from tests.unit.handlers.bodies import LINE, NUMBERED

Load = Callable[..., ModuleType]

pytestmark = pytest.mark.usefixtures("table")


@pytest.mark.parametrize(("other", "version"), [("void", 3), ("paid", 3)])
def test_a_writer_that_was_overtaken_decides_again(
    processed: Callable[..., str], load: Load, call: Any, monkeypatch: pytest.MonkeyPatch, other: str, version: int
) -> None:
    path, update = processed(), load("update_invoice_status")
    read, overtakers = update.store.get, [None]

    def overtaken(invoice_id: str) -> Any:
        invoice = read(invoice_id)
        if overtakers:
            overtakers.pop()
            assert call(update, "PATCH", path, body={"status": other}).status == 200
        return invoice

    monkeypatch.setattr(update.store, "get", overtaken)
    response = call(update, "PATCH", path, body={"status": "void"})
    assert response.status == 409
    assert (response.body["currentStatus"], response.body["currentVersion"]) == (other, version)


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"2"', 200), ("*", 200), ('"7", "2"', 200), (' "2" ', 200),
        ('"7"', 412), ('W/"2"', 412), ('"02"', 412), ('"x"', 412), ('"2x"', 412), ('""', 412),
        ("1", 400), ("", 400), ('"1', 400), ('"1" "2"', 400), ('"1",', 400), ("*, *", 400),
    ],
)  # fmt: skip
def test_if_match_changes_only_the_version_that_it_names(
    processed: Callable[..., str], load: Load, call: Any, tags: str, status: int
) -> None:
    path = processed()
    update = load("update_invoice_status")
    response = call(update, "PATCH", path, body={"status": "void"}, headers={"If-Match": tags})
    assert response.status == status
    if status == 200:
        assert response.headers["ETag"] == '"3"'
    elif status == 412:
        assert response.body["type"] == "urn:invoice-platform:problem:precondition-failed"
        assert (response.body["currentStatus"], response.body["currentVersion"]) == ("processed", 2)
    else:
        assert response.body["errors"][0]["pointer"] == "If-Match"


def test_a_writer_that_was_overtaken_no_longer_matches(
    processed: Callable[..., str], load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, update = processed(), load("update_invoice_status")
    real, overtakers = update.store.change, [None]

    def overtaken(change: Any) -> Any:
        if overtakers:
            overtakers.pop()
            payment = {"amount": "1.00", "paymentId": "first"}
            body = {"status": "partially-paid", "payment": payment}
            assert call(update, "PATCH", path, body=body).status == 200
        return real(change)

    monkeypatch.setattr(update.store, "change", overtaken)
    response = call(update, "PATCH", path, body={"status": "void"}, headers={"If-Match": '"2"'})
    current = (response.body["currentVersion"], response.body["currentStatus"])
    assert (response.status, *current) == (412, 3, "partially-paid")


@pytest.mark.parametrize("status", ["held", "rejected", "created"])
def test_clients_cannot_request_decisions_of_the_rules(create: ModuleType, load: Load, call: Any, status: str) -> None:
    path = f"/invoices/{call(create, 'POST', '/invoices', body=NUMBERED).body['invoiceId']}"
    response = call(load("update_invoice_status"), "PATCH", path, body={"status": status})
    assert (response.status, response.body["errors"][0]["pointer"]) == (400, "#/status")


def test_an_item_too_large_for_dynamodb_gets_413(
    processed: Callable[..., str], load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = processed()
    update = load("update_invoice_status")

    def fail_with(message: str) -> None:
        def write(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "UpdateItem")

        monkeypatch.setattr(update.store._table._dynamodb, "update_item", write)

    fail_with("Item size to update has exceeded the maximum allowed size")
    response = call(update, "PATCH", path, body={"status": "void"})
    assert (response.status, response.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")
    fail_with("something else is wrong")
    with pytest.raises(ClientError, match="something else"):
        call(update, "PATCH", path, body={"status": "void"})


@pytest.mark.usefixtures("s3")
def test_part_payments_end_where_the_item_is_full_and_settling_still_fits(
    create: ModuleType, load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("invoicing.table.store.MAX_BYTES", 40 * 1024)  # moto counts an item that grows twice
    big = NUMBERED | {"lines": [LINE | {"description": "x" * 1000}] * 24}
    created = call(create, "POST", "/invoices", body=big)
    assert created.status == 201, created.body
    path = f"/invoices/{created.body['invoiceId']}"
    update = load("update_invoice_status")
    assert update.store.change(decide_status(update.store.get(created.body["invoiceId"]), datetime.now(UTC)))
    long = {"method": "株" * 200, "reference": "株" * 200}
    statuses = []
    while statuses[-1:] != [413]:
        payment = long | {"paymentId": f"p-{len(statuses)}", "amount": "1.00"}
        response = call(update, "PATCH", path, body={"status": "partially-paid", "payment": payment})
        statuses.append(response.status)
    assert set(statuses) == {200, 413}
    assert response.body["type"] == "urn:invoice-platform:problem:invoice-too-large"
    assert "no room in the table for another part payment" in response.body["detail"]
    assert response.body["currentStatus"] == "partially-paid"
    due = call(load("get_invoice"), "GET", path).body["amountDue"]
    payment = {"paymentId": "p" * 64, "amount": due, "method": "𝄞" * 200, "reference": "𝄞" * 200}
    paid = call(update, "PATCH", path, body={"status": "paid", "payment": payment})
    assert (paid.status, paid.body["status"]) == (200, "paid")


def test_a_writer_that_is_always_overtaken_gets_503(
    processed: Callable[..., str], load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = processed()
    update = load("update_invoice_status")
    monkeypatch.setattr(update.store, "change", lambda _: False)
    assert call(update, "PATCH", path, body={"status": "void"}).status == 503


@pytest.mark.parametrize("reason", ["TransactionConflict", "size"])
def test_a_payment_that_meets_other_writers_waits_or_is_too_large(
    processed: Callable[..., str], load: Load, call: Any, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    path, update = processed(), load("update_invoice_status")
    message = "Item size to update has exceeded the maximum allowed size"
    code = "ValidationError" if reason == "size" else reason
    real, failures = update.store._table.transact, [None] * 2

    def transact(writes: Any) -> None:
        if failures:
            failures.pop()
            raise Canceled([{"Code": code, "Message": message}, {"Code": "None"}])
        real(writes)

    pauses: list[float] = []
    monkeypatch.setattr(update.store._table, "transact", transact)
    monkeypatch.setattr("time.sleep", pauses.append)
    response = call(update, "PATCH", path, body={"status": "paid"})
    assert (response.status, len(pauses)) == ((413, 0) if reason == "size" else (200, 2))


@pytest.mark.parametrize(
    ("payment", "place"),
    [
        ({"amount": 1, "paidAt": "0002-01-01T00:00:00+23:59"}, "paidAt"),
        ({"amount": 1, "paidAt": "9998-12-31T23:59:59-23:59"}, "paidAt"),
        ({"amount": f"1.{'0' * 80}1"}, "amount"),
    ],
)
def test_an_invalid_payment_gets_400(
    create: ModuleType, load: Load, call: Any, payment: dict[str, Any], place: str
) -> None:
    invoice_id = call(create, "POST", "/invoices", body=NUMBERED).body["invoiceId"]
    body = {"status": "paid", "payment": payment}
    response = call(load("update_invoice_status"), "PATCH", f"/invoices/{invoice_id}", body=body)
    assert (response.status, response.body["errors"][0]["pointer"]) == (400, f"#/payment/{place}")


def test_a_payment_with_two_amounts_is_none(processed: Callable[..., str], load: Load, call: Any) -> None:
    path, update = processed(), load("update_invoice_status")
    body = '{"status": "partially-paid", "payment": {"amount": 1, "amount": 2}}'

    response = call(update, "PATCH", path, body=body)

    assert (response.status, response.body["errors"][0]["pointer"]) == (400, "#/payment/amount")
    assert update.store.get(path.rpartition("/")[2]).payments == []
