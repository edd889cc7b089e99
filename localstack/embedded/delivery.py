"""Messages from one service to another, for destinations and dead-letter queues."""

import contextvars
import logging
from typing import Any

import ministack.app as ministack
from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import lambda_svc as lam
from ministack.services import sns, sqs

from embedded.transport import plain_http

_log = logging.getLogger("embedded.delivery")

_ACTIONS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
}


def required_action(target_arn: str) -> str:
    """The IAM action that a sender needs for a target."""
    return _ACTIONS.get(target_arn.split(":")[2], "")


def exists(target_arn: str) -> bool:
    """Whether there is a queue, topic or function with this ARN; targets of other kinds count as existing."""
    service = target_arn.split(":")[2]
    if service == "sqs":
        return sqs._queue_by_arn(target_arn) is not None
    if service == "sns":
        return target_arn in sns._topics
    if service == "lambda":
        return lam._get_func_record_for_ref(target_arn)[0] is not None
    return True


def send(target_arn: str, body: str, attributes: dict[str, Any] | None = None) -> bool:
    """Send a message to a queue or publish it to a topic, over TLS, as AWS's services do.

    Otherwise the policy of a queue that denies plain HTTP would reject what is sent outside of any client's request.

    Args:
        target_arn: The ARN of the queue or topic.
        body: The message.
        attributes: Message attributes in the form of SQS; see :func:`text` and :func:`number`.

    Returns:
        False if the target does not exist.
    """

    def over_tls() -> bool:
        plain_http.set(False)
        ministack.pin_request_origin("127.0.0.1", True)  # noqa: FBT003 -- over TLS; the patch of it knows no keywords
        return _send(target_arn, body, attributes)

    return contextvars.copy_context().run(over_tls)


def _send(target_arn: str, body: str, attributes: dict[str, Any] | None) -> bool:
    try:
        service = parse_arn(target_arn).service
    except ArnParseError:
        return False
    if service == "sqs" and (queue := sqs._queue_by_arn(target_arn)) is not None:
        sqs._act_send_message({"MessageBody": body, "MessageAttributes": attributes or {}}, _url(queue))
        return True
    if service == "sns":
        return sns.publish_internal(target_arn, body, message_attributes=attributes) is not None
    _log.warning("no message can be sent to %s", target_arn)
    return False


def text(value: object) -> dict[str, str]:
    """A message attribute of type String."""
    return {"DataType": "String", "StringValue": str(value)}


def number(value: float) -> dict[str, str]:
    """A message attribute of type Number."""
    return {"DataType": "Number", "StringValue": str(value)}


def _url(queue: dict[str, Any]) -> str:
    return str(
        queue.get("url") or sqs._queue_url_for_account(queue["attributes"]["QueueArn"].split(":")[4], queue["name"])
    )
