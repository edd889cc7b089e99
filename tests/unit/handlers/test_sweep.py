"""The sweep: invoices that wait for something that was lost are found in the table, and healed from it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from invoicing.documents.bucket import key_by
from invoicing.domain.errors import Busy
from invoicing.domain.invoice_factory import invoice_id
from invoicing.events.sweep import SweepRequest
from invoicing.uploads.waiting import ENDINGS
from tests.unit.handlers.bodies import NUMBERED

SWEEP = {"task": "sweep"}


class Platform:
    """The functions, and what was published."""

    def __init__(self, load: Callable[..., ModuleType], call: Any, context: Any, table: Any, s3: Any) -> None:
        self.create, self.process = load("create_invoice"), cast("Any", load("process_invoice"))
        self.update = load("update_invoice_status")
        self.call, self.context, self.table, self.s3 = call, context, table, s3
        self.events: list[Any] = []
        self.process.bus.publish = self.events.append
        self.at(datetime.now(UTC) + timedelta(hours=1))

    def at(self, moment: datetime) -> None:
        """The time of the next sweeps. What the other functions do is done now."""
        self.process.clock = SimpleNamespace(now=lambda: moment)

    def new(self, number: str, **changes: Any) -> str:
        """Create an invoice whose record in the stream gets lost; returns its id."""
        body = NUMBERED | {"invoiceNumber": number} | changes
        assert self.call(self.create, "POST", "/invoices", body=body).status == 201
        return invoice_id(number)

    def item(self, identity: str) -> dict[str, Any]:
        item: dict[str, Any] = self.table.get_item(Key={"invoiceId": identity})["Item"]
        return item

    def draw(self, identity: str) -> None:
        key = key_by(identity, self.item(identity)["createdAt"])
        self.s3.put_object(Bucket="documents", Key=key, Body=b"%PDF")

    def sweep(self, **request: Any) -> dict[str, Any]:
        self.events.clear()
        figures: dict[str, Any] = self.process.lambda_handler(SWEEP | request, self.context)
        return figures

    @property
    def published(self) -> list[tuple[str, str]]:
        return [(event.detail_type, event.detail.get("invoiceId")) for event in self.events]


@pytest.fixture
def platform(load: Callable[..., ModuleType], call: Any, context: Any, table: Any, s3: Any) -> Platform:
    return Platform(load, call, context, table, s3)


def test_an_undecided_invoice_is_decided_and_told(platform: Platform) -> None:
    identity = platform.new("0001")

    figures = platform.sweep()

    assert (figures["undecided"], figures["failed"], figures["more"]) == (1, [], False)
    assert platform.item(identity)["status"] == "processed"
    assert platform.published[0] == ("invoice-created", identity)


def test_a_decided_invoice_without_a_pdf_is_told_again_with_the_first_event(platform: Platform) -> None:
    identity = platform.new("0001")
    platform.sweep()
    first = platform.events[0]

    figures = platform.sweep()

    assert (figures["undecided"], figures["undrawn"]) == (0, 1)
    assert platform.events == [first]
    platform.draw(identity)
    assert platform.sweep()["undrawn"] == 0
    assert platform.published == []


def test_a_second_sweep_finds_nothing_and_looks_at_nothing_twice(platform: Platform) -> None:
    identities = [platform.new(number) for number in ("0001", "0002")]
    platform.sweep()
    for identity in identities:
        platform.draw(identity)
    place = platform.sweep()["place"]
    platform.s3.delete_object(Bucket="documents", Key=key_by(identities[0], platform.item(identities[0])["createdAt"]))

    figures = platform.sweep()

    assert (figures["undrawn"], figures["place"]) == (0, place)
    assert platform.sweep(since="2026-01-01T00:00:00Z")["undrawn"] == 1


def test_the_place_stays_before_the_first_invoice_without_a_pdf(platform: Platform) -> None:
    one, two, three = (platform.new(number) for number in ("0001", "0002", "0003"))
    platform.sweep()
    platform.draw(one)
    platform.draw(three)
    platform.sweep()

    figures = platform.sweep()

    assert figures["undrawn"] == 1
    assert platform.published == [("invoice-created", two)]


def test_young_and_void_invoices_are_left_alone(platform: Platform) -> None:
    platform.new("0001")
    assert platform.sweep(olderThanMinutes=120)["undecided"] == 0
    other = platform.new("0002", currency="USD")
    platform.sweep()
    assert platform.call(platform.update, "PATCH", f"/invoices/{other}", body={"status": "void"}).status == 200

    platform.sweep()

    assert ("invoice-created", other) not in platform.published


def test_an_invoice_that_cannot_be_read_does_not_stop_the_others(platform: Platform) -> None:
    identity, broken = platform.new("0001"), platform.new("0002")
    platform.table.update_item(
        Key={"invoiceId": broken},
        UpdateExpression="SET currency = :none",
        ExpressionAttributeValues={":none": "nothing"},
    )

    figures = platform.sweep()

    assert figures["failed"] == [broken]
    assert platform.item(identity)["status"] == "processed"


def test_changes_of_a_period_are_told_again_under_their_first_ids(platform: Platform) -> None:
    identity = platform.new("0001")
    platform.sweep()
    platform.draw(identity)
    body = {"status": "paid", "payment": {"paymentId": "P-1"}}
    assert platform.call(platform.update, "PATCH", f"/invoices/{identity}", body=body).status == 200
    history = platform.item(identity)["history"]

    figures = platform.sweep(
        since="2026-01-01T00:00:00Z", changed={"from": history[2]["at"], "to": "2099-01-01T00:00:00Z"}
    )

    assert figures["untold"] == 1
    told = [(event.detail_type, event.detail["version"]) for event in platform.events]
    assert told == [("invoice-processed", 2), ("invoice-paid", 3)]
    assert len({event.detail["eventId"] for event in platform.events}) == 2


def test_a_period_needs_the_creation_of_the_oldest_invoice() -> None:
    period = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}

    with pytest.raises(ValueError, match="'changed' needs 'since'"):
        SweepRequest.model_validate(SWEEP | {"changed": period})


def test_unapplied_payments_of_a_period_are_told_again(platform: Platform, context: Any) -> None:
    payment = {"invoiceId": invoice_id("0009"), "paymentId": "P-1", "amount": "1.00", "currency": "EUR"}
    platform.update.lambda_handler({"id": "e-1", "source": "bank.example", "detail": payment}, context)

    figures = platform.sweep(
        since="2026-01-01T00:00:00Z", changed={"from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    )

    assert figures["untold"] == 1
    assert [event.detail_type for event in platform.events] == ["payment-unapplied"]


def test_a_sweep_without_time_says_that_there_is_more(platform: Platform) -> None:
    platform.new("0001")
    platform.context.milliseconds = 5_000

    figures = platform.sweep()

    assert (figures["more"], figures["undecided"]) == (True, 0)


def test_a_sweep_goes_on_at_the_place_of_the_one_before(platform: Platform) -> None:
    for number in range(4):
        platform.new(f"000{number}")
    platform.sweep()
    since, places = "2026-01-01T00:00:00Z", []
    times = iter([60, 60, 1, 60, 60])

    platform.context.get_remaining_time_in_millis = lambda: next(times) * 1000
    for _ in range(2):
        figures = platform.sweep(since=since)
        since = figures["place"]
        places.append((figures["undrawn"], figures["more"]))

    assert places == [(2, True), (2, False)]


def test_a_sweep_ends_early_when_the_table_throttles(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.new("0001")

    def throttled(*_: Any) -> Any:
        raise Busy("The table throttles.")

    monkeypatch.setattr(platform.process.store, "get", throttled)

    assert platform.sweep()["more"]


def counts(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What process-invoice counts from now on."""
    counted: dict[str, int] = {}
    count = platform.process.count

    def counting(name: str, value: int = 1) -> None:
        if name != "EventsReceived":
            counted[name] = value
        count(name, value)

    monkeypatch.setattr(platform.process, "count", counting)
    return counted


def test_what_waits_is_measured(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = counts(platform, monkeypatch)
    platform.new("0001")
    for ending in (*ENDINGS, ".txt"):
        platform.s3.put_object(Bucket="uploads", Key=f"incoming/a{ending}", Body=b"a")
    platform.at(datetime.now(UTC) + timedelta(hours=2))

    platform.process.lambda_handler({"task": "measure"}, platform.context)

    assert counted == {"InvoicesUndecided": 1, "PaymentsUnresolved": 0, "UploadsWaiting": 3}


def test_what_has_just_come_does_not_wait(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = counts(platform, monkeypatch)
    platform.new("0001")
    platform.s3.put_object(Bucket="uploads", Key="incoming/a.csv", Body=b"a")
    platform.at(datetime.now(UTC) + timedelta(minutes=1))

    platform.process.lambda_handler({"task": "measure"}, platform.context)

    assert set(counted.values()) == {0}
