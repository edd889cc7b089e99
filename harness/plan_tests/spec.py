"""A spec: one YAML file of cases for one module, checked against the module's own variables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.plan_tests.reading import SpecError, SpecFile, SpecPlace, Tagged, read
from harness.terraform.module import Module, Type

TAGS = frozenset({"hcl", "path", "regex", "contains", "unknown", "zips"})
_IN_INPUTS = frozenset({"hcl", "path", "zips"})
_KEYS = frozenset({"inputs", "expect", "rejects"})
_EXPECTATIONS = frozenset({"resources", "absent", "inventory", "outputs"})
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ADDRESS = re.compile(r'(module\.[\w-]+(\["[^"]*"\])?\.)*[a-z]\w*\.[\w-]+(\["[^"]*"\]|\[\d+\])?')

DEFAULTS = "defaults"
"""The top-level key that is not a case: inputs for every case of the file."""


@dataclass(frozen=True)
class Expectation:
    """The expectation of a plan.

    Attributes:
        resources: Attributes by address (without the module's own prefix).
        absent: Patterns (``*``, ``?``) that no address may match.
        inventory: The number of resources of each type, all of them; None if it is not checked.
        outputs: Values by name.
    """

    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absent: Sequence[str] = ()
    inventory: Mapping[str, int] | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One call of a module, and its expected result.

    Attributes:
        name: Unique in its file.
        module: The module that is called.
        inputs: Its arguments.
        expected: The expected plan; None if the case has to be rejected.
        rejects: The messages of the rejection, each a part of one, or ``/a regular expression/``.
        document: The file.
    """

    name: str
    module: Module = field(repr=False)
    inputs: Mapping[str, Any]
    expected: Expectation | None
    rejects: Sequence[str]
    document: SpecFile = field(repr=False)

    @property
    def key(self) -> str:
        """Identifies the case: ``<module>/<file>::<name>``."""
        return f"{self.module.name}/{self.document.file.name}::{self.name}"

    @property
    def line(self) -> int:
        """Its line in the file, counted from 1."""
        return self.document.lines[self.name,]


def load(file: Path, module: Module) -> tuple[Case, ...]:
    """Read a spec.

    Raises:
        SpecError: Something in it is missing, empty, unknown or repeated; the message has file and line.
    """
    document = read(file, TAGS)
    cases = _mapping(document, (), "a file")
    defaults = _inputs(document, (DEFAULTS,), module) if DEFAULTS in cases else {}
    names = [name for name in cases if name != DEFAULTS]
    if not names:
        raise document.error((), "there is no case in this file")
    return tuple(_case(document, name, module, defaults) for name in names)


def _case(document: SpecFile, name: str, module: Module, defaults: Mapping[str, Any]) -> Case:
    if not _NAME.fullmatch(name):
        raise document.error((name,), f"{name!r} is not a name for a case: write lower-case words joined by hyphens")
    body = _mapping(document, (name,), "a case")
    _only(document, (name,), body, _KEYS)
    if ("expect" in body) == ("rejects" in body):
        raise document.error((name,), "a case has either expect or rejects")
    inputs = {**defaults, **(_inputs(document, (name, "inputs"), module) if "inputs" in body else {})}
    required = (variable for variable in module.variables.values() if variable.default is None)
    missing = sorted(variable.name for variable in required if variable.name not in inputs)
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


def _inputs(document: SpecFile, place: SpecPlace, module: Module) -> Mapping[str, Any]:
    inputs = _mapping(document, place, "inputs")
    for name, value in inputs.items():
        if name not in module.variables:
            names = ", ".join(module.variables)
            raise document.error((*place, name), f"{module.name} has no input {name!r}; it has {names}")
        _fits(document, (*place, name), value, module.variables[name].type)
    return inputs


def _fits(document: SpecFile, place: SpecPlace, value: Any, kind: Type) -> None:
    """Reject attributes that an object type does not have, because Terraform drops them silently."""
    if isinstance(value, Tagged):
        if value.tag not in _IN_INPUTS:
            raise document.error(place, f"!{value.tag} cannot be used in inputs")
        return
    if isinstance(value, dict):
        if kind.kind == "object":
            for unknown in sorted(value.keys() - kind.attributes.keys()):
                names = ", ".join(kind.attributes)
                raise document.error((*place, unknown), f"there is no attribute {unknown!r}; there are {names}")
        for name, attribute in value.items():
            inner = kind.attributes[name][0] if kind.kind == "object" else kind.item or Type("any")
            _fits(document, (*place, name), attribute, inner)
    if isinstance(value, list):
        for at, element in enumerate(value):
            _fits(document, (*place, at), element, kind.item or Type("any"))


def _expected(document: SpecFile, place: SpecPlace) -> Expectation:
    body = _mapping(document, place, "expect")
    _only(document, place, body, _EXPECTATIONS)
    for part in body:
        if not body[part] and part != "inventory":
            raise document.error((*place, part), f"{part} is empty, so nothing would be expected")
    resources = _mapping(document, (*place, "resources"), "resources") if "resources" in body else {}
    for address in resources:
        _address(document, (*place, "resources", address), address)
        _mapping(document, (*place, "resources", address), "a resource's expectation")
    if "outputs" in body:
        _mapping(document, (*place, "outputs"), "outputs")
    for where, value in _walk(body, place):
        if isinstance(value, Tagged):
            _check_tag(document, where, value)
    return Expectation(
        resources=resources,
        absent=_strings(document, (*place, "absent")) if "absent" in body else (),
        inventory=_counts(document, (*place, "inventory")) if "inventory" in body else None,
        outputs=body.get("outputs", {}),
    )


def _check_tag(document: SpecFile, place: SpecPlace, value: Tagged) -> None:
    if value.tag in _IN_INPUTS:
        raise document.error(place, f"!{value.tag} can only be used in inputs")
    if value.tag == "regex":
        try:
            re.compile(str(value.value))
        except re.error as error:
            raise document.error(place, f"this is not a regular expression: {error}") from None
    if value.tag == "contains" and not (isinstance(value.value, list) and value.value):
        raise document.error(place, "!contains takes a list with at least one element")
    if value.tag == "unknown" and value.value:
        raise document.error(place, "!unknown takes no value")


def _walk(value: Any, place: SpecPlace) -> Iterator[tuple[SpecPlace, Any]]:
    yield place, value
    inner = value.value if isinstance(value, Tagged) else value
    parts = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    for key, inner_value in parts:
        yield from _walk(inner_value, (*place, key))


def _rejects(document: SpecFile, place: SpecPlace) -> Sequence[str]:
    messages = _strings(document, place)
    for at, message in enumerate(messages):
        if message.startswith("/") and message.endswith("/"):
            try:
                re.compile(message[1:-1])
            except re.error as error:
                raise document.error((*place, at), f"this is not a regular expression: {error}") from None
    return messages


def _address(document: SpecFile, place: SpecPlace, address: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise document.error(
            place, f'{address!r} is not an address: write type.name, type.name["key"] or module.name.…'
        )


def _counts(document: SpecFile, place: SpecPlace) -> Mapping[str, int]:
    counts = document.data
    for key in place:
        counts = counts[key]
    if not isinstance(counts, dict):
        raise document.error(place, "inventory is a mapping of resource types to their number ({} for none)")
    for kind, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise document.error((*place, kind), f"{kind} is {count!r}: write a whole number, 1 or more")
    return counts


def _strings(document: SpecFile, place: SpecPlace) -> Sequence[str]:
    strings = document.data
    for key in place:
        strings = strings[key]
    if not (isinstance(strings, list) and strings and all(isinstance(text, str) and text.strip() for text in strings)):
        raise document.error(place, f"{place[-1]} is a list of texts, at least one")
    return strings


def _mapping(document: SpecFile, place: SpecPlace, name: str) -> Mapping[str, Any]:
    mapping = document.data
    for key in place:
        mapping = mapping[key]
    if not isinstance(mapping, dict) or not mapping:
        raise document.error(place, f"{name} is a mapping with at least one entry")
    return mapping


def _only(document: SpecFile, place: SpecPlace, body: Mapping[str, Any], keys: frozenset[str]) -> None:
    for key in body:
        if key not in keys:
            raise document.error((*place, key), f"{key!r} is unknown here: use {', '.join(sorted(keys))}")


__all__ = ["DEFAULTS", "Case", "Expectation", "SpecError", "load"]
