"""DynamoDB: point-in-time recovery to any second since it was enabled."""

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.core.responses import error_response_json, json_response
from ministack.services import dynamodb

from embedded.dynamodb_journal import Item, Journal, items_at
from emulation.patch import patches, source_has, source_lacks

Json = dict[str, Any]

_SINCE = "RecoverableSince"
"""The member of a table that says since when its changes are recorded, in seconds since the epoch."""

_DAY_S = 86_400
_LONGEST_DAYS = 35

_journal = Journal(Path(persistence.STATE_DIR) / "dynamodb-changes")


@patches(dynamodb, "_set_item", needed=None)
def recorded_writes(original: Any) -> Any:
    """What a write replaces is recorded, if the table has point-in-time recovery; see `restored_to_a_time`."""

    def set_item(table: Json, hash_key: str, sort_key: str, item: Item) -> Item | None:
        before: Item | None = original(table, hash_key, sort_key, item)
        if _SINCE in table:
            _journal.append(table["TableId"], time.time_ns(), (hash_key, sort_key), before)
        return before

    return set_item


@patches(dynamodb, "_remove_item", needed=None)
def recorded_deletions(original: Any) -> Any:
    """What is deleted is recorded, if the table has point-in-time recovery; see `restored_to_a_time`."""

    def remove_item(table: Json, hash_key: str, sort_key: str) -> Item | None:
        before: Item | None = original(table, hash_key, sort_key)
        if before is not None and _SINCE in table:
            _journal.append(table["TableId"], time.time_ns(), (hash_key, sort_key), before)
        return before

    return remove_item


@patches(dynamodb, "_update_continuous_backups", needed=source_lacks("RecoveryPeriodInDays"))
def recovery_settings(original: Any) -> Any:
    """Point-in-time recovery begins when it is enabled; if it is disabled, what was recorded is forgotten.

    AWS: "If you disable point-in-time recovery and later re-enable it on a table, you reset the start time".
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
    The period is 1 to 35 days long.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
    MiniStack: only notes that it is enabled.
    """

    def update(data: Json) -> Any:
        specification = data.get("PointInTimeRecoverySpecification") or {}
        days = specification.get("RecoveryPeriodInDays", _LONGEST_DAYS)
        if not 1 <= days <= _LONGEST_DAYS:
            return _invalid(f"RecoveryPeriodInDays is {days}: it must be between 1 and {_LONGEST_DAYS}")
        response = original(data)
        if response[0] != 200:
            return response
        name = dynamodb._normalize_table_name(data["TableName"])
        table = dynamodb._tables[name]
        if not dynamodb._pitr_settings[name]:
            table.pop(_SINCE, None)
            _journal.drop(table["TableId"])
        else:
            table.setdefault(_SINCE, time.time())
            dynamodb._pitr_settings[name] = {"RecoveryPeriodInDays": days}
        return _described(name)

    return update


@patches(dynamodb, "_describe_continuous_backups", needed=source_has('pitr_desc["EarliestRestorableDateTime"] = now'))
def restorable_times(original: Any) -> Any:
    """DescribeContinuousBackups returns the earliest and the latest time to which a table can be restored.

    AWS: the latest "is typically 5 minutes before the current time".
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription.html
    Here it is the current second, or `EMBEDDED_RESTORE_LAG` seconds earlier.
    MiniStack: returns the current time as both.
    """

    def describe(data: Json) -> Any:
        name = dynamodb._normalize_table_name(data.get("TableName"))
        return _described(name) if name in dynamodb._tables else original(data)

    return describe


@patches(dynamodb, "_restore_table_to_point_in_time", needed=source_lacks("RestoreDateTime"))
def restored_to_a_time(original: Any) -> Any:
    """RestoreTableToPointInTime restores the items of a time: to any second since recovery was enabled.

    AWS: the new table has the current indexes, billing mode, capacity and encryption of the source, or those of the
    request. It has none of its tags, stream, time to live, scaling policies, resource policy, deletion protection and
    point-in-time recovery.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
    MiniStack: restores the current items, also of a table without recovery, and loses the encryption.
    """

    def restore(data: Json) -> Any:
        source = dynamodb._normalize_table_name(data.get("SourceTableName") or data.get("SourceTableArn") or "")
        if source not in dynamodb._tables:
            return original(data)
        if rejection := _rejection(source, data):
            return rejection
        with _without_items(dynamodb._tables[source]):
            response = original(data)
        return _fill(source, data) if response[0] == 200 else response

    return restore


