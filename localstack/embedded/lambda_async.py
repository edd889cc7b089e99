"""Lambda: asynchronous invocations."""

import contextvars
import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import new_uuid, request_scope
from ministack.services import eventbridge
from ministack.services import lambda_svc as lam

from embedded import delivery
from embedded.lambda_invoke import invoked_alias
from embedded.permissions import role_allows
from emulation.patch import patches, source_has

Json = dict[str, Any]

_DEFAULT_RETRIES = 2
_DEFAULT_MAX_AGE_S = 21_600
_TURN_TIMEOUT_S = 0.5
_THROTTLED_PAUSE_S = 0.1
_turn = threading.Condition()
"""Notified when an asynchronous invocation ends."""


@patches(lam, "invoke_async_with_retry", needed=source_has('"$LATEST"'))
def asynchronous_invocation(_original: Any) -> Any:
    """Asynchronous invocations follow the alias's or version's settings, and report success and failure.

    AWS: retries and age per qualifier; after the last attempt a record goes to the OnFailure destination, *and* the
    unchanged event to the function's dead-letter queue, with RequestID, ErrorCode and ErrorMessage as attributes. The
    record of a success goes to OnSuccess. The execution role needs the permission to send. Events wait in a queue, so
    an attempt through an alias goes to the version that the alias has then (no page says it in these words).
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    MiniStack: reads the settings of $LATEST only; sends a record in another form to one of the two, never to
    OnSuccess; does not check the role.
    """

    def invoke(func: Json, event: Any) -> None:
        work = contextvars.copy_context()
        threading.Thread(target=work.run, args=(_run, func, event, invoked_alias.get()), daemon=True).start()

    return invoke


def _run(func: Json, event: Any, alias: str | None) -> None:
    config = func.get("config") or func
    with request_scope(*lam._account_region_from_function_config(config)):
        settings = _settings(config, alias)
        result, attempts = _attempt(func, event, settings, alias)
        request_id = new_uuid()
        _send_to_destination(config, settings, event, result, attempts, request_id)
        if result.get("error"):
            _send_to_dead_letter_queue(config, event, result, request_id)


def _settings(config: Json, alias: str | None) -> Json:
    """The EventInvokeConfig of the invoked qualifier, or without a qualifier that of the function."""
    base = lam._functions.get(config["FunctionName"]) or {}
    by_qualifier = base.get("event_invoke_configs") or {}
    qualifier = alias or ":".join(config.get("FunctionArn", "").split(":")[7:])
    if qualifier and qualifier != "$LATEST":
        return by_qualifier.get(qualifier) or {}
    return by_qualifier.get("$LATEST") or by_qualifier.get("") or {}


def _attempt(func: Json, event: Any, settings: Json, alias: str | None) -> tuple[Json, int]:
    """Invoke until the function succeeds or no attempt is left.

    A throttled attempt is repeated until the event is too old, and does not count as a retry.

    Returns:
        The last result and the number of attempts.
    """
    config = func.get("config") or func
    retries = settings.get("MaximumRetryAttempts")
    retries_left = _DEFAULT_RETRIES if retries is None else int(retries)
    deadline = time.monotonic() + int(settings.get("MaximumEventAgeInSeconds") or _DEFAULT_MAX_AGE_S)
    attempts, pause_s = 0, lam._LAMBDA_ASYNC_RETRY_BASE_SECONDS
    while True:
        _await_turn(config)
        result: Json = lam._execute_function_with_config_scope(func, event)
        with _turn:
            _turn.notify()
        if result.get("throttle"):
            result["error"] = True
            if time.monotonic() < deadline and config["FunctionName"] in lam._functions:
                time.sleep(_THROTTLED_PAUSE_S)
                continue
        else:
            attempts += 1
            retries_left -= 1
        if not result.get("error") or retries_left < 0 or time.monotonic() + pause_s > deadline:
            return result, attempts
        time.sleep(pause_s)
        func = _by_alias(func, alias)
        pause_s = min(pause_s * 2, lam._LAMBDA_ASYNC_RETRY_MAX_SECONDS)


def _by_alias(func: Json, alias: str | None) -> Json:
    """The version that the invoked alias chooses now; the same version if none was invoked through an alias."""
    config = func.get("config") or func
    base = lam._functions.get(config["FunctionName"])
    qualifier = alias or ":".join(config.get("FunctionArn", "").split(":")[7:])
    if base is None or qualifier not in (base.get("aliases") or {}):
        return func
    record, chosen, _ = lam._get_func_record_for_ref(f"{base['config']['FunctionArn']}:{qualifier}")
    return lam._execution_record_for_config(record, chosen) if record else func


def _await_turn(config: Json) -> None:
    """Wait briefly for room in the function's reserved concurrency: its events queue instead of failing."""
    reserved = lam._reserved_concurrency({}, config)
    if reserved:
        key = lam._inflight_key(config)
        with _turn:
            _turn.wait_for(lambda: lam._inflight.get(key, 0) < reserved, timeout=_TURN_TIMEOUT_S)


def _send_to_destination(
    config: Json, settings: Json, event: Any, result: Json, attempts: int, request_id: str
) -> None:
    failed = bool(result.get("error"))
    destinations = settings.get("DestinationConfig") or {}
    target = (destinations.get("OnFailure" if failed else "OnSuccess") or {}).get("Destination")
    if not target or not role_allows(config["Role"], delivery.required_action(target), target):
        return
    response: Json = {"statusCode": 200, "executedVersion": config.get("Version", "$LATEST")}
    if failed:
        response["functionError"] = result.get("function_error") or "Unhandled"
    record = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": config.get("FunctionArn", ""),
            "condition": "RetriesExhausted" if failed else "Success",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": response,
        "responsePayload": result.get("body"),
    }
    service = target.split(":")[2]
    if service == "lambda":
        function, function_config, _ = lam._get_func_record_for_ref(target)
        if function:
            lam.invoke_async_with_retry(lam._execution_record_for_config(function, function_config), record)
    elif service == "events":
        _send_to_bus(target, record, config, failed=failed)
    else:
        delivery.send(target, json.dumps(record, default=str))


def _send_to_bus(target: str, record: Json, config: Json, *, failed: bool) -> None:
    outcome = "Failure" if failed else "Success"
    entry = {
        "EventBusName": target,
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Detail": json.dumps(record, default=str),
        "Resources": [target, config.get("FunctionArn", "")],
    }
    eventbridge._put_events({"Entries": [entry]})


def _send_to_dead_letter_queue(config: Json, event: Any, result: Json, request_id: str) -> None:
    target = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if not target or not role_allows(config["Role"], delivery.required_action(target), target):
        return
    body = result.get("body")
    message = body.get("errorMessage", "") if isinstance(body, dict) else str(body)
    attributes = {
        "RequestID": delivery.text(request_id),
        "ErrorCode": delivery.number(200),
        "ErrorMessage": delivery.text(message[:1024] or "Unknown"),  # "the first 1 KB of the error message"
    }
    delivery.send(target, json.dumps(event), attributes)
