"""Tables: their keys and indexes as planned ⇔ the requests that the code makes of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.mismatch import Mismatch, listed
from harness.plan.graph import PlanGraph
from harness.plan.resource import listed as blocks

_CONDITION = re.compile(
    r"\s*(?:begins_with\s*\(\s*(?P<begun>#?[\w-]+)\s*,[^)]*\)"
    r"|(?P<name>#?[\w-]+)\s*(?P<operator>=|<=|>=|<|>|BETWEEN)\s*(?P<first>:\w+)(?:\s+AND\s+:\w+)?)\s*(?:AND|$)"
)


@dataclass(frozen=True)
class Index:
    """A key schema: the table's own, or a secondary index's.

    Attributes:
        name: The index's; empty for the table.
        hash_key: Its partition key.
        range_key: Its sort key; empty without one.
        projected: The attributes that it holds; None for all.
    """

    name: str
    hash_key: str
    range_key: str = ""
    projected: frozenset[str] | None = None


@dataclass(frozen=True)
class Table:
    """A table as planned.

    Attributes:
        name: On AWS.
        address: The resource.
        key: Its own key.
        indexes: Its secondary indexes.
        types: The type of each key attribute: ``S``, ``N`` or ``B``.
        stream: What its stream's records hold; empty without one.
        expiry: The attribute by which items expire; empty without one.
    """

    name: str
    address: str
    key: Index
    indexes: tuple[Index, ...]
    types: Mapping[str, str]
    stream: str = ""
    expiry: str = ""

    def definition(self) -> dict[str, Any]:
        """The parameters of DynamoDB's CreateTable, but for the name and the billing."""
        made: dict[str, Any] = {
            "KeySchema": _schema(self.key),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": self.types[name]} for name in sorted(self.types)
            ],
            "GlobalSecondaryIndexes": [
                {"IndexName": one.name, "KeySchema": _schema(one), "Projection": self._projection(one)}
                for one in sorted(self.indexes, key=lambda one: one.name)
            ],
        }
        if self.stream:
            made["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": self.stream}
        return made

    def _projection(self, index: Index) -> dict[str, Any]:
        if index.projected is None:
            return {"ProjectionType": "ALL"}
        more = index.projected - {self.key.hash_key, self.key.range_key, index.hash_key, index.range_key}
        return (
            {"ProjectionType": "INCLUDE", "NonKeyAttributes": sorted(more)} if more else {"ProjectionType": "KEYS_ONLY"}
        )


def _schema(index: Index) -> list[dict[str, str]]:
    keys = [(index.hash_key, "HASH"), (index.range_key, "RANGE")]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys if name]


def tables_of(plan: PlanGraph) -> dict[str, Table]:
    """The tables of a plan, by name."""
    found = {}
    for one in plan.of("aws_dynamodb_table"):
        key = Index("", str(one.get("hash_key")), str(one.get("range_key") or ""))
        expiry: Mapping[str, Any] = next((block for block in blocks(one.values.get("ttl")) if block.get("enabled")), {})
        found[str(one.get("name"))] = Table(
            name=str(one.get("name")),
            address=one.address,
            key=key,
            indexes=tuple(_index(block, key) for block in blocks(one.values.get("global_secondary_index"))),
            types={block["name"]: block["type"] for block in blocks(one.values.get("attribute"))},
            stream=str(one.get("stream_view_type") or "") if one.get("stream_enabled") else "",
            expiry=str(expiry.get("attribute_name") or ""),
        )
    return found


def _index(block: Mapping[str, Any], table: Index) -> Index:
    keys = frozenset({table.hash_key, table.range_key, block["hash_key"], block.get("range_key") or ""} - {""})
    more = {"KEYS_ONLY": frozenset(), "INCLUDE": frozenset(block.get("non_key_attributes") or ())}
    kind = block.get("projection_type")
    projected = keys | more[kind] if kind in more else None
    return Index(block["name"], block["hash_key"], block.get("range_key") or "", projected)


@dataclass(frozen=True)
class Query:
    """One request for several items, as the code sends it.

    Attributes:
        where: File and symbol.
        index: The index that it names; empty for the table itself.
        equal: Attributes that it fixes, in the key condition.
        ranged: Attributes that it bounds there.
        asked: Attributes that it projects or filters by; empty for all there are.
        read: Attributes that the code reads of what comes back.
        start: The attributes of the key from which it goes on.
        values: The type of each key attribute's value.
    """

    where: str
    index: str
    equal: frozenset[str]
    ranged: frozenset[str]
    asked: frozenset[str]
    read: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()
    values: Mapping[str, str] | None = None


def query_of(request: Mapping[str, Any], where: str, *, read: frozenset[str] = frozenset()) -> Query:
    """Read a request as DynamoDB's Query takes it.

    Raises:
        ValueError: The key condition is written in a way that this does not know.
    """
    names = request.get("ExpressionAttributeNames", {})
    given = request.get("ExpressionAttributeValues", {})
    condition = request["KeyConditionExpression"]
    equal: set[str] = set()
    ranged: set[str] = set()
    types: dict[str, str] = {}
    at = 0
    while at < len(condition):
        found = _CONDITION.match(condition, at)
        if not found:
            raise ValueError(f"{where}: the key condition {condition!r} is not understood from {condition[at:]!r} on")
        name = found["begun"] or found["name"]
        attribute = names.get(name, name)
        (equal if found["operator"] == "=" else ranged).add(attribute)
        if found["first"] in given:
            types[attribute] = next(iter(given[found["first"]]))
        at = found.end()
    asked = {
        names.get(name, name)
        for text in ("ProjectionExpression", "FilterExpression")
        for name in re.findall(r"(?<![:\w])#?[A-Za-z_][\w-]*", request.get(text, ""))
        if name.upper() not in {"AND", "OR", "NOT", "BETWEEN", "IN"}
    }
    return Query(
        where=where,
        index=request.get("IndexName", ""),
        equal=frozenset(equal),
        ranged=frozenset(ranged),
        asked=frozenset(asked),
        read=read,
        start=frozenset(request.get("ExclusiveStartKey", {})),
        values=types,
    )


