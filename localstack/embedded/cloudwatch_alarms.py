"""CloudWatch alarms: metric math, dimensions, missing data, M out of N, evaluated continuously."""

import asyncio
import logging
import time
from typing import Any

from ministack.core.responses import error_response_json, request_scope
from ministack.services import cloudwatch as cw

from embedded import sqs_metrics
from emulation import metric_math
from emulation.patch import patches, source_lacks

_log = logging.getLogger("embedded.alarms")

Alarm = dict[str, Any]

_BREACHES = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


async def evaluate_forever(period_s: float) -> None:
    """Record the depths of all queues, then evaluate every alarm of every account and region, and repeat.

    AWS evaluates continuously; MiniStack does so only when a metric is put, and never notices missing data.

    Args:
        period_s: Seconds between two rounds.
    """
    while True:
        await asyncio.sleep(period_s)
        sqs_metrics.record_depths()
        for (account, region, name), alarm in list(cw._alarms.all_items()):
            with request_scope(account, region):
                try:
                    cw._evaluate_alarm(alarm)
                except (KeyError, ValueError, TypeError, ArithmeticError):
                    _log.exception("the alarm %s could not be evaluated", name)


@patches(cw, "_put_metric_alarm", needed=source_lacks('"Metrics"'))
def metric_math_alarms(original: Any) -> Any:
    """PutMetricAlarm stores metric queries, and only the statistic of the request.

    AWS: an alarm has one metric, or ``Metrics`` of which one returns data.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    MiniStack: drops ``Metrics``; adds ``Statistic: Average`` to an alarm on a percentile.
    """

    def put_metric_alarm(params: Any, data: Alarm, is_cbor: bool, is_json: bool = False) -> Any:
        queries = (data or {}).get("Metrics") or []
        try:
            for query in queries:
                if query.get("Expression"):
                    metric_math.check(query["Expression"], {other["Id"] for other in queries})
        except metric_math.MetricMathError as error:
            return error_response_json("ValidationError", str(error), 400)
        response = original(params, data, is_cbor, is_json)
        if response[0] != 200 or not data:
            return response
        alarm = cw._alarms[data["AlarmName"]]
        if queries:
            for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
                alarm.pop(name, None)
            alarm["Metrics"] = queries
        elif alarm.get("ExtendedStatistic"):
            alarm.pop("Statistic", None)
        alarm.update({n: data[n] for n in ("EvaluateLowSampleCountPercentile", "ThresholdMetricId") if n in data})
        return response

    return put_metric_alarm


@patches(cw, "_evaluate_alarm", needed=source_lacks("TreatMissingData"))
def alarm_evaluation(_original: Any) -> Any:
    """An alarm uses its own dimensions and its last N periods, and treats missing data as its settings require.

    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#alarm-evaluation
    and, on the same page, "Configuring how CloudWatch alarms treat missing data".
    MiniStack: mixes all dimensions of a metric, ignores metric math and missing data.
    """

    def evaluate_alarm(alarm: Alarm) -> None:
        values = _last_values(alarm, time.time())
        new, old = _state(alarm, values), alarm["StateValue"]
        if new == old:
            return
        reason = f"Threshold Crossed: {values} {alarm['ComparisonOperator']} {alarm.get('Threshold')}"
        alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cw._record_history(alarm["AlarmName"], old, new, reason)
        cw._dispatch_alarm_actions(alarm, old, new, reason)
        cw._evaluate_parent_alarms(alarm)

    return evaluate_alarm


def _state(alarm: Alarm, values: list[metric_math.Number]) -> str:
    """The state that results from the data points of the last N periods; None is a missing point."""
    breaches = _BREACHES.get(alarm["ComparisonOperator"])
    if breaches is None:
        return str(alarm["StateValue"])  # anomaly bands are not evaluated here
    missing = alarm.get("TreatMissingData") or "missing"
    present = [value for value in values if value is not None]
    if not present:
        without_data = {"breaching": "ALARM", "notBreaching": "OK", "ignore": str(alarm["StateValue"])}
        return without_data.get(missing, "INSUFFICIENT_DATA")
    threshold = float(alarm.get("Threshold") or 0)
    breaching = sum(1 for value in present if breaches(value, threshold))
    if missing == "breaching":
        breaching += len(values) - len(present)
    needed = int(alarm.get("DatapointsToAlarm") or len(values))
    if missing in {"missing", "ignore"}:
        needed = min(needed, len(present))
    return "ALARM" if breaching >= needed else "OK"


def _last_values(alarm: Alarm, now: float) -> list[metric_math.Number]:
    """One value per period, the latest period first. The latest period ends now, so that new data counts at once."""
    queries = alarm.get("Metrics") or [_as_query(alarm)]
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    period = max([int(stat["Period"]) for stat in stats] or [60])
    return [
        _value_between(queries, now - (index + 1) * period, now - index * period)
        for index in range(int(alarm.get("EvaluationPeriods") or 1))
    ]


def _as_query(alarm: Alarm) -> Alarm:
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    return {"Id": "m", "MetricStat": {"Metric": metric, "Period": alarm.get("Period", 60), "Stat": stat}}


def _value_between(queries: list[Alarm], start: float, end: float) -> metric_math.Number:
    values: dict[str, metric_math.Number] = {}
    result: metric_math.Number = None
    # Expressions may name other expressions: metrics first, then expressions in their order.
    for query in sorted(queries, key=lambda query: "MetricStat" not in query):
        if "MetricStat" in query:
            value = _statistic(query["MetricStat"], start, end)
        else:
            value = metric_math.evaluate(query["Expression"], values)
        values[query["Id"]] = value
        if query.get("ReturnData", True):
            result = value
    return result


def _statistic(stat: Alarm, start: float, end: float) -> metric_math.Number:
    metric = stat["Metric"]
    dimensions = cw._dims_key(cw._dims_from_list(metric.get("Dimensions") or []))
    points = cw._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or []
    within = [point for point in points if start < point["Timestamp"] <= end]
    if not within:
        return None
    value: metric_math.Number = cw._stat_value(cw._calc_stats(within), stat["Stat"], within)
    return value
