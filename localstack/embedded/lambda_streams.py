"""Lambda: event source mappings on DynamoDB streams."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import new_uuid, request_scope
from ministack.services import cloudwatch, dynamodb
from ministack.services import lambda_svc as lam

from embedded import delivery
from embedded.permissions import role_allows
from emulation.patch import patches, source_lacks

_log = logging.getLogger("embedded.streams")

Json = dict[str, Any]

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0

_busy: set[str] = set()
"""Mappings with a batch in progress; each is one shard, whose batches are processed one after the other."""
_busy_lock = threading.Lock()


@patches(lam, "_poll_dynamodb_streams", needed=source_lacks("BisectBatchOnFunctionError", "batchItemFailures"))
def stream_batches(_original: Any) -> Any:
    """A failed batch is retried, halved or shortened to its failed records, and finally reported and skipped.

    AWS: MaximumRetryAttempts (-1: until the records expire), MaximumRecordAgeInSeconds (older records are not sent),
    BisectBatchOnFunctionError, ReportBatchItemFailures (continue at the lowest reported sequence number), and a report
    of the discarded records to the OnFailure destination. The execution role needs dynamodb:GetRecords on the stream.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    MiniStack: repeats a failed batch indefinitely and ignores partial failures; a slow mapping delays all others.
    """

    def poll() -> bool:
        started = False
        for account, region, mapping in list(lam._iter_all_esms()):
            with request_scope(account, region):
                if (batch := _next_batch(mapping)) is None:
                    continue
                with _busy_lock:
                    _busy.add(mapping["UUID"])
                threading.Thread(target=_process_batch, args=(account, region, mapping, *batch), daemon=True).start()
                started = True
        return started

    return poll


def _next_batch(mapping: Json) -> tuple[list[Json], int] | None:
    """The next records and the position after them; None if there are none, or the mapping has a batch in progress."""
    source = mapping.get("EventSourceArn", "")
    if not mapping.get("Enabled", True) or mapping["UUID"] in _busy or ":dynamodb:" not in source:
        return None
    table_name, _ = lam._dynamodb_stream_table_from_arn_spec(parse_arn(source)) or ("", "")
    table = dynamodb._tables.get(table_name)
    if not table or table.get("LatestStreamArn") != source:
        return None
    horizon, end = dynamodb.stream_start_position(table_name), dynamodb.stream_end_position(table_name)
    with lam._dynamodb_stream_positions_lock:
        positions = lam._dynamodb_stream_positions
        first = horizon if mapping.get("StartingPosition") == "TRIM_HORIZON" else end
        position = max(positions.setdefault(mapping["UUID"], first), horizon)
        positions[mapping["UUID"]] = position
    records = dynamodb.stream_records_since(table_name, position, mapping.get("BatchSize", 100))
    return (records, position + len(records)) if records else None


def _process_batch(account: str, region: str, mapping: Json, records: list[Json], next_position: int) -> None:
    identity = mapping["UUID"]
    try:
        with request_scope(account, region):
            done = _process(mapping, lam._apply_filter_criteria(records, mapping))
            if done:
                with lam._dynamodb_stream_positions_lock:
                    lam._dynamodb_stream_positions[identity] = next_position
    finally:
        with _busy_lock:
            _busy.discard(identity)
        lam.esm_wake.set()


def _process(mapping: Json, records: list[Json]) -> bool:
    """Process a batch until it succeeds or is discarded; False if the mapping is disabled or deleted meanwhile."""
    quota = int(mapping["MaximumRetryAttempts"] if mapping.get("MaximumRetryAttempts") is not None else -1)
    pending, attempts, retries, pauses = [records], 0, 0, _pauses()
    while pending:
        if not _active(mapping):
            return False
        expired, batch = _by_age(mapping, pending.pop(0))
        _report(mapping, expired, "RecordAgeExceeded", attempts)
        if not batch:
            attempts, retries, pauses = 0, 0, _pauses()
            continue
        result = _call(mapping, batch)
        if not result.get("throttle"):
            _record_age(mapping, batch)
        failed, partial = _failed(mapping, batch, result)
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if failed else "OK"
        if not failed:
            continue
        _log.info("a batch of %d for %s failed from %s on", len(batch), mapping["FunctionArn"], _sequence(failed[0]))
        called = not result.get("throttle")
        attempts += called
        if called and (parts := _split(mapping, batch, failed, partial=partial)):
            pending[0:0] = parts  # "Splitting a batch doesn't count toward the retry quota."
        elif called and 0 <= quota <= retries:
            _report(mapping, failed, "RetryAttemptsExhausted", attempts)
            attempts, retries, pauses = 0, 0, _pauses()
        else:
            retries += called
            pending.insert(0, failed)
            time.sleep(next(pauses))
    return True


def _by_age(mapping: Json, batch: list[Json]) -> tuple[list[Json], list[Json]]:
    """The records that are too old to be sent to the function, and the others."""
    age_limit = int(mapping.get("MaximumRecordAgeInSeconds") or -1)
    if age_limit < 0:
        return [], batch
    oldest = time.time() - age_limit
    return [r for r in batch if _arrival(r) < oldest], [r for r in batch if _arrival(r) >= oldest]


def _config(mapping: Json) -> tuple[Json | None, Json]:
    """The function's record and the configuration of the mapped version; (None, {}) if it is gone."""
    function, config = lam._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    return function, config or {}


