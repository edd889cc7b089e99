"""Compares a spec's expectation with a plan: subsets, JSON texts, and the places where they differ."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from harness.plan_tests.reading import SpecPlace, Tagged
from harness.plan_tests.spec import Expectation
from harness.terraform.unknown import UNKNOWN


@dataclass(frozen=True)
class PlanDifference:
    """One difference between a plan and the expectation.

    Attributes:
        place: The expectation's place in the case, below ``expect``.
        about: The address, or ``outputs``, ``inventory``, ``absent``.
        expected: The value in the spec.
        found: The value in the plan.
    """

    place: SpecPlace
    about: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.about}: expected {shown(self.expected)}, found {shown(self.found)}"


@dataclass(frozen=True)
class PlannedCase:
    """The plan of one case.

    Attributes:
        resources: Attributes of each managed resource by address, `UNKNOWN` for values known only after apply.
        outputs: Values by name, likewise.
    """

    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Any]

    @property
    def inventory(self) -> Mapping[str, int]:
        """The number of resources of each type."""
        counts: dict[str, int] = {}
        for address in self.resources:
            kind = type_of(address)
            counts[kind] = counts.get(kind, 0) + 1
        return dict(sorted(counts.items()))


def type_of(address: str) -> str:
    """A resource's type, from its address: the part before the last name."""
    return re.sub(r'\[(?:"[^"]*"|\d+)\]', "", address).split(".")[-2]


def shown(value: Any) -> str:
    """A value as a spec writes it, in one line."""
    if isinstance(value, Tagged):
        return f"!{value.tag} {shown(value.value)}" if value.value else f"!{value.tag}"
    if value is UNKNOWN:
        return repr(UNKNOWN)
    return json.dumps(value, ensure_ascii=False, default=shown)


def differences(expected: Expectation, planned: PlannedCase) -> Iterator[PlanDifference]:
    """Every difference between a plan and the expectation."""
    for address, attributes in expected.resources.items():
        place: SpecPlace = ("resources", address)
        if address not in planned.resources:
            yield PlanDifference(place, address, dict(attributes), _nearest(address, planned.resources))
            continue
        yield from _attributes(attributes, planned.resources[address], place, address)
    for at, pattern in enumerate(expected.absent):
        present = [address for address in planned.resources if matches(pattern, address)]
        if present:
            yield PlanDifference(("absent", at), f"absent {pattern}", [], present)
    if expected.inventory is not None and dict(expected.inventory) != planned.inventory:
        yield PlanDifference(("inventory",), "inventory", dict(expected.inventory), planned.inventory)
    for name, value in expected.outputs.items():
        if name not in planned.outputs:
            yield PlanDifference(
                ("outputs", name), f"outputs.{name}", value, f"no such output among {[*planned.outputs]}"
            )
            continue
        yield from _value(value, planned.outputs[name], ("outputs", name), f"outputs.{name}")


def matches(pattern: str, address: str) -> bool:
    """Whether an address matches a pattern of ``*`` and ``?``; brackets stand for themselves."""
    return fnmatchcase(address, pattern.replace("[", "[[]"))


def _nearest(address: str, addresses: Mapping[str, object]) -> str:
    alike = [other for other in addresses if type_of(other) == type_of(address)]
    return f"no such resource; of that type there are {alike or 'none'}"


def _attributes(
    expected: Mapping[str, Any], planned: Mapping[str, Any], place: SpecPlace, about: str
) -> Iterator[PlanDifference]:
    for name, value in expected.items():
        yield from _value(value, planned.get(name), (*place, name), f"{about}.{name}")


def _value(expected: Any, planned: Any, place: SpecPlace, about: str) -> Iterator[PlanDifference]:
    if isinstance(expected, dict | list) and isinstance(planned, str):
        planned = _parsed(planned)
    if isinstance(expected, dict) and isinstance(planned, list) and len(planned) == 1 and isinstance(planned[0], dict):
        planned = planned[0]  # a nested block that occurs once
    if isinstance(expected, dict) and isinstance(planned, dict) and (expected or not planned):
        yield from _attributes(expected, planned, place, about)
    elif isinstance(expected, list) and isinstance(planned, list) and len(expected) == len(planned):
        yield from _list(expected, planned, place, about)
    elif not _equals(expected, planned):
        yield PlanDifference(place, about, expected, planned)


def _equals(expected: Any, planned: Any) -> bool:
    """Whether a value that is not compared part by part is as expected."""
    if isinstance(expected, Tagged):
        return _tagged(expected, planned)
    return not isinstance(expected, dict | list) and _same(expected, planned)


def _list(expected: Sequence[Any], planned: Sequence[Any], place: SpecPlace, about: str) -> Iterator[PlanDifference]:
    """Compare in order first; then in any order, because a plan sorts sets."""
    in_order = [
        difference
        for at, (element, other) in enumerate(zip(expected, planned, strict=True))
        for difference in _value(element, other, (*place, at), f"{about}[{at}]")
    ]
    if in_order and not _each_has_a_match(expected, planned):
        yield from in_order


def _each_has_a_match(expected: Sequence[Any], planned: Sequence[Any]) -> bool:
    """Whether the planned values can be assigned so that each expectation has one that fits."""
    if not expected:
        return True
    first, *others = expected
    return any(
        fits(first, value) and _each_has_a_match(others, [*planned[:at], *planned[at + 1 :]])
        for at, value in enumerate(planned)
    )


def fits(expected: Any, planned: Any) -> bool:
    """Whether a planned value is as expected."""
    return not any(True for _ in _value(expected, planned, (), ""))


def _tagged(expected: Tagged, planned: Any) -> bool:
    match expected.tag:
        case "unknown":
            return planned is UNKNOWN
        case "regex":
            return isinstance(planned, str) and re.search(str(expected.value), planned) is not None
        case "contains":
            parts = _parsed(planned) if isinstance(planned, str) else planned
            return isinstance(parts, list) and _each_has_a_match(expected.value, parts)
    raise ValueError(expected.tag)


def _same(expected: Any, planned: Any) -> bool:
    if isinstance(expected, bool) or isinstance(planned, bool):
        return expected is planned
    return bool(expected == planned)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def missing_tags(tags: Any, planned: PlannedCase) -> Iterator[str]:
    """Resources that can have tags, and lack those that the module was passed: a module sets its tags everywhere."""
    if not isinstance(tags, dict):
        return
    for address, attributes in planned.resources.items():
        resource_tags = attributes.get("tags", tags)
        if resource_tags is not UNKNOWN and not tags.items() <= (resource_tags or {}).items():
            yield f"{address}.tags: expected {shown(tags)} among others, found {shown(resource_tags)}"
