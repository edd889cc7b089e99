"""DynamoDB (moto): how long a projection takes."""

import base64
import functools
from types import SimpleNamespace
from typing import Any

from moto.dynamodb.models import dynamo_type

from emulation.patch import patches, source_has


@patches(dynamo_type, "DynamoType.to_regular_json", needed=source_has("copy.deepcopy(self.value)"))
def values_once(original: Any) -> Any:
    """A value is copied once, however deeply it is nested; see :func:`projected_once`."""

    @functools.wraps(original)
    def to_regular_json(self: Any) -> dict[str, Any]:
        value = self.value
        if isinstance(value, dict):
            value = {name: _regular(one) for name, one in value.items()}
        elif isinstance(value, list):
            value = [_regular(one) for one in value]
        return {self.type: base64.b64decode(value) if self.is_binary() else value}

    return to_regular_json


@patches(dynamo_type, "Item.project", needed=source_has("find_nested_key(expr, self.to_regular_json())"))
def projected_once(original: Any) -> Any:
    """A page of items that are projected takes as long as one of whole items.

    AWS: "consistent single-digit millisecond performance"; an index has its projection already.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html
    LocalStack: moto makes the whole item anew for each attribute of the projection, and each value for each level at
    which it is nested: three seconds for a page of a hundred invoices, in which nothing else is answered.
    """

    @functools.wraps(original)
    def project(self: Any, projection_expressions: Any) -> Any:
        whole = self.to_regular_json()
        item = SimpleNamespace(hash_key=self.hash_key, range_key=self.range_key, to_regular_json=lambda: whole)
        return original(item, projection_expressions)

    return project


def _regular(value: Any) -> Any:
    return value.to_regular_json() if isinstance(value, dynamo_type.DynamoType) else value
