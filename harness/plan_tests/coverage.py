"""What the specs do not cover: conditions that rejected nothing, inputs that nobody sets, features never switched."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.plan_tests.compare import matches, type_of
from harness.plan_tests.planning import Result, message
from harness.plan_tests.reading import Tagged
from harness.plan_tests.rejections import fits
from harness.plan_tests.spec import Case
from harness.terraform.events import Diagnostic
from harness.terraform.module import Block, Module, Type

_RULE = re.compile(r"the validation rule at cases/case_\d+/(?P<place>.+):(?P<line>\d+),")
_PLACE = re.compile(r"cases/case_\d+/(?P<place>.+)")
_EMPTY = frozenset({'""', "null", "{}", "[]"})

_MISSING = object()


@dataclass(frozen=True)
class Feature:
    """An option that a caller may switch on.

    Attributes:
        path: The variable, then the attributes below it; ``*`` for any element.
        default: Whether it is on by default; None if it has no default.
    """

    path: tuple[str, ...]
    default: bool | None

    def __str__(self) -> str:
        return ".".join(self.path)


def unproven_conditions(module: Module, cases: Iterable[Case], results: Mapping[str, Result]) -> list[Block]:
    """The conditions that rejected nothing.

    A condition counts as proven by a rejecting case if this very block rejected it (Terraform reports its position),
    with the block's message, and if the case expects words that no other message of that rejection matches. Without
    the block, that case fails. (With a reversed condition, every planned case of the module is rejected.)
    """
    rejecting = [case for case in cases if not case.expected]
    return [
        block for block in module.conditions if not any(_shows(case, results[case.key], block) for case in rejecting)
    ]


def _shows(case: Case, result: Result, block: Block) -> bool:
    own = [message(error) for error in result.errors if _is_from(error, block)]
    others = [message(error) for error in result.errors if not _is_from(error, block)]
    template = block.attributes["error_message"].pattern
    return any(
        any(fits(expected, text) and (template is None or template.fullmatch(text)) for text in own)
        and not any(fits(expected, text) for text in others)
        for expected in case.rejects
    )


def _is_from(error: Diagnostic, block: Block) -> bool:
    rule = _RULE.search(error.detail)
    place = _PLACE.fullmatch(error.file)
    if rule:
        where, line = rule["place"], int(rule["line"])
    elif place:
        where, line = place["place"], error.line
    else:
        return False
    return where == f"{block.file.parent.name}/{block.file.name}" and block.line <= line <= block.end


def unset_inputs(module: Module, cases: Iterable[Case]) -> list[str]:
    """The variables, and attributes of objects, that no planned case sets."""
    planned = [case.inputs for case in cases if case.expected]
    names = []
    for variable in module.variables.values():
        paths = [(variable.name,), *((variable.name, *path) for path, _, _ in variable.type.leaves())]
        names += [
            ".".join(path) for path in paths if not any(True for inputs in planned for _ in _values(inputs, path))
        ]
    return names


def features(module: Module) -> Iterator[Feature]:
    """The options: booleans, and inputs that are empty by default."""
    for variable in module.variables.values():
        yield from _feature((variable.name,), variable.type, variable.default)
        for path, kind, default in variable.type.leaves():
            yield from _feature((variable.name, *path), kind, default)


def _feature(path: tuple[str, ...], kind: Type, default: str | None) -> Iterator[Feature]:
    if kind.kind == "bool":
        yield Feature(path, None if default is None else default == "true")
    elif default in _EMPTY and not (kind.kind == "object" and default == "{}"):
        yield Feature(path, default=False)


def unswitched_features(module: Module, cases: Iterable[Case]) -> list[str]:
    """The features that no planned case has on, or none has off: ``<feature>: never on``."""
    planned = [case for case in cases if case.expected]
    lines = []
    for feature in features(module):
        seen = {state for case in planned for state in _states(case.inputs, feature)}
        lines += [f"{feature}: never {word}" for word, state in (("on", True), ("off", False)) if state not in seen]
    return lines


def _states(inputs: Mapping[str, Any], feature: Feature) -> Iterator[bool]:
    """Whether a feature is on: once for each element that has it, by default where it is not set."""
    for value in _values(inputs, feature.path, missing=True):
        if value is _MISSING:
            if feature.default is not None:
                yield feature.default
        else:
            yield bool(value)


def _values(value: Any, path: Sequence[str], *, missing: bool = False) -> Iterator[Any]:
    """The values at a path; `_MISSING` where none is set, if `missing`."""
    if not path:
        yield value
        return
    first, *others = path
    if isinstance(value, Tagged):
        return
    if first == "*":
        elements = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for element in elements:
            yield from _values(element, others, missing=missing)
    elif isinstance(value, dict) and first in value:
        yield from _values(value[first], others, missing=missing)
    elif missing and "*" not in others:
        yield _MISSING


def idle_patterns(cases: Sequence[Case], results: Mapping[str, Result]) -> Iterator[tuple[Case, str]]:
    """The patterns under ``absent`` that match no address which any case of the module plans: they could never fail."""
    addresses = {
        address for case in cases if (planned := results[case.key].planned) is not None for address in planned.resources
    }
    for case in cases:
        for pattern in case.expected.absent if case.expected else ():
            if not any(matches(pattern, address) for address in addresses):
                yield case, pattern


def untagged_types(cases: Iterable[Case], results: Mapping[str, Result]) -> list[str]:
    """The resource types that can have tags, and that no case with the input ``tags`` plans: nothing checks theirs."""
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for case in cases:
        planned = results[case.key].planned
        for address, attributes in planned.resources.items() if planned else ():
            if "tags" in attributes:
                seen["tags" in case.inputs].add(type_of(address))
    return sorted(seen[False] - seen[True])
