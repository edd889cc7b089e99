"""ARNs of Lambda, as integrations, targets and permissions write them."""

import re
from dataclasses import dataclass
from typing import Any

from harness.policy.resource import UNKNOWN

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
