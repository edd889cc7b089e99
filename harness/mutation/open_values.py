"""Values left open until the apply: what a plan looks like when an expression reads an id that AWS has not chosen yet.

``enabled = aws_kms_key.this.key_id == ""`` has one value only, and no plan of a first deploy shows it. An argument that
is open so reads that id besides what it has read before: whoever follows its references finds all that was there.

A block is open when a ``dynamic`` block has such an expression in its ``for_each``. A plan's configuration leaves out
``dynamic`` blocks, so nothing there shows that the source writes it.
https://developer.hashicorp.com/terraform/internals/json-format#block-expressions-representation
"""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.mutation.provider_schema import BLOCKS, NEVER, ArgumentPath, BlockSchema
from harness.plan.resource import UNKNOWN, Resource

UNTIL_APPLY = "unknown"
"""The operator for arguments, and what stands for the value."""

BLOCK_UNTIL_APPLY = "unknown-block"
"""The operator for blocks."""

OPEN = frozenset({UNTIL_APPLY, BLOCK_UNTIL_APPLY})
"""Both."""

_READ = "aws_kms_key.mutant.key_id"
"""The id that the expression reads."""


OpenPath = tuple[ArgumentPath, str, Any]
"""A path, the operator, and the value that is there."""


def open_paths(resource: Resource, schema: BlockSchema) -> Iterator[OpenPath]:
    """The arguments and blocks of a resource that are known, also those that nobody wrote.

    Args:
        resource: The resource.
        schema: Its type's.
    """
    yield from _in_block(schema, resource.values, ())


def _in_block(schema: BlockSchema, values: Mapping[str, Any], path: ArgumentPath) -> Iterator[OpenPath]:
    for argument in schema.arguments:
        value = values.get(argument.name)
        if argument.name not in NEVER and value is not UNKNOWN and (value is not None or not argument.deprecated):
            yield (*path, argument.name), UNTIL_APPLY, value
    for name, block in schema.blocks.items():
        value = values.get(name)
        if name in NEVER or value is UNKNOWN:
            continue
        yield (*path, name), BLOCK_UNTIL_APPLY, value
        for number, inner in enumerate(value[:BLOCKS] if isinstance(value, list) else ()):
            if isinstance(inner, Mapping):
                yield from _in_block(block, inner, (*path, name, number))


def opened(entry: Mapping[str, Any], path: ArgumentPath) -> dict[str, Any]:
    """A resource of a plan's document in which the value at a path is known after the apply only."""
    change = dict(entry["change"])
    change["after"] = _without(change.get("after"), path)
    change["after_unknown"] = _marked(change.get("after_unknown"), path)
    return {**entry, "change": change}


def opened_expression(expressions: Mapping[str, Any], path: ArgumentPath, operator: str) -> dict[str, Any]:
    """A block's expressions, of which the one at a path reads an id too; without it if it is a block's.

    Args:
        expressions: As the plan's configuration has them.
        path: Where the value is open.
        operator: One of `OPEN`.
    """
    name, *rest = path
    expression = expressions.get(str(name))
    others = {key: each for key, each in expressions.items() if key != name}
    if not rest:
        return {**others, str(name): _reading(expression)} if operator == UNTIL_APPLY else others
    if not isinstance(expression, list):  # a dynamic block has no expression
        return dict(expressions)
    number, *inner = rest
    blocks = [
        opened_expression(block, tuple(inner), operator) if at == number else block
        for at, block in enumerate(expression)
    ]
    return {**others, str(name): blocks}


def _reading(expression: Any) -> dict[str, Any]:
    read = expression.get("references", []) if isinstance(expression, Mapping) else []
    return {"references": [*read, _READ, _READ.rpartition(".")[0]]}


def _without(values: Any, path: ArgumentPath) -> Any:
    step, *rest = path
    if isinstance(values, Mapping):
        others = {name: value for name, value in values.items() if name != step}
        return {**others, str(step): _without(values.get(str(step)), tuple(rest))} if rest else others
    if isinstance(values, list):
        return [_without(item, tuple(rest)) if at == step else item for at, item in enumerate(values)]
    return values


def _marked(unknown: Any, path: ArgumentPath) -> Any:
    """What is unknown, with a path."""
    if not path:
        return True
    step, *rest = path
    if isinstance(step, int):
        items = list(unknown) if isinstance(unknown, list) else []
        items += [{}] * (step + 1 - len(items))
        return [_marked(item, tuple(rest)) if at == step else item for at, item in enumerate(items)]
    marks = dict(unknown) if isinstance(unknown, Mapping) else {}
    return {**marks, step: _marked(marks.get(step), tuple(rest))}
