"""``POST /invoices``: one invoice for a number, a key or a repeated request, and numbers without gaps."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from invoicing.domain.errors import ContentConflict
from invoicing.domain.invoice_factory import Origin, invoice_id, issue
from invoicing.domain.models import CreateInvoice
from invoicing.services.decide_invoice import decide_status
from invoicing.table.retries import Canceled
from tests.unit.handlers.bodies import BODY, LINE, NUMBERED

Load = Callable[..., ModuleType]

pytestmark = pytest.mark.usefixtures("table")


def test_a_repeated_request_gets_the_first_body_and_the_status_of_now(
    create: ModuleType, load: Load, call: Any
) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED)
    create.store.change(decide_status(create.store.get(first.body["invoiceId"]), datetime.now(UTC)))
    update = load("update_invoice_status")
    assert call(update, "PATCH", f"/invoices/{first.body['invoiceId']}", body={"status": "void"}).status == 200
    again = call(create, "POST", "/invoices", body=NUMBERED)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body | {"status": "void"}
    assert again.headers["Location"] == first.headers["Location"]


def test_the_same_number_with_different_content_is_a_conflict(create: ModuleType, call: Any) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED)
    response = call(create, "POST", "/invoices", body=NUMBERED | {"currency": "USD"})
    assert (response.status, response.headers["Content-Type"]) == (409, "application/problem+json")
    assert response.body["type"] == "urn:invoice-platform:problem:content-conflict"
    assert response.body["invoiceId"] == first.body["invoiceId"]
    assert {"title", "status", "detail"} <= response.body.keys()
    assert response.body["errors"] == []


@pytest.mark.parametrize("body", [BODY, NUMBERED])
def test_an_idempotency_key_belongs_to_one_content(create: ModuleType, call: Any, body: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "order 17"}
    first = call(create, "POST", "/invoices", body=body, headers=key)
    again = call(create, "POST", "/invoices", body=body, headers=key)
    other = call(create, "POST", "/invoices", body=body | {"currency": "USD"}, headers=key)
    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert again.body == first.body
    assert "Idempotency-Key" in other.body["detail"]


def test_a_key_that_comes_after_the_invoice_is_stored_too(create: ModuleType, call: Any) -> None:
    key = {"Idempotency-Key": "late"}
    first = call(create, "POST", "/invoices", body=NUMBERED)
    again = call(create, "POST", "/invoices", body=NUMBERED, headers=key)
    other = call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "43"}, headers=key)
    assert (again.status, again.body, other.status) == (200, first.body, 409)


def test_the_key_of_an_assigned_number_never_expires(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = {"Idempotency-Key": "old"}, {"Idempotency-Key": "other"}
    first = call(create, "POST", "/invoices", body=BODY, headers=key)
    call(create, "POST", "/invoices", body=NUMBERED, headers=other)
    keys = [item for item in table.scan()["Items"] if item["invoiceId"].startswith("idempotency#")]
    assert sorted("expiresAt" in item for item in keys) == [False, True]
    monkeypatch.setattr("invoicing.runtime.clock.now", lambda: datetime.now(UTC) + timedelta(days=60))
    again = call(create, "POST", "/invoices", body=BODY, headers=key)
    assert (again.status, again.body) == (200, first.body)

    changed = NUMBERED | {"invoiceNumber": "43"}
    assert call(create, "POST", "/invoices", body=changed, headers=other).status == 201  # the key has expired


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_number_exists_once_whoever_chose_it(
    create: ModuleType, call: Any, table: Any, headers: dict[str, str]
) -> None:
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


def test_an_upload_can_repeat_an_assigned_number(create: ModuleType, call: Any) -> None:
    assigned = call(create, "POST", "/invoices", body=BODY, headers={"Idempotency-Key": "k"}).body

    def uploaded_invoice(**changes: Any) -> Any:
        request = CreateInvoice.model_validate(BODY | {"invoiceNumber": assigned["invoiceNumber"]} | changes)
        number = request.invoice_number or ""
        origin = Origin(datetime.now(UTC), "s3://uploads/incoming/a.csv#2", "create-invoice")
        return issue(request, number=number, origin=origin)

    (same,) = create.loader.create_many([uploaded_invoice()])
    assert (same.created, same.invoice.invoice_id) == (False, assigned["invoiceId"])
    (other,) = create.loader.create_many([uploaded_invoice(currency="USD")])
    assert isinstance(other, ContentConflict)


def test_two_concurrent_requests_with_one_key_take_one_number(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Idempotency-Key": "k"}
    read, overtakers, responses = create.table.item, [None], []

    def overtaken(item_id: str) -> Any:
        """This request finds no key; then the other request runs from beginning to end."""
        item = read(item_id)
        if item_id.startswith("idempotency#") and overtakers:
            overtakers.pop()
            responses.append(call(create, "POST", "/invoices", body=BODY, headers=key))
        return item

    monkeypatch.setattr(create.table, "item", overtaken)
    ours = call(create, "POST", "/invoices", body=BODY, headers=key)
    assert (responses[0].status, ours.status, ours.body) == (201, 200, responses[0].body)
    assert len([item for item in table.scan()["Items"] if "invoiceNumber" in item]) == 1


@pytest.mark.parametrize("exists", [False, True])
def test_two_requests_with_one_key_that_meet_both_succeed(
    create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    if exists:
        call(create, "POST", "/invoices", body=NUMBERED)
    real, cancellations = create.table.transact, [1, 0, 1]

    def transact(writes: list[Any]) -> None:
        """During another transaction, this one is canceled although no condition failed."""
        if cancellations and cancellations.pop():
            raise Canceled([{"Code": "TransactionConflict"}] * len(writes))
        real(writes)

    monkeypatch.setattr(create.table, "transact", transact)
    monkeypatch.setattr("time.sleep", lambda _: None)
    response = call(create, "POST", "/invoices", body=NUMBERED, headers={"Idempotency-Key": "k"})
    assert response.status == (200 if exists else 201)


def test_a_key_that_stays_in_use_gets_503(create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def transact(writes: list[Any]) -> None:
        raise Canceled([{"Code": "TransactionConflict"}] * len(writes))

    pauses: list[float] = []
    monkeypatch.setattr(create.table, "transact", transact)
    monkeypatch.setattr("time.sleep", pauses.append)
    response = call(create, "POST", "/invoices", body=NUMBERED, headers={"Idempotency-Key": "k"})
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert 0 < sum(pauses) < 1.5


@pytest.mark.parametrize(("conflicts", "post", "patch"), [(2, 201, 200), (99, 503, 503)])
def test_a_write_waits_for_transactions_of_others(
    create: ModuleType,
    processed: Callable[..., str],
    load: Load,
    call: Any,
    monkeypatch: pytest.MonkeyPatch,
    conflicts: int,
    post: int,
    patch: int,
) -> None:
    path, update = processed(), load("update_invoice_status")
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    def add_conflicts(client: Any, operation: str) -> None:
        real, left = getattr(client, operation), [None] * conflicts

        def write(**request: Any) -> Any:
            if left:
                left.pop()
                raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": "wait"}}, operation)
            return real(**request)

        monkeypatch.setattr(client, operation, write)

    add_conflicts(create.table._dynamodb, "put_item")
    add_conflicts(update.store._table._dynamodb, "update_item")
    assert call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "43"}).status == post
    assert call(update, "PATCH", path, body={"status": "void"}).status == patch
    assert 0 < sum(pauses) < 3


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\nb"])
def test_invalid_keys_are_rejected(create: ModuleType, call: Any, key: str) -> None:
    response = call(create, "POST", "/invoices", body=BODY, headers={"Idempotency-Key": key})
    assert (response.status, response.body["errors"][0]["pointer"]) == (400, "Idempotency-Key")


def test_numbers_are_assigned_without_gaps_when_writers_overtake_each_other(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, overtakers = create.table.item, [None, None]

    def overtaken(item_id: str) -> Any:
        """Twice, another request takes the number between the read of the counter and the write."""
        item = read(item_id)
        if item_id.startswith("counter#") and overtakers:
            overtakers.pop()
            assert call(create, "POST", "/invoices", body=BODY).status == 201
        return item

    monkeypatch.setattr(create.table, "item", overtaken)
    ours = call(create, "POST", "/invoices", body=BODY)
    numbers = sorted(item["invoiceNumber"] for item in table.scan()["Items"] if "invoiceNumber" in item)
    year = ours.body["invoiceNumber"][:4]
    assert (ours.status, ours.body["invoiceNumber"]) == (201, f"{year}-000003")
    assert numbers == [f"{year}-{number:06d}" for number in (1, 2, 3)]
    assert read(f"counter#{year}")["lastNumber"] == 3


def test_too_many_writers_of_numbers_get_503(create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def always_late(_: Any) -> None:
        raise Canceled([{"Code": "None"}, {"Code": "ConditionalCheckFailed"}])

    monkeypatch.setattr(create.table, "transact", always_late)
    monkeypatch.setattr("invoicing.table.store.time.sleep", lambda _: None)
    assert call(create, "POST", "/invoices", body=BODY).status == 503


@pytest.mark.parametrize("spelling", ["0042", "00\uff14\uff12", " 0042\u00a0"])
def test_a_number_belongs_to_one_invoice_whoever_the_customer_is(
    create: ModuleType, call: Any, table: Any, spelling: str
) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED)

    response = call(create, "POST", "/invoices", body=NUMBERED | {"customerId": "C-2", "invoiceNumber": spelling})

    assert (response.status, response.body["invoiceId"]) == (409, first.body["invoiceId"])
    assert response.body["detail"].startswith("Invoice 0042 exists for another customer")
    assert len([item for item in table.scan()["Items"] if "invoiceNumber" in item]) == 1


def test_a_number_in_look_alike_letters_is_that_of_another_invoice(create: ModuleType, call: Any, table: Any) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "AB-1"})

    response = call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "\u0410\u0412-1"})

    assert (response.status, response.body["invoiceId"]) == (409, first.body["invoiceId"])
    assert len([item for item in table.scan()["Items"] if "invoiceNumber" in item]) == 1


def test_a_repetition_may_spell_its_ids_in_another_way_that_looks_the_same(create: ModuleType, call: Any) -> None:
    first = call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "R-1", "customerId": "C 1"})

    again = call(create, "POST", "/invoices", body=NUMBERED | {"invoiceNumber": "R\u20131", "customerId": "C\u00a01"})

    assert (again.status, again.body) == (200, first.body)


def imported(table: Any, numbers: Iterable[int], year: str = "2026") -> None:
    """Invoices with these numbers of the sequence, as far as it can see."""
    with table.batch_writer() as batch:
        for number in numbers:
            batch.put_item(Item={"invoiceId": invoice_id(f"{year}-{number:06d}")})


@pytest.mark.parametrize(
    ("numbers", "first", "second"),
    [
        ([1], 2, 3),
        (range(2, 20), 1, 20),
        ([*range(1, 50), *range(51, 70)], 50, 70),
        (range(1, 101), 101, 102),
        (range(1, 102), 102, 103),
        (range(1, 3001), 3001, 3002),
    ],
)
def test_the_sequence_steps_over_numbers_that_exist(
    create: ModuleType, call: Any, table: Any, numbers: Iterable[int], first: int, second: int
) -> None:
    imported(table, numbers)

    responses = [call(create, "POST", "/invoices", body=BODY) for _ in range(2)]

    assert [response.body["invoiceNumber"] for response in responses] == [f"2026-{first:06d}", f"2026-{second:06d}"]


def test_the_next_free_number_is_found_in_a_few_reads(
    create: ModuleType, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind 123,456 numbers that exist."""
    existing = {invoice_id(f"2026-{number:06d}") for number in range(1, 123_457)}
    reads: list[int] = []

    def read(ids: Iterable[str]) -> set[str]:
        looked_up = [*ids]
        reads.append(len(looked_up))
        return existing.intersection(looked_up)

    real = create.table.transact

    def transact(writes: list[Any]) -> None:
        if writes[0].item["invoiceId"] in existing:
            raise Canceled([{"Code": "ConditionalCheckFailed"}, {"Code": "None"}])
        real(writes)

    monkeypatch.setattr(create.table, "existing", read)
    monkeypatch.setattr(create.table, "transact", transact)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waited"))

    assert call(create, "POST", "/invoices", body=BODY).body["invoiceNumber"] == "2026-123457"
    assert len(reads) <= 5
    assert max(reads) <= 100


