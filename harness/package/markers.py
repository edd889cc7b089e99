"""Environment markers of dependencies (PEP 508), evaluated for a target and not for this computer.

Apart from ``~=`` and ``===``, a marker is a Python expression of names, strings, ``and``, ``or`` and comparisons. So it
is parsed as Python, and never run.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError

_REQUIREMENT = re.compile(
    r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^\]]*)\])?(?P<rest>[^;]*)(?:;(?P<marker>.*))?$"
)
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_VERSIONS = frozenset({"python_version", "python_full_version", "implementation_version", "platform_release"})


@dataclass(frozen=True)
class Requirement:
    """A dependency from ``Requires-Dist`` or a dependency group, without its version: the lock decides that."""

    name: str
    extras: frozenset[str]
    marker: str

    def applies(self, environment: Mapping[str, str], extras: Set[str]) -> bool:
        """Whether it applies in an environment, to a distribution that is requested with some extras."""
        if not self.marker:
            return True
        tree = _parsed(self.marker)
        return any(_holds(tree, {**environment, "extra": extra}, self.marker) for extra in (extras or {""}))


def parse(text: str) -> Requirement:
    """Read a requirement such as ``aws-lambda-powertools[tracer]~=3.37; python_version < '4'``.

    Raises:
        HarnessError: The text is not a requirement.
    """
    match = _REQUIREMENT.match(text)
    if not match:
        raise HarnessError(f"{text!r} is not a requirement.", remedy="Correct it; PEP 508 defines the form.")
    extras = (canonical(extra) for extra in (match["extras"] or "").split(",") if extra.strip())
    return Requirement(canonical(match["name"]), frozenset(extras), (match["marker"] or "").strip())


def canonical(name: str) -> str:
    """A distribution's name in its canonical form, for comparing (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _parsed(marker: str) -> ast.expr:
    try:
        return ast.parse(marker, mode="eval").body
    except SyntaxError:
        raise _marker_error(marker) from None


def _holds(node: ast.expr, environment: Mapping[str, str], marker: str) -> bool:
    """Evaluate a parsed marker."""
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(value, environment, marker) for value in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_holds(value, environment, marker) for value in values)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            by_version = any(getattr(side, "id", "") in _VERSIONS for side in (left, right))
            return _compare(
                _text(left, environment, marker), comparison, _text(right, environment, marker), by_version=by_version
            )
        case _:
            raise _marker_error(marker)


def _text(node: ast.expr, environment: Mapping[str, str], marker: str) -> str:
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.Name(id=name) if name in environment:
            return environment[name]
        case _:
            raise _marker_error(marker)


def _compare(left: str, comparison: ast.cmpop, right: str, *, by_version: bool) -> bool:
    """One comparison, of release numbers or of strings."""
    if isinstance(comparison, ast.In | ast.NotIn):
        return (left in right) is isinstance(comparison, ast.In)
    if by_version:
        return bool(_COMPARISONS[type(comparison)](_numbers(left), _numbers(right)))
    return bool(_COMPARISONS[type(comparison)](canonical(left), canonical(right)))


def _numbers(version: str) -> tuple[int, ...]:
    """A release number without trailing zeros: 3.13 and 3.13.0 are equal."""
    numbers = [int(part) for part in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _marker_error(marker: str) -> HarnessError:
    return HarnessError(
        f"The dependency marker {marker!r} has a form that is not supported.",
        remedy="Add support for it to harness/package/markers.py.",
    )
