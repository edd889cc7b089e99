"""CloudWatch: an alarm's tags."""

import functools
from typing import Any

from localstack.services.cloudwatch import provider_v2

from emulation.patch import patches, source_lacks


@patches(provider_v2, "CloudwatchProvider.put_metric_alarm", needed=source_lacks("tag_resource", "TAGS"))
def alarm_tags(original: Any) -> Any:
    """PutMetricAlarm stores the tags of the request.

    AWS: "A list of key-value pairs to associate with the alarm."
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    LocalStack: drops them, and Terraform plans to add them again every time.
    """

    @functools.wraps(original)
    def put_metric_alarm(self: Any, context: Any, request: Any) -> None:
        original(self, context, request)
        if tags := request.get("Tags"):
            scope = f"{context.partition}:cloudwatch:{context.region}:{context.account_id}"
            arn = f"arn:{scope}:alarm:{request['AlarmName']}"
            self.get_store(context.account_id, context.region).TAGS.tag_resource(arn, tags)

    return put_metric_alarm
