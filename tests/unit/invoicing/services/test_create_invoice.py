"""Creating an invoice: with its own number or the next one, each request once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from invoicing.domain.errors import ContentConflict
from invoicing.domain.invoice_factory import Origin, invoice_id
from invoicing.domain.repository import CreateResult
from invoicing.domain.status import Status
from invoicing.services.create_invoice import create
from tests.data.invoices import a_request
from tests.unit.invoicing.services.fakes import Invoices

ORIGIN = Origin(datetime(2026, 11, 22, tzinfo=UTC), "api", "api")


@pytest.fixture
def store() -> Invoices:
    return Invoices()


def create_one(store: Invoices, key: str | None = None, **changes: Any) -> CreateResult:
    return create(store, a_request(**changes), ORIGIN, key)


def test_an_invoice_keeps_the_number_of_its_request(store: Invoices) -> None:
    result = create_one(store, invoiceNumber="A-1")

    assert result.created
    assert (result.invoice.invoice_number, result.invoice.status) == ("A-1", Status.CREATED)
    assert result.invoice.invoice_id == invoice_id("A-1")
    assert [*store.stored.values()] == [result.invoice]


def test_invoices_without_a_number_get_the_next_one_of_the_year(store: Invoices) -> None:
    results = [create_one(store, invoiceNumber=None) for _ in range(2)]

    assert [result.invoice.invoice_number for result in results] == ["2026-000001", "2026-000002"]
    assert results[0].invoice.invoice_id == invoice_id("2026-000001")
    assert all(result.created for result in results)


@pytest.mark.parametrize("number", ["A-1", None])
def test_a_key_identifies_a_repeated_request(store: Invoices, number: str | None) -> None:
    first = create_one(store, "key", invoiceNumber=number)
    again = create_one(store, "key", invoiceNumber=number)

    assert (first.created, again.created) == (True, False)
    assert again.invoice == first.invoice
    assert len(store.stored) == 1


@pytest.mark.parametrize("number", ["A-1", None])
def test_a_key_belongs_to_one_content(store: Invoices, number: str | None) -> None:
    create_one(store, "key", invoiceNumber=number)

    with pytest.raises(ContentConflict):
        create_one(store, "key", invoiceNumber=number, currency="USD")


def test_a_number_repeats_without_a_key_too(store: Invoices) -> None:
    first = create_one(store)

    assert create_one(store) == CreateResult(first.invoice, created=False)
    with pytest.raises(ContentConflict):
        create_one(store, currency="USD")


def test_only_a_key_without_a_number_is_kept_for_good(store: Invoices, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[Any] = []
    monkeypatch.setattr(store, "create_with_key", lambda _, key, __: keys.append(key))

    create_one(store, "one")
    create_one(store, "two", invoiceNumber=None)

    assert [(key.value, key.lasting) for key in keys] == [("one", False), ("two", True)]
