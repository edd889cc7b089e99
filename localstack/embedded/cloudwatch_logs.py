"""CloudWatch Logs: what is needed to follow a group."""

import hashlib
import json
from collections import Counter
from typing import Any

from ministack.services import cloudwatch_logs as logs

from emulation.patch import patches, source_lacks


@patches(logs, "_filter_log_events", needed=source_lacks("eventId"))
def event_identities(original: Any) -> Any:
    """FilterLogEvents names each event by an ``eventId``, so that a follower can tell repeats from new lines.

    AWS: every FilteredLogEvent has an ``eventId``, the same in every answer.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
    MiniStack: no such member.
    """

    def filter_log_events(data: Any) -> Any:
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        equals: Counter[tuple[Any, ...]] = Counter()
        for event in answer["events"]:
            traits = (event["logStreamName"], event["timestamp"], event.get("ingestionTime"), event["message"])
            equals[traits] += 1  # the same words at the same time are told apart by their order, which is stable
            event["eventId"] = hashlib.sha256(repr((*traits, equals[traits])).encode()).hexdigest()[:56]
        return status, headers, json.dumps(answer).encode()

    return filter_log_events
