"""DynamoDB: the units that a request takes from a table and its indexes."""

import math
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from ministack.services import dynamodb

from embedded.capacity_buckets import Table, Throughput

Json = dict[str, Any]
Needs = dict[Throughput, float]
"""Units of each throughput."""


class MalformedError(Exception):
    """The request names no table or key of this engine: MiniStack rejects it, and it takes no units."""


def needs_of(writes: Iterable[tuple[str, Json]], factor: int = 1) -> list[Needs]:
    """What each write takes: of the table by the larger of both versions, of an index by what changes in it.

    Args:
        writes: Put, Update, Delete or ConditionCheck, and its parameters.
        factor: How often the table's units count. The indexes are written later, outside of the transaction.

    Raises:
        MalformedError: A write names no table or key, or its update does not fit the item.
    """
    needs = []
    for kind, parameters in writes:
        name = table_name(parameters)
        table = dynamodb._tables[name]
        try:
            old, new = _versions(kind, parameters, table)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedError from error
        size = max(dynamodb._item_size_bytes(version) for version in (old or {}, new or {}))
        local = sum(_index_units(table, "LocalSecondaryIndexes", old, new).values())
        need: Needs = {Throughput(name, "", "Write"): factor * dynamodb._capacity_kb(size) + local}
        for index, units in _index_units(table, "GlobalSecondaryIndexes", old, new).items():
            need[Throughput(name, index, "Write")] = units
        needs.append(need)
    return needs


def _versions(kind: str, parameters: Json, table: Table) -> tuple[Json | None, Json | None]:
    """The item before and after a write."""
    key = dynamodb._extract_key_from_item(table, parameters["Item"]) if kind == "Put" else parameters["Key"]
    old = dynamodb._get_item_by_key(table, key)
    if kind != "Update":
        return old, {"Put": parameters.get("Item"), "Delete": None}.get(kind, old)
    new: Json = deepcopy(old) if old else dict(key)
    if expression := parameters.get("UpdateExpression"):
        values, names = parameters.get("ExpressionAttributeValues", {}), parameters.get("ExpressionAttributeNames", {})
        new, _ = dynamodb._apply_update_expression(new, expression, values, names)
    return old, new


def _index_units(table: Table, kind: str, old: Json | None, new: Json | None) -> dict[str, float]:
    units = {index["IndexName"]: dynamodb._index_write_units(table, index, old, new) for index in table.get(kind) or []}
    return {index: count for index, count in units.items() if count}


def member_of(member: Json) -> tuple[str, Json]:
    """The kind and the parameters of a transaction's member."""
    if len(member) != 1:
        raise MalformedError
    return next(iter(member.items()))


def table_name(parameters: Json) -> str:
    """The table that a request names; raises MalformedError if there is none."""
    name = dynamodb._normalize_table_name(parameters.get("TableName") or "")
    if name not in dynamodb._tables:
        raise MalformedError
    return str(name)


def stored(table: str, key: Any) -> Json | None:
    """The item with this key."""
    try:
        item: Json | None = dynamodb._get_item_by_key(dynamodb._tables[table], key)
    except (AttributeError, KeyError, TypeError) as error:
        raise MalformedError from error
    return item


def read_units(item: Json | None, *, consistent: bool) -> float:
    """Units to read one item, or to find out that it is missing."""
    return units_of_bytes(dynamodb._item_size_bytes(item or {}), consistent=consistent)


def units_of_bytes(size: int, *, consistent: bool) -> float:
    """One unit per started 4 KB, and half of that for an eventually consistent read."""
    return max(1, math.ceil(size / 4096)) * (1.0 if consistent else 0.5)


def total_of(needs: Iterable[Needs]) -> Needs:
    """The units of all of them together."""
    total: Needs = {}
    for need in needs:
        for throughput, units in need.items():
            total[throughput] = total.get(throughput, 0.0) + units
    return total
