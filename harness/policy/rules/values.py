"""Arguments of which one value loses data, opens access or silences something: the table ``policy/values.toml``."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, number, shown
from harness.plan.written import written_part
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "values.toml"

_NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Limit:
    """A row of the table.

    Attributes:
        argument: Its name, with those of the blocks around it.
        harm: What happens otherwise.
        unset: Whether nobody may set it.
        required: Whether it has to be set.
        production: Whether it holds in production only.
        allowed: The values that it may have; empty for all.
        least: The smallest number that it may be.
        most: The largest.
    """

    argument: str
    harm: str
    unset: bool = False
    required: bool = False
    production: bool = False
    allowed: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None

    def problems(self, resource: Resource) -> Iterator[str]:
        """What is wrong with a resource."""
        values = [value for value in self._values(resource) if value is not UNKNOWN]
        for value in values:
            if value in _NOTHING:
                if self.required:
                    yield f"{self.argument} is not set: {self.harm}. {self._fix}"
            elif self.unset or (self.allowed and value not in self.allowed) or not self._within(value):
                hidden = _is_hidden(resource.sensitive, self.argument.split("."))
                text = "set" if hidden or (self.unset and isinstance(value, list | Mapping)) else shown(value)
                yield f"{self.argument} is {text}: {self.harm}. {self._fix}"

    @property
    def _fix(self) -> str:
        """What to write instead."""
        if self.unset:
            return f"Remove {self.argument}."
        bounds = [
            f"{word} {value:g}" for word, value in (("least", self.least), ("most", self.most)) if value is not None
        ]
        choices = " or ".join(shown(value) for value in self.allowed) or " and ".join(f"at {bound}" for bound in bounds)
        return f"Set it to {choices}." if choices else f"Set {self.argument}."

    def _values(self, resource: Resource) -> list[Any]:
        """The values in each block that could have one; a block that is not there has none."""
        *blocks, name = self.argument.split(".")
        owners: list[Any] = [resource.values]
        for block in blocks:
            owners = [inner for owner in owners if isinstance(owner, Mapping) for inner in _listed(owner.get(block))]
        return [owner.get(name) for owner in owners if isinstance(owner, Mapping)]

    def _within(self, value: Any) -> bool:
        figure = number(value)
        if figure is None:
            return True
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)


def _is_hidden(marks: Any, path: list[str]) -> bool:
    """Whether Terraform marks the value at a path as sensitive; blocks without such a value have empty marks."""
    if isinstance(marks, list):
        return any(_is_hidden(mark, path) for mark in marks)
    if not isinstance(marks, Mapping):
        return marks is True
    return bool(path) and _is_hidden(marks.get(path[0]), path[1:])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _read(path: Path) -> dict[str, tuple[Limit, ...]]:
    table: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        kind: tuple(
            Limit(argument, **{"allowed" if key == "is" else key: _frozen(value) for key, value in words.items()})
            for argument, words in arguments.items()
        )
        for kind, arguments in table.items()
    }


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


LIMITS = _read(TABLE)
"""The rows by resource type."""


@relation("CKV_INV_902", tuple(LIMITS))
def within_limits(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every row. What is known after the apply only is not judged, nor what AWS has computed for what nobody wrote."""
    before = {change.address: change.before for change in plan.changes if isinstance(change.before, Mapping)}
    for kind, limits in LIMITS.items():
        for resource in plan.of(kind):
            written = plan.expression(resource).get("expressions", {})
            for limit in limits:
                name = limit.argument.partition(".")[0]
                kept = resource.address in before and before[resource.address].get(name) == resource.values.get(name)
                applies = plan.environment == "prod" or not limit.production
                if applies and not (kept and name not in written):
                    judged = _as_written(resource, name, written.get(name)) if kept else resource
                    yield from ((resource.address, message) for message in limit.problems(judged))


def _as_written(resource: Resource, name: str, expression: Any) -> Resource:
    """A resource whose argument has only what the source writes in its blocks."""
    return replace(resource, values={**resource.values, name: written_part(resource.values.get(name), expression)})
