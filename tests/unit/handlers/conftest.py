"""Fixtures of the handlers' tests."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

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