def test_an_import_that_takes_the_free_number_first_is_stepped_over(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(table, [1])
    read, overtakers = create.table.existing, [[2, 3], [4]]

    def overtaken(ids: Iterable[str]) -> set[str]:
        existing: set[str] = read(ids)
        if overtakers:
            imported(table, overtakers.pop(0))
        return existing

    monkeypatch.setattr(create.table, "existing", overtaken)

    assert call(create, "POST", "/invoices", body=BODY).body["invoiceNumber"] == "2026-000005"
    assert create.table.item("counter#2026")["lastNumber"] == 5


def test_a_read_that_dynamodb_leaves_unfinished_is_continued(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(table, range(1, 31))
    pauses: list[float] = []
    client = create.table._dynamodb
    real = client.batch_get_item

    def batch_get_item(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 -- the name in boto3
        ((name, request),) = RequestItems.items()
        response = real(RequestItems={name: {**request, "Keys": request["Keys"][:30]}})
        if request["Keys"][30:]:
            response["UnprocessedKeys"] = {name: {**request, "Keys": request["Keys"][30:]}}
        return response

    monkeypatch.setattr(client, "batch_get_item", batch_get_item)
    monkeypatch.setattr("time.sleep", pauses.append)

    assert call(create, "POST", "/invoices", body=BODY).body["invoiceNumber"] == "2026-000031"
    assert len(pauses) == 3


def test_a_read_that_dynamodb_never_finishes_gets_503(
    create: ModuleType, call: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(table, [1])

    def batch_get_item(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 -- the name in boto3
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    monkeypatch.setattr(create.table._dynamodb, "batch_get_item", batch_get_item)
    monkeypatch.setattr("time.sleep", lambda _: None)

    assert call(create, "POST", "/invoices", body=BODY).status == 503


def test_a_number_has_the_year_of_its_issue_date(create: ModuleType, call: Any) -> None:
    numbers = [
        call(create, "POST", "/invoices", body=BODY | {"issueDate": date}).body["invoiceNumber"]
        for date in ("2025-12-31", "2026-01-01", "2025-12-30")
    ]
    assert numbers == ["2025-000001", "2026-000001", "2025-000002"]


def test_json_numbers_are_read_exactly(create: ModuleType, call: Any) -> None:
    body = json.dumps(NUMBERED).replace('"100.00"', "1.0050000").replace('"quantity": 1', '"quantity": 1.0')
    response = call(create, "POST", "/invoices", body=body)
    assert (response.status, response.body["lines"][0]["unitPrice"], response.body["subtotal"]) == (
        201,
        "1.005",
        "1.01",
    )


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"issueDate": "2099-12-31"}, ["#/issueDate"]),
        ({"issueDate": "2026-09-30"}, ["#/issueDate"]),
        ({"dueDate": "2026-10-01"}, ["#/dueDate"]),
        ({"lines": [LINE, LINE | {"taxRate": 190}]}, ["#/lines/1/taxRate"]),
        ({"issueDate": "0026-11-05", "dueDate": "0026-11-04"}, ["#/issueDate", "#/issueDate", "#/dueDate"]),
    ],
)
def test_what_may_not_be_issued_gets_422_and_takes_no_number(
    load: Load, call: Any, table: Any, changes: dict[str, Any], pointers: list[str]
) -> None:
    create = load("create_invoice", CLOSED_UNTIL="2026-09-30")

    response = call(create, "POST", "/invoices", body=BODY | changes, headers={"Idempotency-Key": "k"})

    assert (response.status, response.body["type"]) == (422, "urn:invoice-platform:problem:not-acceptable")
    assert [error["pointer"] for error in response.body["errors"]] == pointers
    assert table.scan()["Items"] == []


def test_a_repeated_request_is_answered_after_its_period_was_closed(load: Load, call: Any) -> None:
    key = {"Idempotency-Key": "k"}
    open_ = load("create_invoice")
    first, numbered = (
        call(open_, "POST", "/invoices", body=BODY, headers=key),
        call(open_, "POST", "/invoices", body=NUMBERED),
    )
    closed = load("create_invoice", CLOSED_UNTIL="2026-11-30")

    again = call(closed, "POST", "/invoices", body=BODY, headers=key)

    assert (again.status, again.body) == (200, first.body)
    assert call(closed, "POST", "/invoices", body=NUMBERED).body == numbered.body
    assert call(closed, "POST", "/invoices", body=NUMBERED | {"currency": "USD"}).status == 422


def test_an_invoice_with_nothing_to_pay_is_issued(create: ModuleType, call: Any) -> None:
    response = call(create, "POST", "/invoices", body=BODY | {"lines": [LINE | {"discount": "100"}]})

    assert (response.status, response.body["total"]) == (201, "0.00")
