"""DynamoDB: pages of a Scan, in the time of a page and not of the table."""

import bisect
import json
from typing import Any

from ministack.services import dynamodb

from emulation.patch import patches, source_has, source_lacks

Json = dict[str, Any]

_WINDOW = 1_000
"""Hash keys that are looked at first. A page is 1 MB, so it has fewer items than this if they have 1 KB."""

_orders: dict[str, list[str]] = {}
"""The hash keys of tables in order, by the table's id, until a key is added or removed."""


@patches(dynamodb, "_scan", needed=source_has('for pk in sorted(table["items"].keys()):'))
def scanned_pages(original: Any) -> Any:
    """A page of a Scan takes as long as its items, however many the table has.

    AWS: reads at most 1 MB for each page.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.Pagination
    MiniStack: sorts all items for each page. Of 100,000 items, a page took half a second, and there are 170.
    """

    def scan(data: Json) -> Any:
        name = dynamodb._normalize_table_name(data.get("TableName"))
        table = dynamodb._tables.get(name)
        if table is None or len(table["items"]) <= _WINDOW or data.get("IndexName") or "Segment" in data:
            return original(data)
        keys = _order(table)
        start, size = _first(keys, table, data.get("ExclusiveStartKey")), _WINDOW
        while True:
            window = {key: table["items"][key] for key in keys[start : start + size]}
            response = _scan_window(original, data, name, window)
            # Without a boundary within the window the page may go on behind it.
            if start + size >= len(keys) or response[0] != 200 or "LastEvaluatedKey" in json.loads(response[2]):
                return response
            size *= 4

    return scan


@patches(dynamodb, "_set_item", needed=source_lacks("_orders"))
def order_with_new_keys(original: Any) -> Any:
    """The order of a table's keys is forgotten when a key is added; see `scanned_pages`."""

    def set_item(table: Json, hash_key: str, *rest: Any) -> Any:
        if hash_key not in table["items"]:
            _orders.pop(table["TableId"], None)
        return original(table, hash_key, *rest)

    return set_item


@patches(dynamodb, "_remove_item", needed=source_lacks("_orders"))
def order_without_old_keys(original: Any) -> Any:
    """The order of a table's keys is forgotten when a key is removed; see `scanned_pages`."""

    def remove_item(table: Json, *rest: Any) -> Any:
        _orders.pop(table["TableId"], None)
        return original(table, *rest)

    return remove_item


@patches(dynamodb, "_items_replaced", needed=source_lacks("_orders"))
def order_of_other_items(original: Any) -> Any:
    """The order of a table's keys is forgotten when all items are replaced; see `scanned_pages`."""

    def replaced(table: Json) -> None:
        _orders.pop(table["TableId"], None)
        original(table)

    return replaced


class _OneWindow:
    """All tables, of which one shows only some of its items to whoever asks for it by its name."""

    def __init__(self, tables: Any, name: str, window: Json) -> None:
        self._tables, self._name, self._window = tables, name, window

    def get(self, name: str, default: Any = None) -> Any:
        table = self._tables.get(name, default)
        return {**table, "items": self._window} if name == self._name and table else table

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._tables, attribute)

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    def __getitem__(self, name: str) -> Any:
        return self._tables[name]


def _scan_window(original: Any, data: Json, name: str, window: Json) -> Any:
    tables = dynamodb._tables
    dynamodb._tables = _OneWindow(tables, name, window)
    try:
        return original(data)
    finally:
        dynamodb._tables = tables


def _order(table: Json) -> list[str]:
    order = _orders.get(table["TableId"])
    if order is None:
        order = _orders[table["TableId"]] = sorted(table["items"])
    return order


def _first(keys: list[str], table: Json, start_key: Json | None) -> int:
    """The place of the first key of a page: the start key's own, for it may have more items."""
    if not start_key:
        return 0
    return bisect.bisect_left(keys, dynamodb._extract_key_val(start_key.get(table["pk_name"])))
