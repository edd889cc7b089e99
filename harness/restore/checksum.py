"""The content of a table as two figures: how many items it has, and one checksum of all of them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_SETS = ("SS", "NS", "BS")
_SPACE = 1 << 256


@dataclass(frozen=True)
class TableChecksum:
    """What a table holds.

    Attributes:
        items: How many items.
        sha256: The sum of the items' SHA-256 checksums modulo 2^256, in hexadecimal digits. It depends on what the
            items are and not on their order, so it needs no memory and no sorting.
    """

    items: int
    sha256: str

    @classmethod
    def of(cls, dynamodb: Any, table: str, on_page: Callable[[int], None] = lambda _: None) -> "TableChecksum":
        """Read a table, page by page and consistently.

        It takes read capacity: a unit for each 4 KB.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html

        Args:
            dynamodb: A client of DynamoDB.
            table: The table's name.
            on_page: Called with the number of items so far.
        """
        items = total = 0
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        for page in pages:
            for item in page["Items"]:
                total += int.from_bytes(hashlib.sha256(canonical(item)).digest())
            items += len(page["Items"])
            on_page(items)
        return cls(items, f"{total % _SPACE:064x}")

    def __str__(self) -> str:
        return f"{self.items} items, checksum {self.sha256[:16]}"


def canonical(item: Mapping[str, Any]) -> bytes:
    """An item in the one form of all its equals: attributes and members of sets are sorted."""
    return json.dumps(_sorted(item), sort_keys=True, separators=(",", ":"), default=_text).encode()


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: sorted(member, key=str) if name in _SETS and isinstance(member, list) else _sorted(member)
            for name, member in value.items()
        }
    return [_sorted(member) for member in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    """Binary values, which JSON does not have."""
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)
