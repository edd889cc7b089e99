"""Questions to EventBridge and SQS."""

import json
from typing import Any

from tests.conformance.interaction import TIMEOUT_S, interaction, rejection
from tests.engine.cloud import Cloud, eventually


@interaction(
    "events",
    source="/eventbridge/latest/userguide/eb-create-pattern-operators.html",
    expected=[True, False, False],
)
def pattern_matches_anything_but(cloud: Cloud) -> Any:
    """A pattern's anything-but excludes the listed values, and every other field must match too."""
    pattern = {"source": [{"anything-but": ["invoice.platform"]}], "detail-type": ["invoice-paid"]}
    matches = []
    for source, kind in (("payments", "invoice-paid"), ("invoice.platform", "invoice-paid"), ("payments", "other")):
        event = {
            "id": "1", "account": "1", "region": "us-east-1", "time": "2026-11-02T00:00:00Z", "resources": [],
            "source": source, "detail-type": kind, "detail": {},
        }  # fmt: skip
        response = cloud.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
        matches.append(response["Result"])
    return matches


@interaction(
    "events",
    source="/eventbridge/latest/userguide/eb-targets.html",
    expected={"source": "invoice.platform", "detail-type": "invoice-processed", "detail": {"invoiceId": "1"}},
)
def event_reaches_the_target_of_its_rule(cloud: Cloud) -> Any:
    """An event on a custom bus reaches the queue that is the target of a matching rule."""
    events, bus, rule = cloud.client("events"), cloud.name("bus"), cloud.name("rule")
    url, arn = cloud.queue()
    events.create_event_bus(Name=bus)
    pattern = {"source": ["invoice.platform"], "detail-type": ["invoice-processed"]}
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    for kind in ("other", "invoice-processed"):
        detail = json.dumps({"invoiceId": "1"})
        entry = {"Source": "invoice.platform", "DetailType": kind, "Detail": detail, "EventBusName": bus}
        events.put_events(Entries=[entry])
    (message,) = cloud.receive(url, timeout_s=TIMEOUT_S)
    body = json.loads(message["Body"])
    return {name: body[name] for name in ("source", "detail-type", "detail")}


@interaction(
    "events",
    source="/eventbridge/latest/userguide/eb-putevents.html",
    expected=["ValidationException", 400],
)
def events_over_the_size_limit_are_rejected(cloud: Cloud) -> Any:
    """PutEvents rejects entries whose total size exceeds its limit; this entry exceeds every limit so far."""
    detail = json.dumps({"text": "x" * (1024 * 1024 + 1)})
    entry = {"Source": "test", "DetailType": "test", "Detail": detail}
    return rejection(lambda: cloud.client("events").put_events(Entries=[entry]))


@interaction(
    "sqs",
    source="/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    expected=["work", {"left": 0}],
)
def message_received_too_often_moves_to_the_dead_letter_queue(cloud: Cloud) -> Any:
    """A message that is received maxReceiveCount times without being deleted moves to the dead-letter queue."""
    sqs = cloud.client("sqs")
    dead_url, dead_arn = cloud.queue()
    url, _ = cloud.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=url, MessageBody="work")

    def moved() -> Any:
        sqs.receive_message(QueueUrl=url)
        return sqs.receive_message(QueueUrl=dead_url).get("Messages")

    (message,) = eventually(moved, timeout_s=TIMEOUT_S, event="the move to the dead-letter queue")
    return [message["Body"], {"left": len(sqs.receive_message(QueueUrl=url).get("Messages", []))}]
