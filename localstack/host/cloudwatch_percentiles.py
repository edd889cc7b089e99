"""CloudWatch: percentiles."""

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
    """GetMetricData and alarms support the statistics ``p0`` to ``p100``.

    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
    LocalStack: fails with status 500 on every statistic except the five simple ones.
    """

    @functools.wraps(original)
    def get_metric_data_stat(  # the parameters of LocalStack's method
        self: Any, account_id: str, region: str, query: Any, start_time: datetime, end_time: datetime, scan_by: str
    ) -> Any:
        match = _PERCENTILE.fullmatch(query["MetricStat"]["Stat"])
        if match is None:
            return original(self, account_id, region, query, start_time, end_time, scan_by)
        points = _points(self, (account_id, region), query["MetricStat"], start_time, end_time)
        series = [(at, _nearest_rank(values, float(match.group(1)))) for at, values in sorted(points.items())]
        if scan_by != "TimestampAscending":
            series.reverse()
        return {"timestamps": [at for at, _ in series], "values": [value for _, value in series]}

    return get_metric_data_stat


def _points(
    self: Any, scope: tuple[str, str], stat: Any, start_time: datetime, end_time: datetime
) -> dict[float, list[float]]:
    """The values of each period that has any, by the start of the period (Unix time)."""
    start, end = self._convert_timestamp_to_unix(start_time), self._convert_timestamp_to_unix(end_time)
    metric, period = stat["Metric"], stat["Period"]
    dimensions = metric.get("Dimensions") or []
    condition = "dimensions LIKE ?" if dimensions else "dimensions IS NULL"
    dimension_values = [self._get_ordered_dimensions_with_separator(dimensions, for_search=True)] if dimensions else []
    # Only LocalStack's table name and the condition above are inserted; every value is bound.
    sql = (
        f"SELECT timestamp, value FROM {self.TABLE_SINGLE_METRICS} WHERE account_id = ? AND region = ? "  # noqa: S608
        f"AND namespace = ? AND metric_name = ? AND {condition} AND timestamp >= ? AND timestamp < ?"
    )
    with self.DATABASE_LOCK, sqlite3.connect(self.METRICS_DB_READ_ONLY, uri=True) as connection:
        parameters = [*scope, metric.get("Namespace"), metric.get("MetricName"), *dimension_values, start, end]
        rows = connection.execute(sql, parameters).fetchall()
    points: dict[float, list[float]] = {}
    for at, value in rows:
        points.setdefault(start + (at - start) // period * period, []).append(value)
    return points


def _nearest_rank(values: list[float], percent: float) -> float:
    return sorted(values)[max(math.ceil(percent / 100 * len(values)) - 1, 0)]
