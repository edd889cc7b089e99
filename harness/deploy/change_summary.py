"""A plan, told to a person: how many of what, what exactly, and what the gate has against it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from harness.console import out
from harness.policy.finding import Finding
from harness.terraform.plan import ResourceChange, TerraformPlan

ROWS = 60
"""Changes that are told one by one; the plan file has them all."""

_COLUMNS = ("create", "update", "replace", "delete", "forget")
_COLOURS = {"create": "green", "update": "yellow", "replace": "red", "delete": "red", "forget": "red"}
_WIDTH = 60
_QUIET = frozenset({"tags_all", "id", "arn"})
"""Attributes that only follow others."""


def show_changes(plan: TerraformPlan) -> None:
    """Print what a plan does: a table by type, then what is changed, replaced and destroyed, attribute by attribute."""
    changes = [one for one in plan.resources if one.is_change]
    if not changes:
        return
    out.print(_by_type(changes))
    told = [one for one in changes if action_of(one) != "create"]
    secrets = _sensitive(plan)
    for one in told[:ROWS]:
        action = action_of(one)
        out.print(f"[{_COLOURS[action]}]{action:<8}[/] {escape(one.address)}")
        for line in _attributes(one, secrets.get(one.address, frozenset())):
            out.print(f"           {escape(line)}")
    if len(told) > ROWS:
        out.print(f"[dim]… and {len(told) - ROWS} more.[/]")


def show_findings(findings: Sequence[Finding]) -> None:
    """Print what the gate has against a plan."""
    for one in findings:
        out.print(f"[bold red]{one.severity:<8}[/] {one.rule_id} {escape(one.address)}: {escape(one.message)}")
        out.print(f"         {escape(one.remedy)}")
        out.print(f"         [dim]{escape(one.guideline)}[/]")


def action_of(change: ResourceChange) -> str:
    """What happens to a resource, in one word."""
    return "replace" if change.is_replacement else change.actions[0]


def _by_type(changes: Sequence[ResourceChange]) -> Table:
    counts = Counter((one.type, action_of(one)) for one in changes)
    columns = [name for name in _COLUMNS if any(action == name for _, action in counts)]
    table = Table("Resources", *columns)
    for kind in sorted({kind for kind, _ in counts}):
        table.add_row(kind, *(_cell(counts[kind, name], name) for name in columns))
    table.add_section()
    table.add_row(
        "all", *(_cell(sum(one for (_, act), one in counts.items() if act == name), name) for name in columns)
    )
    return table


def _cell(number: int, action: str) -> str:
    return f"[{_COLOURS[action]}]{number}[/]" if number else ""


def _attributes(change: ResourceChange, secret: frozenset[str]) -> Iterator[str]:
    """The attributes that differ, before and after; a secret's value is not told."""
    if change.actions in {("delete",), ("forget",)}:
        return
    before, after, unknown = change.before or {}, change.after or {}, change.after_unknown or {}
    for name in change.changed():
        if name in _QUIET:
            continue
        if name in secret:
            yield f"{name}: (secret)"
        elif unknown.get(name):
            yield f"{name}: {_short(before.get(name))} -> (known after apply)"
        else:
            yield f"{name}: {_short(before.get(name))} -> {_short(after.get(name))}"


def _sensitive(plan: TerraformPlan) -> dict[str, frozenset[str]]:
    """The names of the attributes that hold secrets, by address."""
    found = {}
    for entry in plan.raw.get("resource_changes", ()):
        marks = [entry["change"].get(side) for side in ("before_sensitive", "after_sensitive")]
        named = {name for mark in marks if isinstance(mark, Mapping) for name, value in mark.items() if value}
        found[entry["address"]] = frozenset(named)
    return found


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
