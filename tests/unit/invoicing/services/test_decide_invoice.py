"""Deciding on a new invoice: by its own content, and by what the customer's other invoices say."""

from datetime import UTC, datetime

from invoicing.domain.models import Invoice
from invoicing.domain.status import Status
from invoicing.services.decide_invoice import ACTOR, decide, decide_status
from tests.data.invoices import an_invoice
from tests.unit.invoicing.services.fakes import Claims, Invoices

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def decided(invoice: Invoice, claims: Claims) -> Invoice:
    """The invoice as it is stored after the decision."""
    store = Invoices(invoice)
    change = decide(store, claims, invoice, NOW)
    assert change is not None
    assert store.stored[invoice.invoice_id] == change.after
    return change.after


def test_an_invoice_that_nothing_speaks_against_is_processed() -> None:
    claims = Claims()

    after = decided(an_invoice(), claims)

    assert (after.status, after.version, after.history[-1].by) == (Status.PROCESSED, 2, ACTOR)
    assert after.history[-1].reasons is None
    assert claims.compared == [an_invoice()]


def test_an_invoice_that_contradicts_others_is_rejected_with_every_reason() -> None:
    after = decided(an_invoice(), Claims("one", "two"))

    assert (after.status, after.history[-1].reasons) == (Status.REJECTED, ["one", "two"])


def test_an_invoice_that_the_rules_reject_claims_nothing() -> None:
    claims = Claims("another reason")

    after = decided(an_invoice(dueDate="2026-10-31"), claims)

    assert after.status is Status.REJECTED
    assert after.history[-1].reasons == ["due date 2026-10-31 is before issue date 2026-11-01"]
    assert claims.compared == []


def test_an_invoice_that_was_decided_on_before_stays() -> None:
    store = Invoices(earlier := decide_status(an_invoice(), NOW).after)

    assert decide(store, Claims("a reason"), an_invoice(), NOW) is None
    assert store.stored[earlier.invoice_id] == earlier
