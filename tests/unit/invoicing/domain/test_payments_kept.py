"""Receipts: what is kept of a payment, and under which name."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest

from invoicing.domain.models import Payment
from invoicing.domain.receipts import (
    Receipt,
    ReceiptState,
    content_hash,
    digest,
    objection,
    payment_key,
    receipt_of,
    renamed,
    repeats,
)
from tests.data.invoices import an_invoice

AT, LATER = "2026-11-23T09:30:00.000000Z", "2026-11-24T09:30:00.000000Z"


def receipt(**changes: Any) -> Receipt:
    values = {
        "payment_key": "key", "source": "bank", "payment_id": "P", "state": "unapplied", "received_at": AT,
        "updated_at": AT, "by": "bank", "amount": Decimal(19), "currency": "EUR",
        "content_hash": "0123456789abcdef" * 4,
    }  # fmt: skip
    return Receipt.model_validate(values | changes)


def test_each_change_of_a_receipt_is_its_next_version() -> None:
    before = receipt(version=4, reason="why")

    moved = before.moved(ReceiptState.RETURNED, at=LATER, by="api-key:k", detail="d")

    assert (moved.version, moved.state, moved.reason, moved.detail) == (5, "returned", None, "d")
    assert (moved.received_at, moved.updated_at, moved.by) == (AT, LATER, "api-key:k")
    assert (before.with_shared_id().version, before.with_shared_id().shared) == (5, True)


@pytest.mark.parametrize(("source", "shown"), [("bank", None), ("psp", "psp"), (None, None)])
def test_a_reversal_names_the_source_of_its_payment_if_that_is_another(source: str | None, shown: str | None) -> None:
    payment = receipt(reverses="Q").payment(Decimal(-19), reverses_source=source)

    assert (payment.reverses, payment.reverses_source) == ("Q", shown)


def test_the_receipt_of_an_api_payment_says_where_it_is_and_what_it_was() -> None:
    invoice = an_invoice("processed")
    payment = Payment(payment_id="P", amount=Decimal(-5), paid_at=AT, source="api", reverses="Q")

    kept = receipt_of(payment, invoice, at=LATER, by="api-key:k")

    assert (kept.payment_key, kept.applied_to) == (payment_key("api", "P"), invoice.invoice_id)
    assert kept.content_hash == content_hash(invoice.invoice_id, Decimal(-5), "EUR", "Q")
    assert kept.content_hash == hashlib.sha256(json.dumps([invoice.invoice_id, "-5", "EUR", "Q"]).encode()).hexdigest()


def test_each_part_of_its_content_makes_another_payment() -> None:
    contents = [
        ("i", Decimal(1), "EUR", "Q"), ("j", Decimal(1), "EUR", "Q"), ("i", Decimal(2), "EUR", "Q"),
        ("i", None, "EUR", "Q"), ("i", Decimal(1), "USD", "Q"), ("i", Decimal(1), "EUR", None),
    ]  # fmt: skip

    assert len({content_hash(*content) for content in contents}) == len(contents)
    assert content_hash("i", Decimal("1.0"), "EUR", "Q") == content_hash(*contents[0])


def test_a_text_without_utf_8_has_a_digest() -> None:
    assert digest("\ud800") == digest("?") == hashlib.sha256(b"?").hexdigest()


def test_a_used_id_is_made_another_by_everything_that_is_reported() -> None:
    """40 characters of it stay, so that it is found; with 16 of the digest it fits into the 64 of an id."""
    reports = [
        receipt(payment_id="p" * 64),
        receipt(payment_id="p" * 63 + "q"),
        receipt(payment_id="p" * 64, content_hash="f" * 64),
        receipt(payment_id="p" * 64, paid_at=AT),
        receipt(payment_id="p" * 64, reference="Rate 1"),
    ]

    others = [renamed(report) for report in reports]

    assert {other.payment_id[:41] for other in others} == {"p" * 40 + ":"}
    assert {len(other.payment_id) for other in others} == {57}
    assert len({other.payment_key for other in others}) == len(reports)
    assert [other.payment_key for other in others] == [payment_key("bank", other.payment_id) for other in others]
    assert renamed(reports[0]) == others[0]
    assert (others[0].reported_id, others[0].state) == ("p" * 64, "unapplied")
    assert others[0].reason == f"payment {'p' * 64} was reported before, with other content"
    assert renamed(others[0]).reported_id == "p" * 64


@pytest.mark.parametrize(
    ("total", "amount", "reason"),
    [
        ("50", "0.50", None),
        ("-50", "-0.50", None),
        ("50", "-0.50", "-0.50 does not reduce what is due of this invoice"),
        ("-50", "0.50", "0.50 does not reduce what is due of this credit-note"),
        ("50", "0", "the amount is zero"),
        ("-50", "0", "the amount is zero"),
        ("50", "0.001", "the amount 0.001 has more decimals than EUR"),
    ],
)
def test_an_amount_has_to_reduce_what_is_due(total: str, amount: str, reason: str | None) -> None:
    assert objection(an_invoice("processed", total=total), receipt(amount=Decimal(amount))) == reason


@pytest.mark.parametrize(
    ("earlier", "later", "same"),
    [
        pytest.param({}, {}, True, id="nothing"),
        pytest.param({"paid_at": AT}, {"paid_at": AT}, True, id="one time"),
        pytest.param({"paid_at": AT}, {}, False, id="a time left out"),
        pytest.param({"reference": "Rate 1"}, {}, False, id="a reference left out"),
        pytest.param({"paid_at": AT}, {"paid_at": LATER}, False, id="instalments"),
        pytest.param({"reference": "Rate 1"}, {"reference": "Rate 2"}, False, id="two references"),
        pytest.param({}, {"paid_at": AT}, False, id="a time for the first time"),
        pytest.param({"unreadable": {"paidAt": "1.10."}}, {"unreadable": {"paidAt": "1.11."}}, False, id="unreadable"),
        pytest.param({}, {"content_hash": "f" * 64}, False, id="other content"),
    ],
)
def test_a_report_repeats_another_if_it_says_the_same(
    earlier: dict[str, Any], later: dict[str, Any], *, same: bool
) -> None:
    assert repeats(receipt(**later), receipt(**earlier)) is same
