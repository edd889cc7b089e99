"""Fixtures of the handlers' tests."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from invoicing.services.decide_invoice import decide_status
from tests.unit.handlers.bodies import NUMBERED
from tests.unit.handlers.parts import Platform


@pytest.fixture
def create(load: Callable[..., ModuleType]) -> ModuleType:
    return load("create_invoice")


@pytest.fixture
def platform(s3: Any, table: Any, load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> Platform:
    for bucket in ("uploads", "archives"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    create = load("create_invoice")
    real_delete = create.uploads._s3.delete_object

    def delete_object(**request: Any) -> Any:
        if request.get("IfMatch") == "*":  # "if it exists", which moto compares as a tag
            request.pop("IfMatch")
        return real_delete(**request)

    monkeypatch.setattr(create.uploads._s3, "delete_object", delete_object)
    return Platform(s3, table, create, monkeypatch)


@pytest.fixture
def processed(create: ModuleType, call: Any) -> Callable[..., str]:
    """Create an invoice by the API and decide on it; returns its path."""

    def processed_(body: dict[str, Any] = NUMBERED) -> str:
        created = call(create, "POST", "/invoices", body=body)
        assert created.status == 201, created.body
        invoice = create.store.get(created.body["invoiceId"])
        assert create.store.change(decide_status(invoice, datetime.now(UTC)))
        return f"/invoices/{invoice.invoice_id}"

    return processed_
