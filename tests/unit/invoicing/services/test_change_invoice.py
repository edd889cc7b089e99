"""Changing an invoice while others change it, too."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from invoicing.domain.errors import Busy, NotFound, PaymentConflict, PreconditionFailed, StatusConflict
from invoicing.domain.models import Invoice, PaymentReceived, UpdateInvoice
from invoicing.domain.payments import InvoiceChange, decide_change
from invoicing.domain.status import Status
from invoicing.services.change_invoice import ATTEMPTS, record_payment, update
from tests.data.invoices import an_invoice
from tests.unit.invoicing.services.fakes import Invoices

NOW = datetime(2026, 11, 23, tzinfo=UTC)
VOID = UpdateInvoice(status=Status.VOID)
PAID = UpdateInvoice(status=Status.PAID)


def another_payment(invoice: Invoice) -> InvoiceChange:
    """Another writer's payment of 1.00."""
    request = UpdateInvoice.model_validate({"status": "partially-paid", "payment": {"amount": "1"}})
    change = decide_change(invoice, request, now=NOW, by="another")
    assert change is not None
    return change


def received(invoice: Invoice, amount: str, currency: str = "EUR") -> PaymentReceived:
    return PaymentReceived(
        invoice_id=invoice.invoice_id,
        payment_id="P-1",
        amount=Decimal(amount),
        currency=currency,
        paid_at="2026-11-23T00:00:00Z",
        method="card",
        reference="R",
    )


def test_a_change_is_stored_and_returned() -> None:
    store = Invoices(before := an_invoice("processed"))

    after = update(store, before.invoice_id, VOID, now=NOW, by="api")

    assert (after.status, after.version) == (Status.VOID, 2)
    assert store.stored[before.invoice_id] == after


def test_an_unknown_invoice_is_an_error() -> None:
    with pytest.raises(NotFound, match="no invoice x"):
        update(Invoices(), "x", VOID, now=NOW, by="api")


def test_a_version_that_does_not_match_is_an_error() -> None:
    store = Invoices(before := an_invoice("processed"))

    with pytest.raises(PreconditionFailed):
        update(store, before.invoice_id, VOID, now=NOW, by="api", if_match={7})
    assert store.stored[before.invoice_id] == before


def test_a_change_that_was_overtaken_is_decided_again() -> None:
    store = Invoices(before := an_invoice("processed"))
    store.overtakers = [another_payment]

    after = update(store, before.invoice_id, PAID, now=NOW, by="api")

    assert [payment.amount for payment in after.payments] == [1, 118]
    assert (after.status, after.version, after.amount_due) == (Status.PAID, 3, 0)


def test_the_transition_must_be_allowed_from_where_the_other_writer_left_the_invoice() -> None:
    store = Invoices(before := an_invoice("processed"))
    store.overtakers = [another_payment]

    with pytest.raises(StatusConflict, match="partially-paid"):
        update(store, before.invoice_id, VOID, now=NOW, by="api")


def test_a_payment_has_the_same_id_in_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    store, changes = Invoices(before := an_invoice("processed")), []
    monkeypatch.setattr(store, "change", lambda change: changes.append(change) or len(changes) == 3)

    update(store, before.invoice_id, PAID, now=NOW, by="api")

    assert len({change.after.payments[0].payment_id for change in changes}) == 1


def test_whoever_is_always_overtaken_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, changes = Invoices(before := an_invoice("processed")), []
    monkeypatch.setattr(store, "change", lambda change: bool(changes.append(change)))

    with pytest.raises(Busy):
        update(store, before.invoice_id, VOID, now=NOW, by="api")
    assert len(changes) == ATTEMPTS


def test_a_reported_payment_is_recorded_once() -> None:
    store = Invoices(before := an_invoice("processed"))

    first = record_payment(store, received(before, "19"), now=NOW, by="bank")
    again = record_payment(store, received(before, "19"), now=NOW, by="bank")

    assert again == first == store.stored[before.invoice_id]
    assert (first.status, first.amount_due, first.history[-1].by) == (Status.PARTIALLY_PAID, 100, "bank")
    (payment,) = first.payments
    assert (payment.payment_id, payment.method, payment.reference) == ("P-1", "card", "R")
    assert payment.paid_at == "2026-11-23T00:00:00.000000Z"


def test_a_reported_payment_has_the_currency_of_its_invoice() -> None:
    store = Invoices(before := an_invoice("processed"))

    with pytest.raises(PaymentConflict, match="is in EUR, the payment in USD"):
        record_payment(store, received(before, "19", "USD"), now=NOW, by="bank")
    with pytest.raises(NotFound):
        record_payment(Invoices(), received(before, "19"), now=NOW, by="bank")