def compare(table: Table, queries: Sequence[Query]) -> Iterator[Mismatch]:
    """Each query is on an index that is there, by its keys, and reads what it holds; and no index is without a query.

    Args:
        table: As planned.
        queries: All that the code sends to it.
    """
    indexes = {one.name: one for one in (table.key, *table.indexes)}
    for query in queries:
        index = indexes.get(query.index)
        if index is None:
            yield Mismatch(
                f"The index {query.index} is queried and not planned",
                f"{query.where} queries {query.index}",
                f"{table.address} has {listed(one.name for one in table.indexes)}",
                "Add the index to the table, or rename it in both.",
            )
            continue
        yield from _keys(table, index, query)
        yield from _projection(table, index, query)
    for one in table.indexes:
        if one.name not in {query.index for query in queries}:
            yield Mismatch(
                f"The index {one.name} is queried by nobody",
                f"the code queries {listed({query.index for query in queries})}",
                f"{table.address} has {one.name}, which every write pays for",
                "Take the index out of the table, or query it.",
            )


def _keys(table: Table, index: Index, query: Query) -> Iterator[Mismatch]:
    keys = listed(one for one in (index.hash_key, index.range_key) if one)
    has = f"{table.address}: {index.name or 'the table'} has the keys {keys}"
    if query.equal != {index.hash_key} or not query.ranged <= {index.range_key}:
        yield Mismatch(
            f"The query on {query.index or 'the table'} goes by other keys than it has",
            f"{query.where} fixes {listed(query.equal)} and bounds {listed(query.ranged)}",
            has,
            "Query by the index's keys, or give the index the keys that are queried.",
        )
    whole = {table.key.hash_key, table.key.range_key, index.hash_key, index.range_key} - {""}
    if query.start and query.start != whole:
        yield Mismatch(
            f"The query on {query.index or 'the table'} goes on from a key that is none",
            f"{query.where} starts at {listed(query.start)}",
            f"{has}; going on takes {listed(whole)}",
            "Start at the keys of the table and of the index, all of them.",
        )
    for name, kind in (query.values or {}).items():
        if name in table.types and table.types[name] != kind:
            yield Mismatch(
                f"The key {name} of {query.index or 'the table'} is of another type",
                f"{query.where} gives a value of type {kind}",
                f"{table.address} has {name} of type {table.types[name]}",
                "Use one type in both.",
            )


def _projection(table: Table, index: Index, query: Query) -> Iterator[Mismatch]:
    if lacking := query.read - query.asked if query.asked else frozenset():
        yield Mismatch(
            f"The query on {query.index or 'the table'} does not ask for all that is read",
            f"{query.where} reads {listed(lacking)} and asks for {listed(query.asked)}",
            f"{table.address}: {index.name or 'the table'}",
            "Ask for what is read.",
        )
    if index.projected is not None and (absent := (query.asked | query.read) - index.projected):
        yield Mismatch(
            f"The index {index.name} does not hold all that is read",
            f"{query.where} reads {listed(absent)}",
            f"{table.address}: {index.name} projects {listed(index.projected)}",
            "Project what is read: projection_type ALL, or non_key_attributes.",
        )


@dataclass(frozen=True)
class Written:
    """What the code writes to a table.

    Attributes:
        where: File and symbol.
        attributes: The item's attributes and their types.
        indexed: Whether the item belongs into every index.
        expires: Whether it is meant to expire.
    """

    where: str
    attributes: Mapping[str, str]
    indexed: bool = False
    expires: bool = False


def compare_written(table: Table, items: Sequence[Written]) -> Iterator[Mismatch]:
    """Items carry the table's key, the indexes' keys where they belong into them, and the attribute that ends them."""
    keys = {table.key.hash_key, table.key.range_key} - {""}
    of_indexes = {name for one in table.indexes for name in (one.hash_key, one.range_key)} - {""}
    for item in items:
        wanted = keys | (of_indexes if item.indexed else set()) | ({table.expiry} if item.expires else set())
        if lacking := wanted - item.attributes.keys():
            yield Mismatch(
                f"Items lack {listed(lacking)}, which the table goes by",
                f"{item.where} writes {listed(item.attributes)}",
                f"{table.address} has the keys {listed(keys | of_indexes)}; items end by {table.expiry or 'nothing'}",
                "Rename the attribute in both.",
            )
        for name in sorted(table.types.keys() & item.attributes.keys()):
            if item.attributes[name] != table.types[name]:
                yield Mismatch(
                    f"The key attribute {name} is written in another type",
                    f"{item.where} writes type {item.attributes[name]}",
                    f"{table.address} has type {table.types[name]}",
                    "Use one type in both.",
                )
