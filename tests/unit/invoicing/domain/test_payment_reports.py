"""Whatever a provider sends becomes a receipt, and what is there is never taken for absent."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.payment_reports import MAX_DETAIL, read_receipt
from invoicing.domain.receipts import Receipt, ReceiptState

AT = "2026-11-23T00:00:00.000000Z"
NAMES = ["invoiceId", "paymentId", "amount", "currency", "paidAt", "method", "reference", "reverses"]
GOOD: dict[str, Any] = {"invoiceId": "I", "paymentId": "P", "amount": "19.00", "currency": "EUR"}

_VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=70)
    | st.characters(categories=["Cs"]) | st.lists(st.text(max_size=3), max_size=2) | st.just({"a": []})
    | st.sampled_from(["EUR", "19.00", "-1", "2026-11-20T10:00:00Z", "2026-11-20", "P", "\u200b", " "])
)  # fmt: skip


def read(detail: dict[str, Any]) -> Receipt:
    return read_receipt(detail, source="bank", event_id="e", at=AT)


@given(st.dictionaries(st.sampled_from([*NAMES, "Reverses", "paid_at", "AMOUNT", "note"]), _VALUES))
def test_nothing_that_is_there_counts_as_absent(changes: dict[str, Any]) -> None:
    sent = GOOD | changes

    receipt = read(sent)

    read_as: dict[str, Any] = {"reverses": receipt.reverses, "paidAt": receipt.paid_at, "method": receipt.method}
    read_as |= {"amount": receipt.amount, "currency": receipt.currency, "reference": receipt.reference}
    for name, value in read_as.items():
        is_there = any(sent.get(other) is not None for other in sent if _folded(other) == name.casefold())
        assert not is_there or value is not None or name in (receipt.unreadable or {}), name
        assert not (name in (receipt.unreadable or {}) and value is not None), name
    decisive = {"invoiceId", "paymentId", "amount", "currency", "reverses"}
    if decisive & (receipt.unreadable or {}).keys():
        assert receipt.state is ReceiptState.UNAPPLIED
        assert receipt.reason
    assert bool(receipt.detail) == bool(receipt.unreadable or receipt.reason)
    json.dumps(receipt.model_dump(mode="json"), ensure_ascii=False).encode()  # what a table stores is UTF-8
    assert read(sent) == receipt


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


@pytest.mark.parametrize(
    ("changes", "unreadable"),
    [
        ({}, None),
        ({"reverses": None, "paidAt": None, "note": 7}, None),
        ({"Amount": "19.00"}, None),
        ({"Amount": "20.00"}, {"amount": "Amount: 20.00"}),
        ({"paid_at": "2026-11-20T10:00:00Z"}, {"paidAt": "paid_at: 2026-11-20T10:00:00Z"}),
        ({"reverses": ["P", "Q"]}, {"reverses": '["P", "Q"]'}),
        ({"reverses": ""}, {"reverses": ""}),
        ({"reference": "é" * 200, "method": None}, None),
        ({"reference": "é" * 201, "method": "a\nb"}, {"method": "a\nb", "reference": "é" * 100 + "…"}),
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came(changes: dict[str, Any], unreadable: dict[str, str] | None) -> None:
    receipt = read(GOOD | changes)

    assert receipt.unreadable == unreadable


def test_a_long_report_is_cut() -> None:
    receipt = read(GOOD | {"amount": "x", "note": "y" * 5000})

    assert len(receipt.detail or "") == MAX_DETAIL


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"invoiceId": None}, "the invoice id is missing or cannot be read"),
        ({"invoiceId": None, "reverses": "P-0"}, None),
        ({"invoiceId": 7, "reverses": "P-0"}, "the invoice id cannot be read"),
        ({"invoiceId": None, "reverses": 7}, "the id of the reversed payment cannot be read"),
        ({"amount": 7.5, "reverses": True}, "the id of the reversed payment cannot be read"),
    ],
)
def test_a_reversal_needs_no_invoice(changes: dict[str, Any], reason: str | None) -> None:
    assert read(GOOD | changes).reason == reason


@pytest.mark.parametrize(
    "member",
    [
        {"reversal_of": "P-0"}, {"refundOf": "P-0"}, {"refunded": True}, {"original_payment_id": "P-0"},
        {"type": "refund"}, {"Type": "CHARGEBACK"}, {"event_type": "payment.failed"}, {"kind": "Rücklastschrift"},
        {"direction": "out"},
    ],
)  # fmt: skip
def test_a_report_that_says_in_other_words_that_money_went_back_is_unapplied(member: dict[str, Any]) -> None:
    receipt = read(GOOD | member)

    assert receipt.state is ReceiptState.UNAPPLIED
    assert "reversed payment" in (receipt.reason or "")
    assert receipt.may_reverse()


@pytest.mark.parametrize("status", ["failed", "pending", "declined", "requires_action", "Storniert", "open", 7])
def test_a_report_of_money_that_did_not_arrive_is_unapplied(status: object) -> None:
    receipt = read(GOOD | {"status": status})

    assert receipt.state is ReceiptState.UNAPPLIED
    assert receipt.reason == "the outcome of the payment cannot be read"
    assert receipt.unreadable == {"outcome": f"status: {status}"}


@pytest.mark.parametrize(
    "members",
    [
        {"status": "succeeded", "type": "payment"}, {"State": "PAID"}, {"type": "sepa"}, {"refunded": False},
        {"reversal_of": None}, {"refund": ""}, {"status": None}, {"direction": "in"}, {"note": "refund"},
    ],
)  # fmt: skip
def test_a_report_of_money_that_arrived_is_applied(members: dict[str, Any]) -> None:
    assert read(GOOD | members).state is ReceiptState.APPLIED


def test_a_reversal_may_be_called_so_besides() -> None:
    receipt = read(GOOD | {"reverses": "P-0", "type": "refund", "reversal_of": "P-0"})

    assert (receipt.state, receipt.reverses) == (ReceiptState.APPLIED, "P-0")


NOT_ARRIVED: list[dict[str, Any]] = [
    {"success": False}, {"paid": False}, {"captured": "false"}, {"livemode": False}, {"pending": True}, {"test": True},
    {"type": "payment.pending"}, {"type": "payment_intent.processing"}, {"type": "declined"}, {"type": "rejected"},
    {"type": "authorization"}, {"event": "payment.expired"}, {"txStatus": "pending"}, {"paymentState": "open"},
    {"transactionState": "declined"}, {"failureReason": "no funds"}, {"errorCode": "card_declined"},
    {"cancelledAt": "2026-11-20T10:00:00Z"}, {"minorUnits": True}, {"unit": "minor"},
    {"anything": 1}, {"x": []},
]  # fmt: skip
WENT_BACK: list[dict[str, Any]] = [
    {"creditDebitIndicator": "DBIT"}, {"refundedAmount": "119.00"}, {"refundId": "re_1"}, {"chargebackId": "cb_1"},
    {"disputeId": "dp_1"}, {"action": "refund"}, {"transactionType": "RFND"}, {"type": "RETOURE"},
    {"reversedBy": "P-9"},
]  # fmt: skip


@pytest.mark.parametrize("member", [*NOT_ARRIVED, *WENT_BACK], ids=str)
def test_a_member_that_nobody_has_looked_at_is_no_evidence_of_money(member: dict[str, Any]) -> None:
    receipt = read(GOOD | member)

    assert receipt.state is ReceiptState.UNAPPLIED
    assert (receipt.amount, receipt.detail is not None) == (Decimal("19.00"), True)


@pytest.mark.parametrize(
    "member",
    [
        {"success": True}, {"livemode": True}, {"test": False}, {"pending": False}, {"failureReason": None},
        {"errorCode": ""}, {"payer": "A. Smith"}, {"eventId": "evt_1"}, {"createdAt": "2026-11-20T10:00:00Z"},
        {"type": "payment_intent.succeeded"}, {"direction": "CRDT"}, {"fee": 1}, {"memo": "refund of 2025"},
    ],
    ids=str,
)  # fmt: skip
def test_members_that_are_known_to_say_nothing_else_leave_the_payment_applied(member: dict[str, Any]) -> None:
    assert read(GOOD | member).state is ReceiptState.APPLIED
