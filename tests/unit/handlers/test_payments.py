"""Payments that a provider reports, on the table itself: kept once, applied once, listed, resolved by an operator."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

from tests.unit.handlers.bodies import NUMBERED

Load = Callable[..., ModuleType]

pytestmark = pytest.mark.usefixtures("table", "s3")


@pytest.fixture
def update(load: Load) -> ModuleType:
    return load("update_invoice_status")


@pytest.fixture
def pay(update: ModuleType, context: Any) -> Callable[..., None]:
    def pay_(path: str, **changes: Any) -> None:
        detail = {
            "invoiceId": path.rpartition("/")[2],
            "paymentId": "P",
            "amount": "19.00",
            "currency": "EUR",
        } | changes
        update.lambda_handler({"id": "e-1", "source": "bank.example", "detail": detail}, context)

    return pay_


def unapplied(load: Load, call: Any) -> list[dict[str, Any]]:
    response = call(load("query_invoices"), "GET", "/payments")
    assert response.status == 200, response.body
    items: list[dict[str, Any]] = response.body["items"]
    return items


def test_a_payment_is_on_its_invoice_once_and_in_no_list(
    load: Load, call: Any, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()

    for _ in range(2):
        pay(path)
    pay(path, paymentId="P-2", amount=110)

    paid = call(load("get_invoice"), "GET", path).body
    assert (paid["status"], paid["amountPaid"], paid["amountDue"], paid["overpaid"]) == (
        "paid",
        "119.00",
        "0.00",
        "10.00",
    )
    assert [payment["source"] for payment in paid["payments"]] == ["bank.example"] * 2
    assert paid["history"][-1]["by"] == "bank.example"
    assert unapplied(load, call) == []


def test_money_for_no_invoice_is_listed_and_in_no_list_of_invoices(
    load: Load, call: Any, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()
    pay(path, currency="USD")
    pay(path, paymentId="P-2", amount="19,00")

    first, second = unapplied(load, call)

    assert (first["status"], first["amount"], first["currency"], first["source"]) == (
        "unapplied", "19", "USD", "bank.example",
    )  # fmt: skip
    assert first["reason"] == "the invoice is in EUR, the payment in USD"
    assert (second["reason"], "amount" in second) == ("the amount cannot be read", False)
    assert '"amount": "19,00"' in second["detail"]
    query = load("query_invoices")
    for filters in ({}, {"customerId": "C-1"}, {"status": "processed"}):
        assert len(call(query, "GET", "/invoices", query=filters).body["items"]) == 1


def test_the_list_has_pages(load: Load, call: Any, processed: Callable[..., str], pay: Callable[..., None]) -> None:
    path, query = processed(), load("query_invoices")
    for number in range(3):
        pay(path, paymentId=f"P-{number}", currency="USD")

    first = call(query, "GET", "/payments", query={"limit": "2"}).body
    second = call(query, "GET", "/payments", query={"limit": "2", "nextToken": first["nextToken"]}).body

    assert [item["paymentId"] for item in first["items"] + second["items"]] == ["P-0", "P-1", "P-2"]
    assert "nextToken" not in second
    invoices = call(query, "GET", "/invoices", query={"limit": "1", "status": "processed"}).body
    other = invoices.get("nextToken", "x")
    assert call(query, "GET", "/payments", query={"nextToken": other}).status == 400
    assert call(query, "GET", "/payments", query={"status": "applied"}).status == 400


def test_an_operator_applies_a_payment(
    load: Load, call: Any, update: ModuleType, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()
    pay("/invoices/unknown")
    (waiting,) = unapplied(load, call)
    body = {"status": "applied", "invoiceId": path.rpartition("/")[2]}

    applied, again = (call(update, "PATCH", f"/payments/{waiting['paymentKey']}", body=body) for _ in range(2))

    assert (applied.status, applied.body["status"], applied.body["appliedTo"]) == (200, "applied", body["invoiceId"])
    assert again.body == applied.body
    assert call(load("get_invoice"), "GET", path).body["amountPaid"] == "19.00"
    assert unapplied(load, call) == []
    returned = call(update, "PATCH", f"/payments/{waiting['paymentKey']}", body={"status": "returned"})
    assert (returned.status, returned.body["detail"]) == (409, "The payment is applied.")


def test_an_operator_returns_a_payment(load: Load, call: Any, update: ModuleType, pay: Callable[..., None]) -> None:
    pay("/invoices/unknown")
    (waiting,) = unapplied(load, call)

    returned = call(update, "PATCH", f"/payments/{waiting['paymentKey']}", body={"status": "returned"})

    assert (returned.status, returned.body["status"]) == (200, "returned")
    assert unapplied(load, call) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [({"status": "applied"}, 400), ({"status": "returned", "invoiceId": "x"}, 400), ({"status": "lost"}, 400)],
)
def test_a_request_that_cannot_be_meant_is_rejected(
    call: Any, update: ModuleType, body: dict[str, Any], status: int
) -> None:
    key = "4f8a8b0e-7c1c-5d6e-8f90-123456789abc"
    assert call(update, "PATCH", f"/payments/{key}", body=body).status == status
    assert call(update, "PATCH", f"/payments/{key}", body={"status": "returned"}).status == 404
    assert call(update, "PATCH", "/payments/x", body={"status": "returned"}).status == 404


def test_a_payment_and_its_reversal(
    load: Load, call: Any, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()
    pay(path, amount="119.00")

    for _ in range(2):
        pay(path, paymentId="R", amount="119.00", reverses="P")

    invoice = call(load("get_invoice"), "GET", path).body
    assert (invoice["status"], invoice["amountDue"]) == ("processed", "119.00")
    assert [(payment["amount"], payment.get("reverses")) for payment in invoice["payments"]] == [
        ("119.00", None), ("-119.00", "P"),
    ]  # fmt: skip


def test_the_stream_reports_unapplied_money_once(
    load: Load, table: Any, pay: Callable[..., None], stream_record: Any, context: Any
) -> None:
    pay("/invoices/unknown")
    process, events = load("process_invoice"), []
    process.bus.publish = events.append
    (item,) = boto3.client("dynamodb").scan(TableName=table.name)["Items"]

    process.lambda_handler({"Records": [stream_record(item)]}, context)
    process.lambda_handler({"Records": [stream_record(item, item)]}, context)

    (event,) = events
    assert (event.detail_type, event.detail["paymentId"], event.detail["amount"]) == ("payment-unapplied", "P", "19")
    assert event.detail["reason"] == "there is no invoice unknown"


def test_a_payment_id_of_the_api_belongs_to_one_invoice(
    call: Any, update: ModuleType, processed: Callable[..., str]
) -> None:
    first, second = processed(), processed(NUMBERED | {"invoiceNumber": "43"})
    body = {"status": "partially-paid", "payment": {"paymentId": "P", "amount": "10.00"}}
    statuses = [call(update, "PATCH", path, body=body).status for path in (first, first, second)]

    assert statuses == [200, 200, 409]


def test_the_history_names_the_api_key(
    load: Load, call: Any, processed: Callable[..., str], update: ModuleType
) -> None:
    path = processed()
    event = {
        "resource": path, "path": path, "httpMethod": "PATCH", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "isBase64Encoded": False,
        "requestContext": {"stage": "v1", "identity": {"apiKeyId": "k123"}}, "body": '{"status": "paid"}',
    }  # fmt: skip

    assert update.app.resolve(event, None)["statusCode"] == 200
    assert call(load("get_invoice"), "GET", path).body["history"][-1]["by"] == "api-key:k123"


def test_one_malformed_item_keeps_no_other_from_the_list(
    load: Load, call: Any, processed: Callable[..., str], table: Any
) -> None:
    path = processed()
    item = table.get_item(Key={"invoiceId": path.rpartition("/")[2]})["Item"]
    for number, changes in enumerate(({"total": "much"}, {"dueDate": "soon"}, {"currency": "XXX"}, {"customer": 7})):
        table.put_item(Item=item | {"invoiceId": f"broken-{number}"} | changes)

    response = call(load("query_invoices"), "GET", "/invoices", query={"customerId": "C-1"})

    assert response.status == 200
    assert [f"/invoices/{entry['invoiceId']}" for entry in response.body["items"]] == [path]


def test_what_cannot_be_read_is_shown_on_the_invoice_and_in_the_list(
    load: Load, call: Any, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()

    pay(path, paidAt="20.11.2026", reference="\ud800")
    pay(path, paymentId="R", reverses=1001)

    (payment,) = call(load("get_invoice"), "GET", path).body["payments"]
    assert payment["unreadable"] == {"paidAt": "20.11.2026", "reference": "?"}
    (waiting,) = unapplied(load, call)
    assert waiting["reason"] == "the id of the reversed payment cannot be read"
    assert waiting["unreadable"] == {"reverses": "1001"}
    assert '"reverses": 1001' in waiting["detail"]


def test_an_id_in_upper_case_is_the_same_id(
    load: Load, call: Any, update: ModuleType, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()
    pay("/invoices/unknown")
    (waiting,) = unapplied(load, call)
    body = {"status": "applied", "invoiceId": path.rpartition("/")[2].upper()}

    responses = [call(update, "PATCH", f"/payments/{waiting['paymentKey'].upper()}", body=body) for _ in range(2)]

    assert [response.status for response in responses] == [200, 200]
    assert responses[0].body["appliedTo"] == path.rpartition("/")[2]


def test_an_id_that_its_source_uses_again_names_neither_payment_alone(
    load: Load, call: Any, update: ModuleType, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    first, second = processed(), processed(NUMBERED | {"invoiceNumber": "43"})
    pay(first, amount="50.00")
    pay(second, amount="40.00")
    (waiting,) = unapplied(load, call)
    body = {"status": "applied", "invoiceId": second.rpartition("/")[2]}
    assert call(update, "PATCH", f"/payments/{waiting['paymentKey']}", body=body).status == 200

    pay(first, paymentId="R-1", amount="50.00", reverses="P", invoiceId=None)
    pay(second, paymentId="R-2", amount="40.00", reverses="P")

    invoices = [call(load("get_invoice"), "GET", path).body for path in (first, second)]
    assert [invoice["amountPaid"] for invoice in invoices] == ["50.00", "0.00"]
    assert invoices[1]["payments"][0]["reportedId"] == "P"
    assert invoices[1]["payments"][1]["reverses"] == invoices[1]["payments"][0]["paymentId"] != "P"
    (left,) = unapplied(load, call)
    assert left["reason"] == "payment P was reported more than once, with different contents"


def test_an_empty_id_of_the_reversed_payment_is_kept(
    load: Load, call: Any, processed: Callable[..., str], pay: Callable[..., None]
) -> None:
    path = processed()

    pay(path, reverses="")

    (waiting,) = unapplied(load, call)
    assert waiting["unreadable"] == {"reverses": ""}
