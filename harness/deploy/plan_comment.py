"""A plan and its findings as Markdown, for the comment on a pull request and for a job's summary."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from harness.deploy.change_summary import ROWS, action_of, described_changes
from harness.files import write_whole
from harness.paths import BUILD
from harness.policy.finding import Finding
from harness.terraform.plan import ResourceChange, TerraformPlan


def fingerprint(plan: TerraformPlan, besides: Collection[str] = ()) -> str:
    """A digest of what a plan changes: two plans of the same code on the same state have the same one.

    The file of a plan differs each time, and may hold secrets; the digest shows neither.

    Args:
        plan: The plan.
        besides: Types of resources whose changes do not count.
    """
    changes = [
        (change.address, change.deposed, change.actions, change.before, change.after, change.after_unknown)
        for change in sorted(plan.resources, key=lambda change: (change.address, change.deposed))
        if change.is_change and change.type not in besides
    ]
    outputs = {name: change for name, change in plan.raw.get("output_changes", {}).items() if _changes(change)}
    text = json.dumps([changes, outputs], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _changes(change: object) -> bool:
    return isinstance(change, dict) and change.get("actions") != ["no-op"]


def write(environment: str, plan: TerraformPlan, findings: Sequence[Finding]) -> Path:
    """Write ``build/results/plan-<environment>.md``.

    Args:
        environment: The live folder's name.
        plan: The plan.
        findings: The gate's findings on it.
    """
    file = BUILD / "results" / f"plan-{environment}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, "\n".join(_lines(environment, plan, findings)) + "\n")
    return file


def _lines(environment: str, plan: TerraformPlan, findings: Sequence[Finding]) -> Iterator[str]:
    changes = [change for change in plan.resources if change.is_change]
    counts = Counter(action_of(change) for change in changes)
    totals = ", ".join(f"{number} to {action}" for action, number in sorted(counts.items())) or "no changes"
    yield f"### Plan of {environment}: {totals}"
    yield ""
    yield f"The gate {'passes it' if not findings else f'rejects it: {len(findings)} findings'}."
    yield from (
        f"- **{finding.rule_id}** `{finding.address}`: {_inline(finding.message)}" for finding in findings[:ROWS]
    )
    if changes:
        yield from _details(changes)
    yield ""
    yield f"Changes `{fingerprint(plan)}`"


def _details(changes: Sequence[ResourceChange]) -> Iterator[str]:
    yield ""
    yield "<details><summary>Changes</summary>"
    yield ""
    yield "```text"
    for change in changes[:ROWS]:
        yield f"{action_of(change):<8} {change.address}"
        if action_of(change) != "create":
            yield from (f"         {_inline(line)}" for line in described_changes(change))
    if len(changes) > ROWS:
        yield f"and {len(changes) - ROWS} more"
    yield "```"
    yield ""
    yield "</details>"


def _inline(text: str) -> str:
    """A text of one line that ends no block of Markdown: a value in a plan may come from anybody."""
    return " ".join(text.split()).replace("`", "'")
