"""AWS's evaluation of policies, as far as this repository's policies use it. Anything else is an error.

An explicit Deny wins, then an Allow; a request that no statement mentions is not allowed. A statement applies when its
action, its resource, its principal (in a resource's policy) and all of its conditions match.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

A policy element that is not modelled here raises `NotModelledError` instead of a guess: a wrong "allowed" would be a
security hole, and a wrong "denied" a search for an error that does not exist.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from harness.plan.arn import arn_like, like
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN

Value = str | tuple[str, ...] | None | Any
"""A request's value of a condition key: one value, several (for the set operators), None if the request does not have
the key, `UNKNOWN` if the value is known only after apply."""


class NotModelledError(Exception):
    """A policy uses an element of IAM's language that `harness.plan.evaluate` does not know."""


class Decision(Enum):
    """The result of evaluating policies for a request."""

    ALLOWED = "allowed"
    DENIED = "denied by a Deny statement"
    UNGRANTED = "not granted"


@dataclass(frozen=True)
class AccessRequest:
    """One action that a principal wants to do on a resource.

    Attributes:
        action: Such as ``s3:GetObject``.
        resource: An ARN; ``*`` for actions without resources.
        context: Condition keys, in lower case, and the request's values. A policy that checks a key which is not in
            here at all is not modelled.
        principal: Who makes the request, as (kind, identifier): ``("Service", "events.amazonaws.com")``. Only the
            policies of resources look at it.
    """

    action: str
    resource: str
    context: Mapping[str, Value] = field(default_factory=dict, hash=False)
    principal: tuple[str, str] | None = None

    def __str__(self) -> str:
        keys = ", ".join(f"{name} {value}" for name, value in sorted(self.context.items()) if value is not None)
        return f"{self.action} on {self.resource}{f' ({keys})' if keys else ''}"


def decide(statements: Iterable[Statement], request: AccessRequest) -> Decision:
    """Evaluate the statements of all policies together.

    Raises:
        NotModelledError: A statement that could apply uses an element that is not modelled.
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
    """Whether a statement, Allow or Deny, applies to a request."""
    if statement.effect not in {"Allow", "Deny"}:
        raise NotModelledError(f"{statement} has the effect {statement.effect!r}")
    return (
        _principal_matches(statement, request)
        and _action_matches(statement, request)
        and _resource_matches(statement, request)
        and holds(statement, request)
    )


def holds(statement: Statement, request: AccessRequest) -> bool:
    """Whether all conditions of a statement hold for a request, whatever its action, resource and principal are."""
    return all(_condition_holds(test, key, values, request) for test, key, values in statement.conditions)


def less(statement: Statement, action: Any, resource: Any) -> Iterator[Statement]:
    """The rest of a statement without one action on one resource: none to two statements."""
    if actions := tuple(each for each in statement.actions if each != action):
        yield replace(statement, actions=actions)
    if resources := tuple(each for each in statement.resources if each != resource):
        yield replace(statement, actions=(action,), resources=resources)


def less_values(statement: Statement) -> Iterator[tuple[Any, Statement]]:
    """Each value of the conditions that have several, with the statement as it would be without that value."""
    conditions = statement.conditions
    for index, (test, key, values) in enumerate(conditions):
        for value in values if len(values) > 1 else ():
            kept = (test, key, tuple(each for each in values if each != value))
            yield value, replace(statement, conditions=(*conditions[:index], kept, *conditions[index + 1 :]))


def _action_matches(statement: Statement, request: AccessRequest) -> bool:
    patterns = _texts(statement.actions or statement.not_actions, "an action")
    if bool(statement.actions) == bool(statement.not_actions):
        raise NotModelledError(f"{statement} has both Action and NotAction, or neither")
    matches = any(like(pattern.lower(), request.action.lower()) for pattern in patterns)
    return matches if statement.actions else not matches


def _resource_matches(statement: Statement, request: AccessRequest) -> bool:
    if not statement.resources and not statement.not_resources:
        if statement.principals:  # the policy of a bucket, queue or topic may leave it out
            return True
        raise NotModelledError(f"{statement} has neither Resource nor NotResource")
    if statement.resources and statement.not_resources:
        raise NotModelledError(f"{statement} has both Resource and NotResource")
    patterns = _texts(statement.resources or statement.not_resources, "a resource")
    matches = any(arn_like(_substituted(pattern, request), request.resource) for pattern in patterns)
    return matches if statement.resources else not matches


def _principal_matches(statement: Statement, request: AccessRequest) -> bool:
    if statement.not_principals:
        raise NotModelledError(f"{statement} has NotPrincipal")
    if not statement.principals:
        return True
    if request.principal is None:
        raise NotModelledError(f"{statement} names principals, but the request has none")
    kind, name = request.principal
    for allowed_kind, allowed in statement.principals:
        (allowed_name,) = _texts((allowed,), "a principal")
        if allowed_name == "*" and allowed_kind in {"*", "AWS"}:
            return True
        if allowed_kind not in {"*", "AWS", "Service"}:
            raise NotModelledError(f"{statement} has a principal of the kind {allowed_kind}")
        if (allowed_kind, allowed_name) == (kind, name):
            return True
    return False


def _texts(values: Iterable[Any], element: str) -> list[str]:
    texts = list(values)
    for value in texts:
        if not isinstance(value, str):
            raise NotModelledError(f"{element} is {value!r}")
    return texts


# --- patterns -------------------------------------------------------------------------------------------------------


_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def _substituted(text: str, request: AccessRequest) -> str:
    """Policy variables, replaced by the request's values. A value may not have wildcards."""

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name in {"*", "?", "$"}:
            raise NotModelledError(f"the policy writes {match[0]} for the character itself")
        if "," in name:
            raise NotModelledError(f"the policy variable {match[0]} has a default")
        value = _value(name, request)
        if not isinstance(value, str) or set(value) & {"*", "?"}:
            raise NotModelledError(f"the policy variable {match[0]} is {value!r}")
        return value

    return _VARIABLE.sub(value_of, text)


