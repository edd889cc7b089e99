"""``--update-plans``: expectations written anew in place, so that comments and everything else stay."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from harness.plan_tests.compare import UNKNOWN, PlanDifference, shown
from harness.plan_tests.reading import Tagged
from harness.plan_tests.spec import Case


def update(case: Case, found: Iterable[PlanDifference | str], said: list[str]) -> list[PlanDifference | str]:
    """Write what was found in place of what was expected.

    Values are replaced where they stand; a resource or output that is gone, a resource that should be absent, a pattern
    that does not fit and a refusal are a person's to decide.

    Args:
        case: The case.
        found: What is wrong with it.
        said: Told each change, as ``address.attribute: old -> new``.

    Returns:
        What could not be written.
    """
    left: list[PlanDifference | str] = []
    edits: list[tuple[str, Any, Any]] = []
    for one in found:
        node = case.document.nodes.get((case.name, "expect", *one.place)) if isinstance(one, PlanDifference) else None
        if not isinstance(one, PlanDifference) or node is None or not _replaceable(one):
            left.append(one)
            continue
        edits.append((f"{one.about}: {shown(one.expected)} -> {shown(one.found)}", node, one.found))
    for what, node, value in edits:
        replace(case.document.file, case.document.text, node, value)
        said.append(f"{case.key}: {what}")
    return left


def _replaceable(difference: PlanDifference) -> bool:
    kind = difference.place[0]
    if isinstance(difference.expected, Tagged) and difference.expected.tag in {"regex", "contains"}:
        return False
    return (
        kind == "inventory"
        or (kind == "resources" and len(difference.place) > 2)
        or (kind == "outputs" and not str(difference.found).startswith("no such output"))
    )


def replace(file: Path, original: str, node: yaml.Node, value: Any) -> None:
    """Put a value where a node is; nodes of the original stay findable, as edits are kept beside the file's text."""
    edits = _EDITS.setdefault(file, {})
    edits[node.start_mark.index] = (_end(node), flow(value))
    text, at = "", 0
    for start, (end, new) in sorted(edits.items()):
        text += original[at:start] + new
        at = end
    file.write_text(text + original[at:], encoding="utf-8")


_EDITS: dict[Path, dict[int, tuple[int, str]]] = {}


def _end(node: yaml.Node) -> int:
    """Where a node's text ends: a block's mark lies behind the blank lines and comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.index)
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    return max(_end(part) for part in parts)


def flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, str) and value == UNKNOWN:
        return "!unknown"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(key))}: {flow(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
