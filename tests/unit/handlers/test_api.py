"""The API functions, request by request."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from invoicing.errors import ContentConflict
from invoicing.issuing import Origin, invoice_id, issue
from invoicing.models import CreateInvoice
from invoicing.processing import processed
from invoicing.store import Canceled

LINE = {"description": "Widget", "quantity": 1, "unitPrice": "100.00", "taxRate": "19"}
BODY: dict[str, Any] = {"customerId": "C-1", "issueDate": "2026-11-01", "currency": "EUR", "lines": [LINE]}
NUMBERED = BODY | {"invoiceNumber": "0042"}

Load = Callable[..., ModuleType]

pytestmark = pytest.mark.usefixtures("table")


@pytest.fixture
def create(load: Load) -> ModuleType:
    return load("create_invoice")


def test_a_replay_is_answered_with_the_first_body_whatever_happened_since(
    create: ModuleType, load: Load, call: Any
) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED)
    update = load("update_invoice_status")
    assert call(update, "PATCH", f"/invoices/{first.body['invoiceId']}", body={"status": "void"}).status == 200
    again = call(create, "POST", "/invoices", body=NUMBERED)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert again.headers["Location"] == first.headers["Location"]


def test_the_same_number_with_different_content_is_a_conflict(create: ModuleType, call: Any) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED)
    answer = call(create, "POST", "/invoices", body=NUMBERED | {"currency": "USD"})
    assert (answer.status, answer.headers["Content-Type"]) == (409, "application/problem+json")
    assert answer.body["type"] == "urn:invoice-platform:problem:content-conflict"
    assert answer.body["invoiceId"] == first.body["invoiceId"]
    assert {"title", "status", "detail"} <= answer.body.keys()


@pytest.mark.parametrize("body", [BODY, NUMBERED])
def test_an_idempotency_key_stands_for_one_content(create: ModuleType, call: Any, body: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "order 17"}
    first = call(create, "POST", "/invoices", body=body, headers=key)
    again = call(create, "POST", "/invoices", body=body, headers=key)
    other = call(create, "POST", "/invoices", body=body | {"currency": "USD"}, headers=key)
    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert again.body == first.body
    assert "Idempotency-Key" in other.body["detail"]


def test_a_key_that_comes_after_the_invoice_is_remembered_too(create: ModuleType, call: Any) -> None:
    key = {"Idempotency-Key": "late"}
    first = call(create, "POST", "/invoices", body=NUMBERED)
    again = call(create, "POST", "/invoices", body=NUMBERED, headers=key)
    other = call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "43"}, headers=key)
    assert (again.status, again.body, other.status) == (200, first.body, 409)


def test_a_key_that_led_to_a_number_of_ours_leads_there_for_ever(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = {"Idempotency-Key": "old"}, {"Idempotency-Key": "other"}
    first = call(create, "POST", "/invoices", body=BODY, headers=key)
    call(create, "POST", "/invoices", body=NUMBERED, headers=other)
    kept = [item for item in table.scan()["Items"] if item["invoiceId"].startswith("idempotency#")]
    assert sorted("expiresAt" in item for item in kept) == [False, True]
    monkeypatch.setattr("invoicing.clock.now", lambda: datetime.now(UTC) + timedelta(days=60))
    again = call(create, "POST", "/invoices", body=BODY, headers=key)
    assert (again.status, again.body) == (200, first.body)
    changed = NUMBERED | {"invoiceNumber": "43"}
    assert call(create, "POST", "/invoices", body=changed, headers=other).status == 201  # forgotten by then


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_customer_has_each_number_once(create: ModuleType, call: Any, table: Any, headers: dict[str, str]) -> None:
    year = f"{datetime.now(UTC).year}"
    call(create, "POST", "/invoices", body=BODY | {"invoiceNumber": f"{year}-000001"})
    assigned = call(create, "POST", "/invoices", body=BODY, headers=headers)
    assert assigned.body["invoiceNumber"] == f"{year}-000002"
    by_hand = BODY | {"invoiceNumber": f"{year}-000002"}
    again = call(create, "POST", "/invoices", body=by_hand)
    assert (again.status, again.body) == (200, assigned.body)
    conflict = call(create, "POST", "/invoices", body=by_hand | {"currency": "USD"})
    assert (conflict.status, conflict.body["invoiceId"]) == (409, assigned.body["invoiceId"])
    numbers = [item["invoiceNumber"] for item in table.scan()["Items"] if "invoiceNumber" in item]
    assert sorted(numbers) == [f"{year}-000001", f"{year}-000002"]


def test_an_upload_meets_numbers_that_were_assigned(create: ModuleType, call: Any) -> None:
    assigned = call(create, "POST", "/invoices", body=BODY, headers={"Idempotency-Key": "k"}).body

    def uploaded(**changes: Any) -> Any:
        request = CreateInvoice.model_validate(BODY | {"invoiceNumber": assigned["invoiceNumber"]} | changes)
        number = request.invoice_number or ""
        origin = Origin(datetime.now(UTC), "s3://uploads/incoming/a.csv#2", "create-invoice")
        return issue(request, number=number, identity=invoice_id(request.customer_id, number), origin=origin)

    (same,) = create.store.create_many([uploaded()])
    assert (same.created, same.invoice.invoice_id) == (False, assigned["invoiceId"])
    (other,) = create.store.create_many([uploaded(currency="USD")])
    assert isinstance(other, ContentConflict)


def test_two_requests_with_one_key_at_once_take_one_number(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Idempotency-Key": "twice"}
    read, overtakers, answers = create.store.item, [None], []

    def overtaken(item_id: str) -> Any:
        """Our look at the key finds nothing; then the other request is done from beginning to end."""
        found = read(item_id)
        if item_id.startswith("idempotency#") and overtakers:
            overtakers.pop()
            answers.append(call(create, "POST", "/invoices", body=BODY, headers=key))
        return found

    monkeypatch.setattr(create.store, "item", overtaken)
    ours = call(create, "POST", "/invoices", body=BODY, headers=key)
    assert (answers[0].status, ours.status, ours.body) == (201, 200, answers[0].body)
    assert len([item for item in table.scan()["Items"] if "invoiceNumber" in item]) == 1


@pytest.mark.parametrize("known", ["", "the invoice"])
def test_two_requests_with_one_key_that_meet_are_both_answered(
    create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    if known:
        call(create, "POST", "/invoices", body=NUMBERED)
    real, refusals = create.store.transact, [1, 0, 1]

    def meeting(writes: list[Any]) -> None:
        """While somebody else's transaction is at work, ours is canceled without any condition having failed."""
        if refusals and refusals.pop():
            raise Canceled([{"Code": "TransactionConflict"}] * len(writes))
        real(writes)

    monkeypatch.setattr(create.store, "transact", meeting)
    monkeypatch.setattr("time.sleep", lambda _: None)
    answer = call(create, "POST", "/invoices", body=NUMBERED, headers={"Idempotency-Key": "k"})
    assert answer.status == (200 if known else 201)


