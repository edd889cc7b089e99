"""What the door objects to: everything that the content alone can tell, all of it at once."""

from datetime import date
from typing import Any

import pytest

from invoicing.domain.door import Door
from invoicing.domain.errors import NotAcceptable
from tests.data.invoices import LINE, a_request

TODAY = date(2026, 11, 22)


def objections(door: Door, **changes: Any) -> list[tuple[str, str]]:
    return [(entry["pointer"], entry["detail"]) for entry in door.objections(a_request(**changes), TODAY)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"issueDate": "2000-01-01"},
        {"issueDate": "2027-11-23"},
        {"dueDate": "2026-11-01"},
        {"dueDate": "2036-11-08"},
        {"lines": [LINE | {"taxRate": "0"}, LINE | {"taxRate": "100"}]},
        {"lines": [LINE | {"discount": "100"}]},
        {"lines": [LINE, LINE | {"quantity": "-1"}]},
    ],
    ids=["usual", "first day", "a year ahead", "due at once", "due in ten years", "rates", "total zero", "voucher"],
)
def test_what_may_be_issued(changes: dict[str, Any]) -> None:
    assert objections(Door(), **changes) == []


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"issueDate": "1999-12-31"}, "#/issueDate", "1999-12-31 is before 2000-01-01"),
        ({"issueDate": "0026-11-05"}, "#/issueDate", "0026-11-05 is before 2000-01-01"),
        ({"issueDate": "2027-11-24"}, "#/issueDate", "2027-11-24 is more than a year ahead of 2026-11-22"),
        ({"issueDate": "9999-12-31"}, "#/issueDate", "9999-12-31 is more than a year ahead of 2026-11-22"),
        ({"dueDate": "2036-11-09"}, "#/dueDate", "2036-11-09 is more than ten years after the issue date 2026-11-01"),
        ({"dueDate": "2126-11-01"}, "#/dueDate", "2126-11-01 is more than ten years after the issue date 2026-11-01"),
        ({"dueDate": "2026-10-31"}, "#/dueDate", "2026-10-31 is before the issue date 2026-11-01"),
        (
            {"lines": [LINE, LINE | {"taxRate": "100.01"}]},
            "#/lines/1/taxRate",
            "must be a percentage from 0 to 100 (19 means 19 %)",
        ),
        ({"lines": [LINE | {"taxRate": "0.19"}]}, "#/lines/0/taxRate", "is 0.19 %, and probably a ratio: write 19"),
        ({"lines": [LINE | {"taxRate": "-1"}]}, "#/lines/0/taxRate", "must be a percentage from 0 to 100"),
    ],
)
def test_what_may_not(changes: dict[str, Any], pointer: str, detail: str) -> None:
    ((where, reason),) = objections(Door(), **changes)

    assert where == pointer
    assert reason.startswith(detail)


@pytest.mark.parametrize(("issued", "accepted"), [("2026-09-30", False), ("2026-10-01", True)])
def test_a_closed_period_takes_no_invoice(issued: str, accepted: bool) -> None:  # noqa: FBT001
    reasons = objections(Door(closed_until=date(2026, 9, 30)), issueDate=issued)

    assert reasons == (
        [] if accepted else [("#/issueDate", f"{issued} is in a closed period, which ends on 2026-09-30")]
    )


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "pointer"),
    [
        ("999999999999999", "1", "0", None),
        ("1", "999999999999999.99", "0", None),
        ("-999999999999999", "1", "0", None),
        ("1", "999999999999999.995", "0", "#/lines/0"),  # rounded, it has sixteen digits
        ("500000000000000", "1", "99.999999", None),
        ("500000000000000", "1", "100", "#/lines"),  # the total has, though no line does
        ("-500000000000000", "2", "0", "#/lines/0"),
    ],
)
def test_the_largest_amounts(quantity: str, price: str, rate: str, pointer: str | None) -> None:
    line = {"description": "x", "quantity": quantity, "unitPrice": price, "taxRate": rate}

    reasons = objections(Door(), lines=[line])

    detail = "makes an amount of more than 15 digits before the decimal point"
    assert reasons == ([] if pointer is None else [(pointer, detail)])


def test_every_objection_is_reported_at_once() -> None:
    door, request = Door(date(2026, 11, 1)), a_request(dueDate="2026-10-01", lines=[LINE | {"taxRate": "190"}])

    with pytest.raises(NotAcceptable) as error:
        door.check(request, TODAY)

    assert [entry["pointer"] for entry in error.value.errors] == ["#/issueDate", "#/dueDate", "#/lines/0/taxRate"]
    assert error.value.status == 422
    beginning = "No invoice can be issued: issueDate 2026-11-01 is in a closed period"
    assert error.value.detail.startswith(beginning)
    assert error.value.detail.endswith("There are 3 objections.")
