"""Questions to CloudWatch."""

from typing import Any

from tests.conformance.interaction import TIMEOUT_S, interaction
from tests.engine.cloud import Cloud, eventually


@interaction(
    "cloudwatch",
    source="/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html",
    expected="ALARM",
)
def alarm_on_metric_math_goes_off(cloud: Cloud) -> Any:
    """An alarm on an expression changes to ALARM as soon as the value of the expression breaches the threshold."""
    cloudwatch, namespace, alarm = cloud.client("cloudwatch"), cloud.name("namespace"), cloud.name("alarm")
    cloudwatch.put_metric_data(
        Namespace=namespace,
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
                    "MetricStat": {
                        "Metric": {"Namespace": namespace, "MetricName": name},
                        "Period": 60,
                        "Stat": "Sum",
                    },
                }
                for name in ("errors", "calls")
            ),
            {"Id": "rate", "Expression": "100 * errors / calls", "ReturnData": True},
        ],
    )

    def state() -> Any:
        (described,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return described["StateValue"] if described["StateValue"] == "ALARM" else None

    return eventually(state, timeout_s=TIMEOUT_S, event="the alarm")
