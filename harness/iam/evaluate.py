"""AWS's evaluation of policies, the part of it that this repository's policies use; what is beyond it is refused.

An explicit Deny wins, then an Allow, and what nothing mentions is not allowed. A statement applies when its action, its
resource, its principal (in a resource's policy) and all of its conditions match.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

A policy that says something that is not modelled here raises `NotModelledError` instead of being guessed at: a wrong
"allowed" would be a hole, a wrong "denied" a hunt for a fault that there is not.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any, Final

from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN

Value = str | tuple[str, ...] | None | Any
"""What a request says of a condition key: one value, several (for the set operators), None if it does not carry the
key, `UNKNOWN` if only the apply will tell."""


class NotModelledError(Exception):
    """A policy uses something of IAM's language that `harness.iam.evaluate` does not know."""


class Decision(Enum):
    """What policies say to a request."""

    ALLOWED = "allowed"
    DENIED = "denied by a Deny statement"
    UNGRANTED = "not granted"


@dataclass(frozen=True)
class AccessRequest:
    """What somebody wants to do.

    Attributes:
        action: Such as ``s3:GetObject``.
        resource: An ARN; ``*`` for actions that know no resources.
        context: Condition keys, in lower case, and what the request says of them. A policy that asks for a key that is
            not named here at all is not modelled.
        principal: Who asks, as (kind, identifier): ``("Service", "events.amazonaws.com")``. Only policies of resources
            look at it.
    """

    action: str
    resource: str
    context: Mapping[str, Value] = field(default_factory=dict, hash=False)
    principal: tuple[str, str] | None = None

    def __str__(self) -> str:
        keys = ", ".join(f"{name} {value}" for name, value in sorted(self.context.items()) if value is not None)
        return f"{self.action} on {self.resource}{f' ({keys})' if keys else ''}"


def decide(statements: Iterable[Statement], request: AccessRequest) -> Decision:
    """What policies say, their statements taken together.

    Raises:
        NotModelledError: A statement that could apply uses what is not modelled.
    """
    decision = Decision.UNGRANTED
    for statement in statements:
        if applies(statement, request):
            if not statement.allows:
                return Decision.DENIED
            decision = Decision.ALLOWED
    return decision


def allows(statements: Iterable[Statement], request: AccessRequest) -> bool:
    """Whether policies allow a request; see `decide`."""
    return decide(statements, request) is Decision.ALLOWED


def applies(statement: Statement, request: AccessRequest) -> bool:
    """Whether a statement, granting or denying, is about a request."""
    if statement.effect not in {"Allow", "Deny"}:
        raise NotModelledError(f"{statement} has the effect {statement.effect!r}")
    return (
        _principal_matches(statement, request)
        and _action_matches(statement, request)
        and _resource_matches(statement, request)
        and all(_condition_holds(test, key, values, request) for test, key, values in statement.conditions)
    )


def less(statement: Statement, action: Any, resource: Any) -> Iterator[Statement]:
    """What is left of a statement if one action on one resource is taken out of it: none to two statements."""
    if others := tuple(one for one in statement.actions if one != action):
        yield replace(statement, actions=others)
    if elsewhere := tuple(one for one in statement.resources if one != resource):
        yield replace(statement, actions=(action,), resources=elsewhere)


def _action_matches(statement: Statement, request: AccessRequest) -> bool:
    named = _texts(statement.actions or statement.not_actions, "an action")
    if bool(statement.actions) == bool(statement.not_actions):
        raise NotModelledError(f"{statement} has both Action and NotAction, or neither")
    found = any(_like(one.lower(), request.action.lower()) for one in named)
    return found if statement.actions else not found


def _resource_matches(statement: Statement, request: AccessRequest) -> bool:
    if not statement.resources and not statement.not_resources:
        if statement.principals:  # a bucket's, queue's or topic's policy may leave it out
            return True
        raise NotModelledError(f"{statement} has neither Resource nor NotResource")
    if statement.resources and statement.not_resources:
        raise NotModelledError(f"{statement} has both Resource and NotResource")
    named = _texts(statement.resources or statement.not_resources, "a resource")
    found = any(arn_like(_substituted(one, request), request.resource) for one in named)
    return found if statement.resources else not found


