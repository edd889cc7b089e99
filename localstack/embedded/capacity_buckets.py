"""Provisioned capacity as token buckets: one for the reads and one for the writes of every table and index.

AWS: a unit that is not used is kept for 300 seconds, and a burst may use what was kept.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
AWS does not document how a request is admitted. Here a write needs all its units at once, and a read, whose size is
not known before, needs a bucket that is not in debt. Not part of it: the limits of a single partition (1,000 write and
3,000 read units per second), and adaptive capacity.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Table = dict[str, Any]
Operation = Literal["Read", "Write"]

BURST_S = 300
"""Seconds of unused capacity that are kept."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """The reads or the writes of a table or of one of its indexes.

    Attributes:
        table: The table's name.
        index: The index; empty for the table itself.
        operation: Whether it is the capacity to read or to write.
    """

    table: str
    index: str
    operation: Operation


class _Bucket:
    def __init__(self, units: float, now: float) -> None:
        self.units = units
        self._at = now

    def refill(self, rate: float, now: float) -> None:
        self.units = min(self.units + rate * (now - self._at), rate * BURST_S)
        self._at = now


class Buckets:
    """The buckets of all tables of an engine, created when they are first used.

    Args:
        speed: How many seconds pass for the buckets within one second. More than 1 shortens a drill.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._buckets: dict[tuple[str, str, Operation], _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, tables: Mapping[str, Table], needs: Mapping[Throughput, float]) -> list[Throughput]:
        """Take all units, or none.

        Args:
            tables: DynamoDB's records of the tables.
            needs: Units of each throughput.

        Returns:
            Those that have too few units; empty if all were taken.
        """
        with self._lock:
            buckets = self._refilled(tables, needs)
            short = [
                throughput
                for throughput, (bucket, rate) in buckets.items()
                if bucket.units < min(needs[throughput], rate * BURST_S)
            ]
            if not short:
                for throughput, (bucket, _) in buckets.items():
                    bucket.units -= needs[throughput]
        return short

    def charge(self, tables: Mapping[str, Table], needs: Mapping[Throughput, float]) -> None:
        """Take units for what has been done already, into debt if need be; negative ones are given back."""
        with self._lock:
            for throughput, (bucket, _) in self._refilled(tables, needs).items():
                bucket.units -= needs[throughput]

    def in_debt(self, tables: Mapping[str, Table], throughput: Throughput) -> bool:
        """Whether no further read is admitted for now."""
        with self._lock:
            return any(bucket.units <= 0 for bucket, _ in self._refilled(tables, {throughput: 0.0}).values())

    def _refilled(
        self, tables: Mapping[str, Table], needs: Mapping[Throughput, float]
    ) -> dict[Throughput, tuple[_Bucket, float]]:
        """The bucket and the capacity of each throughput that has a limit, as of now."""
        now = time.monotonic() * self._speed
        found = {}
        for throughput in needs:
            table = tables[throughput.table]
            rate = _provisioned(table, throughput)
            if rate is None:
                continue
            key = (str(table.get("TableId") or throughput.table), throughput.index, throughput.operation)
            bucket = self._buckets.get(key)
            if bucket is None:
                idle_s = (time.time() - float(table["CreationDateTime"])) * self._speed
                bucket = self._buckets[key] = _Bucket(rate * min(max(idle_s, 1), BURST_S), now)
            bucket.refill(rate, now)
            found[throughput] = (bucket, rate)
        return found


def _provisioned(table: Table, throughput: Throughput) -> float | None:
    """Units per second, as UpdateTable set them last; None without a limit."""
    if (table.get("BillingModeSummary") or {}).get("BillingMode") == "PAY_PER_REQUEST":
        return None
    holder = table
    if throughput.index:
        indexes = table.get("GlobalSecondaryIndexes") or []
        holder = next((index for index in indexes if index["IndexName"] == throughput.index), {})
    units = (holder.get("ProvisionedThroughput") or {}).get(f"{throughput.operation}CapacityUnits")
    return float(units) if units else None


def speed() -> float:
    """`EMBEDDED_CAPACITY_SPEED`: how much faster than time the buckets fill, and streams repeat failed batches."""
    return float(os.environ.get("EMBEDDED_CAPACITY_SPEED", "1"))
