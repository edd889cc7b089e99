"""Questions to CloudWatch."""

from typing import Any

from tests.conformance.interaction import PATIENCE_S, interaction
from tests.engine.cloud import Cloud, eventually


@interaction(
    "cloudwatch",
    source="/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html",
    expected="ALARM",
)
def alarm_on_metric_math_goes_off(cloud: Cloud) -> Any:
    """An alarm on an expression goes off as soon as the expression's value breaches the threshold."""
    cloudwatch, space, alarm = cloud.client("cloudwatch"), cloud.name("space"), cloud.name("alarm")
    cloudwatch.put_metric_data(
        Namespace=space,
        MetricData=[{"MetricName": name, "Value": value} for name, value in (("errors", 5), ("calls", 100))],
    )
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        Metrics=[
            *(
                {
                    "Id": name,
                    "ReturnData": False,
                    "MetricStat": {"Metric": {"Namespace": space, "MetricName": name}, "Period": 60, "Stat": "Sum"},
                }
                for name in ("errors", "calls")
            ),
            {"Id": "rate", "Expression": "100 * errors / calls", "ReturnData": True},
        ],
    )

    def state() -> Any:
        (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return found["StateValue"] if found["StateValue"] == "ALARM" else None

    return eventually(state, timeout_s=PATIENCE_S, what="the alarm")
