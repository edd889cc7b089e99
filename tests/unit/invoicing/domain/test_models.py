"""An invoice changes in one place: whatever changes come, in whatever order, its invariants hold."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from invoicing.domain.fields import timestamp
from invoicing.domain.models import InconsistentAmountsError, Invoice, Payment
from invoicing.domain.status import WITHOUT_PAYMENT, Status
from tests.data.invoices import an_invoice

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
AT = timestamp(START)

AMOUNTS = st.integers(-1_000_000, 1_000_000).filter(bool).map(lambda cents: Decimal(cents).scaleb(-2))
CHANGES = st.tuples(
    st.sampled_from(Status), st.none() | AMOUNTS, st.lists(st.text("ab", min_size=1), max_size=2), st.integers(0, 9)
)


def a_payment(amount: str | Decimal, name: str = "P") -> Payment:
    return Payment(payment_id=name, amount=Decimal(amount), paid_at=AT)


def broken(**amounts: str) -> Invoice:
    """An invoice whose item was edited by hand."""
    return an_invoice("processed").model_copy(update={name: Decimal(amount) for name, amount in amounts.items()})


@given(st.lists(CHANGES, max_size=12), st.integers(-99999, 99999).filter(bool))
def test_whatever_changes_the_invariants_hold(changes: list[tuple[Any, ...]], cents: int) -> None:
    first = invoice = an_invoice(total=f"{Decimal(cents).scaleb(-2):.2f}")

    for number, (status, amount, reasons, seconds) in enumerate(changes):
        before, at = invoice, timestamp(START + timedelta(seconds=seconds))
        payment = None if amount is None else a_payment(amount, f"P-{number}")
        invoice = before.reached(status, at=at, by=f"by-{number}", payment=payment, reasons=reasons)

        assert invoice.amount_due == invoice.total - invoice.amount_paid
        assert invoice.amount_paid + invoice.overpaid == sum(payment.amount for payment in invoice.payments)
        assert (invoice.version, len(invoice.history)) == (before.version + 1, number + 2)
        assert invoice.history[:-1] == before.history
        assert invoice.payments == [*before.payments, *([payment] if payment else [])]
        last = invoice.history[-1]
        assert (last.status, last.at, last.by, last.reasons or []) == (status, at, f"by-{number}", reasons)
        assert (invoice.status, invoice.updated_at) == (status, at)

    assert invoice.first_version() == first
    assert Invoice.from_item(invoice.to_item()) == invoice


def test_nothing_else_changes() -> None:
    before = an_invoice("processed", customer={"name": "Alpha"})

    after = before.reached(Status.PAID, at=AT, by="api", payment=a_payment("119"))

    changed = {name for name in Invoice.model_fields if getattr(before, name) != getattr(after, name)}
    assert changed == {"status", "version", "payments", "amount_paid", "amount_due", "history", "updated_at"}
    assert before == an_invoice("processed", customer={"name": "Alpha"})


def test_a_change_without_reasons_has_none() -> None:
    assert an_invoice().reached(Status.PROCESSED, at=AT, by="api").history[-1].reasons is None


@pytest.mark.parametrize("amounts", [{"total": "118.99"}, {"amount_paid": "1"}, {"amount_due": "119.01"}])
@pytest.mark.parametrize("status", sorted(set(Status) - WITHOUT_PAYMENT))
def test_amounts_that_do_not_agree_are_an_error(status: Status, amounts: dict[str, str]) -> None:
    with pytest.raises(InconsistentAmountsError, match=r"would be .* Its item has been edited"):
        broken(**amounts).reached(status, at=AT, by="api")


@pytest.mark.parametrize("status", sorted(WITHOUT_PAYMENT))
def test_an_invoice_with_such_amounts_can_still_be_held_or_made_void(status: Status) -> None:
    after = broken(total="1.00").reached(status, at=AT, by="api", reasons=["edited"])

    assert (after.status, after.version, after.history[-1].reasons) == (status, 2, ["edited"])


def test_the_result_of_a_change_is_validated() -> None:
    with pytest.raises(ValidationError, match="with an offset"):
        an_invoice().reached(Status.PROCESSED, at="yesterday", by="api")
    with pytest.raises(ValidationError, match="status"):
        an_invoice().reached("overdue", at=AT, by="api")  # type: ignore[arg-type]
