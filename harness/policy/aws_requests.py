"""A planned resource as the requests of AWS's API that Terraform's provider makes of it.

The provider names arguments after members of AWS's requests, in snake case. ``policy/aws_requests.toml`` has the
request of each resource type, and the arguments whose member has another name or place. An argument that is neither
found by its name nor listed there is an error. So a new type or argument is judged from its first day, or listed with
the reason why it is not.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationNotFoundError, ServiceModel, Shape, StructureShape

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan.resource import UNKNOWN, Resource

TABLE = ROOT / "policy" / "aws_requests.toml"

_SAME = "."
"""The target of a block whose arguments belong to the member that contains it."""


@dataclass(frozen=True)
class Value:
    """A value in a request.

    Attributes:
        argument: The argument that it comes from, such as ``ttl.attribute_name``.
        value: As planned; `UNKNOWN` if it is known only after the apply.
        secret: Whether messages must not contain it.
    """

    argument: str
    value: Any
    secret: bool = False


Tree = dict[str, Any]
"""A request: members by name. A structure or map is a `Tree`, a list is a list, everything else is a `Value`."""


@dataclass(frozen=True)
class Row:
    """What the table has of one resource type.

    Attributes:
        request: The service and operation that create it, such as ``dynamodb:CreateTable``.
        members: Arguments whose member has another name or place.
        unset: The values with which the provider sends nothing, besides null and empty ones.
        unchecked: Arguments that no request has, or that no model limits, each with the reason.
        filled: Required members that the provider fills in without an argument, each with the reason.
    """

    request: str
    members: Mapping[str, str] = field(default_factory=dict)
    unset: Mapping[str, Any] = field(default_factory=dict)
    unchecked: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """Such as ``CreateTable``."""
        return self.request.partition(":")[2]

    @cached_property
    def model(self) -> ServiceModel:
        """AWS's model of the service."""
        return service_model(self.request.partition(":")[0])

    def shape(self, name: str) -> Shape:
        """The input of an operation, or a shape by its name.

        Raises:
            NoShapeFoundError: The service has neither.
        """
        try:
            operation = self.model.operation_model(name)
        except OperationNotFoundError:
            return self.model.shape_for(name)
        return operation.input_shape or self.model.shape_for(name)


@dataclass(frozen=True)
class Requests:
    """The requests of one resource.

    Attributes:
        trees: By operation (or shape, where a request contains it), what the resource asks for.
        unknown: Arguments that no member is known for.
    """

    trees: dict[str, Tree] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


@lru_cache
def service_model(service: str) -> ServiceModel:
    """AWS's model of a service, as botocore has it."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@lru_cache
def rows(path: Path = TABLE) -> tuple[dict[str, Row], dict[str, str]]:
    """The table: its rows by resource type, and the types without one, each with the reason.

    Raises:
        HarnessError: A row has an unknown key.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    everywhere, without = table.pop("everywhere"), table.pop("without_request")
    found = {}
    for kind, words in table.items():
        if extra := words.keys() - {"request", "members", "unset", "unchecked", "filled"}:
            raise HarnessError(
                f"{path.name} has the unknown keys {sorted(extra)} at {kind}.",
                remedy="Use request, members, unset, unchecked and filled.",
            )
        row = Row(**words)
        found[kind] = replace(
            row, members=everywhere["members"] | row.members, unchecked=everywhere["unchecked"] | row.unchecked
        )
    return found, without


def requests_of(resource: Resource, row: Row) -> Requests:
    """The requests that create a resource.

    Args:
        resource: As planned.
        row: Of its type.

    Raises:
        HarnessError: The row leads to a member that the model does not have.
    """
    return _Translation(resource, row).requests()


