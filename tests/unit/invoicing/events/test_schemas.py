"""Events are as they are described to those who listen."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from invoicing.api.openapi import EXAMPLE_REQUEST
from invoicing.domain.models import Invoice
from invoicing.domain.status import Status
from invoicing.events.bus import DETAIL_TYPES, derive
from invoicing.events.schemas import MAX_REASONS, InvoiceChanged, UploadContinued
from invoicing.services.decide_invoice import decide_status
from invoicing.uploads.upload import Upload
from tests.data.invoices import an_invoice

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def created() -> Invoice:
    return an_invoice(**EXAMPLE_REQUEST)


def detail(before: Invoice | None, after: Invoice) -> dict[str, Any]:
    event = derive(before, after)
    assert event is not None
    return event.detail


@pytest.mark.parametrize("status", DETAIL_TYPES)
def test_every_change_matches_its_schema(created: Invoice, status: Status) -> None:
    before = None if status is Status.CREATED else created
    event = InvoiceChanged.model_validate(detail(before, created.model_copy(update={"status": status})))

    assert event.status is status
    assert event.previous_status is (created.status if before else None)
    assert event.model_dump(by_alias=True)["total"] == "963.90"


def test_a_rejection_has_a_limited_number_of_reasons(created: Invoice) -> None:
    event = InvoiceChanged.model_validate(detail(created, decide_status(created, NOW, ["a reason"] * 20).after))

    assert event.reasons == ["a reason"] * MAX_REASONS


def test_an_unknown_field_is_rejected(created: Invoice) -> None:
    with pytest.raises(ValidationError, match="lines"):
        InvoiceChanged.model_validate({**detail(None, created), "lines": []})


def test_the_continuation_of_an_upload_matches_its_schema() -> None:
    upload = Upload("uploads", "incoming/a.csv", "etag", "0A", "version", 10)

    event = UploadContinued.model_validate(upload.detail() | {"checkpoint": 1})

    assert Upload.from_detail(event.model_dump(by_alias=True)) == upload
    with pytest.raises(ValidationError, match="checkpoint"):
        UploadContinued.model_validate(upload.detail() | {"checkpoint": 0})
