"""A plan as a graph: every resource that will exist, and which refers to which.

A plan tells values where they are known, and otherwise which expressions they come from (``configuration``). References
are followed through module inputs, module outputs and ``for_each``; not through locals, which a plan leaves out.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from harness.plan.resource import UNKNOWN, Resource, known

ModulePath = tuple[tuple[str, str | int | None], ...]

_DERIVED = frozenset({"tags_all"})
"""Computed from what is written elsewhere: unknown tags are no missing tags."""

_STEP = re.compile(r'module\.([A-Za-z0-9_-]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?')
_REFERENCE = re.compile(r'^(?:data\.)?(aws_[a-z0-9_]+)\.([A-Za-z0-9_-]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?')


@dataclass(frozen=True)
class PlannedChange:
    """What a plan does to one resource: its address, type, actions, and attributes before and after."""

    address: str
    type: str
    actions: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class PlanGraph:
    """A plan, read.

    Attributes:
        document: What ``terraform show -json`` printed.
        environment: The live folder's name; empty for a module example.
        source: The folder of the root, relative to the repository; it names definitions in it.
    """

    document: Mapping[str, Any]
    environment: str = ""
    source: str = "."
    _links: dict[tuple[str, str], tuple[Resource, ...]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _entries(self) -> list[Mapping[str, Any]]:
        return [one for one in self.document.get("resource_changes", ()) if "deposed" not in one]

    @cached_property
    def changes(self) -> tuple[PlannedChange, ...]:
        """What happens to each managed resource, deposed ones included."""
        found = []
        for entry in self.document.get("resource_changes", ()):
            if entry.get("mode", "managed") != "managed":
                continue
            change = entry["change"]
            gone = change.get("after") is None  # whatever after_unknown says of it
            after = {} if gone else known(change["after"], change.get("after_unknown", False))
            found.append(
                PlannedChange(
                    address=entry["address"],
                    type=entry["type"],
                    actions=tuple(change["actions"]),
                    before=change.get("before") or {},
                    after=after if isinstance(after, Mapping) else {},
                )
            )
        return tuple(found)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Everything that will exist after the apply, and the data sources that it reads."""
        found = []
        for entry in self._entries:
            change = entry["change"]
            if change.get("after") is None and set(change["actions"]) & {"delete", "forget"}:
                continue
            values = known(change.get("after"), change.get("after_unknown", False))
            found.append(self._resource(entry, values if isinstance(values, Mapping) else {}))
        return tuple(found)

    def _resource(self, entry: Mapping[str, Any], values: Mapping[str, Any]) -> Resource:
        module = module_path(entry.get("module_address", ""))
        one = Resource(
            address=entry["address"],
            type=entry["type"],
            values=values,
            name=entry["name"],
            index=entry.get("index"),
            module=module,
            definition=f"{self._folder(module)}/{entry['type']}.{entry['name']}",
            data=entry.get("mode") == "data",
            sensitive=entry["change"].get("after_sensitive") or {},
        )
        return one if one.data else replace(one, values=self._without_computed(one))

    def _without_computed(self, one: Resource) -> Mapping[str, Any]:
        """Its attributes without those that AWS fills because nobody set them: unknown too, but not by reference."""
        written = self.expression(one).get("expressions")
        if written is None:
            return one.values
        return {
            name: value
            for name, value in one.values.items()
            if value is not UNKNOWN or name in written or name in _DERIVED
        }

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found = defaultdict(list)
        for one in self.resources:
            found["data." + one.type if one.data else one.type].append(one)
        return found

    def of(self, *types: str) -> list[Resource]:
        """The resources of some types; data sources by ``data.<type>``."""
        return [one for kind in types for one in self._by_type.get(kind, ())]

    def __getitem__(self, address: str) -> Resource:
        """The resource with an address; KeyError without one."""
        return self._by_address[address]

    @cached_property
    def _by_address(self) -> Mapping[str, Resource]:
        return {one.address: one for one in self.resources}

    @cached_property
    def _instances(self) -> Mapping[tuple[ModulePath, str, str, bool], list[Resource]]:
        found = defaultdict(list)
        for one in self.resources:
            found[one.module, one.type, one.name, one.data].append(one)
        return found

    def _module(self, path: ModulePath) -> Mapping[str, Any]:
        here: Mapping[str, Any] = self.document.get("configuration", {}).get("root_module", {})
        for name, _ in path:
            here = here.get("module_calls", {}).get(name, {}).get("module", {})
        return here

    def _call(self, path: ModulePath) -> Mapping[str, Any]:
        """The module block that a path ends with."""
        call: Mapping[str, Any] = self._module(path[:-1]).get("module_calls", {}).get(path[-1][0], {})
        return call

    def _folder(self, path: ModulePath) -> str:
        """Where a module's files lie, relative to the repository."""
        folder = self.source
        for at in range(len(path)):
            folder = _joined(folder, str(self._call(path[: at + 1]).get("source", path[at][0])))
        return folder

    def expression(self, resource: Resource) -> Mapping[str, Any]:
        """The resource's block as the configuration has it."""
        mode = "data" if resource.data else "managed"
        for one in self._module(resource.module).get("resources", ()):
            if (one["mode"], one["type"], one["name"]) == (mode, resource.type, resource.name):
                block: Mapping[str, Any] = one
                return block
        return {}

    def references(self, resource: Resource, path: str) -> list[str]:
        """What the expression at a path refers to, as it is written."""
        return list(_collected(_at(self.expression(resource).get("expressions", {}), path.split("."))))

    def definition(self, address: str) -> str:
        """Where the resource with an address is written, such as ``modules/lambda/aws_lambda_function.this``.

        Args:
            address: Of a resource, with its keys or without.
        """
        path, bare = module_path(address), _bare(address)
        return f"{self._folder(path)}/{bare}" if bare else address

    def arguments(self, module: ModulePath) -> list[str]:
        """What the arguments of a module's call refer to."""
        return list(_collected(self._call(module).get("expressions", {})))

    def links(self, resource: Resource, path: str, *types: str) -> list[Resource]:
        """The resources of some types that an attribute's value comes from."""
        key = (resource.address, path)
        if key not in self._links:
            followed: dict[str, Resource] = {}
            seen: set[tuple[ModulePath, str]] = set()
            for reference in self.references(resource, path):
                for one in self._follow(reference, resource.module, resource, seen):
                    followed[one.address] = one
            self._links[key] = tuple(followed.values())
        return [one for one in self._links[key] if not types or one.type in types]

    def followed(self, reference: str, module: ModulePath) -> list[Resource]:
        """The resources that a reference comes to, such as ``module.api.usage_plan_id`` written in a module."""
        return list({one.address: one for one in self._follow(reference, module, None, set())}.values())

    def _follow(
        self, reference: str, module: ModulePath, user: Resource | None, seen: set[tuple[ModulePath, str]]
    ) -> Iterator[Resource]:
        if (module, reference) in seen:
            return
        seen.add((module, reference))
        if found := _REFERENCE.match(reference):
            yield from self._named(found, module, user)
        elif reference.startswith("each.") and user:
            for one in _collected(self.expression(user).get("for_each_expression", {})):
                yield from self._follow(one, module, user, seen)
        elif reference.startswith("var.") and module:
            for one in self._given(reference.split(".")[1].partition("[")[0], module):
                yield from self._follow(one, module[:-1], None, seen)
        elif step := _STEP.match(reference):
            rest = reference[step.end() :].lstrip(".")
            if rest:
                yield from self._output(step, re.split(r"[.\[]", rest)[0], module, seen)

    def _given(self, argument: str, module: ModulePath) -> Iterator[str]:
        """What a module's argument refers to, in its caller."""
        call = self._call(module)
        for one in _collected(call.get("expressions", {}).get(argument, {})):
            if one.startswith("each."):
                yield from _collected(call.get("for_each_expression", {}))
            else:
                yield one

    def _named(self, found: re.Match[str], module: ModulePath, user: Resource | None) -> Iterator[Resource]:
        instances = self._instances.get((module, found[1], found[2], found[0].startswith("data.")), [])
        wanted: str | int | None = found[3] if found[3] is not None else int(found[4]) if found[4] else None
        if wanted is None and user and user.index is not None:  # this[each.key]: the references leave the key out
            same = [one for one in instances if one.index == user.index]
            instances = same or instances
        for one in instances:
            if wanted is None or one.index == wanted:
                yield one

    def _output(
        self, step: re.Match[str], name: str, module: ModulePath, seen: set[tuple[ModulePath, str]]
    ) -> Iterator[Resource]:
        key: str | int | None = step[2] if step[2] is not None else int(step[3]) if step[3] else None
        paths = {one.module[: len(module) + 1] for one in self.resources if one.module[: len(module)] == module}
        for path in sorted(paths, key=repr):
            if len(path) <= len(module) or path[-1][0] != step[1] or (key is not None and path[-1][1] != key):
                continue
            output = self._module(path).get("outputs", {}).get(name, {})
            for one in _collected(output.get("expression", {})):
                yield from self._follow(one, path, None, seen)


