"""A spec: one YAML file of cases about one module, checked against the module's own variables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.plan_tests.reading import Document, Path_, SpecError, Tagged, read
from harness.terraform.module import Module, Type

TAGS = frozenset({"hcl", "path", "regex", "contains", "unknown"})
_IN_INPUTS = frozenset({"hcl", "path"})
_KEYS = frozenset({"inputs", "expect", "rejects"})
_EXPECTATIONS = frozenset({"resources", "absent", "inventory", "outputs"})
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ADDRESS = re.compile(r'(module\.[\w-]+(\["[^"]*"\])?\.)*[a-z]\w*\.[\w-]+(\["[^"]*"\]|\[\d+\])?')

DEFAULTS = "defaults"
"""The one top-level key that is no case: inputs for every case of the file."""


@dataclass(frozen=True)
class Expected:
    """What a plan must hold.

    Attributes:
        resources: Attributes by address (without the module's own prefix).
        absent: Patterns (``*``, ``?``) that no address may match.
        inventory: How many resources of each type there are, all of them; None if that is not asked.
        outputs: Values by name.
    """

    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absent: Sequence[str] = ()
    inventory: Mapping[str, int] | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One call of a module, and what comes of it.

    Attributes:
        name: Unique in its file.
        module: The module that is called.
        inputs: Its arguments.
        expected: What is planned; None if the case is refused.
        rejects: The messages of the refusal, each a part of one, or ``/a regular expression/``.
        document: The file.
    """

    name: str
    module: Module = field(repr=False)
    inputs: Mapping[str, Any]
    expected: Expected | None
    rejects: Sequence[str]
    document: Document = field(repr=False)

    @property
    def key(self) -> str:
        """What tells it from every other case: ``<module>/<file>::<name>``."""
        return f"{self.module.name}/{self.document.file.name}::{self.name}"

    @property
    def line(self) -> int:
        """Its line in the file, counted from 1."""
        return self.document.lines[self.name,]


def load(file: Path, module: Module) -> tuple[Case, ...]:
    """Read a spec.

    Raises:
        SpecError: Something in it is missing, empty, unknown, or said twice; told with file and line.
    """
    document = read(file, TAGS)
    cases = _mapping(document, (), "a file")
    defaults = _inputs(document, (DEFAULTS,), module) if DEFAULTS in cases else {}
    names = [name for name in cases if name != DEFAULTS]
    if not names:
        raise document.error((), "there is no case in this file")
    return tuple(_case(document, name, module, defaults) for name in names)


def _case(document: Document, name: str, module: Module, defaults: Mapping[str, Any]) -> Case:
    if not _NAME.fullmatch(name):
        raise document.error((name,), f"{name!r} is no name for a case: write lower-case words joined by hyphens")
    body = _mapping(document, (name,), "a case")
    _only(document, (name,), body, _KEYS)
    if ("expect" in body) == ("rejects" in body):
        raise document.error((name,), "a case has either expect or rejects")
    inputs = {**defaults, **(_inputs(document, (name, "inputs"), module) if "inputs" in body else {})}
    missing = sorted(one.name for one in module.variables.values() if one.default is None and one.name not in inputs)
    if missing:
        raise document.error((name,), f"{module.name} needs {', '.join(missing)} among the inputs")
    return Case(
        name=name,
        module=module,
        inputs=inputs,
        expected=_expected(document, (name, "expect")) if "expect" in body else None,
        rejects=_rejects(document, (name, "rejects")) if "rejects" in body else (),
        document=document,
    )


def _inputs(document: Document, place: Path_, module: Module) -> Mapping[str, Any]:
    inputs = _mapping(document, place, "inputs")
    for name, value in inputs.items():
        if name not in module.variables:
            known = ", ".join(module.variables)
            raise document.error((*place, name), f"{module.name} has no input {name!r}; it has {known}")
        _fits(document, (*place, name), value, module.variables[name].type)
    return inputs


def _fits(document: Document, place: Path_, value: Any, kind: Type) -> None:
    """Refuse attributes that an object type does not have: Terraform drops them without a word."""
    if isinstance(value, Tagged):
        if value.tag not in _IN_INPUTS:
            raise document.error(place, f"!{value.tag} has no meaning in inputs")
        return
    if isinstance(value, dict):
        if kind.kind == "object":
            for unknown in sorted(value.keys() - kind.attributes.keys()):
                known = ", ".join(kind.attributes)
                raise document.error((*place, unknown), f"there is no attribute {unknown!r}; there are {known}")
        for name, one in value.items():
            inner = kind.attributes[name][0] if kind.kind == "object" else kind.item or Type("any")
            _fits(document, (*place, name), one, inner)
    if isinstance(value, list):
        for at, one in enumerate(value):
            _fits(document, (*place, at), one, kind.item or Type("any"))


def _expected(document: Document, place: Path_) -> Expected:
    body = _mapping(document, place, "expect")
    _only(document, place, body, _EXPECTATIONS)
    for part in body:
        if not body[part] and part != "inventory":
            raise document.error((*place, part), f"{part} is empty: it would expect nothing")
    resources = _mapping(document, (*place, "resources"), "resources") if "resources" in body else {}
    for address in resources:
        _address(document, (*place, "resources", address), address)
        _mapping(document, (*place, "resources", address), "a resource's expectation")
    if "outputs" in body:
        _mapping(document, (*place, "outputs"), "outputs")
    for where, value in _walk(body, place):
        if isinstance(value, Tagged):
            _check_tag(document, where, value)
    return Expected(
        resources=resources,
        absent=_strings(document, (*place, "absent")) if "absent" in body else (),
        inventory=_counts(document, (*place, "inventory")) if "inventory" in body else None,
        outputs=body.get("outputs", {}),
    )


def _check_tag(document: Document, place: Path_, value: Tagged) -> None:
    if value.tag in _IN_INPUTS:
        raise document.error(place, f"!{value.tag} belongs to inputs")
    if value.tag == "regex":
        try:
            re.compile(str(value.value))
        except re.error as problem:
            raise document.error(place, f"this is no regular expression: {problem}") from None
    if value.tag == "contains" and not (isinstance(value.value, list) and value.value):
        raise document.error(place, "!contains takes a list of at least one")
    if value.tag == "unknown" and value.value:
        raise document.error(place, "!unknown stands alone")


def _walk(value: Any, place: Path_) -> Iterator[tuple[Path_, Any]]:
    yield place, value
    inner = value.value if isinstance(value, Tagged) else value
    parts = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    for key, one in parts:
        yield from _walk(one, (*place, key))


def _rejects(document: Document, place: Path_) -> Sequence[str]:
    messages = _strings(document, place)
    for at, message in enumerate(messages):
        if message.startswith("/") and message.endswith("/"):
            try:
                re.compile(message[1:-1])
            except re.error as problem:
                raise document.error((*place, at), f"this is no regular expression: {problem}") from None
    return messages


def _address(document: Document, place: Path_, address: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise document.error(place, f'{address!r} is no address: write type.name, type.name["key"] or module.name.…')


def _counts(document: Document, place: Path_) -> Mapping[str, int]:
    counts = document.data
    for key in place:
        counts = counts[key]
    if not isinstance(counts, dict):
        raise document.error(place, "inventory is a mapping of resource types to how many there are ({} for none)")
    for kind, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise document.error((*place, kind), f"{kind} is {count!r}: give a whole number, 1 or more")
    return counts


def _strings(document: Document, place: Path_) -> Sequence[str]:
    found = document.data
    for key in place:
        found = found[key]
    if not (isinstance(found, list) and found and all(isinstance(one, str) and one.strip() for one in found)):
        raise document.error(place, f"{place[-1]} is a list of texts, at least one")
    return found


def _mapping(document: Document, place: Path_, what: str) -> Mapping[str, Any]:
    found = document.data
    for key in place:
        found = found[key]
    if not isinstance(found, dict) or not found:
        raise document.error(place, f"{what} is a mapping with at least one entry")
    return found


def _only(document: Document, place: Path_, body: Mapping[str, Any], known: frozenset[str]) -> None:
    for key in body:
        if key not in known:
            raise document.error((*place, key), f"{key!r} is unknown here: use {', '.join(sorted(known))}")


__all__ = ["DEFAULTS", "Case", "Expected", "SpecError", "load"]
