"""ARNs, as integrations, targets, permissions and alarms write them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.plan.resource import UNKNOWN, Resource

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[^:/]*:[^:/]*:function:(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?")


@dataclass(frozen=True)
class FunctionArn:
    """A function, and the alias or version that is called.

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
    """The function that a text names; None if it names none."""
    if value is UNKNOWN or not isinstance(value, str):
        return None
    found = _FUNCTION.search(value)
    return FunctionArn(found["name"], found["qualifier"] or "") if found else None


def is_of(arn: str, resources: Iterable[Resource]) -> bool:
    """Whether an ARN is that of one of some topics or queues: by their ARNs, or names where only those are known.

    Args:
        arn: Such as ``arn:aws:sqs:us-east-1:123456789012:orders-dlq``.
        resources: Of the kind that the ARN is about; one of which nobody can tell the name may be it.
    """
    return any(_fits(arn, one.get("arn"), one.get("name")) for one in resources)


def _fits(arn: str, known: Any, name: Any) -> bool:
    if isinstance(known, str):
        return arn == known
    return arn.rpartition(":")[2] == name if isinstance(name, str) else True
