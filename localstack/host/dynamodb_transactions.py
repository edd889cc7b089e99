"""DynamoDB (moto): transactions that are cancelled."""

import copy
import functools
import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models.table import Table

from emulation.patch import patches, source_has

Json = dict[str, Any]


def _copies_tables(_copy: Any) -> bool:
    return "copy.deepcopy" in inspect.getsource(models.DynamoDBBackend.transact_write_items)


@patches(models, "DynamoDBBackend.transact_write_items", needed=source_has("copy.deepcopy"))
def cancelled_transactions(original: Any) -> Any:
    """A transaction that is cancelled leaves the table and its stream as they were.

    AWS: "all-or-nothing": https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
    LocalStack: moto copies the whole table for each transaction, which takes the longer the more it holds, and puts the
    copy in its place if the transaction is cancelled: whoever reads the stream (each event source mapping) goes on
    reading that of the old one, and hears nothing any more; other writes of that moment are lost. A table that is named
    by its ARN is not put back at all.
    """

    @functools.wraps(original)
    def transact_write_items(self: Any, transact_items: list[Json]) -> None:
        before = [(*place, copy.deepcopy(_look(*place))) for place in _places(self, transact_items)]
        streams = [(table.stream_shard, len(table.stream_shard.items)) for table, *_ in before if table.stream_shard]
        try:
            original(self, transact_items)
        except Exception:
            for table, hash_key, range_key, item in before:
                _put_back(table, hash_key, range_key, item)
            for shard, length in streams:
                del shard.items[length:]
            raise

    return transact_write_items


@patches(models, "copy", needed=_copies_tables)
def table_itself(original: Any) -> Any:
    """The copy of a table that a transaction makes is the table; see :func:`cancelled_transactions`."""

    def deepcopy(value: Any) -> Any:
        return value if isinstance(value, Table) else original.deepcopy(value)

    return SimpleNamespace(deepcopy=deepcopy)


def _places(backend: Any, transact_items: list[Json]) -> Iterator[tuple[Any, Any, Any]]:
    """The table and the key of each operation; what is malformed is left for moto to refuse."""
    for operation in (one for item in transact_items for one in item.values()):
        table = _table(backend, operation.get("TableName"))
        attributes = operation.get("Item") or operation.get("Key") or {}
        if table is not None and {table.hash_key_attr, table.range_key_attr} - {None} <= attributes.keys():
            yield table, *backend.get_keys_value(table, attributes)


def _table(backend: Any, name: str | None) -> Any:
    """A table by its name or its ARN; None if there is none."""
    try:
        return backend.get_table(name)
    except ResourceNotFoundException:
        return None


def _look(table: Any, hash_key: Any, range_key: Any) -> Any:
    return table.items.get(hash_key, {}).get(range_key) if table.has_range_key else table.items.get(hash_key)


def _put_back(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    items, key = (table.items[hash_key], range_key) if table.has_range_key else (table.items, hash_key)
    if item is None:
        items.pop(key, None)
    else:
        items[key] = item
