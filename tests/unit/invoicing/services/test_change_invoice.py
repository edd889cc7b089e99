"""Changing an invoice while others change it, too."""

from datetime import UTC, datetime

import pytest

from invoicing.domain.errors import Busy, NotFound, PaymentConflict, PreconditionFailed, StatusConflict
from invoicing.domain.models import Invoice, UpdateInvoice
from invoicing.domain.payments import InvoiceChange, decide_change
from invoicing.domain.status import Status
from invoicing.services.change_invoice import ATTEMPTS, update
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


def test_a_payment_id_belongs_to_one_invoice() -> None:
    first, second = an_invoice("processed", number="1"), an_invoice("processed", number="2")
    store = Invoices(first, second)
    payment = UpdateInvoice.model_validate({"status": "paid", "payment": {"paymentId": "P", "amount": 1}})
    update(store, first.invoice_id, payment, now=NOW, by="api")

    with pytest.raises(PaymentConflict, match=f"Payment P is already recorded on invoice {first.invoice_id}"):
        update(store, second.invoice_id, payment, now=NOW, by="api")
    assert store.stored[second.invoice_id] == second
