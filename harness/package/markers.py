"""Environment markers of dependencies (PEP 508), evaluated for a target rather than for this computer.

A marker is, but for ``~=`` and ``===``, a Python expression of names, texts, ``and``, ``or`` and comparisons: it is
parsed as one and never run.
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
    """A dependency as ``Requires-Dist`` or a dependency group writes it; its version is the lock's business."""

    name: str
    extras: frozenset[str]
    marker: str

    def wanted(self, environment: Mapping[str, str], extras: Set[str]) -> bool:
        """Whether it applies in an environment, to a distribution that was asked for with some extras."""
        if not self.marker:
            return True
        tree = _parsed(self.marker)
        return any(_holds(tree, {**environment, "extra": extra}, self.marker) for extra in (extras or {""}))


def parse(text: str) -> Requirement:
    """Read a requirement such as ``aws-lambda-powertools[tracer]~=3.37; python_version < '4'``.

    Raises:
        HarnessError: It is not one.
    """
    found = _REQUIREMENT.match(text)
    if not found:
        raise HarnessError(f"{text!r} is not a requirement.", remedy="See PEP 508 for how one is written.")
    extras = (canonical(extra) for extra in (found["extras"] or "").split(",") if extra.strip())
    return Requirement(canonical(found["name"]), frozenset(extras), (found["marker"] or "").strip())


def canonical(name: str) -> str:
    """A distribution's name in the one form that compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _parsed(marker: str) -> ast.expr:
    try:
        return ast.parse(marker, mode="eval").body
    except SyntaxError:
        raise _unknown(marker) from None


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
            raise _unknown(marker)


def _text(node: ast.expr, environment: Mapping[str, str], marker: str) -> str:
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.Name(id=name) if name in environment:
            return environment[name]
        case _:
            raise _unknown(marker)


def _compare(left: str, comparison: ast.cmpop, right: str, *, by_version: bool) -> bool:
    """One comparison: of release numbers, or of texts."""
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


def _unknown(marker: str) -> HarnessError:
    return HarnessError(
        f"The dependency marker {marker!r} is of a kind that packaging does not know.",
        remedy="Teach it to harness/package/markers.py.",
    )
