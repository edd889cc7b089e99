"""DynamoDB: throttled requests, as the client and CloudWatch see them."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch as cw
from ministack.services import dynamodb

from embedded.capacity_buckets import Throughput
from embedded.dynamodb_units import Needs

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Run = Callable[[Json], Awaitable[Response]]

_MESSAGES = {
    False: "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
    "provisioning level with the UpdateTable API.",
    True: "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the "
    "UpdateTable API.",
}
"""By whether an index is meant. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""


@dataclass(frozen=True)
class Request:
    """A request for items.

    Attributes:
        operation: PutItem, GetItem, ….
        data: Its body.
        run: Has MiniStack serve a body.
    """

    operation: str
    data: Json
    run: Run

    def throttled(self, short: Iterable[Throughput]) -> Response:
        """The response when these throughputs have too few units."""
        short = list(short)
        self.count_throttled(short)
        arn = str(dynamodb._tables[short[0].table]["TableArn"])
        body = {
            "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "message": _MESSAGES[bool(short[0].index)],
            "ThrottlingReasons": [
                {
                    "reason": f"{'Index' if index else 'Table'}{operation}ProvisionedThroughputExceeded",
                    "resource": f"{arn}/index/{index}" if index else arn,
                }
                for index, operation in ((throughput.index, throughput.operation) for throughput in short)
            ],
        }
        return _error("ProvisionedThroughputExceededException", body)

    def canceled(self, short: Collection[Throughput], needs: Sequence[Needs]) -> Response:
        """The response to a transaction when these throughputs have too few units for what its items need."""
        self.count_throttled(short)
        reasons = []
        for need in needs:
            lacks = [throughput for throughput in short if throughput in need]
            code, message = "ProvisionedThroughputExceeded", _MESSAGES[bool(lacks and lacks[0].index)]
            reasons.append({"Code": code, "Message": message} if lacks else {"Code": "None"})
        codes = ", ".join(reason["Code"] for reason in reasons)
        body = {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            "CancellationReasons": reasons,
        }
        return _error("TransactionCanceledException", body)

    def count_throttled(self, short: Iterable[Throughput], *, whole_request: bool = True) -> None:
        """Record what CloudWatch shows of throttling: by throughput, and if nothing was done, by operation.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
        """
        short = list(short)
        for throughput in short:
            _record(f"{throughput.operation}ThrottleEvents", 1, _dimensions(throughput))
        if whole_request:
            for table in {throughput.table for throughput in short}:
                _record("ThrottledRequests", 1, {"TableName": table, "Operation": self.operation})


def record_consumed(needs: Needs) -> None:
    """Record the units that a request has taken."""
    for throughput, units in needs.items():
        _record(f"Consumed{throughput.operation}CapacityUnits", units, _dimensions(throughput))


def _record(metric: str, value: float, dimensions: dict[str, str]) -> None:
    cw.record_metric("AWS/DynamoDB", metric, value, "Count", dimensions)


def _dimensions(throughput: Throughput) -> dict[str, str]:
    index = {"GlobalSecondaryIndexName": throughput.index} if throughput.index else {}
    return {"TableName": throughput.table, **index}


def _error(kind: str, body: Json) -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": kind}
    return 400, headers, json.dumps(body).encode()
