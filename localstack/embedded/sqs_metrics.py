"""SQS: the depth of every queue as a metric, for alarms."""

import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch as cw
from ministack.services import sqs

_REPEAT_S = 15.0
"""Seconds until an unchanged depth is recorded again; CloudWatch's shortest ordinary period is a minute."""

_recorded: dict[tuple[str, ...], tuple[int, float]] = {}


def record_depths() -> None:
    """Record the number of visible messages of every queue that has messages or had some at the last call.

    AWS: "pushed to CloudWatch at one-minute intervals" for active queues. MiniStack: records nothing.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    now = time.monotonic()
    for key, queue in list(sqs._queues.all_items()):
        sqs._refresh_counts(queue)
        visible = int(queue["attributes"]["ApproximateNumberOfMessages"])
        before, at = _recorded.get(key, (0, 0.0))
        if visible == before and (visible == 0 or now - at < _REPEAT_S):
            continue
        _recorded[key] = (visible, now)
        account, region = key[0], key[1]
        with request_scope(account, region):
            dimensions = {"QueueName": queue["name"]}
            cw.record_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", visible, "Count", dimensions)
