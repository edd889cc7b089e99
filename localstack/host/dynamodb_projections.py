"""DynamoDB (moto): the speed of projections."""

import base64
import functools
from types import SimpleNamespace
from typing import Any

from moto.dynamodb.models import dynamo_type

from emulation.patch import patches, source_has


@patches(dynamo_type, "DynamoType.to_regular_json", needed=source_has("copy.deepcopy(self.value)"))
def value_copies(original: Any) -> Any:
    """A value is copied once, at any depth of nesting; see :func:`item_copies`."""

    @functools.wraps(original)
    def to_regular_json(self: Any) -> dict[str, Any]:
        value = self.value
        if isinstance(value, dict):
            value = {name: _regular(member) for name, member in value.items()}
        elif isinstance(value, list):
            value = [_regular(member) for member in value]
        return {self.type: base64.b64decode(value) if self.is_binary() else value}

    return to_regular_json


@patches(dynamo_type, "Item.project", needed=source_has("find_nested_key(expr, self.to_regular_json())"))
def item_copies(original: Any) -> Any:
    """A page of projected items takes as long as a page of whole items.

    AWS: "consistent single-digit millisecond performance"; an index stores its projection.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html
    LocalStack: moto copies the whole item for each attribute of the projection, and each value for each level of its
    nesting. A page of a hundred invoices takes three seconds, in which no other request is served.
    """

    @functools.wraps(original)
    def project(self: Any, projection_expressions: Any) -> Any:
        attributes = self.to_regular_json()
        item = SimpleNamespace(hash_key=self.hash_key, range_key=self.range_key, to_regular_json=lambda: attributes)
        return original(item, projection_expressions)

    return project


def _regular(value: Any) -> Any:
    return value.to_regular_json() if isinstance(value, dynamo_type.DynamoType) else value
