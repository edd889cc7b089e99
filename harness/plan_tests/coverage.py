"""What the specs leave out: conditions that refused nothing, inputs that nobody sets, features never switched."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.plan_tests.compare import matches, type_of
from harness.plan_tests.planning import Result, message
from harness.plan_tests.reading import Tagged
from harness.plan_tests.refusals import fits
from harness.plan_tests.spec import Case
from harness.terraform.events import Diagnostic
from harness.terraform.module import Block, Module, Type

_RULE = re.compile(r"the validation rule at cases/case_\d+/(?P<place>.+):(?P<line>\d+),")
_PLACE = re.compile(r"cases/case_\d+/(?P<place>.+)")
_EMPTY = frozenset({'""', "null", "{}", "[]"})

_MISSING = object()


@dataclass(frozen=True)
class Feature:
    """Something that a caller may switch on.

    Attributes:
        path: The variable, then the attributes below it; ``*`` for any element.
        default: Whether it is on by default; None if it has no default.
    """

    path: tuple[str, ...]
    default: bool | None

    def __str__(self) -> str:
        return ".".join(self.path)


def unclaimed(module: Module, cases: Iterable[Case], results: Mapping[str, Result]) -> list[Block]:
    """The conditions that nothing was refused by.

    A condition counts as shown when a rejecting case was refused by this very block (Terraform tells its place), with
    the message that the block has, and asks for it in words that no other message of that refusal fits: take the
    block away, and that case fails. (Turn its condition round, and every planned case of the module is refused.)
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
        any(fits(wanted, one) and (template is None or template.fullmatch(one)) for one in own)
        and not any(fits(wanted, one) for one in others)
        for wanted in case.rejects
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


def unset(module: Module, cases: Iterable[Case]) -> list[str]:
    """The variables, and attributes of objects, that no planned case sets."""
    planned = [case.inputs for case in cases if case.expected]
    lacking = []
    for variable in module.variables.values():
        paths = [(variable.name,), *((variable.name, *path) for path, _, _ in variable.type.leaves())]
        lacking += [".".join(path) for path in paths if not any(True for one in planned for _ in _values(one, path))]
    return lacking


def features(module: Module) -> Iterator[Feature]:
    """What can be switched: booleans, and inputs that are empty unless given."""
    for variable in module.variables.values():
        yield from _feature((variable.name,), variable.type, variable.default)
        for path, kind, default in variable.type.leaves():
            yield from _feature((variable.name, *path), kind, default)


def _feature(path: tuple[str, ...], kind: Type, default: str | None) -> Iterator[Feature]:
    if kind.kind == "bool":
        yield Feature(path, None if default is None else default == "true")
    elif default in _EMPTY and not (kind.kind == "object" and default == "{}"):
        yield Feature(path, default=False)


def unproven(module: Module, cases: Iterable[Case]) -> list[str]:
    """The features that no planned case has on, or none has off: ``<feature>: never on``."""
    planned = [case for case in cases if case.expected]
    lacking = []
    for feature in features(module):
        seen = {state for case in planned for state in _states(case.inputs, feature)}
        lacking += [f"{feature}: never {word}" for word, state in (("on", True), ("off", False)) if state not in seen]
    return lacking


def _states(inputs: Mapping[str, Any], feature: Feature) -> Iterator[bool]:
    """Whether a feature is on: once for each element that has it, by default where it is left out."""
    for value in _values(inputs, feature.path, missing=True):
        if value is _MISSING:
            if feature.default is not None:
                yield feature.default
        else:
            yield bool(value)


def _values(value: Any, path: Sequence[str], *, missing: bool = False) -> Iterator[Any]:
    """What is given at a path; `_MISSING` where it is left out, if that is asked for."""
    if not path:
        yield value
        return
    first, *others = path
    if isinstance(value, Tagged):
        return
    if first == "*":
        elements = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for one in elements:
            yield from _values(one, others, missing=missing)
    elif isinstance(value, dict) and first in value:
        yield from _values(value[first], others, missing=missing)
    elif missing and "*" not in others:
        yield _MISSING


def idle_patterns(cases: Sequence[Case], results: Mapping[str, Result]) -> Iterator[tuple[Case, str]]:
    """The patterns under ``absent`` that fit nothing which any case of the module plans: they could never fail."""
    addresses = {
        address for case in cases if (planned := results[case.key].planned) is not None for address in planned.resources
    }
    for case in cases:
        for pattern in case.expected.absent if case.expected else ():
            if not any(matches(pattern, address) for address in addresses):
                yield case, pattern


def never_tagged(cases: Iterable[Case], results: Mapping[str, Result]) -> list[str]:
    """The resource types that can carry tags, and that no case with the input ``tags`` plans: nobody sees theirs."""
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for case in cases:
        planned = results[case.key].planned
        for address, attributes in planned.resources.items() if planned else ():
            if "tags" in attributes:
                seen["tags" in case.inputs].add(type_of(address))
    return sorted(seen[False] - seen[True])
