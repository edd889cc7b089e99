"""Whether the policies of what AWS services call and deliver to allow exactly what a plan configures.

No local engine asks these policies everywhere that AWS does, so they are evaluated here. Each trigger and delivery must
be allowed; the same must not be allowed on behalf of anybody else's resource, or of another one of ours; and each Allow
statement must be needed by one of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from harness.iam.evaluate import AccessRequest, Value, allows, applies, less
from harness.iam.sources import Sources
from harness.iam.triggers import Delivery, Estate, Guard

_STRANGER = "999999999999"


def missing(estate: Estate) -> Iterator[str]:
    """Deliveries that no policy allows."""
    guards = estate.guards()
    for one in estate.deliveries():
        guard = guards.get(one.target)
        if guard is None or not allows(guard.policy, one.request):
            yield f"nothing allows that {one}{_instead(guard, one.request)}"


def _instead(guard: Guard | None, request: AccessRequest) -> str:
    """What the policy lets the same service do: one of it may be meant."""
    if guard is None or request.principal is None:
        return ""
    found = [
        f"{address} admits {' and '.join(f'{key} {_any(values)}' for _, key, values in statement.conditions) or 'all'}"
        for address, statement in guard.statements
        if statement.allows and request.principal in statement.principals
    ]
    return f"; of that service {', '.join(found)}" if found else ""


def _any(values: tuple[Any, ...]) -> str:
    return " or ".join(map(str, values))


def open_to_others(estate: Estate) -> Iterator[str]:
    """Policies that would let the same service come from somebody else's account, or another one of our resources."""
    guards, deliveries = estate.guards(), estate.deliveries()
    for one in deliveries:
        guard = guards.get(one.target)
        if guard is None:
            continue
        meant = {each.request.context["aws:sourcearn"] for each in deliveries if _alike(each, one)}
        for what, context in _strangers(one.request, estate.sources):
            stranger = replace(one.request, context=context)
            if (context["aws:sourceaccount"] == _STRANGER or context["aws:sourcearn"] not in meant) and allows(
                guard.policy, stranger
            ):
                open_at = [address for address, statement in guard.statements if applies(statement, stranger)]
                yield (
                    f"{' and '.join(open_at)} also admits {what}, {context['aws:sourcearn']}, "
                    f"where only this is meant: {one}"
                )


def _alike(one: Delivery, other: Delivery) -> bool:
    """Whether two deliveries differ in nothing but on whose behalf they are."""
    return (one.target, one.request.action, one.request.principal) == (
        other.target,
        other.request.action,
        other.request.principal,
    )


def _strangers(request: AccessRequest, sources: Sources) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """The same request from elsewhere: another account's resource of the very same name, or another one of ours.

    A key may be used for the whole account: what is encrypted with it has a policy of its own.
    """
    source = request.context["aws:sourcearn"]
    if not isinstance(source, str):
        return
    parts = source.split(":", 5)
    parts[4] = parts[4] and _STRANGER  # a bucket's ARN names no account
    foreign = {"aws:sourceaccount": _STRANGER, "aws:sourcearn": ":".join(parts)}
    yield "another account's resource", {**request.context, **foreign}
    if not request.action.startswith("kms:"):
        for what, arn in sources.beside(source):
            yield what, {**request.context, "aws:sourcearn": arn}


def left_over(estate: Estate) -> Iterator[str]:
    """What is granted to AWS services without being needed: an action or a resource that nothing would miss."""
    guards, deliveries = estate.guards(), estate.deliveries()
    for guard in guards.values():
        requests = [one.request for one in deliveries if one.target == guard.target]
        for address, statement in guard.statements:
            if not statement.allows or not any(kind == "Service" for kind, _ in statement.principals):
                continue
            others = [each for at, each in guard.statements if (at, each) != (address, statement)]
            for action, resource in product(statement.actions, statement.resources):
                remaining = [*others, *less(statement, action, resource)]
                if not any(allows(guard.policy, one) and not allows(remaining, one) for one in requests):
                    yield f"{action} on {resource} of {address} is left over: nothing in the plan needs it"