def _principal_matches(statement: Statement, request: AccessRequest) -> bool:
    if statement.not_principals:
        raise NotModelledError(f"{statement} has NotPrincipal")
    if not statement.principals:
        return True
    if request.principal is None:
        raise NotModelledError(f"{statement} names principals, and the request none")
    kind, name = request.principal
    for allowed_kind, allowed in statement.principals:
        (who,) = _texts((allowed,), "a principal")
        if who == "*" and allowed_kind in {"*", "AWS"}:
            return True
        if allowed_kind not in {"*", "AWS", "Service"}:
            raise NotModelledError(f"{statement} has a principal of the kind {allowed_kind}")
        if (allowed_kind, who) == (kind, name):
            return True
    return False


def _texts(values: Iterable[Any], what: str) -> list[str]:
    found = list(values)
    if any(not isinstance(one, str) for one in found):
        raise NotModelledError(f"{what} is {next(one for one in found if not isinstance(one, str))!r}")
    return found


# --- patterns -------------------------------------------------------------------------------------------------------


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in text), re.DOTALL)


def _like(pattern: str, value: str) -> bool:
    """``*`` for any characters, ``?`` for one."""
    return bool(_pattern(pattern).fullmatch(value))


def arn_like(pattern: str, value: str) -> bool:
    """Whether an ARN matches a pattern: each of the six parts by itself, so that no ``*`` reaches over a colon.

    The last part, the resource, may hold colons.
    """
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(given) and all(_like(*pair) for pair in zip(wanted, given, strict=True))


_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def _substituted(text: str, request: AccessRequest) -> str:
    """Policy variables, replaced by what the request says; wildcards in that are no wildcards."""

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        if name in {"*", "?", "$"}:
            raise NotModelledError(f"the policy writes {found[0]} for the character itself")
        if "," in name:
            raise NotModelledError(f"the policy variable {found[0]} has a default")
        value = _said(name, request)
        if not isinstance(value, str) or set(value) & {"*", "?"}:
            raise NotModelledError(f"the policy variable {found[0]} is {value!r}")
        return value

    return _VARIABLE.sub(replaced, text)


# --- conditions -----------------------------------------------------------------------------------------------------

_POSITIVE: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "arnequals": arn_like,
    "arnlike": arn_like,
    "bool": lambda wanted, given: wanted.lower() == given.lower(),
    "stringequals": lambda wanted, given: wanted == given,
    "stringequalsignorecase": lambda wanted, given: wanted.lower() == given.lower(),
    "stringlike": _like,
}
_NEGATED: Final = {
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
}
_ALL, _ANY, _IF_EXISTS = "forallvalues:", "foranyvalue:", "ifexists"


def _said(key: str, request: AccessRequest) -> Value:
    if key.lower() not in request.context:
        raise NotModelledError(f"nothing tells what {request.action} says of the key {key}")
    return request.context[key.lower()]


def _condition_holds(test: str, key: str, wanted: tuple[Any, ...], request: AccessRequest) -> bool:
    """One operator on one key: any of the policy's values will do, for a negated operator none may match."""
    operator, given = test.lower(), _said(key, request)
    if operator == "null":
        return (given is None) == (str(wanted[0]).lower() == "true")
    every, some = operator.startswith(_ALL), operator.startswith(_ANY)
    operator = operator.removeprefix(_ALL).removeprefix(_ANY)
    optional = operator.endswith(_IF_EXISTS)
    operator = operator.removesuffix(_IF_EXISTS)
    negated = operator in _NEGATED
    matches = _POSITIVE.get(_NEGATED.get(operator, operator))
    if matches is None:
        raise NotModelledError(f"the condition operator {test}")
    if given is None:  # the request does not carry the key
        return every or optional or (negated and not some)
    if given is UNKNOWN or UNKNOWN in wanted:
        # What only the apply tells is what it should be if both come from there; otherwise nobody can say.
        return given is UNKNOWN and UNKNOWN in wanted
    if isinstance(given, tuple) and not (every or some):
        raise NotModelledError(f"{test} on {key}, which has several values: it needs ForAllValues or ForAnyValue")
    values = given if isinstance(given, tuple) else (given,)
    patterns = [_substituted(one, request) for one in _texts(map(_text, wanted), "a condition's value")]
    hits = [any(matches(pattern, one) for pattern in patterns) != negated for one in values]
    return any(hits) if some else all(hits)


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
