"""A resource's attributes, from a plan or rendered by checkov from HCL, in one shape for the rules.

Values that are known after the apply only are `UNKNOWN`. Each rule decides what that means: a value that is filled from
another resource is not a violation, a policy that nobody can read is one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.terraform.unknown import UNKNOWN

__all__ = [
    "UNKNOWN",
    "Resource",
    "is_false",
    "is_true",
    "listed",
    "mapping",
    "number",
    "parsed",
    "rendered",
    "shown",
    "text",
]

_UNRENDERED = re.compile(
    r"\$\{|true_after_unknown|^\w+\(|\{\} \?"
    r"|\b(?:var|local|each|module|data|path|self|count|terraform)\.[A-Za-z_]|\baws_[a-z0-9_]+\.[A-Za-z_]"
)
_SECTION = "__"  # checkov's own entries: __start_line__, __end_line__, __address__ …


@dataclass(frozen=True)
class Resource:
    """One instance of a resource.

    Attributes:
        address: Such as ``module.function["a"].aws_lambda_function.this``.
        type: The resource type.
        values: Its attributes; nested blocks are lists of mappings.
        name: The resource's label.
        index: The ``for_each`` key or ``count`` number; None without one.
        module: The path of module calls to it, each with its key: ``(("function", "a"),)``.
        definition: The block that declares it, such as ``modules/lambda/aws_lambda_function.this``.
        data: Whether it is a data source.
        sensitive: True at each attribute that Terraform marks as sensitive; empty on source.
    """

    address: str
    type: str
    values: Mapping[str, Any]
    name: str = ""
    index: str | int | None = None
    module: tuple[tuple[str, str | int | None], ...] = ()
    definition: str = ""
    data: bool = field(default=False)
    sensitive: Mapping[str, Any] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        """The value at a dotted path, in the first block if there are several; None if there is none."""
        return next(iter(self.all(path)), None)

    def all(self, path: str) -> Iterator[Any]:
        """Every value at a dotted path, through all blocks."""
        yield from _walk(self.values, path.split("."))


def _walk(value: Any, path: list[str]) -> Iterator[Any]:
    if value is UNKNOWN:
        yield UNKNOWN
    elif isinstance(value, list) and path and not path[0].isdigit():
        for item in value:
            yield from _walk(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _walk(value[path[0]], path[1:])


def rendered(conf: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that checkov passes to a check (each value in a list of one), in the shape that a plan has."""
    return {name: _unwrapped(value) for name, value in conf.items() if not name.startswith(_SECTION)}


def _unwrapped(value: Any) -> Any:
    if value == [{}]:  # how checkov renders an object's attribute with a default
        return UNKNOWN
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], Mapping):
        return _plain(value[0])
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return rendered(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        if value == "null":
            return None
        return UNKNOWN if _UNRENDERED.search(value) else value
    return value


def is_true(value: Any) -> bool:
    """Whether a value is true, also as a text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: Any) -> bool:
    """Whether a value is known and not true: false, missing, or a text other than ``true``."""
    return value is not UNKNOWN and not is_true(value)


def number(value: Any) -> float | None:
    """A value as a number; None for anything else, including unknown values."""
    if isinstance(value, bool) or value is UNKNOWN or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def text(value: Any) -> str:
    """A value that is a text; empty for anything else, including unknown values."""
    return value if isinstance(value, str) else ""


def listed(value: Any) -> list[Any]:
    """A value as a list: JSON policies and HCL both allow a single value in place of a list of one."""
    if value is None:
        return []
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return [value]


def mapping(value: Any) -> Mapping[str, Any] | None:
    """A map attribute, which checkov passes in a list of one; None if it is unknown or missing."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, Mapping) else None


def parsed(value: Any) -> Any:
    """The content of a JSON text; `UNKNOWN` if it is unknown, None if it is not JSON."""
    if isinstance(value, list) and len(value) == 1:  # checkov reads jsonencode's argument, and wraps it
        value = value[0]
    if value is UNKNOWN or isinstance(value, Mapping):
        return value
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return None


def shown(value: Any) -> str:
    """A value for a message, in one short line."""
    if value is UNKNOWN or value is None:
        return repr(UNKNOWN) if value is UNKNOWN else "not set"
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    text = text if len(text) <= 160 else f"{text[:157]}..."
    return f'"{text}"' if isinstance(value, str) else text
