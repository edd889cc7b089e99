"""CloudWatch Logs: event identifiers, which clients need to follow a log group."""

import hashlib
import json
from collections import Counter
from typing import Any

from ministack.services import cloudwatch_logs as logs

from emulation.patch import patches, source_lacks


@patches(logs, "_filter_log_events", needed=source_lacks("eventId"))
def event_identities(original: Any) -> Any:
    """FilterLogEvents gives each event an ``eventId``, so that clients can tell repeats from new lines.

    AWS: every FilteredLogEvent has an ``eventId``, the same in every response.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
    MiniStack: leaves it out.
    """

    def filter_log_events(data: Any) -> Any:
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        content = json.loads(body)
        repeats: Counter[tuple[Any, ...]] = Counter()
        for event in content["events"]:
            traits = (event["logStreamName"], event["timestamp"], event.get("ingestionTime"), event["message"])
            repeats[traits] += 1  # equal events differ in their order, which is stable
            event["eventId"] = hashlib.sha256(repr((*traits, repeats[traits])).encode()).hexdigest()[:56]
        return status, headers, json.dumps(content).encode()

    return filter_log_events
