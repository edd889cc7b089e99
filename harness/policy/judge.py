"""The plan rules on one plan: no checkov, no files, so that a deploy can ask about the very plan that it will apply."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.plan.graph import PlanGraph
from harness.policy import rules
from harness.policy.finding import Finding, Severity
from harness.policy.rule import PLAN, RULES, Rule, judged

__all__ = ["judge", "judge_plan", "rules"]

DESTROY_RULES = frozenset({"CKV_INV_601", "CKV_INV_602"})
"""What naming an address in ``allow_destroy`` lifts, for that address."""

UNREADABLE = Rule(
    id="CKV_INV_001",
    title="The plan is whole",
    severity=Severity.CRITICAL,
    types=(),
    rationale="A gate that sees nothing finds nothing.",
    guideline="https://developer.hashicorp.com/terraform/internals/json-format",
    remedy="Plan again until Terraform finishes without errors, and give the gate what `terraform show -json` prints "
    "of that plan.",
    modes=frozenset({PLAN}),
)
"""For plans that cannot be judged."""


def judge_plan(
    plan: Mapping[str, Any], *, environment: str, allow_destroy: frozenset[str] = frozenset()
) -> list[Finding]:
    """Judge a plan by every plan rule.

    Args:
        plan: What ``terraform show -json`` prints of a plan file.
        environment: The live folder's name, such as ``prod``; it decides which rules hold. Empty for a module alone.
        allow_destroy: Addresses of resources whose deletion, replacement or rebuilt index is meant.

    Returns:
        The violations, worst first; an incomplete or empty plan is one too. Suppressions are not looked at.
    """
    return judge(
        PlanGraph(plan, environment, f"live/{environment}" if environment else "."), allow_destroy=allow_destroy
    )


def judge(plan: PlanGraph, *, allow_destroy: frozenset[str] = frozenset()) -> list[Finding]:
    """The same for a plan that was read already."""
    found = [UNREADABLE.finding("plan", why) for why in _unreadable(plan)]
    for rule in RULES.values():
        if PLAN in rule.modes and rule.applies(plan.environment):
            found += [
                one for one in judged(rule, plan) if not (rule.id in DESTROY_RULES and one.address in allow_destroy)
            ]
    return sorted(dict.fromkeys(found), key=lambda one: (one.severity.rank, one.rule_id, one.address, one.message))


def _unreadable(plan: PlanGraph) -> Iterable[str]:
    document = plan.document
    if str(document.get("format_version", "")).partition(".")[0] != "1" or "configuration" not in document:
        yield f"This is not a plan that can be read (format_version {document.get('format_version')!r})."
    elif document.get("errored") or not document.get("complete", True):
        yield "The plan is incomplete: the planning stopped with errors, or deferred something."
    if not plan.changes:
        yield "The plan holds no resources at all."
