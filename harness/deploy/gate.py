"""The gate on a deploy's plan: the plan rules, checkov if requested, and the ledger of suppressions."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from harness.paths import BUILD
from harness.plan.graph import PlanGraph
from harness.policy import checkov, ledger, unplanned
from harness.policy.blocks import Blocks
from harness.policy.call_sites import written_at
from harness.policy.finding import Finding
from harness.policy.gate import judge_plan
from harness.policy.judge import DESTROY_RULES
from harness.terraform.plan import TerraformPlan

SECOND_DEPLOYMENT = "CKV_INV_603"
"""The rule that every plan breaks which removes a route. A deploy keeps it with its second plan; see `steps`."""


def findings_on(
    plan: TerraformPlan, environment: str, allow_destroy: frozenset[str], *, full: bool, today: date
) -> list[Finding]:
    """The findings on a plan, worst first, without those that the ledger of suppressions accepts.

    Args:
        plan: The plan.
        environment: The live folder's name.
        allow_destroy: Addresses of the stateful resources that may be destroyed.
        full: Whether checkov scans the plan too.
        today: A suppression is ignored after its last day.
    """
    root = f"live/{environment}"
    planned = PlanGraph(plan.raw, environment, root)
    findings = [
        replace(
            finding,
            root=root,
            definition=planned.definition(finding.address),
            written=written_at(planned, finding, Blocks()),
        )
        for finding in judge_plan(plan.raw, environment=environment, allow_destroy=allow_destroy)
        if finding.rule_id != SECOND_DEPLOYMENT
    ]
    findings += [each for each in unplanned.findings() if each.root == root or each.root.startswith("modules/")]
    if full and not plan.is_empty:
        findings += _checkov(planned, root)
    rows = [row for row in ledger.load() if row.expires >= today]
    remaining = [finding for finding in dict.fromkeys(findings) if not any(row.covers(finding) for row in rows)]
    return sorted(
        Blocks().placed(remaining), key=lambda finding: (finding.severity.rank, finding.rule_id, finding.address)
    )


def needed_permissions(plan: TerraformPlan, environment: str, allow_destroy: frozenset[str]) -> set[str]:
    """The addresses in `allow_destroy` that the gate would reject without the permission."""
    rejected = {
        finding.address for finding in judge_plan(plan.raw, environment=environment) if finding.rule_id in DESTROY_RULES
    }
    return rejected & allow_destroy


def _checkov(planned: PlanGraph, root: str) -> Iterator[Finding]:
    """Checkov's findings on the plan."""
    folder = BUILD / "deploy" / planned.environment
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "plan.json"
    try:
        file.touch(mode=0o600)
        file.write_text(json.dumps(planned.document), encoding="utf-8")
        yield from checkov.run([checkov.Job(root, "plan", file, planned)], (), folder).findings
    finally:
        file.unlink(missing_ok=True)  # it may hold secrets
