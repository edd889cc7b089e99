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
class TableFacts:
    """A table as planned.

    Attributes:
        name: On AWS.
        address: The resource.
        key: Its own key.
        indexes: Its secondary indexes.
        types: The type of each key attribute: ``S``, ``N`` or ``B``.
        stream: What its stream's records contain; empty without one.
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
        """The parameters of DynamoDB's CreateTable, except for the name and the billing."""
        parameters: dict[str, Any] = {
            "KeySchema": _schema(self.key),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": self.types[name]} for name in sorted(self.types)
            ],
            "GlobalSecondaryIndexes": [
                {"IndexName": index.name, "KeySchema": _schema(index), "Projection": self._projection(index)}
                for index in sorted(self.indexes, key=lambda index: index.name)
            ],
        }
        if self.stream:
            parameters["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": self.stream}
        return parameters

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


def tables_of(plan: PlanGraph) -> dict[str, TableFacts]:
    """The tables of a plan, by name."""
    tables = {}
    for resource in plan.of("aws_dynamodb_table"):
        key = Index("", str(resource.get("hash_key")), str(resource.get("range_key") or ""))
        expiry: Mapping[str, Any] = next(
            (block for block in blocks(resource.values.get("ttl")) if block.get("enabled")), {}
        )
        tables[str(resource.get("name"))] = TableFacts(
            name=str(resource.get("name")),
            address=resource.address,
            key=key,
            indexes=tuple(_index(block, key) for block in blocks(resource.values.get("global_secondary_index"))),
            types={block["name"]: block["type"] for block in blocks(resource.values.get("attribute"))},
            stream=str(resource.get("stream_view_type") or "") if resource.get("stream_enabled") else "",
            expiry=str(expiry.get("attribute_name") or ""),
        )
    return tables


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
        equal: Attributes that the key condition sets to one value.
        ranged: Attributes that the key condition bounds.
        requested: Attributes that it projects or filters by; empty for all attributes.
        read: Attributes that the code reads from the response.
        start: The attributes of the key after which it continues.
        values: The type of each key attribute's value.
    """

    where: str
    index: str
    equal: frozenset[str]
    ranged: frozenset[str]
    requested: frozenset[str]
    read: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()
    values: Mapping[str, str] | None = None


def query_of(request: Mapping[str, Any], where: str, *, read: frozenset[str] = frozenset()) -> Query:
    """Read the parameters of DynamoDB's Query.

    Raises:
        ValueError: The key condition has a form that this function does not know.
    """
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    condition = request["KeyConditionExpression"]
    equal: set[str] = set()
    ranged: set[str] = set()
    types: dict[str, str] = {}
    at = 0
    while at < len(condition):
        match = _CONDITION.match(condition, at)
        if not match:
            raise ValueError(f"{where}: the key condition {condition!r} cannot be read from {condition[at:]!r} on")
        name = match["begun"] or match["name"]
        attribute = names.get(name, name)
        (equal if match["operator"] == "=" else ranged).add(attribute)
        if match["first"] in values:
            types[attribute] = next(iter(values[match["first"]]))
        at = match.end()
    requested = {
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
        requested=frozenset(requested),
        read=read,
        start=frozenset(request.get("ExclusiveStartKey", {})),
        values=types,
    )


def compare(table: TableFacts, queries: Sequence[Query]) -> Iterator[Mismatch]:
    """Each query uses an existing index by its keys and reads what the index holds; no index is without a query.

    Args:
        table: As planned.
        queries: All queries that the code sends to it.
    """
    indexes = {index.name: index for index in (table.key, *table.indexes)}
    for query in queries:
        index = indexes.get(query.index)
        if index is None:
            yield Mismatch(
                f"The index {query.index} is queried but not planned",
                f"{query.where} queries {query.index}",
                f"{table.address} has {listed(index.name for index in table.indexes)}",
                "Add the index to the table, or rename it in both.",
            )
            continue
        yield from _keys(table, index, query)
        yield from _projection(table, index, query)
    for index in table.indexes:
        if index.name not in {query.index for query in queries}:
            yield Mismatch(
                f"The index {index.name} is queried by nobody",
                f"the code queries {listed({query.index for query in queries})}",
                f"{table.address} has {index.name}, which every write pays for",
                "Remove the index from the table, or query it.",
            )


def _keys(table: TableFacts, index: Index, query: Query) -> Iterator[Mismatch]:
    keys = listed(name for name in (index.hash_key, index.range_key) if name)
    has = f"{table.address}: {index.name or 'the table'} has the keys {keys}"
    if query.equal != {index.hash_key} or not query.ranged <= {index.range_key}:
        yield Mismatch(
            f"The query on {query.index or 'the table'} uses other keys than it has",
            f"{query.where} fixes {listed(query.equal)} and bounds {listed(query.ranged)}",
            has,
            "Query by the index's keys, or give the index the keys that are queried.",
        )
    start_keys = {table.key.hash_key, table.key.range_key, index.hash_key, index.range_key} - {""}
    if query.start and query.start != start_keys:
        yield Mismatch(
            f"The query on {query.index or 'the table'} continues after an incomplete or wrong key",
            f"{query.where} starts at {listed(query.start)}",
            f"{has}; continuing takes {listed(start_keys)}",
            "Start at the keys of the table and of the index, all of them.",
        )
    for name, kind in (query.values or {}).items():
        if name in table.types and table.types[name] != kind:
            yield Mismatch(
                f"The key {name} of {query.index or 'the table'} has another type",
                f"{query.where} sends a value of type {kind}",
                f"{table.address} has {name} of type {table.types[name]}",
                "Use one type in both.",
            )


def _projection(table: TableFacts, index: Index, query: Query) -> Iterator[Mismatch]:
    if missing := query.read - query.requested if query.requested else frozenset():
        yield Mismatch(
            f"The query on {query.index or 'the table'} does not request every attribute that is read",
            f"{query.where} reads {listed(missing)} and requests {listed(query.requested)}",
            f"{table.address}: {index.name or 'the table'}",
            "Request what is read.",
        )
    if index.projected is not None and (absent := (query.requested | query.read) - index.projected):
        yield Mismatch(
            f"The index {index.name} does not hold every attribute that is read",
            f"{query.where} reads {listed(absent)}",
            f"{table.address}: {index.name} projects {listed(index.projected)}",
            "Project what is read: projection_type ALL, or non_key_attributes.",
        )


@dataclass(frozen=True)
class WrittenItem:
    """An item that the code writes to a table.

    Attributes:
        where: File and symbol.
        attributes: The item's attributes and their types.
        indexed: Whether the item belongs in every index.
        expires: Whether the item is meant to expire.
    """

    where: str
    attributes: Mapping[str, str]
    indexed: bool = False
    expires: bool = False


def compare_items(table: TableFacts, items: Sequence[WrittenItem]) -> Iterator[Mismatch]:
    """Items have the table's key, the keys of their indexes, and the attribute by which they expire."""
    table_keys = {table.key.hash_key, table.key.range_key} - {""}
    index_keys = {name for index in table.indexes for name in (index.hash_key, index.range_key)} - {""}
    for item in items:
        required = table_keys | (index_keys if item.indexed else set()) | ({table.expiry} if item.expires else set())
        if missing := required - item.attributes.keys():
            yield Mismatch(
                f"Items lack {listed(missing)}, which the table needs",
                f"{item.where} writes {listed(item.attributes)}",
                f"{table.address} has the keys {listed(table_keys | index_keys)}; "
                f"items expire by {table.expiry or 'nothing'}",
                "Rename the attribute in both.",
            )
        for name in sorted(table.types.keys() & item.attributes.keys()):
            if item.attributes[name] != table.types[name]:
                yield Mismatch(
                    f"The key attribute {name} is written with another type",
                    f"{item.where} writes type {item.attributes[name]}",
                    f"{table.address} has type {table.types[name]}",
                    "Use one type in both.",
                )
