"""Whether the policies of resources that AWS services call or deliver to allow exactly what a plan configures.

No local engine checks these policies everywhere that AWS does, so they are evaluated here. Each trigger and delivery
must be allowed. The same request on behalf of another account's resource, or of another one of ours, must not be. And
each Allow statement must be needed by a trigger or delivery.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from harness.access.mismatch import AccessMismatch
from harness.access.sources import Sources
from harness.access.triggers import Delivery, Estate, ResourcePolicy
from harness.plan.evaluate import AccessRequest, NotModelledError, Value, allows, applies, less
from harness.plan.iam_policy import Statement

_STRANGER = "999999999999"
_TOPIC = "kms:encryptioncontext:aws:sns:topicarn"


def admits(guard: ResourcePolicy, request: AccessRequest) -> bool:
    """Whether a resource's policy allows a request.

    Raises:
        NotModelledError: A statement that could apply cannot be evaluated; the message begins with its address.
    """
    try:
        return allows(guard.policy, request)
    except NotModelledError as error:
        addresses = (address for address, statement in guard.statements if _is_unclear(statement, request))
        raise NotModelledError(f"{next(addresses, guard.target).partition(' (')[0]}: {error}") from error


def _is_unclear(statement: Statement, request: AccessRequest) -> bool:
    try:
        applies(statement, request)
    except NotModelledError:
        return True
    return False


def missing(estate: Estate) -> Iterator[AccessMismatch]:
    """Deliveries that no policy allows."""
    guards = estate.guards()
    for delivery in estate.deliveries():
        guard = guards.get(delivery.target)
        if guard is None or not admits(guard, delivery.request):
            yield AccessMismatch(delivery.address, f"nothing allows that {delivery}{_similar(guard, delivery.request)}")


def _similar(guard: ResourcePolicy | None, request: AccessRequest) -> str:
    """What the policy allows the same service: the wrong statement may be among it."""
    if guard is None or request.principal is None:
        return ""
    statements = [
        f"{address} admits {' and '.join(f'{key} {_any(values)}' for _, key, values in statement.conditions) or 'all'}"
        for address, statement in guard.statements
        if statement.allows and request.principal in statement.principals
    ]
    return f"; of that service {', '.join(statements)}" if statements else ""


def _any(values: tuple[Any, ...]) -> str:
    return " or ".join(map(str, values))


def open_to_others(estate: Estate) -> Iterator[AccessMismatch]:
    """Policies that also allow the same service on behalf of another account, or of another one of our resources."""
    guards, deliveries = estate.guards(), estate.deliveries()
    for delivery in deliveries:
        guard = guards.get(delivery.target)
        if guard is None:
            continue
        intended = [other.request.context for other in deliveries if _alike(other, delivery)]
        for description, source, context in _strangers(delivery, estate.sources):
            stranger = replace(delivery.request, context=context)
            if context not in intended and admits(guard, stranger):
                addresses = [address for address, statement in guard.statements if applies(statement, stranger)]
                admitted = f"{' and '.join(addresses)} also admits {description}, {source}"
                text = f"{admitted}, where only this is meant: {delivery}"
                yield AccessMismatch(addresses[0].partition(" (")[0], text)


def _alike(delivery: Delivery, other: Delivery) -> bool:
    """Whether two deliveries differ only in the resource on whose behalf they are made."""
    return (delivery.target, delivery.request.action, delivery.request.principal) == (
        other.target,
        other.request.action,
        other.request.principal,
    )


def _strangers(delivery: Delivery, sources: Sources) -> Iterator[tuple[str, str, Mapping[str, Value]]]:
    """The same request from elsewhere: for another account's resource of the same name, or for another one of ours.

    A key may be used for the whole account, because resources that are encrypted with it have their own policies.
    Where AWS sends no account, the encryption context bounds the key to its topics. Where it sends nothing at all, as
    EventBridge to topics, no policy can tell requests apart, and there is nothing to check.
    """
    context = delivery.request.context
    key = next((key for key in ("aws:sourcearn", _TOPIC) if context[key] is not None), None)
    source = context[key] if key else None
    if key is None or not isinstance(source, str):
        return
    parts = source.split(":", 5)
    parts[4] = parts[4] and _STRANGER  # a bucket's ARN names no account
    foreign = {key: ":".join(parts)} | ({"aws:sourceaccount": _STRANGER} if context["aws:sourceaccount"] else {})
    yield "another account's resource", foreign[key], {**context, **foreign}
    if key == _TOPIC or not delivery.request.action.startswith("kms:"):
        for description, arn in sources.beside(source):
            yield description, arn, {**context, key: arn}


def left_over(estate: Estate) -> Iterator[AccessMismatch]:
    """Permissions of AWS services that no trigger or delivery needs: an action on a resource."""
    guards, deliveries = estate.guards(), estate.deliveries()
    for guard in guards.values():
        requests = [delivery.request for delivery in deliveries if delivery.target == guard.target]
        for address, statement in guard.statements:
            if not statement.allows or not any(kind == "Service" for kind, _ in statement.principals):
                continue
            others = [each for at, each in guard.statements if (at, each) != (address, statement)]
            for action, resource in product(statement.actions, statement.resources):
                remaining = [*others, *less(statement, action, resource)]
                if not any(admits(guard, each) and not allows(remaining, each) for each in requests):
                    text = f"{action} on {resource} of {address} is left over: nothing in the plan needs it"
                    yield AccessMismatch(address.partition(" (")[0], text)
