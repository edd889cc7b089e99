"""Messages of dead-letter queues: what each is, and why it is there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

RESERVED_S = 900
"""Seconds for which a message that was received is hidden from others, who may redrive too."""


class Kind(StrEnum):
    """What a message holds.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """

    EVENT = "event"
    """An event as it was sent to a function or by a rule."""

    RECORD = "record"
    """A record of a stream that its function has set aside."""

    POSITIONS = "positions"
    """The places of records in a stream: Lambda has given them up, and keeps nothing else of them."""


@dataclass(frozen=True)
class Letter:
    """One message.

    Attributes:
        message_id: Its id.
        receipt: With which it is deleted.
        body: The text.
        attributes: The message's own attributes, which say why it is there.
        sent_at: When it came into the queue.
    """

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, str]
    sent_at: datetime

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> Self:
        """Read a message as SQS returns it."""
        own = message.get("MessageAttributes", {})
        attributes = {name: str(value.get("StringValue", "")) for name, value in own.items()}
        sent_ms = int(message["Attributes"]["SentTimestamp"])
        moment = datetime.fromtimestamp(sent_ms / 1000, UTC)
        return cls(message["MessageId"], message["ReceiptHandle"], message["Body"], attributes, moment)

    @property
    def content(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def kind(self) -> Kind:
        """What it holds."""
        if "DDBStreamBatchInfo" in self.content:
            return Kind.POSITIONS
        return Kind.RECORD if "dynamodb" in self.content else Kind.EVENT

    @property
    def reason(self) -> str:
        """Why it is there, as far as its sender says so."""
        for names in (("ERROR_CODE", "ERROR_MESSAGE"), ("ErrorCode", "ErrorMessage")):
            if found := [self.attributes[name] for name in names if self.attributes.get(name)]:
                return ": ".join(found)
        return str(self.content.get("requestContext", {}).get("condition", "")) or "its sender does not say why"

    @property
    def subject(self) -> str:
        """What it is about, in a few words."""
        content = self.content
        if self.kind is Kind.POSITIONS:
            batch = content["DDBStreamBatchInfo"]
            return f"{batch['batchSize']} records from {batch['approximateArrivalOfFirstRecord']} on"
        if self.kind is Kind.RECORD:
            keys = [next(iter(key.values())) for key in content["dynamodb"].get("Keys", {}).values()]
            return " ".join([content.get("eventName", "a record"), *keys])
        return str(content.get("detail-type") or content.get("task") or ", ".join(sorted(content)) or self.body[:60])


class LetterBox:
    """One dead-letter queue.

    Args:
        sqs: A client of SQS.
        url: The queue.
    """

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url

    def take(self) -> list[Letter]:
        """All messages, the oldest first. They are hidden from others until they are deleted or put back."""
        return sorted(self._receive(), key=lambda letter: letter.sent_at)

    def delete(self, letter: Letter) -> None:
        """Delete a message that has been handled."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def put_back(self, letter: Letter) -> None:
        """Show a message to everybody again."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)

    def _receive(self) -> Iterator[Letter]:
        while True:
            response = self._sqs.receive_message(
                QueueUrl=self._url,
                AttributeNames=["SentTimestamp"],
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                VisibilityTimeout=RESERVED_S,
                WaitTimeSeconds=1,  # asks all servers of the queue, so that none is missed
            )
            messages = response.get("Messages", [])
            if not messages:
                return
            yield from map(Letter.read, messages)
