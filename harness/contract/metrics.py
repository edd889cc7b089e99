"""Metrics: those that alarms and dashboards read ⇔ those that something writes, about resources of the plan."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.contract.mismatch import Mismatch, listed
from harness.plan.dimensions import NAMES
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from harness.plan.resource import listed as blocks


@dataclass(frozen=True)
class MetricReading:
    """A metric that an alarm or dashboard reads.

    Attributes:
        address: The alarm or dashboard.
        namespace: Such as ``AWS/Lambda``.
        name: Such as ``Errors``.
        dimensions: By name.
    """

    address: str
    namespace: str
    name: str
    dimensions: Mapping[str, Any]


def readings(plan: PlanGraph) -> Iterator[MetricReading]:
    """Every metric that an alarm or a dashboard of the plan reads."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        for source in (
            alarm.values,
            *(metric for query in blocks(alarm.values.get("metric_query")) for metric in _metrics(query)),
        ):
            if source.get("metric_name"):
                yield MetricReading(
                    alarm.address, str(source.get("namespace")), source["metric_name"], source.get("dimensions") or {}
                )
    for dashboard, widget in _widgets(plan):
        above: list[Any] = []
        for row in widget.get("properties", {}).get("metrics", ()):
            above = [_expanded(cell, above, at) for at, cell in enumerate(row) if not isinstance(cell, Mapping)]
            if above:
                yield MetricReading(dashboard, above[0], above[1], dict(zip(above[2::2], above[3::2], strict=True)))


def _metrics(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [block for block in blocks(query.get("metric")) if isinstance(block, Mapping)]


def _expanded(cell: Any, above: list[Any], at: int) -> Any:
    """CloudWatch's shorthand: ``.`` repeats the value at the same position of the row above."""
    return above[at] if cell == "." else cell


def _widgets(plan: PlanGraph) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for dashboard in plan.of("aws_cloudwatch_dashboard"):
        body = dashboard.get("dashboard_body")
        if isinstance(body, str):
            for widget in json.loads(body)["widgets"]:
                yield dashboard.address, widget


def compare(plan: PlanGraph, written: Mapping[str, Collection[str]], *, where: str) -> Iterator[Mismatch]:
    """Something writes every metric that is read: AWS a resource of the plan's, the code our own.

    Args:
        plan: With its alarms and dashboards.
        written: The names of the metrics that the code writes, by namespace.
        where: File and symbol of what writes them.
    """
    values = {
        dimension: {resource.get(kind.attribute) for resource in plan.of(kind.type)}
        for dimension, kind in NAMES.items()
    }
    values["FilterId"] = {resource.get("name") for resource in plan.of("aws_s3_bucket_metric")}
    for reading in readings(plan):
        yield from _compare_metric(reading, written, where)
        yield from _compare_dimensions(reading, values)
    yield from _compare_shown_alarms(plan)


def _compare_metric(reading: MetricReading, written: Mapping[str, Collection[str]], where: str) -> Iterator[Mismatch]:
    """The code writes a metric that is not AWS's."""
    if not reading.namespace.startswith("AWS/") and reading.name not in written.get(reading.namespace, ()):
        yield Mismatch(
            f"The metric {reading.namespace} {reading.name} is read but not written",
            f"{where} writes {listed(f'{space} {name}' for space, names in written.items() for name in names)}",
            f"{reading.address} reads {reading.namespace} {reading.name}",
            "Rename the metric in both.",
        )


def _compare_dimensions(reading: MetricReading, values: Mapping[str, set[Any]]) -> Iterator[Mismatch]:
    """The plan has the resource that a metric is about."""
    for dimension, value in reading.dimensions.items():
        if dimension in values and value is not UNKNOWN and value not in values[dimension]:
            yield Mismatch(
                f"The metric {reading.name} is about a resource that does not exist",
                f"{dimension} may be {listed(values[dimension])}",
                f"{reading.address} reads it for {dimension} {value}",
                "Name a resource of this plan.",
            )


def _compare_shown_alarms(plan: PlanGraph) -> Iterator[Mismatch]:
    """The plan has every alarm that a dashboard shows."""
    alarms = {str(alarm.get("alarm_name")) for alarm in plan.of("aws_cloudwatch_metric_alarm")}
    for address, widget in _widgets(plan):
        for arn in widget.get("properties", {}).get("alarms", ()):
            name = arn.rpartition(":")[2]
            if name not in alarms:
                yield Mismatch(
                    f"The alarm {name} is shown but does not exist",
                    f"alarms are {listed(alarms)}",
                    f"{address} shows {arn}",
                    "Name alarms of this plan.",
                )
