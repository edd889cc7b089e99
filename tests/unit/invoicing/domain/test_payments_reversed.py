"""Reversals and write-offs that clients request: what is taken back, what an error says, what is written with it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from invoicing.domain.errors import InvalidRequest, InvoiceError, PaymentConflict, StatusConflict
from invoicing.domain.models import Invoice, Payment, UpdateInvoice
from invoicing.domain.payments import InvoiceChange, decide_change, record
from invoicing.domain.reversals import replaced_write_offs
from tests.data.invoices import an_invoice

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
AT = "2026-11-23T09:30:00.000000Z"


def change(invoice: Invoice, status: str, **payment: Any) -> InvoiceChange:
    request = UpdateInvoice.model_validate({"status": status} | ({"payment": payment} if payment else {}))
    made = decide_change(invoice, request, now=NOW, by="api")
    assert made is not None
    return made


def paid(*payments: tuple[str, str, str], total: str = "50") -> Invoice:
    """An invoice with payments: source, id, amount."""
    invoice = an_invoice("processed", total=total)
    for source, payment_id, amount in payments:
        payment = Payment(payment_id=payment_id, amount=Decimal(amount), paid_at=AT, source=source)
        invoice = record(invoice, payment, at=AT, by=source).after
    return invoice


def written_off(*amounts: str, total: str = "100", overpaid: str = "") -> Invoice:
    """An invoice with write-offs of the API (W1, W2, ...), after a payment of a bank if there is one."""
    invoice = paid(*([("bank", "B", overpaid)] if overpaid else []), total=total)
    for number, amount in enumerate(amounts, 1):
        payment = Payment(payment_id=f"W{number}", amount=Decimal(amount), method="write-off", source="api", paid_at=AT)
        invoice = record(invoice, payment, at=AT, by="api").after
    return invoice


def test_a_reversal_needs_a_status_that_it_can_lead_to() -> None:
    with pytest.raises(InvalidRequest) as error:
        change(paid(("api", "P", "50")), "paid", reverses="P")

    assert error.value.detail == "A reversal reopens the invoice; what is left of its payments decides."
    assert error.value.errors == [
        {"pointer": "#/status", "detail": "must be processed or partially-paid for a reversal"}
    ]


def test_nothing_is_reversed_on_a_void_invoice() -> None:
    with pytest.raises(StatusConflict) as error:
        change(an_invoice("void"), "processed", reverses="P")

    assert error.value.detail == "The invoice is void (version 1) and cannot become processed."
    assert error.value.members == {"currentStatus": "void", "currentVersion": 1}


@pytest.mark.parametrize(
    ("payment", "detail"),
    [
        pytest.param({"reverses": "Q"}, "The invoice has no payment Q.", id="unknown"),
        pytest.param({"reverses": "P", "reversesSource": "x"}, "The invoice has no payment P of x.", id="of a source"),
        pytest.param({"reverses": "P", "amount": "0"},
            "A reversal of 0.00 does not fit payment P, of which 30.00 EUR is left.", id="zero"),
        pytest.param({"reverses": "P", "amount": "-1"},
            "A reversal of -1.00 does not fit payment P, of which 30.00 EUR is left.", id="wrong sign"),
        pytest.param({"reverses": "P", "amount": "30.01"},
            "A reversal of 30.01 does not fit payment P, of which 30.00 EUR is left.", id="too much"),
    ],
)  # fmt: skip
def test_a_reversal_that_does_not_fit_is_a_conflict_with_the_current_state(
    payment: dict[str, Any], detail: str
) -> None:
    with pytest.raises(PaymentConflict) as error:
        change(paid(("api", "P", "30")), "processed", **payment)

    assert error.value.detail == detail
    assert error.value.members == {"currentStatus": "partially-paid", "currentVersion": 2}


def test_a_small_rest_is_reversed_like_a_large_one() -> None:
    after = change(paid(("api", "P", "0.50")), "processed", reverses="P").after

    assert [payment.amount for payment in after.payments] == [Decimal("0.50"), Decimal("-0.50")]
    assert (after.status, after.amount_due) == ("processed", 50)


def test_a_payment_that_went_back_completely_cannot_go_back_again() -> None:
    gone = change(paid(("bank", "P", "20"), ("psp", "P", "30")), "processed", reverses="P", reversesSource="bank").after
    both_gone = change(gone, "processed", reverses="P").after  # the only one of which something is left

    with pytest.raises(
        PaymentConflict, match=r"A reversal of 0\.00 does not fit payment P, of which 0\.00 EUR is left"
    ):
        change(both_gone, "processed", reverses="P")

    assert [(each.amount, each.reverses_source) for each in both_gone.payments[2:]] == [(-20, "bank"), (-30, "psp")]


def test_a_reversal_is_written_with_its_receipt() -> None:
    made = change(paid(("bank", "P", "20")), "processed", reverses="P", paymentId="R", method="card", reference="r")

    ((receipt,),) = [[each.after for each in made.receipts]]
    assert (receipt.payment_id, receipt.amount, receipt.reverses, receipt.reverses_source) == ("R", -20, "P", "bank")
    assert (receipt.state, receipt.applied_to) == ("applied", made.after.invoice_id)
    assert (receipt.method, receipt.reference) == ("card", "r")


@pytest.mark.parametrize(
    ("recorded", "repeated", "difference"),
    [
        pytest.param({"reverses": "P"}, {}, "a reversal of P", id="was a reversal"),
        pytest.param({}, {"reverses": "P"}, "no reversal", id="was none"),
    ],
)
def test_an_id_is_not_used_for_a_payment_and_a_reversal(
    recorded: dict[str, Any], repeated: dict[str, Any], difference: str
) -> None:
    invoice = paid(("bank", "P", "20"))
    before = change(invoice, "processed" if recorded else "paid", paymentId="R", **recorded).after

    with pytest.raises(PaymentConflict, match=f"Payment R is already recorded, with {difference}"):
        change(before, "processed" if repeated else "partially-paid", paymentId="R", **repeated)


def test_a_repeated_id_of_a_payment_that_was_recorded_without_a_source_is_found() -> None:
    invoice = paid(("", "P", "20"))
    request = UpdateInvoice.model_validate({"status": "partially-paid", "payment": {"paymentId": "P", "amount": "20"}})

    assert decide_change(invoice, request, now=NOW, by="api") is None


def test_an_invoice_with_money_is_not_voided() -> None:
    """It is held, so the money waits; all of it is named, what is too much too."""
    invoice = an_invoice("held", total="50")
    for payment_id, amount in (("P", 30), ("Q", 40)):
        payment = Payment(payment_id=payment_id, amount=Decimal(amount), paid_at=AT, source="bank")
        invoice = record(invoice, payment, at=AT, by="bank").after

    with pytest.raises(PaymentConflict) as error:
        change(invoice, "void")

    assert error.value.detail == "The invoice has payments of 70.00 EUR: reverse them, then void it."
    assert error.value.members == {"currentStatus": "held", "currentVersion": 3}


def test_a_partial_payment_without_an_amount_points_at_the_amount() -> None:
    with pytest.raises(InvoiceError) as error:
        change(an_invoice("processed"), "partially-paid", paymentId="P")

    assert error.value.errors == [{"pointer": "#/payment/amount", "detail": "is required for status partially-paid"}]


@pytest.mark.parametrize(
    ("invoice", "amount", "reversed_"),
    [
        pytest.param(written_off("100"), "0.50", [("W1", "-0.50")], id="less than one"),
        pytest.param(written_off("100"), "100", [("W1", "-100")], id="all of it"),
        pytest.param(written_off("60", "40"), "70", [("W1", "-60"), ("W2", "-10")], id="of two"),
        pytest.param(written_off("60", "40"), "50", [("W1", "-50")], id="enough of the first"),
        pytest.param(written_off("40", overpaid="70"), "5", [("W1", "-5")], id="beside an earlier overpayment"),
        pytest.param(written_off("-100", total="-100"), "-30", [("W1", "30")], id="of a credit note"),
    ],
)
def test_money_takes_the_place_of_as_much_that_was_written_off(
    invoice: Invoice, amount: str, reversed_: list[tuple[str, str]]
) -> None:
    payment = Payment(payment_id="P", amount=Decimal(amount), paid_at=AT, source="bank")

    replaced = [*replaced_write_offs(invoice, payment, at=AT)]

    assert [(each.reverses, each.amount) for each in replaced] == [(name, Decimal(sum_)) for name, sum_ in reversed_]
    assert {(each.method, each.source, each.paid_at) for each in replaced} == {("write-off", "api", AT)}


def test_a_reversal_takes_the_place_of_nothing() -> None:
    reversal = Payment(payment_id="R", amount=Decimal(5), paid_at=AT, source="bank", reverses="B")

    assert [*replaced_write_offs(written_off("100"), reversal, at=AT)] == []
