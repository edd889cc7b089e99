"""Alarms get the data that their metrics have, and evaluate all of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.plan.resource import Resource, is_true, listed, number, shown
from harness.policy.rule import attribute
from harness.policy.rules.alarms import ALARM


@attribute("CKV_INV_807", ALARM)
def gets_data(alarm: Resource) -> Iterator[str]:
    """An alarm that has no data, or passes over it, stays as it is whatever happens."""
    for path in ("unit", "metric_query.metric.unit"):
        for unit in alarm.all(path):
            if isinstance(unit, str) and unit:
                yield f"{path} is {shown(unit)}: data in other units do not count, and AWS recommends to leave it out."
    if alarm.get("evaluate_low_sample_count_percentiles") == "ignore":
        yield "evaluate_low_sample_count_percentiles is ignore: its state does not change while there is little data."
    evaluated, needed = number(alarm.get("evaluation_periods")), number(alarm.get("datapoints_to_alarm"))
    if evaluated is not None and needed and needed > evaluated:
        yield f"datapoints_to_alarm is {needed:g} of {evaluated:g} periods: it never rings."
    queries = [query for query in listed(alarm.values.get("metric_query")) if isinstance(query, Mapping)]
    if queries and sum(_returns(query) for query in queries) != 1:
        yield "Not exactly one of its queries has return_data = true: that one is compared with the threshold."


def _returns(query: Mapping[str, Any]) -> bool:
    return is_true(query.get("return_data"))
