"""What payments record, and the errors of those that do not fit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from invoicing.domain.errors import InvalidRequest, InvoiceError, PaymentConflict, PreconditionFailed, StatusConflict
from invoicing.domain.models import UpdateInvoice
from invoicing.domain.payments import GROUPED, decide_change
from invoicing.domain.status import Status
from tests.data.invoices import LINE, an_invoice

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CURRENT = {"currentStatus": "processed", "currentVersion": 1}


def update(status: str, **more: Any) -> UpdateInvoice:
    return UpdateInvoice.model_validate({"status": status, **more})


@pytest.mark.parametrize(
    ("request_", "kind", "detail", "errors", "members"),
    [
        (
            update("partially-paid"), InvalidRequest, "A partial payment needs its amount.",
            [{"pointer": "#/payment", "detail": "is required for status partially-paid"}], {},
        ),
        (
            update("void", payment={"amount": 5}), InvalidRequest, "A payment needs the status paid or partially-paid.",
            [{"pointer": "#/payment", "detail": "is not allowed with status void"}], {},
        ),
        (
            update("paid", payment={"amount": "0.001"}), InvalidRequest, "The amount is too precise for EUR.",
            [{"pointer": "#/payment/amount", "detail": "has more than the 2 decimals of EUR"}], {},
        ),
        (
            update("paid", payment={"amount": "1.000"}), InvalidRequest, "The amount may be a thousand EUR, or one.",
            [{"pointer": "#/payment/amount", "detail": GROUPED}], {},
        ),
        (
            update("paid", expectedVersion=2), StatusConflict,
            "The invoice is at version 1, not 2. Read the invoice again.", [], CURRENT,
        ),
        (
            update("paid", payment={"amount": "119.01"}), PaymentConflict,
            "A payment of 119.01 is more than the 119.00 EUR due.", [],
            CURRENT | {"amountDue": "119.00", "currency": "EUR"},
        ),
        (
            update("paid", payment={"amount": 0}), PaymentConflict,
            "A payment of 0.00 does not reduce the 119.00 EUR due.", [],
            CURRENT | {"amountDue": "119.00", "currency": "EUR"},
        ),
    ],
)  # fmt: skip
def test_an_error_reports_the_problem_and_the_current_state(
    request_: UpdateInvoice,
    kind: type[InvoiceError],
    detail: str,
    errors: list[dict[str, str]],
    members: dict[str, Any],
) -> None:
    with pytest.raises(kind) as error:
        decide_change(an_invoice("processed"), request_, now=NOW, by="api")
    assert (error.value.detail, error.value.errors, error.value.members) == (detail, errors, members)


@pytest.mark.parametrize("versions", [frozenset({1}), frozenset({1, 5}), None])
def test_a_version_that_matches_is_changed(versions: frozenset[int] | None) -> None:
    before = an_invoice("processed")
    change = decide_change(before, update("void"), now=NOW, by="api", if_match=versions)
    assert change is not None
    assert change.before is before
    assert (change.after.status, change.after.version) == (Status.VOID, 2)


@pytest.mark.parametrize("versions", [frozenset(), frozenset({2, 3})])
def test_a_version_that_does_not_match_is_rejected(versions: frozenset[int]) -> None:
    with pytest.raises(PreconditionFailed) as error:
        decide_change(an_invoice("processed"), update("void"), now=NOW, by="api", if_match=versions)
    assert error.value.detail == "The invoice is at version 1, which If-Match does not name. Read the invoice again."
    assert error.value.members == CURRENT


def test_a_payment_is_recorded_as_it_was_sent() -> None:
    payment = {
        "paymentId": "P-1",
        "amount": "19",
        "method": "card",
        "reference": "R 7",
        "paidAt": "2026-11-20T10:00:00Z",
    }
    change = decide_change(an_invoice("processed"), update("partially-paid", payment=payment), now=NOW, by="bank")
    assert change is not None
    (recorded,) = change.after.payments
    assert recorded.model_dump(by_alias=True) == payment | {
        "amount": Decimal(19),
        "paidAt": "2026-11-20T10:00:00.000000Z",
        "source": "api",
        **dict.fromkeys(("reverses", "reversesSource", "reportedId", "unreadable")),
    }
    assert (change.after.amount_paid, change.after.amount_due) == (Decimal("19.00"), Decimal("100.00"))
    assert change.after.updated_at == change.after.history[-1].at == "2026-11-23T09:30:00.000000Z"
    assert change.after.history[-1].by == "bank"


def test_a_payment_without_an_id_gets_a_new_one() -> None:
    change = decide_change(an_invoice("processed"), update("paid"), now=NOW, by="api", default_payment_id="U")
    assert change is not None
    (recorded,) = change.after.payments
    assert (recorded.payment_id, recorded.paid_at) == ("U", "2026-11-23T09:30:00.000000Z")
    named = decide_change(
        an_invoice("processed"),
        update("paid", payment={"paymentId": "P", "amount": 1}),
        now=NOW,
        by="api",
        default_payment_id="U",
    )
    assert named is not None
    assert [payment.payment_id for payment in named.after.payments] == ["P"]
    again = decide_change(an_invoice("processed"), update("partially-paid", payment={"amount": "1"}), now=NOW, by="api")
    assert again is not None
    more = decide_change(again.after, update("partially-paid", payment={"amount": "1"}), now=NOW, by="api")
    assert more is not None
    assert len({payment.payment_id for payment in more.after.payments}) == 2


def test_a_change_recognizes_itself_and_no_other() -> None:
    ours = decide_change(an_invoice("processed"), update("partially-paid", payment={"amount": "1"}), now=NOW, by="api")
    other = decide_change(an_invoice("processed"), update("partially-paid", payment={"amount": "1"}), now=NOW, by="api")
    assert ours is not None
    assert other is not None
    later = decide_change(ours.after, update("paid"), now=NOW, by="api")
    assert later is not None
    assert [ours.is_included_in(there) for there in (ours.after, later.after)] == [True, True]
    assert [ours.is_included_in(there) for there in (ours.before, other.after)] == [
        False,
        False,
    ]  # of the same microsecond
    void, void_later = (
        decide_change(an_invoice("processed"), update("void"), now=now, by="api")
        for now in (NOW, NOW + timedelta(microseconds=1))
    )
    assert void is not None
    assert void_later is not None
    assert (void.is_included_in(void.after), void.is_included_in(void_later.after)) == (True, False)


def test_a_payment_id_used_for_another_amount_reports_the_recorded_one() -> None:
    first = decide_change(
        an_invoice("processed"), update("paid", payment={"paymentId": "P", "amount": "50"}), now=NOW, by="api"
    )
    assert first is not None
    with pytest.raises(PaymentConflict) as error:
        decide_change(first.after, update("paid", payment={"paymentId": "P", "amount": "60"}), now=NOW, by="api")
    assert error.value.detail == "Payment P is already recorded, with an amount of 50.00."
    assert error.value.members == {"currentStatus": "partially-paid", "currentVersion": 2}


@pytest.mark.parametrize(
    ("first", "again", "difference"),
    [
        ({"method": "card", "reference": "R"}, {"method": "card", "reference": "R"}, None),
        ({"method": "card", "reference": "R"}, {}, None),
        ({}, {"method": "card", "reference": "R"}, None),
        ({"method": "card"}, {"method": "cash"}, "another method"),
        ({"reference": "R"}, {"reference": "S"}, "another reference"),
    ],
)
def test_a_repeated_payment_must_have_the_same_data(
    first: dict[str, str], again: dict[str, str], difference: str | None
) -> None:
    payment = {"paymentId": "P", "amount": "50.00"}
    change = decide_change(an_invoice("processed"), update("paid", payment=payment | first), now=NOW, by="api")
    assert change is not None
    repeated = update("paid", payment=payment | again | {"amount": 50})
    if difference is None:
        assert decide_change(change.after, repeated, now=NOW, by="api") is None
    else:
        with pytest.raises(PaymentConflict) as error:
            decide_change(change.after, repeated, now=NOW, by="api")
        assert error.value.detail == f"Payment P is already recorded, with {difference}."


@pytest.mark.parametrize(("quantity", "amount"), [("0.005", "0.60"), ("0.005", "0.01"), ("-0.005", "-0.60")])
def test_small_amounts_are_due_like_large_ones(quantity: str, amount: str) -> None:
    before = an_invoice("processed", lines=[LINE | {"quantity": quantity}])
    change = decide_change(before, update("paid", payment={"amount": amount}), now=NOW, by="api")
    assert change is not None
    assert change.after.amount_due == before.total - Decimal(amount)
