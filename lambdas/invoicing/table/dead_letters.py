"""The function's dead-letter queue, for stream records that can never be handled: with their content.

What Lambda itself sends there about a stream has the positions of the records only, and the stream forgets them after a
day. A message is the record as Lambda delivered it, so ``{"Records": [record]}`` is the event that handles it again.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
from typing import TYPE_CHECKING, Any

from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

MAX_BYTES = 250_000
"""Bytes of a message's body. SQS takes 256 KiB, attributes included, of a queue with the provider's defaults.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

_MAX_REASON = 1_000


class DeadLetterQueue:
    """One queue.

    Args:
        url: Its URL.
        sqs: A client to use instead of a new one.
    """

    def __init__(self, url: str, sqs: "SQSClient | None" = None) -> None:
        self._url = url
        self._sqs = sqs or client("sqs")

    def keep(self, record: dict[str, Any], reason: Exception) -> None:
        """Send a record, and why it cannot be handled, as Lambda does for asynchronous invocations.

        The images of a record that is too large are left out, first the old one. The item itself is in the table.
        """
        body = json.dumps(record)
        for image in ("OldImage", "NewImage"):
            if len(body.encode()) > MAX_BYTES:
                change = {name: value for name, value in record["dynamodb"].items() if name != image}
                record = {**record, "dynamodb": change, "leftOut": [*record.get("leftOut", []), image]}
                body = json.dumps(record)
        attributes = {"ErrorCode": type(reason).__name__, "ErrorMessage": str(reason)[:_MAX_REASON]}
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": _printable(value)} for name, value in attributes.items()
            },
        )


def _printable(text: str) -> str:
    """Text as SQS accepts it: control characters become question marks. It must not be empty.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text) or "?"
