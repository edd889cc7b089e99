"""Planned values, held against AWS's own models of its API: what AWS would reject, the plan already shows.

The models are those of botocore, which clients are generated from. They have the required members, the types, the
lengths, the patterns, the ranges and the enumerations of requests. Terraform's provider checks only a part of that.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import regex
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from harness.plan.resource import UNKNOWN, number, shown
from harness.policy.aws_requests import Requests, Row, Tree, Value, requests_of, rows
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

RULE = "CKV_INV_901"

_UNMAPPED = "remove it, or add its member, or the reason why it has none, to policy/aws_requests.toml in a review."
"""What to do about an argument that has another name than any member of AWS's request."""

_ITEM = "[]"
_ASTRAL = r"\uD800\uDC00-\uDBFF\uDFFF"
"""How models write the characters beyond the first plane, in the UTF-16 of Java."""

Problem = tuple[str, str]
"""The member's path in the request, and what is wrong with it."""


@relation(RULE, ("*",))
def accepted_by_aws(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Values that AWS rejects, required members without a value, and arguments that nobody has mapped.

    Of a resource that exists, only what the plan changes counts: AWS has accepted the rest, or computed it, or the
    provider's state shows an argument that was never sent as ``0``. Unmapped arguments count where it is created.
    """
    table, without = rows()
    before = {change.address: change.before for change in plan.changes if change.before is not None}
    for resource in plan.resources:
        if resource.data or resource.type in without or resource.type not in table:
            continue  # CKV_INV_903 judges types without a row
        row = table[resource.type]
        requests = requests_of(resource, row)
        accepted: set[str] = set()
        if (values := before.get(resource.address)) is not None:
            accepted.update(problems(row, requests_of(replace(resource, values=values), row)))
        else:
            for argument in requests.unknown:
                yield resource.address, f"Nobody has reviewed the argument {argument}: {_UNMAPPED}"
        for message in problems(row, requests):
            if message not in accepted:
                yield resource.address, message


def problems(row: Row, requests: Requests) -> Iterator[str]:
    """What AWS would reject in the requests of a resource.

    The required members of its main request are checked, and those of each structure in it. Further requests name the
    resource besides what its arguments set, so their own required members are not.
    """
    for name, tree in requests.trees.items():
        main = name == row.operation
        for path, message in _structure(row.shape(name), tree, "" if main else f"{name}:", required=main):
            if path not in row.filled:
                yield message


def _structure(shape: Shape, tree: Tree, path: str, *, required: bool = True) -> Iterator[Problem]:
    if not isinstance(shape, StructureShape):
        yield from _checked(shape, tree, path)
        return
    for name in shape.required_members if required else ():
        if name not in tree and not shape.members[name].metadata.get("idempotencyToken"):
            yield f"{path}{name}", f"AWS requires {path}{name}, and no argument sets it."
    for name, value in tree.items():
        yield from _checked(shape.members[name], value, f"{path}{name}")


def _checked(shape: Shape, value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, Value):
        for words in _scalar(shape, value.value, secret=value.secret):
            yield path, f"{value.argument} {words} ({path})."
    elif isinstance(shape, StructureShape):
        yield from _structure(shape, value, f"{path}.")
    else:
        if not _within(shape, len(value)):
            yield path, f"{path} has {len(value)} entries; AWS accepts {_bounds(shape)}."
        yield from _list(shape, value, path) if isinstance(shape, ListShape) else _map(shape, value, path)


def _list(shape: ListShape, items: list[Any], path: str) -> Iterator[Problem]:
    for item in items:
        yield from _checked(shape.member, item, f"{path}{_ITEM}")


def _map(shape: Shape, entries: Tree, path: str) -> Iterator[Problem]:
    if not isinstance(shape, MapShape):
        raise TypeError(f"{shape.name} has no entries")
    for key, item in entries.items():
        for words in _scalar(shape.key, key):
            yield path, f"the key {key} {words} ({path})."
        yield from _checked(shape.value, item, f"{path}.{key}")


def _scalar(shape: Shape, value: Any, *, secret: bool = False) -> Iterator[str]:
    """What is wrong with one value, as the rest of a sentence."""
    if value is UNKNOWN:
        return
    name = "has a secret value that" if secret else f"is {shown(value)}, which"
    if isinstance(shape, StringShape):
        yield from _text(shape, value, name)
    elif shape.type_name in {"integer", "long", "float", "double"}:
        figure = number(value)
        if figure is None:
            yield f"{name} is not a number"
        elif not _within(shape, figure):
            yield f"{name} is out of AWS's range: {_bounds(shape)}"
    elif shape.type_name == "boolean" and str(value).lower() not in {"true", "false"}:
        yield f"{name} is neither true nor false"
    elif isinstance(shape, StructureShape | ListShape | MapShape):
        yield f"{name} is not a {shape.type_name}"


def _text(shape: StringShape, value: Any, name: str) -> Iterator[str]:
    if isinstance(value, list | dict):
        yield f"{name} is not a text"
        return
    text = value if isinstance(value, str) else str(value).lower()
    if shape.enum and text not in shape.enum:
        yield f"{name} is not one of AWS's values: {', '.join(shape.enum)}"
    elif not _within(shape, len(text)):
        yield f"{name} has {len(text)} characters; AWS accepts {_bounds(shape)}"
    elif (pattern := shape.metadata.get("pattern")) and not _compiled(pattern).fullmatch(text):
        yield f"{name} does not match AWS's pattern {pattern}"


@lru_cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    """A pattern of a model. AWS writes them for Java, and matches the whole text where they have no anchors."""
    return regex.compile(pattern.replace(_ASTRAL, "\U00010000-\U0010ffff"), regex.V1)


def _within(shape: Shape, figure: float) -> bool:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    return (least is None or figure >= least) and (most is None or figure <= most)


def _bounds(shape: Shape) -> str:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    return f"at least {least}" if most is None else f"{least} to {most}"
