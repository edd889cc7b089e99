"""DynamoDB: provisioned capacity, with the switch `capacity`."""

import contextlib
import contextvars
import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import dynamodb

from embedded.capacity_buckets import Buckets, Throughput, speed
from embedded.dynamodb_throttling import Json, Request, Response, record_consumed
from embedded.dynamodb_units import (
    MalformedError,
    Needs,
    member_of,
    needs_of,
    read_units,
    stored,
    table_name,
    total_of,
    units_of_bytes,
)
from embedded.strictness import strict
from emulation.patch import patches, source_lacks

_buckets = Buckets(speed())
_evaluated_bytes: contextvars.ContextVar[int] = contextvars.ContextVar("evaluated_bytes", default=0)


@patches(dynamodb, "handle_request", needed=source_lacks("ProvisionedThroughputExceededException"))
def provisioned_capacity(original: Any) -> Any:
    """With the switch `capacity`, requests beyond the capacity of the table or of an index are throttled.

    AWS: a write takes a unit per KB, of the table and of every index that changes; a consistent read one per 4 KB, an
    eventually consistent read half of that; transactions take twice as much of the table. A write is throttled too if
    an index that it changes has too little capacity.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/gsi-throttling.html
    MiniStack: unlimited. PartiQL statements stay so.
    """
    if not strict("capacity"):
        return original

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Json) -> Response:
        async def run(data: Json) -> Response:
            response: Response = await original(method, path, headers, json.dumps(data).encode(), query)
            return response

        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation in _METERS:
            with contextlib.suppress(MalformedError, json.JSONDecodeError):
                return await _METERS[operation](Request(operation, json.loads(body or b"{}"), run))
        response: Response = await original(method, path, headers, body, query)
        return response

    return handle


@patches(dynamodb, "_paginate_evaluated_items", needed=source_lacks("evaluated_bytes"))
def evaluated_items(original: Any) -> Any:
    """A Query or Scan is charged for the items that it evaluates, also those that a filter removes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    MiniStack: half a unit, or one, for each request.
    """
    if not strict("capacity"):
        return original

    def paginate(items: Any, limit: Any, table: Any, index_name: Any = None) -> Any:
        page, more = original(items, limit, table, index_name)
        entries = (dynamodb._apply_index_projection(item, table, index_name) if index_name else item for item in page)
        _evaluated_bytes.set(sum(map(dynamodb._item_size_bytes, entries)))
        return page, more

    return paginate


async def _write(request: Request) -> Response:
    """PutItem, UpdateItem, DeleteItem: all units in advance. A failed condition takes those of the table only.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
    """
    needs = needs_of([(request.operation.removesuffix("Item"), request.data)])[0]
    if short := _take(needs):
        return request.throttled(short)
    response = await request.run(request.data)
    _settle(response, needs)
    return response


async def _transact_write(request: Request) -> Response:
    """TransactWriteItems: everything, or nothing. A repeated request with the same token writes nothing again."""
    if dynamodb._txn_token_lookup(request.data.get("ClientRequestToken")):
        return await request.run(request.data)
    needs = needs_of([member_of(member) for member in request.data.get("TransactItems") or []], factor=2)
    total = total_of(needs)
    if short := _take(total):
        return request.canceled(short, needs)
    response = await request.run(request.data)
    _settle(response, total)
    return response


async def _batch_write(request: Request) -> Response:
    """BatchWriteItem: every write on its own; what is throttled is returned as unprocessed."""
    admitted: Json = {}
    unprocessed: Json = {}
    throttled: list[Throughput] = []
    for table, members in (request.data.get("RequestItems") or {}).items():
        for member in members:
            kind = next(iter(member), "").removesuffix("Request")
            needs = needs_of([(kind, {**member.get(f"{kind}Request", {}), "TableName": table})])[0]
            short = _take(needs)
            throttled += short
            (unprocessed if short else admitted).setdefault(table, []).append(member)
            if not short:
                record_consumed(needs)
    return await _partly(request, admitted, unprocessed, throttled, "UnprocessedItems")


