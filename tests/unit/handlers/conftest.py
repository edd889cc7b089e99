"""What the handlers' tests share."""

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
    delete = create.uploads._s3.delete_object

    def deleted(**given: Any) -> Any:
        if given.get("IfMatch") == "*":  # "if it is there", which moto compares as a tag
            given.pop("IfMatch")
        return delete(**given)

    monkeypatch.setattr(create.uploads._s3, "delete_object", deleted)
    return Platform(s3, table, create, monkeypatch)
