"""Alarms ring in time: they look in the right direction, often enough, and before the harm."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from harness.plan.resource import Resource, number, shown
from harness.policy.rule import also_on_plan, attribute
from harness.policy.rules.alarms import ALARM, metrics

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

LONGEST_WINDOW_S = 3600
"""The longest time over which an alarm may look; rule CKV_INV_805 names it too."""

LIMITS: Mapping[str, float] = {
    "4XXError": 1000,
    "4xxErrors": 100,
    "5XXError": 10,
    "5xxErrors": 10,
    "ApproximateNumberOfMessagesVisible": 0,
    "Errors": 10,
    "FailedInvocations": 10,
    "IteratorAge": 3_600_000,
    "ThrottledRequests": 1000,
    "Throttles": 100,
    "UserErrors": 1000,
    "WriteThrottleEvents": 1000,
    "ReadThrottleEvents": 1000,
}
"""The highest threshold by metric: counts in a period, percent of an expression, milliseconds of IteratorAge."""

LOWEST: Mapping[str, float] = {"4xxErrors": 1, "Duration": 1000, "Errors": 1, "IteratorAge": 60_000}
"""The lowest threshold by metric, in the same units: below it an alarm rings all the time, and nobody looks."""


@attribute("CKV_INV_805", ALARM)
def rings(alarm: Resource) -> Iterator[str]:
    """For metrics of which more is worse: all that `LIMITS` names, and durations."""
    names = {metric.name for metric in metrics(alarm)}
    if not names & {*LIMITS, "Duration"}:
        return
    operator, missing = alarm.get("comparison_operator"), alarm.get("treat_missing_data")
    if isinstance(operator, str) and not operator.startswith("GreaterThan"):
        yield f"comparison_operator is {shown(operator)}: it rings while all is well, and not when it is not."
    if missing == "ignore":
        yield "treat_missing_data is ignore: it stays in its state without data, and a second failure notifies nobody."
    for statistic in (alarm.get("statistic"), *alarm.all("metric_query.metric.stat")):
        if statistic == "Minimum":
            yield "Its statistic is Minimum: one good value hides all others."
    yield from _window(alarm)
    highest = max((LIMITS[name] for name in names if name in LIMITS), default=None)
    threshold = number(alarm.get("threshold"))
    if highest is not None and threshold is not None and threshold > highest:
        yield f"Its threshold is {threshold:g}: for {', '.join(sorted(names))} {highest:g} is the highest."
    lowest = max((LOWEST[name] for name in names if name in LOWEST), default=None)
    if lowest is not None and threshold is not None and threshold < lowest:
        of = ", ".join(sorted(names))
        yield f"Its threshold is {threshold:g}: for {of} {lowest:g} is the lowest, or it rings all the time."


def _window(alarm: Resource) -> Iterator[str]:
    periods = [number(value) for value in (alarm.get("period"), *alarm.all("metric_query.metric.period"))]
    length = max((period for period in periods if period), default=None)
    evaluated = number(alarm.get("evaluation_periods"))
    if length and evaluated and length * evaluated > LONGEST_WINDOW_S:
        yield f"It looks at {evaluated:g} periods of {length:g} seconds: it rings an hour late or later."


@also_on_plan("CKV_INV_805")
def rings_before_timeouts(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """An alarm on a duration: its threshold in milliseconds is below the time-out of the function that it names."""
    timeouts = {
        str(function.get("function_name")): number(function.get("timeout"))
        for function in plan.of("aws_lambda_function")
    }
    for alarm in plan.of(*ALARM):
        threshold = number(alarm.get("threshold"))
        for metric in metrics(alarm):
            timeout = timeouts.get(str(metric.dimensions.get("FunctionName")))
            if metric.name == "Duration" and threshold is not None and timeout and threshold >= timeout * 1000:
                yield alarm.address, f"Its threshold is {threshold:g} ms, and the time-out is {timeout:g} s."
