"""CloudWatch: alarms on metric math, and the frequency of evaluation."""

import functools
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from localstack.services.cloudwatch import alarm_scheduler

from emulation import metric_math
from emulation.patch import patches, source_has, source_lacks

_PERIOD_S = float(os.environ.get("HOST_ALARM_PERIOD", "300"))


@patches(alarm_scheduler, "get_metric_alarm_details_for_alarm_arn", needed=source_lacks('Metrics"'))
def scheduled_metric_math(original: Any) -> Any:
    """An alarm on metric math, or on a percentile, is evaluated.

    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
    LocalStack: "Given alarm configuration not yet supported, alarm state will not be evaluated."
    """

    @functools.wraps(original)
    def details(arn: str) -> Any:
        alarm = original(arn)
        if alarm and alarm.get("Metrics"):
            periods = [query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query]
            return {"Period": max(periods or [60]), "Statistic": "Sum", "MetricName": "expression", **alarm}
        if alarm and "ExtendedStatistic" in alarm:
            return {"Statistic": alarm["ExtendedStatistic"], **alarm}
        return alarm

    return details


@patches(alarm_scheduler, "collect_metric_data", needed=source_lacks("Expression"))
def metric_math_data(original: Any) -> Any:
    """The data points of a metric math alarm are those of its expression; see :func:`scheduled_metric_math`."""

    @functools.wraps(original)
    def collect(alarm: Any, client: Any) -> Any:
        if not alarm.get("Metrics"):
            return original(alarm, client)
        result = next((query for query in alarm["Metrics"] if query.get("ReturnData", True)), alarm["Metrics"][0])
        expression = result.get("Expression") or result["Id"]
        queries = [{**query, "ReturnData": True} for query in alarm["Metrics"] if "MetricStat" in query]
        end = datetime.now(UTC)
        points: list[metric_math.Number] = []
        for _ in range(alarm["EvaluationPeriods"] + 2):
            start = end - timedelta(seconds=alarm["Period"])
            response = client.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
            values = {
                series["Id"]: (series["Values"][0] if series["Values"] else None)
                for series in response["MetricDataResults"]
            }
            points.insert(0, metric_math.evaluate(expression, values))
            end = start
        return points

    return collect


@patches(alarm_scheduler, "AlarmScheduler.__init__", needed=source_has("self.scheduler = Scheduler()"))
def frequent_evaluation(original: Any) -> Any:
    """An alarm is evaluated at least every five minutes, or every ``HOST_ALARM_PERIOD`` seconds.

    AWS: evaluates every minute for periods of a minute and more, every ten seconds for shorter ones.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    LocalStack: evaluates once in period x evaluation periods, which is an hour for some alarms of the platform.
    """

    @functools.wraps(original)
    def init(self: Any) -> None:
        original(self)
        schedule = self.scheduler.schedule

        def schedule_more_often(*arguments: Any, period: float, **options: Any) -> Any:
            return schedule(*arguments, period=min(period, _PERIOD_S), **options)

        self.scheduler.schedule = schedule_more_often

    return init
