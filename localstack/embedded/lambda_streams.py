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
from ministack.services import dynamodb
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

    AWS: MaximumRetryAttempts (-1: until the records expire), MaximumRecordAgeInSeconds, BisectBatchOnFunctionError
    (halving uses up no retry), ReportBatchItemFailures (continue at the lowest reported sequence number), and a
    report of the discarded records to the OnFailure destination. The execution role needs dynamodb:GetRecords on the
    stream.
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
    retries = mapping.get("MaximumRetryAttempts")
    retries_left = None if retries is None or int(retries) < 0 else int(retries)  # None: no limit
    pending = [records] if records else []
    pauses = _pauses()
    attempts = 0
    while pending:
        batch = pending[0]
        if not _active(mapping):
            return False
        function, config = lam._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        if function is None or not role_allows(config["Role"], "dynamodb:GetRecords", mapping["EventSourceArn"]):
            mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
            time.sleep(next(pauses))
            continue
        record = lam._execution_record_for_config(function, {**config, "FunctionArn": mapping["FunctionArn"]})
        result: Json = lam._execute_function_with_config_scope(record, {"Records": batch})
        attempts += 1
        failed = _failed(mapping, batch, result)
        if not failed:
            mapping["LastProcessingResult"] = "OK"
            pending.pop(0)
            continue
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        _log.info("a batch of %d for %s failed from %s on", len(batch), mapping["FunctionArn"], _sequence(failed[0]))
        condition = _discard_reason(mapping, failed, retries_left)
        if condition and not (_may_bisect(mapping, failed) and condition == "RetryAttemptsExhausted"):
            _report(mapping, config, failed, condition, attempts)
            pending.pop(0)
            attempts = 0
        elif _may_bisect(mapping, failed):
            middle = len(failed) // 2
            pending[0:1] = [failed[:middle], failed[middle:]]
        else:
            pending[0] = failed
            if not result.get("throttle"):
                retries_left = None if retries_left is None else retries_left - 1
            time.sleep(next(pauses))
    return True


def _failed(mapping: Json, batch: list[Json], result: Json) -> list[Json]:
    """The records to process again: all after an error, or those from the lowest reported one on, or none."""
    if result.get("error") or result.get("throttle"):
        return batch
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return []
    body = result.get("body")
    if body is None or body == {}:
        return []  # "Lambda treats a batch as a complete success if you return ... a null or empty response"
    if not isinstance(body, dict) or not isinstance(body.get("batchItemFailures") or [], list):
        return batch
    reported = [
        item.get("itemIdentifier") if isinstance(item, dict) else None for item in body["batchItemFailures"] or []
    ]
    sequences = [_sequence(record) for record in batch]
    positions = [sequences.index(identifier) for identifier in reported if identifier in sequences]
    if len(positions) < len(reported):
        return batch  # "a complete failure if ... a bad itemIdentifier key name" or value
    return batch[min(positions) :] if positions else []


def _discard_reason(mapping: Json, failed: list[Json], retries_left: int | None) -> str:
    """The reason to discard these records; empty if they are retried."""
    age_limit = int(mapping.get("MaximumRecordAgeInSeconds") or -1)
    if 0 < age_limit < time.time() - min(map(_arrival, failed)):
        return "RecordAgeExceeded"
    return "RetryAttemptsExhausted" if retries_left is not None and retries_left <= 0 else ""


def _may_bisect(mapping: Json, failed: list[Json]) -> bool:
    return bool(mapping.get("BisectBatchOnFunctionError")) and len(failed) > 1


def _report(mapping: Json, config: Json, failed: list[Json], condition: str, attempts: int) -> None:
    """Report discarded records to the OnFailure destination: their positions, not their content.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    _log.info(
        "%d records for %s discarded after %d attempts: %s", len(failed), mapping["FunctionArn"], attempts, condition
    )
    target = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not target or not role_allows(config["Role"], delivery.required_action(target), target):
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