def module_path(address: str) -> ModulePath:
    """``module.a["x"].module.b`` as ``(("a", "x"), ("b", None))``."""
    return tuple(
        (found[1], found[2] if found[2] is not None else int(found[3]) if found[3] else None)
        for found in _STEP.finditer(address)
    )


def _bare(address: str) -> str:
    """A resource's type and label, of its address."""
    found = re.match(r"(?:data\.)?[a-z0-9_]+\.[A-Za-z0-9_-]+", _STEP.sub("", address).lstrip("."))
    return found[0] if found else ""


def _at(expressions: Any, path: Sequence[str]) -> Any:
    if isinstance(expressions, list):
        return [_at(one, path) for one in expressions]
    if not path or not isinstance(expressions, Mapping) or "references" in expressions:
        return expressions
    return _at(expressions.get(path[0], {}), path[1:])


def _collected(expression: Any) -> Iterator[str]:
    if isinstance(expression, Mapping):
        for name, value in expression.items():
            if name == "references" and isinstance(value, list):
                yield from (str(one) for one in value)
            else:
                yield from _collected(value)
    elif isinstance(expression, list):
        for one in expression:
            yield from _collected(one)


def _joined(folder: str, source: str) -> str:
    if not source.startswith("."):
        return source
    parts = [part for part in folder.split("/") if part not in {"", "."}]
    for step in source.split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step not in {"", "."}:
            parts.append(step)
    return "/".join(parts)


def is_unknown(value: Any) -> bool:
    """Whether a value, or all of it that matters, is only known after the apply."""
    return value is UNKNOWN
