"""A batch of stream records: in order, until a service cannot take more; what can never be handled is set aside."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from invoicing.domain.errors import Busy, InvalidRequest
from invoicing.runtime import clock
from invoicing.runtime.aws import longest_call
from invoicing.table.stream import ATTEMPTS, RESERVE_S, RETRIED_FOR, RecordHandler, read_images, read_receipts

MADE_AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
RECORDS = [
    {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": MADE_AT.timestamp()}}
    for number in range(1, 5)
]


class Reader:
    """Handles records, some of which fail, and remembers what became of each."""

    def __init__(self, failures: dict[str, Exception], seconds_left: Callable[[], float] = lambda: 60.0) -> None:
        self._failures, self._seconds_left = failures, seconds_left
        self.handled: list[str] = []
        self.aside: list[tuple[str, str]] = []
        self.queue_error: Exception | None = None

    def read(self, *interruptions: type[Exception], impossible: tuple[type[Exception], ...] = ()) -> list[str]:
        """The numbers that the stream has to deliver again."""
        each = RecordHandler(self._handle, self._set_aside, interruptions, impossible)
        response = each.in_order(RECORDS, self._seconds_left)
        return [item["itemIdentifier"] for item in response["batchItemFailures"]]

    def read_one(self, record: dict[str, Any]) -> None:
        """Handle one record."""
        RecordHandler(self._handle, self._set_aside)(record)

    def _handle(self, record: dict[str, Any]) -> None:
        number = record["dynamodb"]["SequenceNumber"]
        self.handled.append(number)
        if number in self._failures:
            raise self._failures[number]

    def _set_aside(self, record: dict[str, Any], reason: Exception) -> None:
        if self.queue_error:
            raise self.queue_error
        self.aside.append((record["dynamodb"]["SequenceNumber"], str(reason)))


@pytest.mark.parametrize("error", [Busy("throttled"), KeyError("one of the caller's")])
def test_an_interruption_ends_the_batch_at_once(error: Exception) -> None:
    reader = Reader({"2": error})

    assert reader.read(KeyError) == ["2", "3", "4"]
    assert reader.handled == ["1", "2"]
    assert reader.aside == []


@pytest.mark.parametrize("error", [InvalidRequest("no"), ArithmeticError("no")])
def test_a_record_that_can_never_be_handled_is_set_aside_and_holds_up_no_other(error: Exception) -> None:
    reader = Reader({"2": error})

    assert reader.read(impossible=(ArithmeticError,)) == []
    assert reader.handled == ["1", "2", "3", "4"]
    assert reader.aside == [("2", "no")]


def test_a_record_that_cannot_be_set_aside_now_is_delivered_again() -> None:
    reader = Reader({"2": InvalidRequest("no")})
    reader.queue_error = Busy("the queue is throttled")

    assert reader.read() == ["2", "3", "4"]


def test_no_record_but_the_first_begins_shortly_before_the_timeout() -> None:
    reader = Reader({}, lambda: RESERVE_S - 1)

    assert reader.read() == ["2", "3", "4"]
    assert reader.handled == ["1"]


def test_the_reserve_covers_two_calls_without_a_response() -> None:
    assert longest_call(ATTEMPTS) * 2 < RESERVE_S


@pytest.mark.parametrize("age", [timedelta(0), RETRIED_FOR - timedelta(seconds=1)])
def test_an_unexpected_error_fails_the_invocation_and_is_tried_again(
    age: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MADE_AT + age)
    reader = Reader({"2": ZeroDivisionError()})

    with pytest.raises(ZeroDivisionError):
        reader.read()
    assert reader.aside == []


def test_a_record_with_an_unexpected_error_is_set_aside_in_time_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MADE_AT + RETRIED_FOR)
    reader = Reader({"2": ZeroDivisionError("unexpected")})

    assert reader.read() == []
    assert reader.handled == ["1", "2", "3", "4"]
    assert reader.aside == [("2", "unexpected")]


def test_an_unexpected_error_of_a_record_without_a_time_is_tried_again() -> None:
    reader = Reader({"1": ZeroDivisionError()})

    with pytest.raises(ZeroDivisionError):
        reader.read_one({"dynamodb": {"SequenceNumber": "1"}})


@pytest.mark.parametrize("rest", [{}, {"NewImage": {}}], ids=["AWS", "LocalStack"])
@pytest.mark.parametrize(("read", "name"), [(read_images, "a"), (read_receipts, "payment#a")])
def test_a_removal_is_no_change_of_an_invoice(read: Callable[..., Any], name: str, rest: dict[str, Any]) -> None:
    key = {"invoiceId": {"S": name}}
    record = {"eventName": "REMOVE", "dynamodb": {"Keys": key, "OldImage": {**key, "total": {"N": "1"}}, **rest}}

    assert read(record) == (None, None)
