"""Payments, by PATCH and by a payment provider's event, and their events downstream."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.stack.deployment import Stack


@pytest.fixture
def pay(stack: Stack, client: Callable[[str], Any]) -> Callable[..., None]:
    """Announce a payment as a provider does."""

    def pay_(invoice_id: str, payment_id: str, amount: str, *, source: str = "payments.example", **more: str) -> None:
        detail = {
            "invoiceId": invoice_id,
            "paymentId": payment_id,
            "amount": amount,
            "currency": "EUR",
            "paidAt": datetime.now(UTC).isoformat(),
            **more,
        }
        entry = {
            "Source": source,
            "DetailType": "invoice-paid",
            "Detail": json.dumps(detail),
            "EventBusName": stack.event_bus,
        }
        response = client("events").put_events(Entries=[entry])
        assert response["FailedEntryCount"] == 0, response

    return pay_


def processed(api: Any, wait: Callable[..., Any], body: dict[str, Any]) -> dict[str, Any]:
    """Create an invoice and wait until it is processed."""
    created = api("POST", "/invoices", body)
    assert created.status == 201, created.text
    invoice_id = created.body["invoiceId"]

    def decided() -> dict[str, Any] | None:
        read: dict[str, Any] = api("GET", f"/invoices/{invoice_id}").body
        return read if read["status"] != "created" else None

    invoice: dict[str, Any] = wait(decided, f"invoice {invoice_id} to be processed")
    assert invoice["status"] == "processed", invoice["history"]
    return invoice


def wait_for_a_later_event(
    api: Any, wait: Callable[..., Any], downstream: Any, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    """Wait for the event of an invoice created now: a repetition of an earlier event has arrived by then."""
    later = processed(api, wait, new_invoice(invoiceNumber=f"S-{uuid.uuid4().hex[:8]}"))
    wait(lambda: downstream.events_of(later["invoiceId"], "invoice-processed") or None, "a later event downstream")


def test_paid_by_patch_is_published_downstream_once(
    api: Any, wait: Callable[..., Any], downstream: Any, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    invoice = processed(api, wait, new_invoice())
    invoice_id = invoice["invoiceId"]

    paid = api("PATCH", f"/invoices/{invoice_id}", {"status": "paid", "expectedVersion": invoice["version"]})

    assert paid.status == 200, paid.text
    assert (paid.body["status"], paid.body["amountDue"], paid.body["amountPaid"]) == ("paid", "0.00", "164.20")
    wait(lambda: downstream.events_of(invoice_id, "invoice-processed") or None, "invoice-processed downstream")
    wait(lambda: downstream.events_of(invoice_id, "invoice-paid") or None, "invoice-paid downstream")
    wait_for_a_later_event(api, wait, downstream, new_invoice)
    events = downstream.events_of(invoice_id, "invoice-paid")
    # One event, although it may arrive twice: the records after a failing one are delivered again with it.
    assert len({event["detail"]["eventId"] for event in events}) == 1
    assert events[0]["source"] == "invoice.platform"
    assert events[0]["detail"]["total"] == "164.20"
    assert "lines" not in events[0]["detail"]  # events have totals, never invoice lines


def test_a_paid_invoice_cannot_be_voided(
    api: Any, wait: Callable[..., Any], new_invoice: Callable[..., dict[str, Any]]
) -> None:
    invoice = processed(api, wait, new_invoice())
    api("PATCH", f"/invoices/{invoice['invoiceId']}", {"status": "paid"})

    response = api("PATCH", f"/invoices/{invoice['invoiceId']}", {"status": "void"})

    assert response.status == 409
    assert "paid" in response.body["detail"]


def test_outdated_version_is_a_conflict(
    api: Any, wait: Callable[..., Any], new_invoice: Callable[..., dict[str, Any]]
) -> None:
    invoice = processed(api, wait, new_invoice())

    response = api("PATCH", f"/invoices/{invoice['invoiceId']}", {"status": "void", "expectedVersion": 1})

    assert response.status == 409, response.text


def test_patch_of_unknown_invoice_is_404(api: Any) -> None:
    assert api("PATCH", f"/invoices/{uuid.uuid4()}", {"status": "void"}).status == 404


def test_payment_providers_event_is_recorded_once(
    api: Any,
    wait: Callable[..., Any],
    pay: Callable[..., None],
    downstream: Any,
    new_invoice: Callable[..., dict[str, Any]],
) -> None:
    invoice = processed(api, wait, new_invoice())
    invoice_id = invoice["invoiceId"]

    def in_status(status: str) -> Callable[[], dict[str, Any] | None]:
        def look() -> dict[str, Any] | None:
            read: dict[str, Any] = api("GET", f"/invoices/{invoice_id}").body
            return read if read["status"] == status else None

        return look

    pay(invoice_id, "P-0", "1.00", source="payments.elsewhere")  # not on the environment's list: it reaches nothing
    one, two = (f"P-{uuid.uuid4().hex}" for _ in range(2))
    pay(invoice_id, one, "50.00")
    pay(invoice_id, one, "50.00")  # the provider sends it twice; recorded twice it would still fit the amount due
    partially = wait(in_status("partially-paid"), "the first payment")
    assert partially["amountDue"] == "114.20"
    pay(invoice_id, two, "114.20")
    paid = wait(in_status("paid"), "the second payment")

    assert [payment["paymentId"] for payment in paid["payments"]] == [one, two]
    assert [entry["by"] for entry in paid["history"][2:]] == ["payments.example"] * 2
    wait(lambda: downstream.events_of(invoice_id, "invoice-paid") or None, "invoice-paid downstream")
    wait_for_a_later_event(api, wait, downstream, new_invoice)
    events = downstream.events_of(invoice_id, "invoice-paid")
    # One event, although it may arrive twice; see above.
    assert {event["source"] for event in events} == {"invoice.platform"}
    assert len({event["detail"]["eventId"] for event in events}) == 1


def test_money_that_no_invoice_takes_is_kept_listed_and_applied(
    api: Any,
    wait: Callable[..., Any],
    pay: Callable[..., None],
    downstream: Any,
    new_invoice: Callable[..., dict[str, Any]],
) -> None:
    invoice = processed(api, wait, new_invoice())
    unknown, name = str(uuid.uuid4()), f"P-{uuid.uuid4().hex}"
    pay(unknown, name, "200.00")

    def listed() -> dict[str, Any] | None:
        items = api("GET", "/payments", status="unapplied", limit="100").body["items"]
        return next((item for item in items if item["paymentId"] == name), None)

    payment = wait(listed, "the unapplied payment")
    assert (payment["reason"], payment["amount"]) == (f"there is no invoice {unknown}", "200")
    wait(lambda: downstream.events_of(unknown, "payment-unapplied") or None, "payment-unapplied downstream")
    body = {"status": "applied", "invoiceId": invoice["invoiceId"]}
    applied = api("PATCH", f"/payments/{payment['paymentKey']}", body)

    assert (applied.status, applied.body["status"]) == (200, "applied"), applied.text
    paid = api("GET", f"/invoices/{invoice['invoiceId']}").body
    assert (paid["status"], paid["amountPaid"], paid["overpaid"]) == ("paid", "164.20", "35.80")
    assert listed() is None


def test_a_reversal_reopens_the_invoice(
    api: Any,
    wait: Callable[..., Any],
    pay: Callable[..., None],
    downstream: Any,
    new_invoice: Callable[..., dict[str, Any]],
) -> None:
    invoice_id = processed(api, wait, new_invoice())["invoiceId"]
    name = f"P-{uuid.uuid4().hex}"
    pay(invoice_id, name, "164.20")
    wait(lambda: api("GET", f"/invoices/{invoice_id}").body["status"] == "paid" or None, "the payment")

    pay(invoice_id, f"{name}-back", "164.20", reverses=name)

    wait(lambda: api("GET", f"/invoices/{invoice_id}").body["status"] == "processed" or None, "the reversal")
    wait(lambda: downstream.events_of(invoice_id, "invoice-reopened") or None, "invoice-reopened downstream")


def test_a_suspected_duplicate_is_held_until_an_operator_releases_it(
    api: Any, wait: Callable[..., Any], downstream: Any, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    body = new_invoice()
    first = processed(api, wait, body)
    created = api("POST", "/invoices", body | {"invoiceNumber": f"{first['invoiceNumber']}-2"}).body
    path = f"/invoices/{created['invoiceId']}"

    def decided() -> dict[str, Any] | None:
        read: dict[str, Any] = api("GET", path).body
        return read if read["status"] != "created" else None

    held = wait(decided, "the decision")
    assert (held["status"], "documentUrl" in held) == ("held", False)
    assert f"repeats invoice {first['invoiceNumber']}" in held["history"][-1]["reasons"][0]
    wait(lambda: downstream.events_of(created["invoiceId"], "invoice-held") or None, "invoice-held downstream")
    assert api("PATCH", path, {"status": "paid"}).status == 409
    released = api("PATCH", path, {"status": "processed"})

    assert (released.status, released.body["status"]) == (200, "processed"), released.text
    assert released.body["history"][-1]["by"].startswith("api-key:")
    wait(lambda: api("GET", path).body.get("documentUrl"), "the link to its PDF")


def test_what_may_not_be_issued_gets_pointers_and_takes_no_number(
    api: Any, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    body = new_invoice(issueDate="1999-12-31", dueDate="1999-12-30", invoiceNumber=None)
    body["lines"][0]["taxRate"] = "190"

    response = api("POST", "/invoices", body)

    assert response.status == 422, response.text
    pointers = [error["pointer"] for error in response.body["errors"]]
    assert pointers == ["#/issueDate", "#/dueDate", "#/lines/0/taxRate"]


def test_an_invoice_with_nothing_to_pay_is_paid_when_processed(
    api: Any, wait: Callable[..., Any], downstream: Any, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    line = {"description": f"Voucher {uuid.uuid4().hex}", "quantity": "1", "unitPrice": "64.22", "discount": 100}
    created = api("POST", "/invoices", new_invoice(lines=[line | {"taxRate": 0}])).body

    def paid() -> bool | None:
        return api("GET", f"/invoices/{created['invoiceId']}").body["status"] == "paid" or None

    wait(paid, "the decision")
    for name in ("invoice-processed", "invoice-paid"):
        wait(lambda name=name: downstream.events_of(created["invoiceId"], name) or None, f"{name} downstream")
