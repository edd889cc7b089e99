"""What a rule is, and the register of all of them.

A rule that looks at one resource's attributes works on source (checkov renders them) and on plans; one that looks at
how resources stand to each other, or at what a plan would do, works on plans.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.plan.resource import Resource
from harness.policy.finding import Finding, Severity

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

HCL: Final = "hcl"
PLAN: Final = "plan"

AttributeJudge = Callable[[Resource], Iterable[str]]
"""Tells what is wrong with one resource."""

PlanJudge = Callable[["PlanGraph"], Iterable[tuple[str, str]]]
"""Tells the address and what is wrong, for each violation in a plan."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        id: ``CKV_INV_<number>``.
        title: What holds where the rule is kept.
        severity: How much harm a violation can do.
        types: The resource types that it judges.
        rationale: Why, in one sentence or two.
        guideline: AWS's own page on it.
        remedy: What to do about a violation.
        modes: In which scans it works: ``hcl``, ``plan``.
        scope: ``any``; ``tagged`` for live folders; ``live`` for those that are whole environments; ``prod`` for
            production only.
    """

    id: str
    title: str
    severity: Severity
    types: tuple[str, ...]
    rationale: str
    guideline: str
    remedy: str
    modes: frozenset[str] = frozenset({HCL, PLAN})
    scope: str = "any"

    def applies(self, environment: str) -> bool:
        """Whether it holds in an environment; module examples have none (an empty name)."""
        if self.scope == "prod":
            return environment == "prod"
        if self.scope == "tagged":
            return environment != ""
        return self.scope == "any" or environment not in {"", "bootstrap"}

    def finding(self, address: str, message: str, *, mode: str = PLAN) -> Finding:
        """A violation of it."""
        return Finding(self.id, self.severity, address, None, None, message, self.remedy, self.guideline, mode=mode)


RULES: dict[str, Rule] = {}
"""Every rule, by id."""

ATTRIBUTE: dict[str, AttributeJudge] = {}
"""How rules on one resource judge, by id."""

RELATION: dict[str, PlanJudge] = {}
"""How rules on a whole plan judge, by id."""


def attribute(rule: Rule) -> Callable[[AttributeJudge], AttributeJudge]:
    """Register a rule that looks at one resource at a time."""

    def register(judge: AttributeJudge) -> AttributeJudge:
        _register(rule)
        ATTRIBUTE[rule.id] = judge
        return judge

    return register


def relation(rule: Rule) -> Callable[[PlanJudge], PlanJudge]:
    """Register a rule that looks at a whole plan."""

    def register(judge: PlanJudge) -> PlanJudge:
        _register(rule)
        RELATION[rule.id] = judge
        return judge

    return register


def completed(identity: str) -> Callable[[PlanJudge], PlanJudge]:
    """Let a rule on one resource also look at a whole plan: at what the resource names, which source does not tell."""

    def register(judge: PlanJudge) -> PlanJudge:
        if identity not in ATTRIBUTE or PLAN not in RULES[identity].modes or identity in RELATION:
            raise ValueError(f"{identity} is no rule on one resource that works on plans, or is completed already")
        RELATION[identity] = judge
        return judge

    return register


def _register(rule: Rule) -> None:
    if rule.id in RULES:
        raise ValueError(f"{rule.id} stands twice")
    RULES[rule.id] = rule


def judged(rule: Rule, plan: "PlanGraph") -> Iterator[Finding]:
    """What one rule finds in a plan."""
    if rule.id in ATTRIBUTE:
        for resource in plan.of(*rule.types):
            for message in ATTRIBUTE[rule.id](resource):
                yield rule.finding(resource.address, message)
    if rule.id in RELATION:
        for address, message in RELATION[rule.id](plan):
            yield rule.finding(address, message)
