"""The plan rules on one plan, without checkov: a deploy judges the very plan that it will apply."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.plan.graph import PlanGraph
from harness.policy import access, code_metrics, own_code, rules, service_models
from harness.policy.finding import Finding, Severity
from harness.policy.rule import PLAN, RULES, Rule, violations
from harness.terraform.plan import has_known_format, is_complete

__all__ = [  # all but the judges register rules
    "RULES",
    "access",
    "code_metrics",
    "judge",
    "judge_plan",
    "own_code",
    "rules",
    "service_models",
]

DESTROY_RULES = frozenset({"CKV_INV_601", "CKV_INV_602"})
"""The rules that an address in ``allow_destroy`` need not keep."""

UNREADABLE = Rule(
    id="CKV_INV_001",
    title="The plan is complete",
    severity=Severity.CRITICAL,
    types=(),
    rationale="A gate that sees nothing finds nothing.",
    guideline="https://developer.hashicorp.com/terraform/internals/json-format",
    remedy="Plan again until Terraform finishes without errors, and pass the gate what `terraform show -json` prints.",
    modes=frozenset({PLAN}),
)
"""The rule that a plan breaks which cannot be judged."""


def judge_plan(
    plan: Mapping[str, Any], *, environment: str, allow_destroy: frozenset[str] = frozenset()
) -> list[Finding]:
    """Judge a plan by every plan rule.

    Args:
        plan: What ``terraform show -json`` prints of a plan file.
        environment: The live folder's name, such as ``prod``; it decides which rules hold. Empty for a module alone.
        allow_destroy: Addresses of resources whose deletion, replacement or rebuilt index is intended.

    Returns:
        The violations, worst first; an incomplete or empty plan is one too. Suppressions are not applied.
    """
    return judge(
        PlanGraph(plan, environment, f"live/{environment}" if environment else "."), allow_destroy=allow_destroy
    )


def judge(plan: PlanGraph, *, allow_destroy: frozenset[str] = frozenset()) -> list[Finding]:
    """The same for a plan that has been read already."""
    findings = [UNREADABLE.finding("plan", reason) for reason in _unreadable(plan)]
    for rule in RULES.values():
        if PLAN in rule.modes and rule.applies(plan.environment):
            findings += [
                finding
                for finding in violations(rule, plan)
                if not (rule.id in DESTROY_RULES and finding.address in allow_destroy)
            ]
    return sorted(dict.fromkeys(findings), key=_order)


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return finding.severity.rank, finding.rule_id, finding.address, finding.message


def _unreadable(plan: PlanGraph) -> Iterable[str]:
    document = plan.document
    if not has_known_format(document) or "configuration" not in document:
        yield f"This is not a plan that can be read (format_version {document.get('format_version')!r})."
    elif not is_complete(document):
        yield "The plan is incomplete: planning stopped with errors, or Terraform deferred something."
    if not plan.changes:
        yield "The plan holds no resources at all."
