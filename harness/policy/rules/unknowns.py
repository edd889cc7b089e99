"""A plan leaves open only the ids that AWS chooses (``policy/unknown_values.toml``): nothing judges an unknown value.

A value becomes unknown as soon as its expression reads an id of something new, whatever it does with it:
``enabled = aws_iam_role.this.unique_id == ""`` is false, and no plan of a first deploy says so. The same expression in
the ``for_each`` of a ``dynamic`` block leaves open whether there is such a block at all. A plan's configuration leaves
out dynamic blocks, so ``policy/blocks.toml`` says which names are blocks.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource
from harness.plan.written import written_part
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

POLICY = Path(__file__).resolve().parents[3] / "policy"
TABLE = POLICY / "unknown_values.toml"


@dataclass(frozen=True)
class OpenArguments:
    """A row of the table.

    Attributes:
        arguments: Patterns of ``<type>.<argument>``.
        reason: Why they are unknown.
        address: A regular expression for the resources.
        is_id: Whether the value is an id, which `harness.policy.decisions` lets nothing decide by.
    """

    arguments: list[str]
    reason: str
    address: str = ".*"
    is_id: bool = True

    def includes(self, resource: Resource, argument: str) -> bool:
        """Whether an argument may be unknown."""
        name = f"{resource.type}.{argument}"
        return any(fnmatchcase(name, pattern) for pattern in self.arguments) and bool(
            re.fullmatch(self.address, resource.address)
        )


ROWS = [OpenArguments(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["unknown"]]
"""The rows of the table."""

_TABLES = tomllib.loads((POLICY / "blocks.toml").read_text(encoding="utf-8"))

BLOCKS: Mapping[str, frozenset[str]] = {kind: frozenset(names) for kind, names in _TABLES["blocks"].items()}
"""The blocks of each type, with the blocks around them."""

FILLED: Mapping[str, frozenset[str]] = {kind: frozenset(names) for kind, names in _TABLES["filled"].items()}
"""Those of them that are open wherever nobody writes them."""


@relation("CKV_INV_904", ("*",))
def known_at_the_plan(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every argument that the source writes, in blocks too; what AWS fills because nobody wrote it does not count."""
    for resource in plan.resources:
        if resource.data:
            continue
        written = plan.expression(resource).get("expressions", {})
        for name, value in resource.values.items():
            if value is UNKNOWN and name not in written:
                continue
            for argument in dict.fromkeys(unknown_in(written_part(value, written.get(name)), name)):
                if argument not in _COMPUTED and not any(row.includes(resource, argument) for row in ROWS):
                    message = f"{argument} is known after the apply only, so nothing judges it: read no id in it."
                    yield resource.address, message
    yield from _open_blocks(plan)


def _open_blocks(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Blocks of which a plan does not show whether there are any."""
    for change in plan.changes:
        blocks = BLOCKS.get(change.type, frozenset()) - FILLED.get(change.type, frozenset())
        opened = (unknown_in(value, name) for name, value in change.values.items())
        for path in sorted({path for paths in opened for path in paths if path in blocks}):
            message = (
                f"Only the apply will show whether it has {path}, so nothing judges it: write the block itself, or"
            )
            yield change.address, f"{message} let for_each of its dynamic block read no id."


_COMPUTED = frozenset({"tags_all"})
"""What the provider merges from written values; CKV_INV_101 judges it."""


def unknown_in(value: Any, path: str) -> Iterator[str]:
    """The paths at which a value is unknown, without the numbers of blocks."""
    if value is UNKNOWN:
        yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from unknown_in(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from unknown_in(inner, path)
