"""``--update-plans``: replaces expected values in place, so that comments and everything else are kept."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from harness.plan_tests.compare import PlanDifference, shown
from harness.plan_tests.reading import Tagged
from harness.plan_tests.spec import Case
from harness.terraform.unknown import UNKNOWN


def update(case: Case, differing: Iterable[PlanDifference | str], changes: list[str]) -> list[PlanDifference | str]:
    """Replace expected values by planned ones.

    Values are replaced in place. A person has to decide about a resource or output that no longer exists, a resource
    that should be absent, a pattern that does not match, and a rejection.

    Args:
        case: The case.
        differing: The differences between the case and its plan.
        changes: Gets a line for each change: ``address.attribute: old -> new``.

    Returns:
        The differences that are left.
    """
    rest: list[PlanDifference | str] = []
    edits: list[tuple[PlanDifference, yaml.Node]] = []
    for difference in differing:
        if not isinstance(difference, PlanDifference) or not _replaceable(difference):
            rest.append(difference)
            continue
        node = case.document.nodes.get((case.name, "expect", *difference.place))
        if node is None:
            rest.append(difference)
        else:
            edits.append((difference, node))
    for difference, node in edits:
        replace(case.document.file, case.document.text, node, difference.found)
        change = f"{difference.about}: {shown(difference.expected)} -> {shown(difference.found)}"
        changes.append(f"{case.key}: {change}")
    return rest


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
    """Put a value in place of a node. Edits are collected for each file, because nodes refer to the original text."""
    edits = _EDITS.setdefault(file, {})
    edits[node.start_mark.index] = (_end(node), flow(value))
    text, at = "", 0
    for start, (end, new) in sorted(edits.items()):
        text += original[at:start] + new
        at = end
    file.write_text(text + original[at:], encoding="utf-8")


_EDITS: dict[Path, dict[int, tuple[int, str]]] = {}


def _end(node: yaml.Node) -> int:
    """Where a node's text ends: a block's end mark is after the blank lines and comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.index)
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    return max(_end(part) for part in parts)


def flow(value: Any) -> str:
    """A value as YAML, in one line."""
    if value is UNKNOWN:
        return "!unknown"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(key))}: {flow(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(flow(element) for element in value) + "]"
    return json.dumps(value, ensure_ascii=False)
