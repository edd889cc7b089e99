"""DynamoDB (moto): cancelled transactions."""

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


def _transactions_copy_tables(_copy: Any) -> bool:
    return "copy.deepcopy" in inspect.getsource(models.DynamoDBBackend.transact_write_items)


@patches(models, "DynamoDBBackend.transact_write_items", needed=source_has("copy.deepcopy"))
def cancelled_transactions(original: Any) -> Any:
    """A cancelled transaction does not change the table or its stream.

    AWS: "all-or-nothing": https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
    LocalStack: moto copies the whole table for each transaction, which takes longer the more items it has. If the
    transaction is cancelled, the copy replaces the table. Readers of the stream (each event source mapping) keep
    reading the old table's stream, which gets no more records, and other writes of that moment are lost. A table that
    the request names by its ARN is not restored at all.
    """

    @functools.wraps(original)
    def transact_write_items(self: Any, transact_items: list[Json]) -> None:
        before = [(*place, copy.deepcopy(_read(*place))) for place in _places(self, transact_items)]
        streams = [(table.stream_shard, len(table.stream_shard.items)) for table, *_ in before if table.stream_shard]
        try:
            original(self, transact_items)
        except Exception:
            for table, hash_key, range_key, item in before:
                _restore(table, hash_key, range_key, item)
            for shard, length in streams:
                del shard.items[length:]
            raise

    return transact_write_items


@patches(models, "copy", needed=_transactions_copy_tables)
def table_itself(original: Any) -> Any:
    """The copy of a table in a transaction is the table itself; see :func:`cancelled_transactions`."""

    def deepcopy(value: Any) -> Any:
        return value if isinstance(value, Table) else original.deepcopy(value)

    return SimpleNamespace(deepcopy=deepcopy)


def _places(backend: Any, transact_items: list[Json]) -> Iterator[tuple[Any, Any, Any]]:
    """The table and the key of each operation; moto rejects malformed operations later."""
    for operation in (operation for item in transact_items for operation in item.values()):
        table = _table(backend, operation.get("TableName"))
        attributes = operation.get("Item") or operation.get("Key") or {}
        if table is not None and {table.hash_key_attr, table.range_key_attr} - {None} <= attributes.keys():
            yield table, *backend.get_keys_value(table, attributes)


def _table(backend: Any, name: str | None) -> Any:
    """The table with this name or ARN, or None."""
    try:
        return backend.get_table(name)
    except ResourceNotFoundException:
        return None


def _read(table: Any, hash_key: Any, range_key: Any) -> Any:
    return table.items.get(hash_key, {}).get(range_key) if table.has_range_key else table.items.get(hash_key)


def _restore(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    items, key = (table.items[hash_key], range_key) if table.has_range_key else (table.items, hash_key)
    if item is None:
        items.pop(key, None)
    else:
        items[key] = item