# --- conditions -----------------------------------------------------------------------------------------------------

_POSITIVE: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "arnequals": arn_like,
    "arnlike": arn_like,
    "bool": lambda expected, value: expected.lower() == value.lower(),
    "stringequals": lambda expected, value: expected == value,
    "stringequalsignorecase": lambda expected, value: expected.lower() == value.lower(),
    "stringlike": like,
}
_NEGATED: Final = {
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
}
_ALL, _ANY, _IF_EXISTS = "forallvalues:", "foranyvalue:", "ifexists"


@dataclass(frozen=True)
class _Operator:
    """A condition operator.

    Attributes:
        matches: Compares one of the policy's values with one of the request's.
        negated: Whether no value may match.
        every: Whether it is for all of several values (ForAllValues).
        some: Whether it is for any of several values (ForAnyValue).
        optional: Whether it also holds for a request without the key (IfExists).
    """

    matches: Callable[[str, str], bool]
    negated: bool
    every: bool
    some: bool
    optional: bool

    @classmethod
    def of(cls, test: str) -> "_Operator":
        """Read an operator, such as ``ForAllValues:StringLike``."""
        name = test.lower()
        every, some = name.startswith(_ALL), name.startswith(_ANY)
        name = name.removeprefix(_ALL).removeprefix(_ANY)
        optional = name.endswith(_IF_EXISTS)
        name = name.removesuffix(_IF_EXISTS)
        matches = _POSITIVE.get(_NEGATED.get(name, name))
        if matches is None:
            raise NotModelledError(f"the condition operator {test}")
        return cls(matches, name in _NEGATED, every, some, optional)

    @property
    def holds_without_key(self) -> bool:
        """Whether it holds for a request that does not have the key."""
        return self.every or self.optional or (self.negated and not self.some)

    def holds(self, patterns: Sequence[str], values: Sequence[str]) -> bool:
        """Whether the policy's values match the request's: any of them, or none for a negated operator."""
        hits = [any(self.matches(pattern, value) for pattern in patterns) != self.negated for value in values]
        return any(hits) if self.some else all(hits)


def _value(key: str, request: AccessRequest) -> Value:
    if key.lower() not in request.context:
        raise NotModelledError(f"nothing gives the value of the key {key} for {request.action}")
    return request.context[key.lower()]


def _condition_holds(test: str, key: str, expected: tuple[Any, ...], request: AccessRequest) -> bool:
    """One operator on one key, with the policy's values."""
    value = _value(key, request)
    if test.lower() == "null":
        if not expected:
            raise NotModelledError(f"{test} on {key} has neither true nor false")
        return (value is None) == (str(expected[0]).lower() == "true")
    operator = _Operator.of(test)
    if value is None:
        return operator.holds_without_key
    if value is UNKNOWN or UNKNOWN in expected:
        # A value known only after apply matches if the policy's is unknown too; otherwise it cannot be compared.
        return value is UNKNOWN and UNKNOWN in expected
    if isinstance(value, tuple) and not (operator.every or operator.some):
        raise NotModelledError(f"{test} on {key}, which has several values: it needs ForAllValues or ForAnyValue")
    patterns = [_substituted(text, request) for text in _texts(map(_text, expected), "a condition's value")]
    return operator.holds(patterns, value if isinstance(value, tuple) else (value,))


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
