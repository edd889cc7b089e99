"""A plan printed for people: the number of changes by type, each change that is not a creation, the gate's findings."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from harness.console import out
from harness.policy.finding import Finding
from harness.policy.groups import group
from harness.policy.report import all_described
from harness.terraform.plan import ResourceChange, TerraformPlan

ROWS = 60
"""Changes that are printed one by one; the plan file has them all."""

_COLUMNS = ("create", "update", "replace", "delete", "forget")
_COLOURS = {"create": "green", "update": "yellow", "replace": "red", "delete": "red", "forget": "red"}
_WIDTH = 60
_DERIVED = frozenset({"tags_all", "id", "arn"})
"""Attributes that only follow from others; they are not printed."""


def show_changes(plan: TerraformPlan) -> None:
    """Print a plan: a table by type, then each update, replacement and deletion, attribute by attribute."""
    changes = [change for change in plan.resources if change.is_change]
    if not changes:
        return
    out.print(_by_type(changes))
    detailed = [change for change in changes if action_of(change) != "create"]
    for change in detailed[:ROWS]:
        action = action_of(change)
        out.print(f"[{_COLOURS[action]}]{action:<8}[/] {escape(change.address)}")
        for line in described_changes(change):
            out.print(f"           {escape(line)}")
    if len(detailed) > ROWS:
        out.print(f"[dim]… and {len(detailed) - ROWS} more.[/]")


def show_findings(findings: Sequence[Finding]) -> None:
    """Print the gate's findings on a plan, by the block that has to be fixed."""
    for line in all_described(group(findings)):
        out.print(line)


def action_of(change: ResourceChange) -> str:
    """The action on a resource, in one word."""
    return "replace" if change.is_replacement else change.actions[0]


def _by_type(changes: Sequence[ResourceChange]) -> Table:
    counts = Counter((change.type, action_of(change)) for change in changes)
    totals = Counter(action_of(change) for change in changes)
    columns = [action for action in _COLUMNS if totals[action]]
    table = Table("Resources", *columns)
    for kind in sorted({kind for kind, _ in counts}):
        table.add_row(kind, *(_cell(counts[kind, action], action) for action in columns))
    table.add_section()
    table.add_row("all", *(_cell(totals[action], action) for action in columns))
    return table


def _cell(number: int, action: str) -> str:
    return f"[{_COLOURS[action]}]{number}[/]" if number else ""


def described_changes(change: ResourceChange, names: Sequence[str] | None = None) -> Iterator[str]:
    """The attributes that differ, with their values before and after; a secret's value is not shown.

    Args:
        change: Of one resource.
        names: The attributes to describe; by default all that differ.
    """
    if change.actions in {("delete",), ("forget",)}:
        return
    before, after, unknown = change.before or {}, change.after or {}, change.after_unknown or {}
    for name in change.changed() if names is None else names:
        if name in _DERIVED:
            continue
        if name in change.secrets:
            yield f"{name}: (secret)"
        elif unknown.get(name):
            yield f"{name}: {_short(before.get(name))} -> (known after apply)"
        else:
            yield f"{name}: {_short(before.get(name))} -> {_short(after.get(name))}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
