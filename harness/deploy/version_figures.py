"""What the platform reports of each version of a function: its metrics, and what its log says of memory and secrets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.deploy.release import ALIAS
from harness.deploy.version_logs import Noted, VersionLogs

_STATISTICS = {
    "calls": ("Invocations", "Sum"),
    "errors": ("Errors", "Sum"),
    "p50": ("Duration", "p50"),
    "p95": ("Duration", "p95"),
}
_PERIOD_S = 60
_QUERIES = 500
"""The most queries that one request may have (GetMetricData)."""


@dataclass(frozen=True)
class Watched:
    """A function of which two versions get calls.

    Attributes:
        name: Its short name.
        function: Its full name.
        stable: The version that callers had before.
        newest: The version that is being released.
        weight: The share of the newest version.
        memory_mb: The memory that it may use.
        timeout_s: The seconds that one call may take.
    """

    name: str
    function: str
    stable: str
    newest: str
    weight: float
    memory_mb: int
    timeout_s: int

    @property
    def versions(self) -> tuple[str, str]:
        """The stable version and the newest one."""
        return self.stable, self.newest


@dataclass(frozen=True)
class Figures:
    """What was measured of one version.

    Attributes:
        calls: Its invocations.
        errors: Those that failed.
        p50_ms: The median of their durations; the mean of it over the minutes, by calls.
        p95_ms: The 95th percentile of the slowest minute.
        memory_mb: The most memory that one of its environments has used; None if its log does not say.
        first_call: When its log reports the first call, in seconds since 1970; None without a call.
        secrets: What of the secrets that must not be logged is in its log.
    """

    calls: int = 0
    errors: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    memory_mb: int | None = None
    first_call: float | None = None
    secrets: tuple[str, ...] = ()


@dataclass
class VersionFigures:
    """Reads the figures of the versions since a point in time.

    CloudWatch has Lambda's metrics in intervals of a minute, and some time later; the log is faster.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html

    Attributes:
        client: Returns the client of an AWS service.
        watched: The functions.
        since: The start.
        secrets: What no log may contain, by a name for messages.
    """

    client: Callable[[str], Any]
    watched: Sequence[Watched]
    since: datetime
    secrets: Mapping[str, str] = field(default_factory=dict)
    _logs: dict[str, VersionLogs] = field(default_factory=dict)

    def read(self) -> dict[tuple[str, str], Figures]:
        """The figures by function and version. What was read of the logs before is not read again."""
        measured = self._metrics()
        return {
            (each.name, version): Figures(**measured[each.name, version], **asdict(noted))
            for each in self.watched
            for version, noted in self._noted(each).items()
        }

    def _noted(self, watched: Watched) -> dict[str, Noted]:
        logs = self._logs.setdefault(watched.name, VersionLogs(watched.function, self.since, self.secrets))
        noted = logs.read(self.client("logs"))
        return {version: noted.get(version, Noted()) for version in watched.versions}

    def _metrics(self) -> dict[tuple[str, str], dict[str, Any]]:
        series = {
            (each.name, version, figure): _query(f"m{number}", each.function, version, *statistic)
            for number, (each, version, figure, statistic) in enumerate(
                (each, version, figure, statistic)
                for each in self.watched
                for version in each.versions
                for figure, statistic in _STATISTICS.items()
            )
        }
        values = self._values(list(series.values()))
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for each in self.watched:
            for version in each.versions:
                by_minute = {name: values.get(series[each.name, version, name]["Id"], {}) for name in _STATISTICS}
                calls = by_minute["calls"]
                weighed = sum(by_minute["p50"].get(minute, 0.0) * count for minute, count in calls.items())
                total = sum(calls.values())
                found[each.name, version] = {
                    "calls": round(total),
                    "errors": round(sum(by_minute["errors"].values())),
                    "p50_ms": weighed / total if total else 0.0,
                    "p95_ms": max(by_minute["p95"].values(), default=0.0),
                }
        return found

    def _values(self, queries: Sequence[Mapping[str, Any]]) -> dict[str, dict[datetime, float]]:
        """The data points of each query, by its id and their minute."""
        start = self.since.replace(second=0, microsecond=0)
        end = datetime.now(UTC) + timedelta(seconds=_PERIOD_S)
        values: dict[str, dict[datetime, float]] = {}
        pages = self.client("cloudwatch").get_paginator("get_metric_data")
        for first in range(0, len(queries), _QUERIES):
            part = queries[first : first + _QUERIES]
            for page in pages.paginate(MetricDataQueries=part, StartTime=start, EndTime=end):
                for result in page["MetricDataResults"]:
                    points = zip(result["Timestamps"], result["Values"], strict=True)
                    values.setdefault(result["Id"], {}).update(points)
        return values


def watched_functions(functions: Any, aliases: Mapping[str, Any]) -> list[Watched]:
    """The functions whose aliases give a share of the calls to another version."""
    watched = []
    for name, alias in sorted(aliases.items()):
        for version, weight in alias.weights.items():
            settings = functions.get_function_configuration(FunctionName=alias.function, Qualifier=version)
            watched.append(
                Watched(
                    name, alias.function, alias.version, version, weight, settings["MemorySize"], settings["Timeout"]
                )
            )
    return watched


def new_alarms(cloudwatch: Any, names: Iterable[str], before: Iterable[str] = ()) -> list[str]:
    """The alarms that are on, without those that were on before."""
    listed = sorted(names)
    on = []
    for first in range(0, len(listed), 100):
        response = cloudwatch.describe_alarms(AlarmNames=listed[first : first + 100], StateValue="ALARM")
        on += [alarm["AlarmName"] for alarm in response["MetricAlarms"]]
    return sorted(set(on) - set(before))


def _query(identifier: str, function: str, version: str, metric: str, statistic: str) -> dict[str, Any]:
    """The query of one metric of one version that the alias calls."""
    dimensions = {"FunctionName": function, "Resource": f"{function}:{ALIAS}", "ExecutedVersion": version}
    return {
        "Id": identifier,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            },
            "Period": _PERIOD_S,
            "Stat": statistic,
        },
    }