def test_a_key_that_stays_in_use_is_a_503(create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def meeting(writes: list[Any]) -> None:
        raise Canceled([{"Code": "TransactionConflict"}] * len(writes))

    waited: list[float] = []
    monkeypatch.setattr(create.store, "transact", meeting)
    monkeypatch.setattr("time.sleep", waited.append)
    answer = call(create, "POST", "/invoices", body=NUMBERED, headers={"Idempotency-Key": "k"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert 0 < sum(waited) < 1.5


@pytest.mark.parametrize(("conflicts", "post", "patch"), [(2, 201, 200), (99, 503, 503)])
def test_a_write_waits_for_transactions_of_others(
    create: ModuleType,
    load: Load,
    call: Any,
    monkeypatch: pytest.MonkeyPatch,
    conflicts: int,
    post: int,
    patch: int,
) -> None:
    invoice_id = call(create, "POST", "/invoices", body=NUMBERED).body["invoiceId"]
    update = load("update_invoice_status")
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)

    def in_the_way(client: Any, operation: str) -> None:
        real, left = getattr(client, operation), [None] * conflicts

        def write(**request: Any) -> Any:
            if left:
                left.pop()
                raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": "wait"}}, operation)
            return real(**request)

        monkeypatch.setattr(client, operation, write)

    in_the_way(create.store._dynamodb, "put_item")
    in_the_way(update.store._dynamodb, "update_item")
    assert call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "43"}).status == post
    assert call(update, "PATCH", f"/invoices/{invoice_id}", body={"status": "void"}).status == patch
    assert 0 < sum(waited) < 3


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\nb"])
def test_keys_that_cannot_be_one_are_refused(create: ModuleType, call: Any, key: str) -> None:
    answer = call(create, "POST", "/invoices", body=BODY, headers={"Idempotency-Key": key})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, "Idempotency-Key")