@dataclass(frozen=True)
class _Translation:
    resource: Resource
    row: Row
    done: Requests = field(default_factory=Requests)

    def requests(self) -> Requests:
        tree = self._root(self.row.operation)
        self._fill(self.row.shape(self.row.operation), tree, "", self.resource.values)
        return self.done

    def _root(self, name: str) -> Tree:
        return self.done.trees.setdefault(name, {})

    def _fill(self, shape: Shape, tree: Any, block: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            argument = f"{block}{name}"
            nothing: tuple[Any, ...] = (None, "", [], {}, self.row.unset.get(argument))
            if argument in self.row.unchecked or (value is not UNKNOWN and value in nothing):
                continue
            target = self.row.members.get(argument) or self.row.members.get(f"*.{name}") or _named(shape, name)
            if target is None:
                if value is not UNKNOWN or not block:  # inside a block it may be one that AWS computes
                    self.done.unknown.append(argument)
            elif ":" in target:
                root, _, path = target.partition(":")
                self._place(self.row.shape(root), self._root(root), path.split(".") if path else [], argument, value)
            else:
                self._place(shape, tree, [] if target == _SAME else target.split("."), argument, value)

    def _place(self, shape: Shape, tree: Any, path: list[str], argument: str, value: Any) -> None:
        """Put a value at a path; through a list the path adds an item."""
        if not path:
            values = next(iter(value), {}) if isinstance(value, list) else value
            self._fill(shape, tree, f"{argument}.", values if isinstance(values, Mapping) else {})  # or unknown
        elif isinstance(shape, ListShape):
            for item in value if isinstance(value, list) else [value]:
                tree.append({})
                self._place(shape.member, tree[-1], path, argument, item)
        else:
            member = _member(shape, path[0])
            if member is None:
                raise HarnessError(
                    f"{TABLE.name} has {path[0]} for {self.resource.type}.{argument}, which {shape.name} lacks.",
                    remedy="Correct it: the members are in botocore's service-2.json.",
                )
            if len(path) > 1:
                tree = tree.setdefault(path[0], [] if isinstance(member, ListShape) else {})
                self._place(member, tree, path[1:], argument, value)
            elif isinstance(member, ListShape) and path[0] in tree:
                tree[path[0]] += self._converted(member, argument, value)
            else:
                tree[path[0]] = self._converted(member, argument, value)

    def _converted(self, shape: Shape, argument: str, value: Any) -> Any:
        if isinstance(shape, StructureShape) and isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(shape, StructureShape) and isinstance(value, Mapping):
            tree: Tree = {}
            self._fill(shape, tree, f"{argument}.", value)
            return tree
        if isinstance(shape, ListShape) and isinstance(value, Mapping) and (pair := _pair(shape.member)):
            return [self._pair(pair, f"{argument}.{key}", key, item) for key, item in value.items()]
        if isinstance(shape, ListShape) and value is not UNKNOWN:
            items = value if isinstance(value, list) else [value]
            return [self._converted(shape.member, argument, item) for item in items]
        if isinstance(shape, MapShape) and isinstance(value, Mapping):
            return {key: self._converted(shape.value, f"{argument}.{key}", item) for key, item in value.items()}
        return Value(argument, value, _marked(self.resource.sensitive.get(argument.partition(".")[0])))

    def _pair(self, names: tuple[str, str], argument: str, key: str, value: Any) -> Tree:
        return {names[0]: Value(argument, key), names[1]: Value(argument, value)}


def _marked(mark: Any) -> bool:
    """Whether Terraform marks a value, or a part of it, as sensitive."""
    if isinstance(mark, Mapping | list):
        return any(_marked(part) for part in (mark.values() if isinstance(mark, Mapping) else mark))
    return bool(mark)


def _named(shape: Shape, argument: str) -> str | None:
    """The member that an argument is named after; lists are often plural where their blocks are not."""
    if not isinstance(shape, StructureShape):
        return None
    members = {name.lower(): name for name in shape.members}
    plain = argument.removesuffix("_all").replace("_", "")  # tags_all: the tags with those of the provider
    return next((members[name] for name in (plain, f"{plain}s", f"{plain}es") if name in members), None)


def _member(shape: Shape, name: str) -> Shape | None:
    if isinstance(shape, MapShape):
        return shape.value
    return shape.members.get(name) if isinstance(shape, StructureShape) else None


def _pair(shape: Shape) -> tuple[str, str] | None:
    """The two members of a structure that holds one entry of a map, as tags and dimensions are sent."""
    members = list(shape.members) if isinstance(shape, StructureShape) else []
    key = next((name for name in members if name.lower() in {"key", "name", "tagkey"}), None)
    value = next((name for name in members if name.lower() in {"value", "tagvalue"}), None)
    return (key, value) if key and value and len(members) == 2 else None
