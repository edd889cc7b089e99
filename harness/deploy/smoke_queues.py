"""The queues of a smoke test: a subscriber of the platform's topic for its duration, and the dead-letter queues."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from harness.deploy.smoke_access import PlatformAccess

_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues, compared with what they held before.

    SQS counts approximately, and a new message may be counted up to a minute late: a test that waits in vain looks
    again at the end.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html

    Attributes:
        access: The platform.
        before: The number of messages in each queue at the start, by the queue's name.
    """

    access: PlatformAccess
    before: dict[str, int]

    @classmethod
    def at_start(cls, access: PlatformAccess) -> Self:
        """Count what the queues hold now."""
        return cls(access, _depths(access))

    def new(self) -> list[str]:
        """The names of the queues that hold more messages than at the start: a function, or a rule and its target."""
        return [name for name, depth in _depths(self.access).items() if depth > self.before[name]]

    def reason(self, name: str) -> str:
        """Why the last message could not be delivered, as far as the service that sent it says so; empty if not.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        """
        response = self.access.client("sqs").receive_message(
            QueueUrl=self.access.dead_letter_queues[name],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        for message in reversed(response.get("Messages", [])):
            attributes = message.get("MessageAttributes", {})
            for attribute in ("ERROR_MESSAGE", "ErrorMessage"):
                if attribute in attributes:
                    return str(attributes[attribute]["StringValue"])
        return ""


def _depths(access: PlatformAccess) -> dict[str, int]:
    sqs = access.client("sqs")
    depths = {}
    for name, url in access.dead_letter_queues.items():
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)["Attributes"]
        depths[name] = sum(int(attributes[count]) for count in _COUNTS)
    return depths


@dataclass
class Subscriber:
    """A queue that gets what the topic for downstream systems publishes.

    Attributes:
        access: The platform.
        url: The queue.
    """

    access: PlatformAccess
    url: str
    _events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def subscribed(cls, access: PlatformAccess, name: str) -> Iterator[Self]:
        """Create the queue and subscribe it; at the end both are deleted."""
        sqs, sns = access.client("sqs"), access.client("sns")
        topic = access.outputs["downstream_topic_arn"]
        url = sqs.create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": "true"})["QueueUrl"]
        try:
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            policy = {"Version": "2012-10-17", "Statement": [_admit(topic, arn)]}
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
            subscription = sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=arn,
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )["SubscriptionArn"]
            try:
                yield cls(access, url)
            finally:
                sns.unsubscribe(SubscriptionArn=subscription)
        finally:
            sqs.delete_queue(QueueUrl=url)

    def received(self, detail_type: str) -> set[str]:
        """The ids of the invoices about which an event of this type has arrived so far."""
        sqs = self.access.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            self._events.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return set(self.published(detail_type))

    def published(self, detail_type: str) -> list[str]:
        """The ids of the invoices about which an event of this type has arrived, one for each event.

        A delivery that is repeated has the same event id, and counts once.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
        """
        events = {event["id"]: event for event in self._events if event["detail-type"] == detail_type}
        return [event["detail"].get("invoiceId", "") for event in events.values()]


def _admit(topic: str, queue: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