def test_numbers_are_assigned_without_gaps_when_writers_overtake_each_other(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, overtakers = create.store.item, [None, None]

    def overtaken(item_id: str) -> Any:
        """Between our reading of the counter and our write, somebody else takes the number; twice."""
        found = read(item_id)
        if item_id.startswith("counter#") and overtakers:
            overtakers.pop()
            assert call(create, "POST", "/invoices", body=BODY).status == 201
        return found

    monkeypatch.setattr(create.store, "item", overtaken)
    ours = call(create, "POST", "/invoices", body=BODY)
    numbers = sorted(item["invoiceNumber"] for item in table.scan()["Items"] if "invoiceNumber" in item)
    year = ours.body["invoiceNumber"][:4]
    assert (ours.status, ours.body["invoiceNumber"]) == (201, f"{year}-000003")
    assert numbers == [f"{year}-{number:06d}" for number in (1, 2, 3)]
    assert read(f"counter#{year}")["lastNumber"] == 3


def test_a_year_that_is_too_contended_is_told_to_come_again(
    create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_late(_: Any) -> None:
        raise Canceled([{"Code": "None"}, {"Code": "ConditionalCheckFailed"}])

    monkeypatch.setattr(create.store, "transact", always_late)
    monkeypatch.setattr("invoicing.store.time.sleep", lambda _: None)
    assert call(create, "POST", "/invoices", body=BODY).status == 503


def test_numbers_that_somebody_chose_by_hand_are_gone_past(create: ModuleType, call: Any) -> None:
    first = call(create, "POST", "/invoices", body=BODY).body["invoiceNumber"]
    for number in range(2, 20):
        body = BODY | {"invoiceNumber": f"{first[:4]}-{number:06d}"}
        assert call(create, "POST", "/invoices", body=body).status == 201
    assert call(create, "POST", "/invoices", body=BODY).body["invoiceNumber"] == f"{first[:4]}-000020"


def test_json_numbers_are_read_exactly(create: ModuleType, call: Any) -> None:
    body = json.dumps(NUMBERED).replace('"100.00"', "1.0050000").replace('"quantity": 1', '"quantity": 1.0')
    answer = call(create, "POST", "/invoices", body=body)
    assert (answer.status, answer.body["lines"][0]["unitPrice"], answer.body["subtotal"]) == (201, "1.005", "1.01")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "1",
        '{"a":NaN}',
        "[" * 5000,
        None,
        '{"lines": [{"quantity": 1' + "0" * 5000 + "}]}",
        '{"lines": [{"quantity": 1e99999999999999999999}]}',
        '{"lines": [{"quantity": 1e-99999999999999999999}]}',
    ],
)
def test_a_body_that_is_no_invoice_is_a_400(create: ModuleType, call: Any, body: str | None) -> None:
    answer = call(create, "POST", "/invoices", body=body)
    assert (answer.status, answer.body["status"]) == (400, 400)


def test_each_fault_is_pointed_at(create: ModuleType, call: Any) -> None:
    body = {"issueDate": "x", "currency": "EUR", "lines": [LINE | {"quantity": 0}], "a/b": 1}
    answer = call(create, "POST", "/invoices", body=body)
    pointers = sorted(error["pointer"] for error in answer.body["errors"])
    assert pointers == ["#/a~1b", "#/customerId", "#/issueDate", "#/lines/0/quantity"]


