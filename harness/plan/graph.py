"""A plan as a graph: every resource that will exist, and the references between them.

A plan has values where they are known, and otherwise the expressions that they come from (``configuration``).
References are followed through module inputs, module outputs and ``for_each``, but not through locals, which a plan
leaves out.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from harness.plan.resource import UNKNOWN, Resource
from harness.terraform.plan import ResourceChange, resource_changes

ModulePath = tuple[tuple[str, str | int | None], ...]

_DERIVED = frozenset({"tags_all"})
"""Attributes computed from others: they stay unknown instead of missing."""

_POLICY = "policy"

_WHOLE = "*"
"""In place of an output: every resource of a module."""

_STEP = re.compile(r'module\.([A-Za-z0-9_-]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?')
_REFERENCE = re.compile(r'^(?:data\.)?(aws_[a-z0-9_]+)\.([A-Za-z0-9_-]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?')


@dataclass(frozen=True)
class PlanGraph:
    """A plan.

    Attributes:
        document: What ``terraform show -json`` printed.
        environment: The live folder's name; empty for a module example.
        source: The folder of the root module, relative to the repository; definitions begin with it.
    """

    document: Mapping[str, Any]
    environment: str = ""
    source: str = "."
    _links: dict[tuple[str, str], tuple[Resource, ...]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def changes(self) -> tuple[ResourceChange, ...]:
        """The change of each managed resource, including deposed objects."""
        return tuple(change for change in self._all if change.mode == "managed")

    @cached_property
    def _all(self) -> tuple[ResourceChange, ...]:
        return resource_changes(self.document)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource that will exist after the apply, and the data sources that are read."""
        return tuple(self._resource(change) for change in self._all if not change.deposed and not change.will_be_gone)

    def _resource(self, change: ResourceChange) -> Resource:
        module = module_path(change.module)
        resource = Resource(
            address=change.address,
            type=change.type,
            values=change.values,
            name=change.name,
            index=change.index,
            module=module,
            definition=f"{self._folder(module)}/{change.type}.{change.name}",
            data=change.mode == "data",
            sensitive=change.after_sensitive or {},
        )
        return resource if resource.data else replace(resource, values=self._without_computed(resource))

    def _without_computed(self, resource: Resource) -> Mapping[str, Any]:
        """The attributes without those that AWS fills because nobody set them: unknown too, but not by reference."""
        written = self.expression(resource).get("expressions")
        if written is None:
            return resource.values
        return {
            name: value
            for name, value in resource.values.items()
            if name in written
            or (value is not UNKNOWN and not (name == _POLICY and self._has_separate_policy(resource)))
            or name in _DERIVED
        }

    def _has_separate_policy(self, resource: Resource) -> bool:
        """Whether another resource sets the policy of this one.

        Then its own attribute is what was read last: directly after it was created, the default policy of AWS.
        """
        blocks: list[Mapping[str, Any]] = self._module(resource.module).get("resources", [])
        label = f"{resource.type}.{resource.name}"
        return any(
            label in _collected(block.get("expressions", {}))
            for block in blocks
            if block["type"] == f"{resource.type}_{_POLICY}"
        )

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        by_type = defaultdict(list)
        for resource in self.resources:
            by_type["data." + resource.type if resource.data else resource.type].append(resource)
        return by_type

    def of(self, *types: str) -> list[Resource]:
        """The resources of some types; data sources by ``data.<type>``."""
        return [resource for kind in types for resource in self._by_type.get(kind, ())]

    def __getitem__(self, address: str) -> Resource:
        """The resource with an address.

        Raises:
            KeyError: There is none.
        """
        return self._by_address[address]

    @cached_property
    def _by_address(self) -> Mapping[str, Resource]:
        return {resource.address: resource for resource in self.resources}

    @cached_property
    def _instances(self) -> Mapping[tuple[ModulePath, str, str, bool], list[Resource]]:
        instances = defaultdict(list)
        for resource in self.resources:
            instances[resource.module, resource.type, resource.name, resource.data].append(resource)
        return instances

    def _module(self, path: ModulePath) -> Mapping[str, Any]:
        module: Mapping[str, Any] = self.document.get("configuration", {}).get("root_module", {})
        for name, _ in path:
            module = module.get("module_calls", {}).get(name, {}).get("module", {})
        return module

    def _call(self, path: ModulePath) -> Mapping[str, Any]:
        """The module block that a path ends with."""
        call: Mapping[str, Any] = self._module(path[:-1]).get("module_calls", {}).get(path[-1][0], {})
        return call

    def _folder(self, path: ModulePath) -> str:
        """The folder of a module's files, relative to the repository."""
        folder = self.source
        for at in range(len(path)):
            folder = _joined(folder, str(self._call(path[: at + 1]).get("source", path[at][0])))
        return folder

    def expression(self, resource: Resource) -> Mapping[str, Any]:
        """The resource's block in the configuration."""
        mode = "data" if resource.data else "managed"
        blocks: list[Mapping[str, Any]] = self._module(resource.module).get("resources", [])
        key = (mode, resource.type, resource.name)
        return next((block for block in blocks if (block["mode"], block["type"], block["name"]) == key), {})

    def references(self, resource: Resource, path: str) -> list[str]:
        """The references of the expression at a path, as they are written."""
        return list(_collected(_at(self.expression(resource).get("expressions", {}), path.split("."))))

    def definition(self, address: str) -> str:
        """The block that declares a resource or calls a module, such as ``modules/lambda/aws_lambda_function.this``.

        Args:
            address: The address, with its keys or without.
        """
        path, bare = module_path(address), _bare(address)
        if bare:
            return f"{self._folder(path)}/{bare}"
        return f"{self._folder(path[:-1])}/module.{path[-1][0]}" if path else address

    def arguments(self, module: ModulePath) -> list[str]:
        """The references of the arguments of a module's call."""
        return list(_collected(self._call(module).get("expressions", {})))

    def links(self, resource: Resource, path: str, *types: str) -> list[Resource]:
        """The resources of some types that an attribute's value comes from."""
        key = (resource.address, path)
        if key not in self._links:
            targets: dict[str, Resource] = {}
            seen: set[tuple[ModulePath, str]] = set()
            for reference in self.references(resource, path):
                for target in self._follow(reference, resource.module, resource, seen):
                    targets[target.address] = target
            self._links[key] = tuple(targets.values())
        return [target for target in self._links[key] if not types or target.type in types]

    def waits_for(self, resource: Resource) -> list[Resource]:
        """The resources that Terraform completes before it begins with this one, as far as a plan shows it.

        By references and by ``depends_on``, of resources, modules and outputs, and through other resources.
        """
        waited: dict[str, Resource] = {}
        left = [resource]
        while left:
            for target in self._waited_for(left.pop()):
                if target.address not in waited:
                    waited[target.address] = target
                    left.append(target)
        return [*waited.values()]

    def refers_to(self, resource: Resource) -> list[Resource]:
        """The resources that a resource itself refers to, in its arguments or by ``depends_on``; no data sources."""
        targets = {target.address: target for target in self._waited_for(resource) if not target.data}
        return [*targets.values()]

    def _waited_for(self, resource: Resource) -> Iterator[Resource]:
        block = self.expression(resource)
        written = [block.get(name, {}) for name in ("expressions", "for_each_expression", "count_expression")]
        seen: set[tuple[ModulePath, str]] = set()
        for reference in [*_collected(written), *_depends_on(block)]:
            yield from self._follow(reference, resource.module, resource, seen, order=True)
        for depth in range(len(resource.module)):
            for reference in _depends_on(self._call(resource.module[: depth + 1])):
                yield from self._follow(reference, resource.module[:depth], None, seen, order=True)

    def followed(self, reference: str, module: ModulePath) -> list[Resource]:
        """The resources that a reference leads to, such as ``module.api.usage_plan_id`` written in a module."""
        return list({target.address: target for target in self._follow(reference, module, None, set())}.values())

    def _follow(
        self,
        reference: str,
        module: ModulePath,
        user: Resource | None,
        seen: set[tuple[ModulePath, str]],
        *,
        order: bool = False,
    ) -> Iterator[Resource]:
        """The resources that a reference leads to; with `order` also those that an output or a module waits for."""
        if (module, reference) in seen:
            return
        seen.add((module, reference))
        if match := _REFERENCE.match(reference):
            yield from self._named(match, module, user)
        elif reference.startswith("each.") and user:
            for inner in _collected(self.expression(user).get("for_each_expression", {})):
                yield from self._follow(inner, module, user, seen, order=order)
        elif reference.startswith("var.") and module:
            for inner in self._argument(reference.split(".")[1].partition("[")[0], module):
                yield from self._follow(inner, module[:-1], None, seen, order=order)
        elif step := _STEP.match(reference):
            rest = reference[step.end() :].lstrip(".")
            if rest == _WHOLE:
                depth = len(module)
                inside = (each for each in self.resources if each.module[:depth] == module)
                yield from (each for each in inside if len(each.module) > depth and each.module[depth][0] == step[1])
            elif rest:
                yield from self._output(step, re.split(r"[.\[]", rest)[0], module, seen, order=order)

    def _argument(self, name: str, module: ModulePath) -> Iterator[str]:
        """The references of a module's argument, as its caller writes them."""
        call = self._call(module)
        for reference in _collected(call.get("expressions", {}).get(name, {})):
            if reference.startswith("each."):
                yield from _collected(call.get("for_each_expression", {}))
            else:
                yield reference

    def _named(self, match: re.Match[str], module: ModulePath, user: Resource | None) -> Iterator[Resource]:
        instances = self._instances.get((module, match[1], match[2], match[0].startswith("data.")), [])
        key: str | int | None = match[3] if match[3] is not None else int(match[4]) if match[4] else None
        if key is None and user and user.index is not None:  # this[each.key]: the references leave the key out
            instances = [instance for instance in instances if instance.index == user.index] or instances
        for instance in instances:
            if key is None or instance.index == key:
                yield instance

    def _output(
        self, step: re.Match[str], name: str, module: ModulePath, seen: set[tuple[ModulePath, str]], *, order: bool
    ) -> Iterator[Resource]:
        key: str | int | None = step[2] if step[2] is not None else int(step[3]) if step[3] else None
        modules = {resource.module for resource in self.resources}
        paths = {path[: len(module) + 1] for path in modules if path[: len(module)] == module}
        for path in sorted(paths, key=repr):
            if len(path) <= len(module) or path[-1][0] != step[1] or (key is not None and path[-1][1] != key):
                continue
            output = self._module(path).get("outputs", {}).get(name, {})
            for reference in [
                *_collected(output.get("expression", {})),
                *(_depends_on(output) if order else ()),
            ]:
                yield from self._follow(reference, path, None, seen, order=order)


