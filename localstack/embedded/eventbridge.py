"""EventBridge: delivery to targets, and what a grant to publish may depend on."""

import contextlib
import inspect
import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import eventbridge, sqs
from ministack.services import lambda_svc as lam

from embedded import delivery
from embedded.permissions import may_invoke, may_publish
from emulation.patch import patches, source_has, source_lacks

_SERVICE = "events.amazonaws.com"


@patches(eventbridge, "_dispatch_to_lambda", needed=source_has("_execute_function_with_config_scope"))
def asynchronous_target(_original: Any) -> Any:
    """A function that is a target is invoked asynchronously, with Lambda's retries and dead-letter queue.

    AWS: "EventBridge invokes your function asynchronously".
    https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
    MiniStack: makes one attempt, and ignores its failure.
    """

    def dispatch(arn: str, payload: str) -> None:
        function, config, _ = lam._get_func_record_for_ref(arn)
        event: Any = {"body": payload}
        with contextlib.suppress(ValueError):
            event = json.loads(payload)
        if function is not None:
            lam.invoke_async_with_retry(lam._execution_record_for_config(function, config), event)

    return dispatch


@patches(eventbridge, "_invoke_target", needed=source_lacks("DeadLetterConfig"))
def undeliverable(original: Any) -> Any:
    """An event that cannot be delivered to a target goes to the target's dead-letter queue, with the reason.

    AWS: events that no retry can deliver (the target is deleted, or does not permit EventBridge) go there at once, with
    ERROR_CODE, ERROR_MESSAGE, RULE_ARN and TARGET_ARN as attributes; the queue must permit it.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    MiniStack: drops the event; does not check the policy of a function before it calls it.
    """

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        arn, rule_arn = target.get("Arn", ""), rule.get("Arn", "")
        obstacle = _obstacle(arn, rule_arn)
        if obstacle is None:
            original(target, event, rule, view)
            return
        code, message = obstacle
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue or not sqs.queue_policy_allows(queue, _SERVICE, rule_arn, rule_arn.split(":")[4]):
            return
        body = (view or eventbridge._pattern_event_view(event)).event_with_detail()
        attributes = {
            "ERROR_CODE": delivery.text(code),
            "ERROR_MESSAGE": delivery.text(message),
            "RULE_ARN": delivery.text(rule_arn),
            "TARGET_ARN": delivery.text(arn),
        }
        delivery.send(queue, json.dumps(body), attributes)

    return invoke_target


def _lacks_event_keys(original: Any) -> bool:
    return "events:source" not in inspect.getsource(inspect.getmodule(original) or original)


@patches(iam_actions, "request_tag_context", needed=_lacks_event_keys)
def event_keys(original: Any) -> Any:
    """A grant of PutEvents may depend on the sources and the types of the events.

    AWS: PutEvents has the keys events:source and events:detail-type, each with several values.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    MiniStack: has neither, so that a statement with ForAllValues on them always applies.
    """

    def context(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
        keys: dict[str, Any] = original(service, action, body, parameters)
        if action != "events:PutEvents":
            return keys
        with contextlib.suppress(ValueError, AttributeError, TypeError):  # a malformed request is rejected later
            entries = json.loads(body)["Entries"]
            keys["events:source"] = [str(entry.get("Source", "")) for entry in entries]
            keys["events:detail-type"] = [str(entry.get("DetailType", "")) for entry in entries]
        return keys

    return context


def _obstacle(arn: str, rule_arn: str) -> tuple[str, str] | None:
    """EventBridge's error code and a message if the event cannot be delivered to the target; None if it can."""
    try:
        service = parse_arn(arn).service
    except ArnParseError:
        return "INVALID_PARAMETER", f"{arn} is not an ARN."
    if not delivery.exists(arn):
        return "RESOURCE_NOT_FOUND", f"{arn} does not exist."
    account = rule_arn.split(":")[4]
    permitted: dict[str, Callable[[], bool]] = {
        "lambda": lambda: may_invoke(arn, _SERVICE, rule_arn),
        "sqs": lambda: sqs.queue_policy_allows(arn, _SERVICE, rule_arn, account),
        "sns": lambda: may_publish(arn, _SERVICE, rule_arn),
    }
    if service in permitted and not permitted[service]():
        return "NO_PERMISSIONS", f"{arn} does not permit {_SERVICE} for {rule_arn}."
    return None
