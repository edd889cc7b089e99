"""Alarms measure what they are for, and ring soon enough: compared with the table ``policy/alarms.toml``.

Of all expressions, statistics and periods that CloudWatch accepts, almost none show what somebody has to be told of: a
share instead of per cents stays below every threshold, the least of ten metrics is zero, and one per cent of all
durations is always short. So these are lists of what is right, and everything else is a finding.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, listed, number, shown
from harness.policy.rule import relation
from harness.policy.rules.alarms import ALARM, Metric, is_of_aws, metrics

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "alarms.toml"

_OWN = "own"
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Measure:
    """A row of the table.

    Attributes:
        metric: The metric's name.
        tells: What somebody is told of.
        seconds: How long it may last until the alarm rings.
        statistics: The statistics that show it.
        expressions: The expressions that show it, with metrics' names.
        beside: The other metrics that the expressions read.
        most: The highest threshold; None if CKV_INV_805 knows it.
        all: Values of a dimension that all have to be measured, by dimension.
    """

    metric: str
    tells: str
    seconds: int
    statistics: tuple[str, ...]
    expressions: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    most: float | None = None
    all: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def problems(self, alarm: Resource) -> Iterator[str]:
        """What is wrong with an alarm on this metric."""
        yield from self._statistics(alarm)
        yield from self._expressions(alarm)
        yield from self._seconds(alarm)
        yield from self._coverage(alarm)
        threshold = number(alarm.get("threshold"))
        if self.most is not None and threshold is not None and threshold > self.most:
            yield f"Its threshold is {threshold:g}: it tells of {self.tells}, so {self.most:g} is the highest."

    def _statistics(self, alarm: Resource) -> Iterator[str]:
        paths = ("statistic", "extended_statistic", "metric_query.metric.stat")
        found = [value for path in paths for value in alarm.all(path) if value is not UNKNOWN and value != ""]
        for statistic in dict.fromkeys(found):
            if statistic not in self.statistics:
                fix = f"use {' or '.join(self.statistics)}"
                yield f"Its statistic is {shown(statistic)}, which does not show {self.tells}: {fix}."

    def _expressions(self, alarm: Resource) -> Iterator[str]:
        queries = [query for query in listed(alarm.values.get("metric_query")) if isinstance(query, Mapping)]
        names = {
            str(query.get("id")): str(_of_query(query).get("metric_name")) for query in queries if _of_query(query)
        }
        expressions = [query.get("expression") for query in queries if query.get("expression") not in {None, ""}]
        fix = f"use {' or '.join(self.expressions)}" if self.expressions else "watch the metric itself"
        for expression in expressions:
            named = _NAME.sub(lambda match: names.get(match[0], match[0]), str(expression))
            if expression is UNKNOWN or _bare(named) not in {_bare(each) for each in self.expressions}:
                yield f"Its expression is {shown(expression)}, which does not show {self.tells}: {fix}."
        if len(expressions) > 1:
            yield f"It has {len(expressions)} expressions: {fix}, and nothing else."
        if len(queries) > 1 and not expressions:
            yield f"It has {len(queries)} metrics and no expression over them: {fix}."

    def _seconds(self, alarm: Resource) -> Iterator[str]:
        paths = ("period", "metric_query.metric.period", "metric_query.period")
        periods = [figure for path in paths for value in alarm.all(path) if (figure := number(value))]
        needed = number(alarm.get("datapoints_to_alarm")) or number(alarm.get("evaluation_periods")) or 1
        if periods and max(periods) * needed > self.seconds:
            lasts = f"{needed:g} periods of {max(periods):g} seconds"
            yield f"It rings after {lasts}: for {self.tells}, {self.seconds} seconds is the longest."

    def _coverage(self, alarm: Resource) -> Iterator[str]:
        for dimension, values in self.all.items():
            measured = {metric.dimensions.get(dimension) for metric in metrics(alarm)}
            if missing := sorted({*values} - measured) if measured != {None} else []:
                yield f"It leaves out {dimension} {', '.join(missing)}: measure all, since it tells of {self.tells}."


def _of_query(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metric of a query; empty if it has an expression."""
    return next((metric for metric in listed(query.get("metric")) if isinstance(metric, Mapping)), {})


def _bare(expression: str) -> str:
    return re.sub(r"\s", "", expression)


def read(path: Path = TABLE) -> Mapping[tuple[str, str], Measure]:
    """The rows by namespace and metric.

    Raises:
        TypeError: A row has an unknown key, or lacks one.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        (namespace, metric): Measure(metric, **{name: _frozen(value) for name, value in words.items()})
        for namespace, rows in table.items()
        for metric, words in rows.items()
    }


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: tuple(items) for name, items in value.items()}
    return tuple(value) if isinstance(value, list) else value


MEASURES = read()
"""The rows of this repository."""


@relation("CKV_INV_813", ALARM)
def as_meant(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the row of the metric that an alarm watches; a metric that its expression reads beside it needs none."""
    for alarm in plan.of(*ALARM):
        watched = {_key(metric) for metric in metrics(alarm) if metric.namespace is not UNKNOWN}
        rows = [MEASURES[key] for key in sorted(watched) if key in MEASURES]
        known = {(namespace, name) for namespace, name in watched for row in rows if name in {row.metric, *row.beside}}
        for namespace, name in sorted(watched - known):
            yield alarm.address, f"Nobody has said what its metric {name} ({namespace}) is for."
        if len(rows) > 1:
            yield alarm.address, f"It mixes {' and '.join(row.metric for row in rows)}: make an alarm of each."
        for row in rows[:1]:
            yield from ((alarm.address, message) for message in row.problems(alarm))


def _key(metric: Metric) -> tuple[str, str]:
    return (str(metric.namespace) if is_of_aws(metric.namespace) else _OWN), metric.name
