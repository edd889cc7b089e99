"""A batch of stream records: in order, until a service cannot take more."""

from collections.abc import Callable
from typing import Any

import pytest

from invoicing.domain.errors import Busy, InvalidRequest
from invoicing.table.stream import RESERVE_S, handle_in_order, read_images, read_receipts

RECORDS = [{"dynamodb": {"SequenceNumber": str(number)}} for number in range(1, 5)]


def failing(failures: dict[str, Exception], handled: list[str]) -> Callable[[dict[str, Any]], None]:
    def handle(record: dict[str, Any]) -> None:
        number = record["dynamodb"]["SequenceNumber"]
        handled.append(number)
        if number in failures:
            raise failures[number]

    return handle


def reported(response: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in response["batchItemFailures"]]


@pytest.mark.parametrize("error", [Busy("throttled"), KeyError("one of the caller's")])
def test_an_interruption_ends_the_batch_at_once(error: Exception) -> None:
    handled: list[str] = []

    response = handle_in_order(RECORDS, failing({"2": error}, handled), lambda: 60.0, KeyError)

    assert reported(response) == ["2", "3", "4"]
    assert handled == ["1", "2"]


def test_a_record_that_can_never_be_handled_fails_alone() -> None:
    handled: list[str] = []

    response = handle_in_order(RECORDS, failing({"2": InvalidRequest("no")}, handled), lambda: 60.0)

    assert reported(response) == ["2"]
    assert handled == ["1", "2", "3", "4"]


def test_no_record_but_the_first_begins_shortly_before_the_timeout() -> None:
    handled: list[str] = []

    response = handle_in_order(RECORDS, failing({}, handled), lambda: RESERVE_S - 1)

    assert reported(response) == ["2", "3", "4"]
    assert handled == ["1"]


def test_an_unexpected_error_fails_the_invocation() -> None:
    with pytest.raises(ZeroDivisionError):
        handle_in_order(RECORDS, failing({"2": ZeroDivisionError()}, []), lambda: 60.0)


@pytest.mark.parametrize("rest", [{}, {"NewImage": {}}], ids=["AWS", "LocalStack"])
@pytest.mark.parametrize(("read", "name"), [(read_images, "a"), (read_receipts, "payment#a")])
def test_a_removal_is_no_change_of_an_invoice(read: Callable[..., Any], name: str, rest: dict[str, Any]) -> None:
    key = {"invoiceId": {"S": name}}
    record = {"eventName": "REMOVE", "dynamodb": {"Keys": key, "OldImage": {**key, "total": {"N": "1"}}, **rest}}

    assert read(record) == (None, None)