async def _batch_get(request: Request) -> Response:
    """BatchGetItem: every read on its own; what is throttled is returned as unprocessed."""
    admitted: Json = {}
    unprocessed: Json = {}
    throttled: list[Throughput] = []
    for table, settings in (request.data.get("RequestItems") or {}).items():
        for key in settings["Keys"]:
            reads = Throughput(table_name({"TableName": table}), "", "Read")
            short = _in_debt(reads)
            if short:
                throttled.append(reads)
            else:
                _charge({reads: read_units(stored(reads.table, key), consistent=bool(settings.get("ConsistentRead")))})
            target = unprocessed if short else admitted
            target.setdefault(table, {**settings, "Keys": []})["Keys"].append(key)
    return await _partly(request, admitted, unprocessed, throttled, "UnprocessedKeys")


async def _partly(request: Request, admitted: Json, rest: Json, throttled: list[Throughput], member: str) -> Response:
    """Have a batch's admitted entries served, and add the others to the response."""
    if rest and not admitted:
        return request.throttled(dict.fromkeys(throttled))
    request.count_throttled(throttled, whole_request=False)
    status, headers, body = await request.run({**request.data, "RequestItems": admitted or rest})
    if status == 200 and rest:
        headers = {name: value for name, value in headers.items() if name.lower() != "x-amz-crc32"}
        body = json.dumps({**json.loads(body), member: rest}).encode()
    return status, headers, body


async def _get(request: Request) -> Response:
    """GetItem: admitted unless earlier reads have left a debt, and charged afterwards."""
    data = request.data
    reads = Throughput(table_name(data), "", "Read")
    if _in_debt(reads):
        return request.throttled([reads])
    units = read_units(stored(reads.table, data.get("Key")), consistent=bool(data.get("ConsistentRead")))
    response = await request.run(data)
    if response[0] == 200:
        _charge({reads: units})
    return response


async def _transact_get(request: Request) -> Response:
    """TransactGetItems: twice the units of consistent reads."""
    needs: list[Needs] = []
    for member in request.data.get("TransactItems") or []:
        _, read = member_of(member)
        reads = Throughput(table_name(read), "", "Read")
        needs.append({reads: 2 * read_units(stored(reads.table, read.get("Key")), consistent=True)})
    total = total_of(needs)
    if short := [throughput for throughput in total if _in_debt(throughput)]:
        return request.canceled(short, needs)
    response = await request.run(request.data)
    if response[0] == 200:
        _charge(total)
    return response


async def _search(request: Request) -> Response:
    """Query and Scan: admitted unless earlier reads have left a debt, and charged for the evaluated items together."""
    data = request.data
    name = table_name(data)
    indexes = [index["IndexName"] for index in dynamodb._tables[name].get("GlobalSecondaryIndexes") or []]
    reads = Throughput(name, data["IndexName"] if data.get("IndexName") in indexes else "", "Read")
    if _in_debt(reads):
        return request.throttled([reads])
    _evaluated_bytes.set(0)
    response = await request.run(data)
    if response[0] == 200:
        _charge({reads: units_of_bytes(_evaluated_bytes.get(), consistent=bool(data.get("ConsistentRead")))})
    return response


_METERS: dict[str, Callable[[Request], Awaitable[Response]]] = {
    "BatchGetItem": _batch_get,
    "BatchWriteItem": _batch_write,
    "DeleteItem": _write,
    "GetItem": _get,
    "PutItem": _write,
    "Query": _search,
    "Scan": _search,
    "TransactGetItems": _transact_get,
    "TransactWriteItems": _transact_write,
    "UpdateItem": _write,
}


def _take(needs: Needs) -> list[Throughput]:
    return _buckets.take(dynamodb._tables, needs)


def _in_debt(throughput: Throughput) -> bool:
    return _buckets.in_debt(dynamodb._tables, throughput)


def _charge(needs: Needs) -> None:
    _buckets.charge(dynamodb._tables, needs)
    record_consumed(needs)


def _settle(response: Response, needs: Needs) -> None:
    """Give back what a rejected write did not use: all of it, or the indexes' part if its condition failed."""
    status, _, body = response
    consumed = needs
    if status != 200:
        failed = b"ConditionalCheckFailed" in body
        consumed = {throughput: units for throughput, units in needs.items() if failed and not throughput.index}
        unused = {throughput: -units for throughput, units in needs.items() if throughput not in consumed}
        _buckets.charge(dynamodb._tables, unused)
    record_consumed(consumed)