@patches(dynamodb, "_table_description", needed=source_lacks("RestoreSummary"))
def restore_summaries(original: Any) -> Any:
    """DescribeTable says from which table, and to which time, a table was restored.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html
    MiniStack: returns the summary only as the response to a restore.
    """

    def description(name: str) -> Json:
        described: Json = original(name)
        if summary := dynamodb._tables[name].get("RestoreSummary"):
            described["RestoreSummary"] = {**summary, "RestoreInProgress": False}
        return described

    return description


@patches(dynamodb, "_delete_table", needed=None)
def forgotten_changes(original: Any) -> Any:
    """What was recorded of a table is forgotten when it is deleted; see `restored_to_a_time`."""

    def delete(data: Json) -> Any:
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName")), {})
        response = original(data)
        if response[0] == 200 and _SINCE in table:
            _journal.drop(table["TableId"])
        return response

    return delete


@patches(dynamodb, "reset", needed=None)
def forgotten_tables(original: Any) -> Any:
    """What was recorded of all tables is forgotten when the engine is reset; see `restored_to_a_time`."""

    def reset() -> None:
        original()
        _journal.clear()

    return reset


def _restorable(name: str) -> tuple[int, int]:
    """The earliest and the latest second to which a table can be restored: to the moment at which the second begins."""
    now, days = time.time(), _LONGEST_DAYS
    setting = dynamodb._pitr_settings.get(name)
    if isinstance(setting, dict):
        days = setting["RecoveryPeriodInDays"]
    latest = int(now - float(os.environ.get("EMBEDDED_RESTORE_LAG", "0")))
    earliest = max(dynamodb._tables[name].get(_SINCE, now), now - days * _DAY_S)
    return -int(-earliest // 1), latest


def _described(name: str) -> Any:
    recovery: Json = {"PointInTimeRecoveryStatus": "DISABLED"}
    if setting := dynamodb._pitr_settings.get(name):
        earliest, latest = _restorable(name)
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": setting["RecoveryPeriodInDays"] if isinstance(setting, dict) else _LONGEST_DAYS,
            "EarliestRestorableDateTime": min(earliest, latest),
            "LatestRestorableDateTime": latest,
        }
    description = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
    return json_response({"ContinuousBackupsDescription": description})


def _rejection(source: str, data: Json) -> Any:
    """The error for a request that names no restorable time; None without an error."""
    wanted, latest_wanted = data.get("RestoreDateTime"), data.get("UseLatestRestorableTime")
    if (wanted is None) == (not latest_wanted):
        return _invalid("Specify either RestoreDateTime or UseLatestRestorableTime")
    if not dynamodb._pitr_settings.get(source):
        message = f"Point in time recovery is not enabled for table '{source}'"
        return error_response_json("PointInTimeRecoveryUnavailableException", message, 400)
    earliest, latest = _restorable(source)
    if wanted is not None and not min(earliest, latest) <= wanted <= latest:
        message = (
            "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime "
            f"({earliest} and {latest}); it is {wanted}"
        )
        return error_response_json("InvalidRestoreTimeException", message, 400)
    return None


@contextlib.contextmanager
def _without_items(table: Json) -> Iterator[None]:
    """Hide a table's items, of which MiniStack would make a copy: 100,000 take half a minute."""
    items, table["items"] = table["items"], {}
    try:
        yield
    finally:
        table["items"] = items


def _fill(source_name: str, data: Json) -> Any:
    """Give the new table the items and the settings of the source, and describe it as AWS does while it restores."""
    source, target = dynamodb._tables[source_name], dynamodb._tables[data["TargetTableName"]]
    second = int(data.get("RestoreDateTime") or _restorable(source_name)[1])
    images = _journal.before_images(source["TableId"], second * 1_000_000_000)
    target["items"] = defaultdict(dict, items_at(source["items"], images))
    dynamodb._items_replaced(target)
    encryption = data.get("SSESpecificationOverride")
    target["SSEDescription"] = (
        dynamodb._sse_description_from_spec(encryption) if encryption else source.get("SSEDescription")
    )
    if (throughput := data.get("ProvisionedThroughputOverride")) and target["BillingModeSummary"][
        "BillingMode"
    ] == "PROVISIONED":
        target["ProvisionedThroughput"] = throughput
    target["RestoreSummary"] = {"SourceTableArn": source["TableArn"], "RestoreDateTime": second}
    description = dynamodb._table_description(data["TargetTableName"])
    description["TableStatus"] = "CREATING"
    description["RestoreSummary"]["RestoreInProgress"] = True
    return json_response({"TableDescription": description})


def _invalid(message: str) -> Any:
    return error_response_json("ValidationException", message, 400)
