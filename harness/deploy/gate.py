"""What the gate says of the plan of a deploy: the plan rules, checkov where it is asked, and the ledger."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from harness.paths import BUILD
from harness.plan.graph import PlanGraph
from harness.policy import checkov, ledger
from harness.policy.finding import Finding
from harness.policy.gate import judge_plan
from harness.policy.judge import DESTROY_RULES
from harness.terraform.plan import TerraformPlan


def findings_on(
    plan: TerraformPlan, environment: str, allow_destroy: frozenset[str], *, full: bool, today: date
) -> list[Finding]:
    """What stands against applying a plan, worst first; what the ledger of suppressions accepts is left out.

    Args:
        plan: The plan.
        environment: The live folder's name.
        allow_destroy: Addresses of stateful resources whose end is meant.
        full: Whether checkov looks at the plan too.
        today: A suppression whose last day is past suppresses nothing.
    """
    root = f"live/{environment}"
    planned = PlanGraph(plan.raw, environment, root)
    found = [
        replace(one, root=root, definition=planned.definition(one.address))
        for one in judge_plan(plan.raw, environment=environment, allow_destroy=allow_destroy)
    ]
    if full and not plan.is_empty:
        found += _checkov(planned, root)
    rows = [row for row in ledger.load() if row.expires >= today]
    open_ = {(one.rule_id, one.address): one for one in found if not any(row.covers(one) for row in rows)}
    return sorted(open_.values(), key=lambda one: (one.severity.rank, one.rule_id, one.address))


def lifted(plan: TerraformPlan, environment: str, allow_destroy: frozenset[str]) -> set[str]:
    """The addresses among those allowed to be destroyed that the gate would refuse otherwise."""
    refused = {one.address for one in judge_plan(plan.raw, environment=environment) if one.rule_id in DESTROY_RULES}
    return refused & allow_destroy


def _checkov(planned: PlanGraph, root: str) -> Iterator[Finding]:
    """Let checkov look at the plan."""
    folder = BUILD / "deploy" / planned.environment
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "plan.json"
    try:
        file.touch(mode=0o600)
        file.write_text(json.dumps(planned.document), encoding="utf-8")
        yield from checkov.run([checkov.Job(root, "plan", file, planned)], (), folder).findings
    finally:
        file.unlink(missing_ok=True)  # it may hold secrets
