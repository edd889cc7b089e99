"""DynamoDB in memory: one table with the key ``invoiceId``, and the expressions that the functions send.

Items and values are in DynamoDB's own notation. An expression that is not understood is an error, so that a condition
can never hold by accident.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from tests.resilience.memory.errors import ServiceError

Item = dict[str, Any]
Condition = Callable[[Item | None, Mapping[str, str], Mapping[str, Any]], bool]

_TOKENS = re.compile(r"\s*(attribute_(?:not_)?exists|AND|OR|IN|<=|>=|<|>|=|\(|\)|,|[#:]?\w+)")


class Table:
    """The items by their ids, and what is called after each change.

    Attributes:
        items: The items.
        changed: Called with the id, the old and the new item of each change, in order.
    """

    def __init__(self, changed: Callable[[str, Item | None, Item], None] = lambda *_: None) -> None:
        self.items: dict[str, Item] = {}
        self.changed = changed

    def get_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        item = self.items.get(request["Key"]["invoiceId"]["S"])
        return {"Item": item} if item is not None else {}

    def batch_get_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        [(table, keys)] = request["RequestItems"].items()
        names = [key["invoiceId"]["S"] for key in keys["Keys"]]
        found = [{"invoiceId": {"S": name}} for name in names if name in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A page of an index with the range key ``createdAt``, in its order; ties by the id."""
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        partition, _, rest = request["KeyConditionExpression"].partition(" = :partition AND ")
        if rest != "#createdAt BETWEEN :earliest AND :latest":
            raise ValueError(f"the table in memory does not know {request['KeyConditionExpression']!r}")
        attribute = names[partition]
        after = request.get("ExclusiveStartKey")
        found = sorted(
            (item for item in self.items.values() if item.get(attribute) == values[":partition"]), key=_by_creation
        )
        earliest, latest = values[":earliest"]["S"], values[":latest"]["S"]
        found = [item for item in found if earliest <= item["createdAt"]["S"] <= latest]
        found = [item for item in found if after is None or _by_creation(item) > _by_creation(after)]
        page, more = found[: request["Limit"]], found[request["Limit"] :]
        last = {name: page[-1][name] for name in ("invoiceId", attribute, "createdAt")} if more else None
        return {"Items": page} | ({"LastEvaluatedKey": last} if last else {})

    def put_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._write([self._judge("Put", request)])
        return {}

    def update_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._write([self._judge("Update", request)])
        return {}

    def transact_write_items(self, request: Mapping[str, Any]) -> dict[str, Any]:
        reasons: list[dict[str, Any]] = []
        writes = []
        for entry in request["TransactItems"]:
            [(kind, write)] = entry.items()
            try:
                writes.append(self._judge(kind, write))
            except ServiceError as error:
                item = {"Item": error.members["Item"]} if "Item" in error.members else {}
                reasons.append({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", **item})
            else:
                reasons.append({"Code": "None"})
        if len(writes) < len(reasons):
            raise ServiceError("TransactionCanceledException", CancellationReasons=reasons)
        self._write(writes)
        return {}

    def _judge(self, kind: str, request: Mapping[str, Any]) -> tuple[str, Item | None, Item]:
        """The id, the old and the new item of a write whose condition holds."""
        key = request["Item"] if kind == "Put" else request["Key"]
        name = key["invoiceId"]["S"]
        old = self.items.get(name)
        values, names = request.get("ExpressionAttributeValues", {}), request.get("ExpressionAttributeNames", {})
        if not parse(request["ConditionExpression"])(old, names, values):
            existing = {"Item": old} if "ReturnValuesOnConditionCheckFailure" in request and old is not None else {}
            raise ServiceError("ConditionalCheckFailedException", **existing)
        if kind == "Put":
            return name, old, dict(request["Item"])
        return name, old, {**(old or {}), **key, **_assignments(request["UpdateExpression"], names, values)}

    def _write(self, writes: list[tuple[str, Item | None, Item]]) -> None:
        for name, old, new in writes:
            self.items[name] = new
            if old != new:
                self.changed(name, old, new)


def _by_creation(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["createdAt"]["S"], item["invoiceId"]["S"]


def _assignments(expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> Item:
    verb, _, rest = expression.partition(" ")
    if verb != "SET":
        raise ValueError(f"the table in memory does not know {expression!r}")
    pairs = (assignment.split("=") for assignment in rest.split(","))
    return {names.get(name.strip(), name.strip()): values[value.strip()] for name, value in pairs}


@cache
def parse(expression: str) -> Condition:
    """The condition of an expression."""
    tokens = _TOKENS.findall(expression)
    if "".join(tokens) != re.sub(r"\s", "", expression):
        raise ValueError(f"the table in memory does not know {expression!r}")
    condition, rest = _either(tokens)
    if rest:
        raise ValueError(f"the table in memory does not know {expression!r}, from {rest[0]!r} on")
    return condition


def _either(tokens: list[str]) -> tuple[Condition, list[str]]:
    first, tokens = _both(tokens)
    if tokens[:1] != ["OR"]:
        return first, tokens
    second, tokens = _either(tokens[1:])
    return lambda *of: first(*of) or second(*of), tokens


def _both(tokens: list[str]) -> tuple[Condition, list[str]]:
    first, tokens = _term(tokens)
    if tokens[:1] != ["AND"]:
        return first, tokens
    second, tokens = _both(tokens[1:])
    return lambda *of: first(*of) and second(*of), tokens


def _term(tokens: list[str]) -> tuple[Condition, list[str]]:
    if tokens[0] == "(":
        condition, tokens = _either(tokens[1:])
        return condition, tokens[1:]
    if tokens[0].startswith("attribute_"):
        wanted, name = tokens[0] == "attribute_exists", tokens[2]
        return lambda item, names, _: (names.get(name, name) in (item or {})) is wanted, tokens[4:]
    name, operator = tokens[:2]
    if operator == "IN":
        end = tokens.index(")")
        options = [token for token in tokens[3:end] if token != ","]
        return lambda item, names, values: _is_one_of(item, names.get(name, name), options, values), tokens[end + 1 :]
    compare, value = _COMPARISONS[operator], tokens[2]
    return lambda item, names, values: _compares(item, names.get(name, name), compare, values[value]), tokens[3:]


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


def _is_one_of(item: Item | None, name: str, options: list[str], values: Mapping[str, Any]) -> bool:
    return any(_compares(item, name, _COMPARISONS["="], values[option]) for option in options)


def _compares(item: Item | None, name: str, compare: Callable[[Any, Any], bool], value: Any) -> bool:
    """A comparison with an attribute that does not exist, or has another type, is false."""
    stored = (item or {}).get(name)
    if stored is None or stored.keys() != value.keys():
        return False
    [(kind, one)], [other] = stored.items(), value.values()
    return compare(Decimal(one), Decimal(other)) if kind == "N" else compare(one, other)