def _call(mapping: Json, batch: list[Json]) -> Json:
    """Send a batch to the function. One that cannot be called is like a throttled one: that uses up no retry."""
    function, config, _ = lam._get_func_record_for_ref(mapping["FunctionArn"])  # an alias's weights choose the version
    if function is None or not role_allows(config["Role"], "dynamodb:GetRecords", mapping["EventSourceArn"]):
        return {"throttle": True}
    record = lam._execution_record_for_config(function, {**config, "FunctionArn": mapping["FunctionArn"]})
    result: Json = lam._execute_function_with_config_scope(record, {"Records": batch})
    return result


def _record_age(mapping: Json, batch: list[Json]) -> None:
    """The metric IteratorAge: milliseconds since the last record of the batch was written.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    name = str(mapping["FunctionName"])
    age_ms = max(0.0, (time.time() - _arrival(batch[-1])) * 1000)
    cloudwatch.record_metric("AWS/Lambda", "IteratorAge", age_ms, "Milliseconds", {"FunctionName": name})


def _failed(mapping: Json, batch: list[Json], result: Json) -> tuple[list[Json], bool]:
    """The records to process again, and whether a partial response named them: from the lowest reported one on."""
    if result.get("error") or result.get("throttle"):
        return batch, False
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return [], False
    body = result.get("body")
    if body is None or body == {}:
        return [], False  # "Lambda treats a batch as a complete success if you return ... a null or empty response"
    if not isinstance(body, dict) or not isinstance(body.get("batchItemFailures") or [], list):
        return batch, False
    reported = [
        item.get("itemIdentifier") if isinstance(item, dict) else None for item in body["batchItemFailures"] or []
    ]
    sequences = [_sequence(record) for record in batch]
    positions = [sequences.index(identifier) for identifier in reported if identifier in sequences]
    if len(positions) < len(reported):
        return batch, False  # "a complete failure if ... a bad itemIdentifier key name" or value
    return (batch[min(positions) :], True) if positions else ([], False)


def _split(mapping: Json, batch: list[Json], failed: list[Json], *, partial: bool) -> list[list[Json]]:
    """The smaller batches in which the records are processed again; none if they are not split.

    "If your invocation fails and BisectBatchOnFunctionError is turned on, the batch is bisected regardless of your
    ReportBatchItemFailures setting. When a partial batch success response is received and both [...] are turned on, the
    batch is bisected at the returned sequence number, and Lambda retries only the remaining records."
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    if not mapping.get("BisectBatchOnFunctionError"):
        return []
    if partial:
        return [failed] if len(failed) < len(batch) else []
    middle = len(failed) // 2
    return [failed[:middle], failed[middle:]] if middle else []


def _report(mapping: Json, failed: list[Json], condition: str, attempts: int) -> None:
    """Report discarded records, if there are any, to the OnFailure destination: their positions, not their content.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    if not failed:
        return
    _log.info(
        "%d records for %s discarded after %d attempts: %s", len(failed), mapping["FunctionArn"], attempts, condition
    )
    target = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    _, config = _config(mapping)
    if not target or not config or not role_allows(config["Role"], delivery.required_action(target), target):
        return
    record = {
        "version": "1.0",
        "timestamp": _iso(time.time()),
        "requestContext": {
            "requestId": new_uuid(),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": config.get("Version", "$LATEST"),
            "functionError": "Unhandled",
        },
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000000",
            "startSequenceNumber": _sequence(failed[0]),
            "endSequenceNumber": _sequence(failed[-1]),
            "approximateArrivalOfFirstRecord": _iso(_arrival(failed[0])),
            "approximateArrivalOfLastRecord": _iso(_arrival(failed[-1])),
            "batchSize": len(failed),
            "streamArn": mapping["EventSourceArn"],
        },
    }
    delivery.send(target, json.dumps(record))


def _arrival(record: Json) -> float:
    return float(record["dynamodb"].get("ApproximateCreationDateTime", time.time()))


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _active(mapping: Json) -> bool:
    current = lam._esms.get(mapping["UUID"])
    return current is not None and bool(current.get("Enabled", True))


def _sequence(record: Json) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _pauses() -> Iterator[float]:
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
