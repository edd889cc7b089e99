"""Metrics: those that alarms and dashboards read ⇔ those that somebody writes, about things that the plan has."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.contract.mismatch import Mismatch, listed
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from harness.plan.resource import listed as blocks
from harness.policy.rules.alarms import NAMES


@dataclass(frozen=True)
class Reading:
    """A metric that is looked at.

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


def readings(plan: PlanGraph) -> Iterator[Reading]:
    """Every metric that an alarm or a dashboard of the plan reads."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        for source in (
            alarm.values,
            *(one for query in blocks(alarm.values.get("metric_query")) for one in _of(query)),
        ):
            if source.get("metric_name"):
                yield Reading(
                    alarm.address, str(source.get("namespace")), source["metric_name"], source.get("dimensions") or {}
                )
    for dashboard, widget in _widgets(plan):
        above: list[Any] = []
        for row in widget.get("properties", {}).get("metrics", ()):
            above = [_repeated(one, above, at) for at, one in enumerate(row) if not isinstance(one, Mapping)]
            if above:
                yield Reading(dashboard, above[0], above[1], dict(zip(above[2::2], above[3::2], strict=True)))


def _of(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in blocks(query.get("metric")) if isinstance(one, Mapping)]


def _repeated(one: Any, above: list[Any], at: int) -> Any:
    """CloudWatch's shorthand: ``.`` for what stands in the same place of the row above."""
    return above[at] if one == "." else one


def _widgets(plan: PlanGraph) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for dashboard in plan.of("aws_cloudwatch_dashboard"):
        body = dashboard.get("dashboard_body")
        if isinstance(body, str):
            for widget in json.loads(body)["widgets"]:
                yield dashboard.address, widget


def compare(plan: PlanGraph, written: Mapping[str, Collection[str]], *, where: str) -> Iterator[Mismatch]:
    """What is read is written: AWS's own metrics by what the plan has, ours by the code.

    Args:
        plan: With its alarms and dashboards.
        written: The names of the metrics that the code writes, by namespace.
        where: File and symbol of what writes them.
    """
    there = {dimension: {one.get(kind.attribute) for one in plan.of(kind.type)} for dimension, kind in NAMES.items()}
    there["FilterId"] = {one.get("name") for one in plan.of("aws_s3_bucket_metric")}
    for one in readings(plan):
        if not one.namespace.startswith("AWS/") and one.name not in written.get(one.namespace, ()):
            yield Mismatch(
                f"The metric {one.namespace} {one.name} is read and not written",
                f"{where} writes {listed(f'{space} {name}' for space, names in written.items() for name in names)}",
                f"{one.address} reads {one.namespace} {one.name}",
                "Rename the metric in both.",
            )
        for dimension, value in one.dimensions.items():
            if dimension in there and value is not UNKNOWN and value not in there[dimension]:
                yield Mismatch(
                    f"The metric {one.name} is read of something that is not there",
                    f"{dimension} may be {listed(there[dimension])}",
                    f"{one.address} reads it of {dimension} {value}",
                    "Name what this plan makes.",
                )
    alarms = {str(one.get("alarm_name")) for one in plan.of("aws_cloudwatch_metric_alarm")}
    for address, widget in _widgets(plan):
        for arn in widget.get("properties", {}).get("alarms", ()):
            if arn.rpartition(":")[2] not in alarms:
                yield Mismatch(
                    f"The alarm {arn.rpartition(':')[2]} is shown and not there",
                    f"alarms are {listed(alarms)}",
                    f"{address} shows {arn}",
                    "Name alarms of this plan.",
                )
