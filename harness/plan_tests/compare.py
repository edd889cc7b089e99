"""Comparing what a spec expects with what a plan holds: subsets, JSON texts, and where they differ."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from harness.plan_tests.reading import Path_, Tagged
from harness.plan_tests.spec import Expected

UNKNOWN = "(known after apply)"
"""Stands for a value that only the apply will tell."""


@dataclass(frozen=True)
class PlanDifference:
    """One thing that is not as expected.

    Attributes:
        place: Where the expectation stands in the case, below ``expect``.
        about: The address, or ``outputs``, ``inventory``, ``absent``.
        expected: What the spec says.
        found: What the plan has.
    """

    place: Path_
    about: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.about}: expected {shown(self.expected)}, found {shown(self.found)}"


@dataclass(frozen=True)
class Planned:
    """What was planned for one case.

    Attributes:
        resources: Attributes of each managed resource by address, `UNKNOWN` where only the apply will tell.
        outputs: Values by name, likewise.
    """

    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Any]

    @property
    def inventory(self) -> Mapping[str, int]:
        """How many resources there are of each type."""
        counts: dict[str, int] = {}
        for address in self.resources:
            kind = type_of(address)
            counts[kind] = counts.get(kind, 0) + 1
        return dict(sorted(counts.items()))


def type_of(address: str) -> str:
    """A resource's type, from its address: the part before the last name."""
    return re.sub(r'\[(?:"[^"]*"|\d+)\]', "", address).split(".")[-2]


def shown(value: Any) -> str:
    """A value as a spec would say it, in one line."""
    if isinstance(value, Tagged):
        return f"!{value.tag} {shown(value.value)}" if value.value else f"!{value.tag}"
    if value == UNKNOWN and isinstance(value, str):
        return UNKNOWN
    return json.dumps(value, ensure_ascii=False, default=shown)


def differences(expected: Expected, planned: Planned) -> Iterator[PlanDifference]:
    """Everything that a plan has otherwise than expected."""
    for address, attributes in expected.resources.items():
        place: Path_ = ("resources", address)
        if address not in planned.resources:
            yield PlanDifference(place, address, dict(attributes), _nearest(address, planned.resources))
            continue
        yield from _attributes(attributes, planned.resources[address], place, address)
    for at, pattern in enumerate(expected.absent):
        found = [address for address in planned.resources if matches(pattern, address)]
        if found:
            yield PlanDifference(("absent", at), f"absent {pattern}", [], found)
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
    """Whether an address fits a pattern of ``*`` and ``?``; brackets are what they are."""
    return fnmatchcase(address, pattern.replace("[", "[[]"))


def _nearest(address: str, addresses: Mapping[str, object]) -> str:
    alike = [one for one in addresses if type_of(one) == type_of(address)]
    return f"no such resource; of that type there are {alike or 'none'}"


def _attributes(
    expected: Mapping[str, Any], found: Mapping[str, Any], place: Path_, about: str
) -> Iterator[PlanDifference]:
    for name, value in expected.items():
        yield from _value(value, found.get(name), (*place, name), f"{about}.{name}")


def _value(expected: Any, found: Any, place: Path_, about: str) -> Iterator[PlanDifference]:
    if isinstance(expected, Tagged):
        if not _tagged(expected, found):
            yield PlanDifference(place, about, expected, found)
        return
    if isinstance(expected, dict | list) and isinstance(found, str) and found != UNKNOWN:
        found = _parsed(found)
    if isinstance(expected, dict):
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict):
            found = found[0]  # a nested block that stands once
        if isinstance(found, dict) and (expected or not found):
            yield from _attributes(expected, found, place, about)
            return
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        yield from _list(expected, found, place, about)
        return
    elif _same(expected, found):
        return
    yield PlanDifference(place, about, expected, found)


def _list(expected: Sequence[Any], found: Sequence[Any], place: Path_, about: str) -> Iterator[PlanDifference]:
    """Compare in order; else, as a plan sorts sets in its own way, in any order."""
    in_order = [
        difference
        for at, (one, other) in enumerate(zip(expected, found, strict=True))
        for difference in _value(one, other, (*place, at), f"{about}[{at}]")
    ]
    if in_order and not _each_has_a_match(expected, found):
        yield from in_order


def _each_has_a_match(expected: Sequence[Any], found: Sequence[Any]) -> bool:
    """Whether the found values can be dealt out so that each expectation gets one that fits."""
    if not expected:
        return True
    first, *others = expected
    return any(
        fits(first, one) and _each_has_a_match(others, [*found[:at], *found[at + 1 :]]) for at, one in enumerate(found)
    )


def fits(expected: Any, found: Any) -> bool:
    """Whether a found value is as expected."""
    return not any(True for _ in _value(expected, found, (), ""))


def _tagged(expected: Tagged, found: Any) -> bool:
    match expected.tag:
        case "unknown":
            return isinstance(found, str) and found == UNKNOWN
        case "regex":
            return isinstance(found, str) and found != UNKNOWN and re.search(str(expected.value), found) is not None
        case "contains":
            parts = _parsed(found) if isinstance(found, str) else found
            return isinstance(parts, list) and _each_has_a_match(expected.value, parts)
    raise ValueError(expected.tag)


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def untagged(tags: Any, planned: Planned) -> Iterator[str]:
    """Resources that could carry the tags that a module was given, and do not: a module that takes tags tags it all."""
    if not isinstance(tags, dict):
        return
    for address, attributes in planned.resources.items():
        found = attributes.get("tags", tags)
        if found != UNKNOWN and not tags.items() <= (found or {}).items():
            yield f"{address}.tags: expected {shown(tags)} among others, found {shown(found)}"