def test_an_invoice_that_no_item_can_hold_is_a_413(create: ModuleType, call: Any) -> None:
    answer = call(create, "POST", "/invoices", body=NUMBERED | {"lines": [LINE | {"description": "x" * 1000}] * 400})
    assert (answer.status, answer.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")
    assert "392 KB is the most" in answer.body["detail"]


def test_unknown_paths_are_problems_too(create: ModuleType, call: Any) -> None:
    answer = call(create, "POST", "/elsewhere", body=BODY)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://b.example", "https://b.example"), ("https://evil.example", None), (None, None)]
)
def test_only_allowed_origins_are_echoed(load: Load, call: Any, origin: str | None, allowed: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = call(load("update_invoice_status"), "PATCH", "/invoices/x", body={"status": "paid"}, headers=headers)
    assert answer.status == 404
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert answer.headers["Vary"] == "Origin"
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("invoice_id", ["nonsense", "6a4d4ffa-3c5b-5a0e-9d0e-000000000000"])
def test_an_unknown_invoice_is_a_404(load: Load, call: Any, invoice_id: str, s3: Any) -> None:
    assert s3 is not None
    assert call(load("get_invoice"), "GET", f"/invoices/{invoice_id}").status == 404
    assert (
        call(load("update_invoice_status"), "PATCH", f"/invoices/{invoice_id}", body={"status": "void"}).status == 404
    )


def test_there_is_no_link_while_there_is_no_pdf(create: ModuleType, load: Load, call: Any, s3: Any) -> None:
    assert s3 is not None
    made = call(create, "POST", "/invoices", body=NUMBERED).body
    answer = call(load("get_invoice"), "GET", f"/invoices/{made['invoiceId'].upper()}")
    assert (answer.status, answer.headers["ETag"]) == (200, '"1"')
    assert answer.body == made


@pytest.mark.parametrize(("other", "ours", "status"), [("void", "void", 409), ("processed", "void", 200)])
def test_a_writer_that_was_overtaken_decides_anew(
    create: ModuleType,
    load: Load,
    call: Any,
    monkeypatch: pytest.MonkeyPatch,
    other: str,
    ours: str,
    status: int,
) -> None:
    path = f"/invoices/{call(create, 'POST', '/invoices', body=NUMBERED).body['invoiceId']}"
    update = load("update_invoice_status")
    read, overtakers = update.store.get, [None]

    def overtaken(invoice_id: str) -> Any:
        found = read(invoice_id)
        if overtakers:
            overtakers.pop()
            if other == "processed":
                assert update.store.change(processed(found, datetime.now(UTC)))
            else:
                assert call(update, "PATCH", path, body={"status": other}).status == 200
        return found

    monkeypatch.setattr(update.store, "get", overtaken)
    answer = call(update, "PATCH", path, body={"status": ours})
    assert answer.status == status
    if status == 409:
        assert (answer.body["currentStatus"], answer.body["currentVersion"]) == (other, 2)


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"1"', 200), ("*", 200), ('"7", "1"', 200), (' "1" ', 200),
        ('"7"', 412), ('W/"1"', 412), ('"01"', 412), ('"x"', 412), ('"1x"', 412), ('""', 412),
        ("1", 400), ("", 400), ('"1', 400), ('"1" "2"', 400), ('"1",', 400), ("*, *", 400),
    ],
)  # fmt: skip
def test_if_match_changes_only_the_version_that_it_names(
    create: ModuleType, load: Load, call: Any, tags: str, status: int
) -> None:
    made = call(create, "POST", "/invoices", body=NUMBERED)
    assert made.headers["ETag"] == '"1"'
    path = f"/invoices/{made.body['invoiceId']}"
    update = load("update_invoice_status")
    answer = call(update, "PATCH", path, body={"status": "void"}, headers={"If-Match": tags})
    assert answer.status == status
    if status == 200:
        assert answer.headers["ETag"] == '"2"'
    elif status == 412:
        assert answer.body["type"] == "urn:invoice-platform:problem:precondition-failed"
        assert (answer.body["currentStatus"], answer.body["currentVersion"]) == ("created", 1)
    else:
        assert answer.body["errors"][0]["pointer"] == "If-Match"


