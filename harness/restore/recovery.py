"""Point-in-time recovery of a table: what can be restored, the restore itself, and the table that it makes room for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from harness.errors import HarnessError

POLL_S = 1.0
"""Seconds between two looks at what AWS is doing."""

LONGEST_S = 24 * 3600.0
"""Seconds that a restore may take. Most take less than an hour; a very large one several.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CreateBackupAWS.html has no limit."""


@dataclass(frozen=True)
class Window:
    """The times to which a table can be restored, both ends included."""

    earliest: datetime
    latest: datetime


@dataclass(frozen=True)
class TableRecovery:
    """Restores of one account's tables.

    Attributes:
        dynamodb: A client of DynamoDB.
    """

    dynamodb: Any

    def window(self, table: str) -> Window:
        """The restorable times of a table.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html

        Raises:
            HarnessError: The table has no point-in-time recovery.
        """
        described = self.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        recovery = described["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
            raise HarnessError(
                f"{table} has no point-in-time recovery, so nothing of its past is kept.",
                remedy="table.point_in_time_recovery in terraform.tfvars enables it, from then on.",
            )
        return Window(recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"])

    def await_restorable(self, table: str, moment: datetime, on_wait: Callable[[datetime], None]) -> None:
        """Wait until a moment of the recent past can be restored: on AWS about five minutes.

        Raises:
            HarnessError: The moment is too early, or not yet over.
        """
        window = self.window(table)
        if moment < window.earliest:
            raise HarnessError(
                f"{table} cannot be restored to {_text(moment)}: the earliest time is {_text(window.earliest)}.",
                remedy="Restore that one, or an AWS Backup copy if there is one.",
            )
        if moment > datetime.now(UTC):
            raise HarnessError(f"{_text(moment)} is in the future.", remedy="Times without an offset are in UTC.")
        while (latest := self.window(table).latest) < moment:
            on_wait(latest)
            time.sleep(POLL_S)

    def origin(self, table: str) -> tuple[str, datetime] | None:
        """The name of the table that a table was restored from, and its time; None if it was not restored.

        Raises:
            HarnessError: There is no such table.
        """
        described = self.describe(table)
        if described is None:
            raise HarnessError(f"There is no table {table}.", remedy="Look at `aws dynamodb list-tables`.")
        summary = described.get("RestoreSummary")
        if not summary or "SourceTableArn" not in summary:
            return None
        return summary["SourceTableArn"].rpartition("/")[2], summary["RestoreDateTime"]

    def describe(self, table: str) -> dict[str, Any] | None:
        """A table as DescribeTable has it; None if there is none."""
        try:
            described: dict[str, Any] = self.dynamodb.describe_table(TableName=table)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return described

    def restore(self, source: str, target: str, moment: datetime, on_wait: Callable[[], None]) -> None:
        """Restore a table under another name, and wait until it is there.

        A restore that was begun before is awaited. The indexes are built with the table.
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html

        Raises:
            HarnessError: Another table has that name, or AWS rejects it.
        """
        if self.describe(target) is None:
            try:
                self.dynamodb.restore_table_to_point_in_time(
                    SourceTableName=source, TargetTableName=target, RestoreDateTime=moment
                )
            except ClientError as error:
                # A request whose response is lost is sent again by the SDK, and finds the table that it has made.
                if error.response["Error"]["Code"] != "TableAlreadyExistsException":
                    raise HarnessError(
                        f"{source} cannot be restored: {error}",
                        remedy="Nothing was changed. Try again, or another time.",
                    ) from error
        if self.describe(target) and self.origin(target) != (source, moment):
            raise HarnessError(
                f"There is a table {target} already, which is not {source} of {_text(moment)}.",
                remedy="Choose another name (--name), or delete it if nobody needs it.",
            )
        deadline = time.monotonic() + LONGEST_S
        while not self._is_restored(target):
            if time.monotonic() > deadline:
                raise HarnessError(f"{target} is still being restored.", remedy="Run the same command again later.")
            on_wait()
            time.sleep(POLL_S)

    def _is_restored(self, table: str) -> bool:
        described = self.describe(table) or {}
        in_progress = described.get("RestoreSummary", {}).get("RestoreInProgress", False)
        indexes = [index["IndexStatus"] for index in described.get("GlobalSecondaryIndexes", [])]
        return described.get("TableStatus") == "ACTIVE" and not in_progress and set(indexes) <= {"ACTIVE"}

    def enable_stream(self, table: str, content: str) -> None:
        """Give a restored table the stream that the configuration expects to find, unless it has it already.

        Args:
            table: The table's name.
            content: What its records hold, such as ``NEW_AND_OLD_IMAGES``.
        """
        described = self.describe(table) or {}
        if described.get("StreamSpecification", {}).get("StreamViewType") == content:
            return
        specification = {"StreamEnabled": True, "StreamViewType": content}
        self.dynamodb.update_table(TableName=table, StreamSpecification=specification)
        self.dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 300})

    def delete(self, table: str) -> None:
        """Delete a table, though it is protected, and wait until its name is free.

        AWS keeps a backup of a table with point-in-time recovery for 35 days, under the name
        ``<table>$DeletedTableBackup``.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
        """
        self.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        self.dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
        self.dynamodb.delete_table(TableName=table)
        self.dynamodb.get_waiter("table_not_exists").wait(
            TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
        )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
