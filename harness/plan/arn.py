"""ARNs, as integrations, targets, permissions and alarms write them, and the patterns that policies match them with."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from harness.plan.resource import UNKNOWN, Resource

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[^:/]*:[^:/]*:function:(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?")


@dataclass(frozen=True)
class FunctionArn:
    """The ARN of a function, with an alias or version.

    Attributes:
        name: The function's name.
        qualifier: The alias or version; empty without one.
    """

    name: str
    qualifier: str

    @property
    def is_alias(self) -> bool:
        """Whether the qualifier is an alias: neither missing, nor $LATEST, nor a version's number."""
        return bool(self.qualifier) and self.qualifier != "$LATEST" and not self.qualifier.isdigit()


def function_in(value: Any) -> FunctionArn | None:
    """The function whose ARN a text contains; None if it contains none."""
    if value is UNKNOWN or not isinstance(value, str):
        return None
    match = _FUNCTION.search(value)
    return FunctionArn(match["name"], match["qualifier"] or "") if match else None


def is_of(arn: str, resources: Iterable[Resource]) -> bool:
    """Whether an ARN belongs to one of some topics or queues: by their ARNs, or by names if only those are known.

    Args:
        arn: Such as ``arn:aws:sqs:us-east-1:123456789012:orders-dlq``.
        resources: Topics or queues; one whose name is not known either counts as a match.
    """
    return any(_matches(arn, resource.get("arn"), resource.get("name")) for resource in resources)


def _matches(arn: str, resource_arn: Any, name: Any) -> bool:
    if isinstance(resource_arn, str):
        return arn == resource_arn
    return arn.rpartition(":")[2] == name if isinstance(name, str) else True


def like(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern as IAM reads it: ``*`` is any characters, ``?`` is one, line breaks included."""
    return _compiled(pattern, "*?").fullmatch(text) is not None


def starred(pattern: str, text: str) -> bool:
    r"""Whether a text matches a pattern of ``*`` alone, as EventBridge reads it.

    There ``?`` is a character, and a backslash makes the next ``*`` or backslash one: ``\*`` is an asterisk. See
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
    """
    return _starred(pattern).fullmatch(text) is not None


def arn_like(pattern: str, value: str) -> bool:
    """Whether an ARN matches a pattern: each of the six parts separately, so that no ``*`` spans a colon.

    The last part, the resource, may contain colons.
    """
    if pattern == "*":
        return True
    expected, parts = pattern.split(":", 5), value.split(":", 5)
    return len(expected) == len(parts) and all(like(*pair) for pair in zip(expected, parts, strict=True))


@cache
def _compiled(pattern: str, wildcards: str) -> re.Pattern[str]:
    pieces = (_WILDCARDS[each] if each in wildcards else re.escape(each) for each in pattern)
    return re.compile("".join(pieces), re.DOTALL)


@cache
def _starred(pattern: str) -> re.Pattern[str]:
    pieces = (
        ".*" if piece == "*" else re.escape(piece.removeprefix("\\") or piece) for piece in _PIECE.findall(pattern)
    )
    return re.compile("".join(pieces), re.DOTALL)


_PIECE = re.compile(r"\\[*\\]|.", re.DOTALL)
_WILDCARDS = {"*": ".*", "?": "."}
