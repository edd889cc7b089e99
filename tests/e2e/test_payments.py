"""Payments, by PATCH and by a payment provider's event, and their events downstream."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from harness.stack.deployment import Stack


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


def test_paid_is_final(api: Any, wait: Callable[..., Any], new_invoice: Callable[..., dict[str, Any]]) -> None:
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
    stack: Stack,
    client: Callable[[str], Any],
    downstream: Any,
    new_invoice: Callable[..., dict[str, Any]],
) -> None:
    invoice = processed(api, wait, new_invoice())
    invoice_id = invoice["invoiceId"]

    def pay(payment_id: str, amount: str, *, source: str = "payments.example") -> None:
        detail = {
            "invoiceId": invoice_id,
            "paymentId": payment_id,
            "amount": amount,
            "currency": "EUR",
            "paidAt": datetime.now(UTC).isoformat(),
        }
        entry = {
            "Source": source,
            "DetailType": "invoice-paid",
            "Detail": json.dumps(detail),
            "EventBusName": stack.event_bus,
        }
        response = client("events").put_events(Entries=[entry])
        assert response["FailedEntryCount"] == 0, response

    def in_status(status: str) -> Callable[[], dict[str, Any] | None]:
        def look() -> dict[str, Any] | None:
            read: dict[str, Any] = api("GET", f"/invoices/{invoice_id}").body
            return read if read["status"] == status else None

        return look

    pay("P-0", "1.00", source="payments.elsewhere")  # not on the environment's list: it reaches nothing
    pay("P-1", "50.00")
    pay("P-1", "50.00")  # the provider sends it twice; recorded twice it would still fit the amount due
    partially = wait(in_status("partially-paid"), "the first payment")
    assert partially["amountDue"] == "114.20"
    pay("P-2", "114.20")
    paid = wait(in_status("paid"), "the second payment")

    assert [payment["paymentId"] for payment in paid["payments"]] == ["P-1", "P-2"]
    assert [entry["by"] for entry in paid["history"][2:]] == ["payments.example"] * 2
    wait(lambda: downstream.events_of(invoice_id, "invoice-paid") or None, "invoice-paid downstream")
    wait_for_a_later_event(api, wait, downstream, new_invoice)
    events = downstream.events_of(invoice_id, "invoice-paid")
    # One event, although it may arrive twice; see above.
    assert {event["source"] for event in events} == {"invoice.platform"}
    assert len({event["detail"]["eventId"] for event in events}) == 1