def test_a_writer_that_was_overtaken_no_longer_matches(
    create: ModuleType, load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/invoices/{call(create, 'POST', '/invoices', body=NUMBERED).body['invoiceId']}"
    update = load("update_invoice_status")
    real, overtakers = update.store.change, [None]

    def overtaken(change: Any) -> Any:
        if overtakers:
            overtakers.pop()
            assert real(processed(change.before, datetime.now(UTC)))
        return real(change)

    monkeypatch.setattr(update.store, "change", overtaken)
    answer = call(update, "PATCH", path, body={"status": "void"}, headers={"If-Match": '"1"'})
    assert (answer.status, answer.body["currentVersion"], answer.body["currentStatus"]) == (412, 2, "processed")


def test_a_body_that_no_invoice_can_need_is_a_413(create: ModuleType, call: Any) -> None:
    text = json.dumps(NUMBERED)
    assert call(create, "POST", "/invoices", body=text + " " * (4 * 2**20 - len(text))).status == 201
    answer = call(create, "POST", "/invoices", body=text + " " * (4 * 2**20 - len(text) + 1))
    assert (answer.status, answer.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")


@pytest.mark.parametrize("status", ["processed", "rejected", "created"])
def test_the_business_rules_decisions_are_no_requests(create: ModuleType, load: Load, call: Any, status: str) -> None:
    path = f"/invoices/{call(create, 'POST', '/invoices', body=NUMBERED).body['invoiceId']}"
    answer = call(load("update_invoice_status"), "PATCH", path, body={"status": status})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, "#/status")


def test_an_item_that_dynamodb_finds_too_large_is_a_413(
    create: ModuleType, load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/invoices/{call(create, 'POST', '/invoices', body=NUMBERED).body['invoiceId']}"
    update = load("update_invoice_status")

    def refused(message: str) -> None:
        def write(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "UpdateItem")

        monkeypatch.setattr(update.store._dynamodb, "update_item", write)

    refused("Item size to update has exceeded the maximum allowed size")
    answer = call(update, "PATCH", path, body={"status": "void"})
    assert (answer.status, answer.body["type"]) == (413, "urn:invoice-platform:problem:invoice-too-large")
    refused("something else is wrong")
    with pytest.raises(ClientError, match="something else"):
        call(update, "PATCH", path, body={"status": "void"})


@pytest.mark.usefixtures("s3")
def test_part_payments_end_where_the_item_is_full_and_settling_still_fits(
    create: ModuleType, load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("invoicing.store.MAX_BYTES", 40 * 1024)  # moto counts an item that grows twice
    big = NUMBERED | {"lines": [LINE | {"description": "x" * 1000}] * 24}
    made = call(create, "POST", "/invoices", body=big)
    assert made.status == 201, made.body
    path = f"/invoices/{made.body['invoiceId']}"
    update = load("update_invoice_status")
    assert update.store.change(processed(update.store.get(made.body["invoiceId"]), datetime.now(UTC)))
    long = {"method": "株" * 200, "reference": "株" * 200}
    statuses = []
    while statuses[-1:] != [413]:
        payment = long | {"paymentId": f"p-{len(statuses)}", "amount": "1.00"}
        answer = call(update, "PATCH", path, body={"status": "partially-paid", "payment": payment})
        statuses.append(answer.status)
    assert set(statuses) == {200, 413}
    assert answer.body["type"] == "urn:invoice-platform:problem:invoice-too-large"
    assert "no room in the table for another part payment" in answer.body["detail"]
    assert answer.body["currentStatus"] == "partially-paid"
    due = call(load("get_invoice"), "GET", path).body["amountDue"]
    payment = {"paymentId": "p" * 64, "amount": due, "method": "𝄞" * 200, "reference": "𝄞" * 200}
    paid = call(update, "PATCH", path, body={"status": "paid", "payment": payment})
    assert (paid.status, paid.body["status"]) == (200, "paid")


def test_a_writer_that_is_always_overtaken_is_told_to_come_again(
    create: ModuleType, load: Load, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/invoices/{call(create, 'POST', '/invoices', body=NUMBERED).body['invoiceId']}"
    update = load("update_invoice_status")
    monkeypatch.setattr(update.store, "change", lambda _: False)
    assert call(update, "PATCH", path, body={"status": "void"}).status == 503


def test_payment_events_are_refused_aloud(create: ModuleType, load: Load, call: Any, context: Any) -> None:
    invoice_id = call(create, "POST", "/invoices", body=NUMBERED).body["invoiceId"]
    update = load("update_invoice_status")
    detail = {
        "invoiceId": invoice_id,
        "paymentId": "p",
        "amount": 5,
        "currency": "USD",
        "paidAt": "2026-11-20T10:00:00Z",
    }
    with pytest.raises(Exception, match="is in EUR, the payment in USD"):
        update.lambda_handler({"source": "bank.example", "detail": detail}, context)
    with pytest.raises(Exception, match="is created"):
        update.lambda_handler({"source": "bank.example", "detail": detail | {"currency": "EUR"}}, context)


def pages(query: ModuleType, call: Any, **filters: str) -> list[list[str]]:
    found, token = [], None
    while True:
        answer = call(query, "GET", "/invoices", query=filters | ({"nextToken": token} if token else {}))
        assert answer.status == 200, answer.body
        found.append([item["invoiceNumber"] for item in answer.body["items"]])
        token = answer.body.get("nextToken")
        if token is None:
            return found


def test_pages_joined_are_the_whole_list_without_gap_or_repeat(create: ModuleType, load: Load, call: Any) -> None:
    names = [f"{number:02d}" for number in range(7)]
    for number in names:
        customer = f"C-{int(number) % 2}"
        call(create, "POST", "/invoices", body=BODY | {"invoiceNumber": number, "customerId": customer})
    query = load("query_invoices")
    for limit in (2, 7, 8):
        for filters in ({}, {"status": "created"}, {"from": "2026-01-01", "order": "asc"}):
            found = pages(query, call, limit=str(limit), **filters)
            assert sum(found, []) == (names if "order" in filters else names[::-1])  # noqa: RUF017 -- seven pages
            assert all(len(page) == limit for page in found[:-1])
            assert found[-1]
    assert pages(query, call, customerId="C-1", limit="2", order="asc") == [["01", "03"], ["05"]]
    assert pages(query, call, customerId="C-1", status="created", limit="2", order="asc") == [["01", "03"], ["05"]]
    assert pages(query, call, customerId="C-1", status="paid") == [[]]
    assert pages(query, call, to="2001-01-01") == [[]]


def test_a_range_to_the_end_of_the_calendar_is_empty(load: Load, call: Any) -> None:
    answer = call(load("query_invoices"), "GET", "/invoices", query={"to": "9999-12-31"})
    assert (answer.status, answer.body["items"]) == (200, [])


@pytest.mark.parametrize(
    ("payment", "place"),
    [
        ({"amount": 1, "paidAt": "0002-01-01T00:00:00+23:59"}, "paidAt"),
        ({"amount": 1, "paidAt": "9998-12-31T23:59:59-23:59"}, "paidAt"),
        ({"amount": f"1.{'0' * 80}1"}, "amount"),
    ],
)
def test_a_payment_that_no_invoice_can_hold_is_a_400(
    create: ModuleType, load: Load, call: Any, payment: dict[str, Any], place: str
) -> None:
    invoice_id = call(create, "POST", "/invoices", body=NUMBERED).body["invoiceId"]
    body = {"status": "paid", "payment": payment}
    answer = call(load("update_invoice_status"), "PATCH", f"/invoices/{invoice_id}", body=body)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, f"#/payment/{place}")


def test_list_items_are_summaries(create: ModuleType, load: Load, call: Any) -> None:
    call(create, "POST", "/invoices", body=NUMBERED | {"customer": {"name": "Łódź"}})
    (item,) = call(load("query_invoices"), "GET", "/invoices").body["items"]
    assert {"lines", "taxes", "payments", "history", "contentHash"}.isdisjoint(item)
    assert (item["total"], item["version"], item["customerName"], item["overdue"]) == ("119.00", 1, "Łódź", False)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "0"}, "limit"),
        ({"status": ["paid", "void"]}, "status"),
        ({"x": "1"}, "x"),
        ({"nextToken": "x"}, "nextToken"),
        ({"from": "0999-01-01"}, "from"),
        ({"to": "0002-01-01T00:00:00+23:59"}, "to"),
    ],
)
def test_a_bad_query_is_a_400_that_points(load: Load, call: Any, query: dict[str, Any], pointer: str) -> None:
    answer = call(load("query_invoices"), "GET", "/invoices", query=query)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, pointer)


def test_throttling_is_a_503_to_come_again(create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")

    monkeypatch.setattr(create.store._dynamodb, "put_item", throttled)
    answer = call(create, "POST", "/invoices", body=NUMBERED)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def test_a_fault_of_ours_is_raised_and_not_answered(create: ModuleType, call: Any) -> None:
    boto3.client("dynamodb").delete_table(TableName="invoices-dev")
    with pytest.raises(Exception, match="ResourceNotFound"):
        call(create, "POST", "/invoices", body=NUMBERED)