def _depends_on(block: Mapping[str, Any]) -> list[str]:
    """What a block waits for. A module is marked: an expression that reads its output lists the module as well."""
    return [f"{name}.{_WHOLE}" if _STEP.fullmatch(name) else name for name in block.get("depends_on", ())]


def module_path(address: str) -> ModulePath:
    """``module.a["x"].module.b`` as ``(("a", "x"), ("b", None))``."""
    return tuple(
        (step[1], step[2] if step[2] is not None else int(step[3]) if step[3] else None)
        for step in _STEP.finditer(address)
    )


def _bare(address: str) -> str:
    """The type and label in a resource's address."""
    match = re.match(r"(?:data\.)?[a-z0-9_]+\.[A-Za-z0-9_-]+", _STEP.sub("", address).lstrip("."))
    return match[0] if match else ""


def _at(expressions: Any, path: Sequence[str]) -> Any:
    if isinstance(expressions, list):
        return [_at(block, path) for block in expressions]
    if not path or not isinstance(expressions, Mapping) or "references" in expressions:
        return expressions
    return _at(expressions.get(path[0], {}), path[1:])


def _collected(expression: Any) -> Iterator[str]:
    if isinstance(expression, Mapping):
        for name, value in expression.items():
            if name == "references" and isinstance(value, list):
                yield from map(str, value)
            else:
                yield from _collected(value)
    elif isinstance(expression, list):
        for item in expression:
            yield from _collected(item)


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
