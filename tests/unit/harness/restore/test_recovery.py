"""Point-in-time recovery: what can be restored, what is awaited, and what is never overwritten or deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.errors import HarnessError
from harness.restore import recovery
from harness.restore.recovery import TableRecovery

NOW = datetime.now(UTC).replace(microsecond=0)
ARN = "arn:aws:dynamodb:r:1:table/"


class Tables:
    """DynamoDB with some tables; a restore takes five looks, and each look makes five more minutes restorable."""

    def __init__(self, **tables: dict[str, Any]) -> None:
        self.tables = {name.replace("_", "-"): table for name, table in tables.items()}
        self.latest = NOW - timedelta(minutes=7)
        self.status, self.enabled = "ENABLED", True
        self.restores: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        self.looks = 0

    def describe_continuous_backups(self, *, TableName: str) -> Any:  # noqa: N803 -- as boto3
        del TableName
        described: dict[str, Any] = {"PointInTimeRecoveryStatus": self.status}
        if self.status == "ENABLED":
            described["EarliestRestorableDateTime"] = NOW - timedelta(days=1)
            described["LatestRestorableDateTime"] = self.latest
            self.latest += timedelta(minutes=5)
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": described}}

    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803 -- as boto3
        if TableName not in self.tables:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "DescribeTable")
        table = self.tables[TableName]
        if table.get("RestoreSummary", {}).get("RestoreInProgress"):
            self.looks += 1
            done = self.looks > 5
            table = {**table, "TableStatus": "ACTIVE" if done else "CREATING"}
            table["RestoreSummary"] = {**table["RestoreSummary"], "RestoreInProgress": not done}
        return {"Table": table}

    def restore_table_to_point_in_time(self, **request: Any) -> None:
        if self.status != "ENABLED":
            raise ClientError({"Error": {"Code": "PointInTimeRecoveryUnavailableException", "Message": "x"}}, "Restore")
        self.restores.append(request)
        summary = {"SourceTableArn": ARN + request["SourceTableName"], "RestoreDateTime": request["RestoreDateTime"]}
        self.tables[request["TargetTableName"]] = {"RestoreSummary": {**summary, "RestoreInProgress": True}}

    def update_table(self, **request: Any) -> None:
        self.updates.append(request)

    def get_waiter(self, _: str) -> Any:
        return type("Waiter", (), {"wait": lambda *_, **__: None})()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "POLL_S", 0)


def restored_from(source: str, moment: datetime) -> dict[str, Any]:
    summary = {"SourceTableArn": ARN + source, "RestoreDateTime": moment, "RestoreInProgress": False}
    return {"TableStatus": "ACTIVE", "RestoreSummary": summary}


def test_a_restore_is_awaited() -> None:
    tables, waits = Tables(), []

    TableRecovery(tables).restore("orders", "again", NOW, lambda: waits.append(1))

    assert tables.restores == [{"SourceTableName": "orders", "TargetTableName": "again", "RestoreDateTime": NOW}]
    assert waits  # it was not there at once
    assert tables.looks > 5


def test_a_restore_that_was_begun_is_not_begun_again() -> None:
    tables = Tables(again=restored_from("orders", NOW))

    TableRecovery(tables).restore("orders", "again", NOW, lambda: None)

    assert tables.restores == []


@pytest.mark.parametrize(
    "existing", [{"TableStatus": "ACTIVE"}, restored_from("others", NOW), restored_from("orders", NOW - timedelta(1))]
)
def test_another_table_of_that_name_is_left_alone(existing: dict[str, Any]) -> None:
    tables = Tables(again=existing)

    with pytest.raises(HarnessError, match="There is a table again already"):
        TableRecovery(tables).restore("orders", "again", NOW, lambda: None)


def test_a_request_that_is_sent_again_finds_its_own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables()
    restore = tables.restore_table_to_point_in_time

    def answer_lost(**request: Any) -> None:
        restore(**request)
        raise ClientError({"Error": {"Code": "TableAlreadyExistsException", "Message": "x"}}, "Restore")

    monkeypatch.setattr(tables, "restore_table_to_point_in_time", answer_lost)

    TableRecovery(tables).restore("orders", "again", NOW, lambda: None)

    assert len(tables.restores) == 1


def test_what_aws_rejects_is_an_error() -> None:
    tables = Tables()
    tables.status = "DISABLED"

    with pytest.raises(HarnessError, match="orders cannot be restored"):
        TableRecovery(tables).restore("orders", "again", NOW, lambda: None)


def test_indexes_that_are_still_built_are_awaited() -> None:
    table = {**restored_from("orders", NOW), "GlobalSecondaryIndexes": [{"IndexStatus": "CREATING"}]}
    tables = Tables(again=table)

    def built() -> None:
        table["GlobalSecondaryIndexes"] = [{"IndexStatus": "ACTIVE"}]

    TableRecovery(tables).restore("orders", "again", NOW, built)

    assert table["GlobalSecondaryIndexes"] == [{"IndexStatus": "ACTIVE"}]


def test_a_table_without_recovery_is_an_error_before_anything_is_done() -> None:
    tables = Tables()
    tables.status = "DISABLED"

    with pytest.raises(HarnessError, match="has no point-in-time recovery"):
        TableRecovery(tables).window("orders")


def test_the_last_minutes_are_awaited() -> None:
    tables, waits = Tables(), []

    TableRecovery(tables).await_restorable("orders", NOW - timedelta(minutes=1), waits.append)

    assert len(waits) == 1


@pytest.mark.parametrize(("offset", "reason"), [(timedelta(days=-2), "the earliest"), (timedelta(hours=1), "future")])
def test_times_that_will_never_be_restorable_are_not_awaited(offset: timedelta, reason: str) -> None:
    with pytest.raises(HarnessError, match=reason):
        TableRecovery(Tables()).await_restorable("orders", NOW + offset, lambda _: None)


def test_the_origin_of_a_table() -> None:
    tables = Tables(again=restored_from("orders", NOW), orders={"TableStatus": "ACTIVE"})

    assert TableRecovery(tables).origin("again") == ("orders", NOW)
    assert TableRecovery(tables).origin("orders") is None
    with pytest.raises(HarnessError, match="There is no table nobody"):
        TableRecovery(tables).origin("nobody")


def test_a_stream_is_enabled_once() -> None:
    tables = Tables(without={}, has={"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}})

    TableRecovery(tables).enable_stream("without", "KEYS_ONLY")
    TableRecovery(tables).enable_stream("has", "KEYS_ONLY")

    assert [update["TableName"] for update in tables.updates] == ["without"]
