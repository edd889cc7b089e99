"""Mutants of a plan, generated from the provider's schema: each argument of each planned block, changed alone.

`harness.mutation.operators` has edits that somebody thought of. These are all others of a kind: every boolean turned
round, every enumeration given each of its other values (as AWS's models have them), every number made 0, 1, ten times
as much and a tenth, every list and map emptied, every optional argument and block taken away, every optional one
that is not set, set, and each of them left open until the apply (`harness.mutation.open_values`). An edit of the source
leads to such a plan; the plan is changed instead, so no mutant needs Terraform.
"""

import copy
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from harness.errors import HarnessError
from harness.mutation.open_values import BLOCK_UNTIL_APPLY, OPEN, UNTIL_APPLY, open_paths, opened, opened_expression
from harness.mutation.provider_schema import BLOCKS, NEVER, Argument, ArgumentPath, BlockSchema
from harness.mutation.texts import TEXTS
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource, parsed
from harness.policy.aws_requests import Row, Value, requests_of, rows

_PROBE = "mutant-probe"
_TEXT = "mutant"
_ARN = "arn:aws:iam::999999999999:role/mutant"
_BUCKET = re.compile(r"arn:aws:s3:::[\w.-]+")


@dataclass(frozen=True)
class GeneratedMutant:
    """A plan in which one argument of one resource is another.

    Attributes:
        address: The resource.
        type: Its type.
        definition: The block that declares it, such as ``modules/lambda/aws_lambda_function.this``.
        path: The argument.
        operator: ``flip``, ``enum``, ``number``, ``empty``, ``remove``, ``set``, ``add-block``, or one of
            `harness.mutation.open_values`.
        before: Its value, as JSON; ``unknown`` if it is known after the apply only.
        after: The new value, as JSON; ``unknown`` if it will be known after the apply only.
    """

    address: str
    type: str
    definition: str
    path: ArgumentPath
    operator: str
    before: str
    after: str

    @property
    def argument(self) -> str:
        """The argument without the numbers of blocks, such as ``tracing_config.mode``."""
        return ".".join(str(step) for step in self.path if isinstance(step, str))

    @property
    def name(self) -> str:
        """Such as ``modules/lambda/aws_lambda_function.this publish: true -> false``."""
        return f"{self.definition} {self.argument}: {self.before[:60]} -> {self.after[:60]}"

    def document(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """The plan's document with the mutant's change; everything else is shared."""
        entries = [
            self._changed(entry) if entry["address"] == self.address else entry for entry in plan["resource_changes"]
        ]
        return {**plan, "resource_changes": entries}

    def _changed(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        if self.operator in OPEN:
            return opened(entry, self.path)
        return _changed(entry, self.path, json.loads(self.after))


class MutatedPlan(PlanGraph):
    """A plan in which an argument's expression does not count any more, because it has another value."""

    mutant: GeneratedMutant

    @classmethod
    def with_change(cls, mutant: GeneratedMutant, plan: PlanGraph) -> "MutatedPlan":
        """The mutant's plan."""
        mutated = cls(mutant.document(plan.document), plan.environment, plan.source)
        object.__setattr__(mutated, "mutant", mutant)
        return mutated

    def expression(self, resource: Resource) -> Mapping[str, Any]:
        """Without the references of the changed argument: a written value has none, and one that is open has more."""
        block = super().expression(resource)
        name = str(self.mutant.path[0])
        if resource.address != self.mutant.address:
            return block
        if self.mutant.operator in OPEN:
            expressions = opened_expression(block.get("expressions", {}), self.mutant.path, self.mutant.operator)
            return {**block, "expressions": expressions}
        if name not in block.get("expressions", {}):
            return block
        return {**block, "expressions": _written(block["expressions"], self.mutant.path)}


def _written(expressions: Mapping[str, Any], path: ArgumentPath) -> dict[str, Any]:
    """A block's expressions, of which the one at a path reads nothing; the others of its blocks stay."""
    name, *rest = path
    blocks = expressions.get(str(name))
    if not rest or not isinstance(blocks, list):
        return {**expressions, str(name): {}}
    number, *inner = rest
    changed = [_written(block, tuple(inner)) if at == number else block for at, block in enumerate(blocks)]
    return {**expressions, str(name): changed}


def generate(plan: PlanGraph, schemas: Mapping[str, BlockSchema], *, seed: int) -> list[GeneratedMutant]:
    """All mutants of a plan: those of one instance of each block.

    Args:
        plan: The plan.
        schemas: The provider's, by type.
        seed: Decides which instance of a block is changed.
    """
    instances: dict[str, list[Resource]] = {}
    for resource in plan.resources:
        if not resource.data and resource.type in schemas:
            instances.setdefault(resource.definition, []).append(resource)
    entries = {entry["address"]: entry for entry in plan.document["resource_changes"] if "deposed" not in entry}
    mutants: dict[tuple[str, str, str], GeneratedMutant] = {}
    texts: dict[tuple[str, str, str], GeneratedMutant] = {}
    for definition, candidates in sorted(instances.items()):
        chosen = random.Random(f"{seed} {definition}").choice(sorted(candidates, key=lambda each: each.address))  # noqa: S311 - no secret
        for path, operator, before, after in _Operators(chosen, schemas[chosen.type]).changes():
            mutant = GeneratedMutant(
                chosen.address, chosen.type, definition, path, operator, _shown(before), json.dumps(after)
            )
            mutants.setdefault((definition, str(path), mutant.after), mutant)
        entry = entries[chosen.address]
        for path, operator, before in open_paths(chosen, schemas[chosen.type]):
            if operator == BLOCK_UNTIL_APPLY and opened(entry, path) == entry:  # the provider leaves it open anyway
                continue
            mutants[definition, str(path), operator] = GeneratedMutant(
                chosen.address, chosen.type, definition, path, operator, _shown(before), UNTIL_APPLY
            )
        for resource in candidates:
            for mutant, subject in _of_texts(resource):
                texts.setdefault((definition, mutant.operator, subject), mutant)
    return [*mutants.values(), *texts.values()]


def _of_texts(resource: Resource) -> Iterator[tuple[GeneratedMutant, str]]:
    """The changes of a resource's texts, each with what differs from the text, without the resource's own names.

    The policies of two queues differ in names only: their mutants would prove the same.
    """
    values = [resource.get(name) for name in ("name", "bucket", "function_name", "role")]
    names = [value for value in values if isinstance(value, str)]
    for (kind, path), operators in TEXTS.items():
        text = _at(resource.values, path) if kind == resource.type else None
        if not isinstance(text, str):
            continue
        for operator, changed in operators(text):
            if _compact(changed) == _compact(text):
                continue
            after = json.dumps(changed)
            mutant = GeneratedMutant(
                resource.address, resource.type, resource.definition, path, operator, _difference(changed, text), after
            )
            subject = _BUCKET.sub("", mutant.before)
            for name in names:
                subject = subject.replace(name, "")
            yield mutant, subject


def _at(values: Any, path: ArgumentPath) -> Any:
    for step in path:
        if isinstance(values, list) and isinstance(step, int):
            values = values[step] if step < len(values) else None
        else:
            values = values.get(step) if isinstance(values, Mapping) else None
    return values


def _difference(changed: str, text: str) -> str:
    """The part of a text that a change replaces."""
    before = _compact(text)
    after = _compact(changed)
    start = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    end = next((at for at, pair in enumerate(zip(before[::-1], after[::-1], strict=False)) if pair[0] != pair[1]), 0)
    return before[start : max(len(before) - end, start)]


def _compact(text: str) -> str:
    """A JSON text as `json.dumps` writes it, to be compared; any other text as it is."""
    value = parsed(text)
    return text if value is None or value is UNKNOWN else json.dumps(value)


Change = tuple[ArgumentPath, str, Any, Any]


@dataclass(frozen=True)
class _Operators:
    """The changes of one resource."""

    resource: Resource
    schema: BlockSchema

    def changes(self) -> Iterator[Change]:
        """Every change, with the value before and after."""
        yield from self._in_block(self.schema, self.resource.values, ())

    def _in_block(self, schema: BlockSchema, values: Mapping[str, Any], path: ArgumentPath) -> Iterator[Change]:
        for argument in schema.arguments:
            if argument.name in NEVER:
                continue
            before = values.get(argument.name)
            for operator, after in self._of_argument(argument, before, (*path, argument.name)):
                yield (*path, argument.name), operator, before, after
        for name, block in schema.blocks.items():
            if name not in NEVER:
                yield from self._of_blocks(name, block, values.get(name), path)

    def _of_blocks(self, name: str, block: BlockSchema, value: Any, path: ArgumentPath) -> Iterator[Change]:
        place = (*path, name)
        if isinstance(value, list) and value:
            if block.optional:
                yield place, "remove", value, []
            for number, inner in enumerate(value[:BLOCKS]):
                if isinstance(inner, Mapping):
                    yield from self._in_block(block, inner, (*place, number))
        elif isinstance(value, Mapping):
            yield from self._in_block(block, value, place)
        elif not path and value is not UNKNOWN:
            yield place, "add-block", value, [self._filled(block, (*place, 0))]

    def _filled(self, block: BlockSchema, path: ArgumentPath) -> dict[str, Any]:
        """A block with a value for each argument that is no structure, as somebody would write one."""
        filled: dict[str, Any] = {}
        for argument in block.arguments:
            values = [after for _, after in self._unset(argument, (*path, argument.name))]
            filled[argument.name] = values[0] if values and (not argument.optional or argument.type == "bool") else None
        for name, inner in block.blocks.items():
            filled[name] = [] if inner.optional else [self._filled(inner, (*path, name, 0))]
        return filled

    def _of_argument(self, argument: Argument, before: Any, path: ArgumentPath) -> Iterator[tuple[str, Any]]:
        if before is UNKNOWN:
            if argument.optional:
                yield "remove", None
            if argument.type == "bool":  # AWS's default, which nobody wrote
                yield from self._unset(argument, path)
        elif before in (None, "", [], {}):
            if not argument.deprecated:
                yield from self._unset(argument, path)
        else:
            yield from self._set(argument, before, path)
            if argument.optional and argument.type not in ("bool", "number"):
                yield ("remove", None) if argument.type == "string" else ("empty", _empty(argument))

    def _set(self, argument: Argument, before: Any, path: ArgumentPath) -> Iterator[tuple[str, Any]]:
        if argument.type == "bool":
            yield "flip", not (before is True or before == "true")
        elif argument.type == "number":
            for number in dict.fromkeys((0, 1, before * 10, before // 10 if isinstance(before, int) else before / 10)):
                if number != before:
                    yield "number", number
        elif argument.type == "string":
            yield from (("enum", value) for value in enumeration(self.resource, path) if value != before)

    def _unset(self, argument: Argument, path: ArgumentPath) -> Iterator[tuple[str, Any]]:
        if argument.type == "bool":
            yield "set", True
            if "enable" in argument.name:
                yield "set", False
        elif argument.type == "number":
            yield "set", 1
        elif argument.type == "string":
            values = enumeration(self.resource, path)
            text = _ARN if "arn" in argument.name.split("_") else _TEXT
            yield from (("set", value) for value in values or (text,))
        elif isinstance(argument.type, list) and argument.type[1] in ("string", "number"):
            item: Any = _TEXT if argument.type[1] == "string" else 1
            yield "set", {_TEXT: item} if argument.type[0] == "map" else [item]


def _empty(argument: Argument) -> Any:
    return {} if isinstance(argument.type, list) and argument.type[0] == "map" else []


def _shown(value: Any) -> str:
    return "unknown" if value is UNKNOWN else json.dumps(value, default=lambda _: "unknown")


def enumeration(resource: Resource, path: ArgumentPath) -> tuple[str, ...]:
    """The values that AWS's models allow for an argument; none if they do not list any."""
    table, _ = rows()
    row = table.get(resource.type)
    if row is None:
        return ()
    key = tuple(str(step) for step in path if isinstance(step, str))
    return _enumeration(resource.type, key, lambda: _probed(resource, row, path))


_ENUMERATIONS: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}


def _enumeration(kind: str, key: tuple[str, ...], probe: Any) -> tuple[str, ...]:
    if (kind, key) not in _ENUMERATIONS:
        _ENUMERATIONS[kind, key] = probe()
    return _ENUMERATIONS[kind, key]


def _probed(resource: Resource, row: Row, path: ArgumentPath) -> tuple[str, ...]:
    """The enumeration of the member that an argument's value goes to: a probe shows which one that is."""
    values = _with(resource.values, path, _PROBE)
    try:
        requests = requests_of(replace(resource, values=values), row)
    except (HarnessError, KeyError, AttributeError):
        return ()
    for name, tree in requests.trees.items():
        for shape, value in _leaves(row.shape(name), tree):
            if value == _PROBE and isinstance(shape, StringShape):
                return tuple(shape.enum)
    return ()


def _leaves(shape: Shape, tree: Any) -> Iterator[tuple[Shape, Any]]:
    if isinstance(tree, Value):
        yield shape, tree.value
    elif isinstance(tree, list) and isinstance(shape, ListShape):
        for item in tree:
            yield from _leaves(shape.member, item)
    elif isinstance(tree, Mapping):
        for name, item in tree.items():
            if isinstance(shape, StructureShape) and name in shape.members:
                yield from _leaves(shape.members[name], item)
            elif isinstance(shape, MapShape):
                yield from _leaves(shape.value, item)


def _with(values: Any, path: ArgumentPath, new: Any) -> Any:
    """Values with another one at a path; what is missing on the way is created."""
    if not path:
        return new
    step, *rest = path
    if isinstance(step, int):
        items = list(values) if isinstance(values, list) else []
        items += [{}] * (step + 1 - len(items))
        items[step] = _with(items[step], tuple(rest), new)
        return items
    mapping = dict(values) if isinstance(values, Mapping) else {}
    mapping[step] = _with(mapping.get(step), tuple(rest), new)
    return mapping


def _changed(entry: Mapping[str, Any], path: ArgumentPath, new: Any) -> dict[str, Any]:
    """A resource of a plan's document with another value, which is known."""
    change = copy.copy(dict(entry["change"]))
    change["after"] = _with(change.get("after") or {}, path, new)
    change["after_unknown"] = _known(change.get("after_unknown"), path)
    return {**entry, "change": change}


def _known(unknown: Any, path: ArgumentPath) -> Any:
    """What is unknown, without a path."""
    step, *rest = path
    if isinstance(unknown, Mapping) and step in unknown:
        if not rest:
            return {name: mark for name, mark in unknown.items() if name != step}
        return {**unknown, step: _known(unknown[step], tuple(rest))}
    if isinstance(unknown, list) and isinstance(step, int) and step < len(unknown) and rest:
        return [_known(item, tuple(rest)) if at == step else item for at, item in enumerate(unknown)]
    return unknown
