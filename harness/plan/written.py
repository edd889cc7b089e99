"""What of a planned value the source writes: after the first apply, AWS has filled what nobody wrote.

A plan's configuration has a list of expressions for each nested block, with the arguments that the block writes.
https://developer.hashicorp.com/terraform/internals/json-format#block-expressions-representation
"""

from collections.abc import Mapping
from typing import Any


def written_part(value: Any, expression: Any) -> Any:
    """A planned value without the members of its blocks that the source does not write.

    Args:
        value: As planned.
        expression: Its expression in the configuration: of an argument (kept as it is), or of blocks.
    """
    if isinstance(expression, list):
        if not isinstance(value, list):
            return value
        if len(expression) != len(value):  # blocks of a `dynamic` block have one expression, or none
            return value
        return [written_part(member, inner) for member, inner in zip(value, expression, strict=True)]
    if isinstance(expression, Mapping) and not {"references", "constant_value"} & set(expression):
        if not isinstance(value, Mapping) or not expression:
            return value
        return {name: written_part(member, expression[name]) for name, member in value.items() if name in expression}
    return value
