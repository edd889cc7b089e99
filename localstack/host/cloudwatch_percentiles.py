"""CloudWatch: percentiles of single values."""

import functools
import math
import re
import sqlite3
from datetime import datetime
from typing import Any

from localstack.services.cloudwatch import cloudwatch_database_helper as database

from emulation.patch import patches, source_lacks

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


@patches(database, "CloudwatchDatabase.get_metric_data_stat", needed=source_lacks("percentile", "PERCENTILE"))
def percentiles(original: Any) -> Any:
    """GetMetricData knows the statistics ``p0`` to ``p100``, and so do alarms.

    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
    LocalStack: fails with status 500 on every statistic but the five plain ones.
    """

    @functools.wraps(original)
    def get_metric_data_stat(  # LocalStack's own names and order
        self: Any, account_id: str, region: str, query: Any, start_time: datetime, end_time: datetime, scan_by: str
    ) -> Any:
        match = _PERCENTILE.fullmatch(query["MetricStat"]["Stat"])
        if match is None:
            return original(self, account_id, region, query, start_time, end_time, scan_by)
        points = _points(self, (account_id, region), query["MetricStat"], start_time, end_time)
        found = [(at, _nearest_rank(values, float(match.group(1)))) for at, values in sorted(points.items())]
        if scan_by != "TimestampAscending":
            found.reverse()
        return {"timestamps": [at for at, _ in found], "values": [value for _, value in found]}

    return get_metric_data_stat


def _points(
    self: Any, owner: tuple[str, str], wanted: Any, start_time: datetime, end_time: datetime
) -> dict[float, list[float]]:
    """The single values of each period that has any, by the period's begin (Unix time)."""
    begin, end = self._convert_timestamp_to_unix(start_time), self._convert_timestamp_to_unix(end_time)
    metric, period = wanted["Metric"], wanted["Period"]
    dimensions = metric.get("Dimensions") or []
    which = "dimensions LIKE ?" if dimensions else "dimensions IS NULL"
    chosen = [self._get_ordered_dimensions_with_separator(dimensions, for_search=True)] if dimensions else []
    # Its own table and a condition of ours; every value is bound.
    sql = (
        f"SELECT timestamp, value FROM {self.TABLE_SINGLE_METRICS} WHERE account_id = ? AND region = ? "  # noqa: S608
        f"AND namespace = ? AND metric_name = ? AND {which} AND timestamp >= ? AND timestamp < ?"
    )
    with self.DATABASE_LOCK, sqlite3.connect(self.METRICS_DB_READ_ONLY, uri=True) as connection:
        asked = [*owner, metric.get("Namespace"), metric.get("MetricName"), *chosen, begin, end]
        rows = connection.execute(sql, asked).fetchall()
    points: dict[float, list[float]] = {}
    for at, value in rows:
        points.setdefault(begin + (at - begin) // period * period, []).append(value)
    return points


def _nearest_rank(values: list[float], percent: float) -> float:
    return sorted(values)[max(math.ceil(percent / 100 * len(values)) - 1, 0)]
