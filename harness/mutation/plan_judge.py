"""What notices a generated mutant: the rules of the gate, or a value that a plan spec writes down."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from harness.errors import HarnessError
from harness.mutation.generated import GeneratedMutant, MutatedPlan
from harness.mutation.harmless import row_for
from harness.mutation.written_values import is_written
from harness.plan.graph import PlanGraph
from harness.policy.judge import RULES
from harness.policy.rule import PLAN, UNJUDGED, Rule, violations

MODELS = "CKV_INV_901"
"""The rule by AWS's models. What it alone finds cannot exist, because AWS rejects it: it proves nothing."""

SECRETS = "CKV_INV_703"

ALONE = frozenset({MODELS, SECRETS})
"""Rules that look at each resource alone, and take long: they judge the changed resource only."""

OF_THEIR_TYPES = frozenset({"CKV_INV_515", "CKV_INV_516"})
"""Rules that take long and look at their types only: they judge mutants of these types."""

Violation = tuple[str, str, str]
"""The rule, the address and the message."""


class By(StrEnum):
    """What became of a mutant."""

    RULE = "rule"
    WRITTEN = "written value"
    HARMLESS = "harmless"
    SURVIVED = "survived"
    INVALID = "invalid"


@dataclass(frozen=True)
class Judgement:
    """What noticed a mutant.

    Attributes:
        by: What became of it.
        reason: The rules, or the reason why it does no harm.
    """

    by: By
    reason: str = ""


@dataclass(frozen=True)
class PlanJudge:
    """Judges mutants of one plan.

    Attributes:
        plan: The plan.
        without: Rules that do not judge, to show that they are missed.
    """

    plan: PlanGraph
    without: Collection[str] = ()

    def judge(self, mutant: GeneratedMutant) -> Judgement:
        """What notices a mutant: a rule if one does, else a written value.

        Raises:
            HarnessError: A rule fails on it: whoever gets such a plan learns nothing that helps.
        """
        violations = self._violations(mutant)
        found = {rule for rule, _, _ in violations}
        for rule, address, message in sorted(violations):
            if message.startswith(UNJUDGED):
                raise HarnessError(
                    f"{rule} fails on a plan with {mutant.name}: {address}: {message}",
                    remedy="Let it raise nothing, or a LookupError that says which resource and what to write.",
                )
        if found - {MODELS}:
            return Judgement(By.RULE, ", ".join(sorted(found - {MODELS})))
        if found:
            return Judgement(By.INVALID, MODELS)
        if row := row_for(mutant):
            return Judgement(By.HARMLESS, row.reason)
        if is_written(mutant.definition, mutant.argument):
            return Judgement(By.WRITTEN)
        return Judgement(By.SURVIVED)

    def _violations(self, mutant: GeneratedMutant) -> set[Violation]:
        mutated = MutatedPlan.with_change(mutant, self.plan)
        entries = [entry for entry in self.plan.document["resource_changes"] if entry["address"] == mutant.address]
        alone = {**self.plan.document, "resource_changes": entries, "variables": {}, "planned_values": {}}
        others = [
            rule
            for rule in self._rules
            if rule.id not in ALONE and (rule.id not in OF_THEIR_TYPES or mutant.type in rule.types)
        ]
        return (
            (_found(mutated, others) - self._accepted)
            | self._alone(mutant, MODELS, alone)
            | (self._alone(mutant, SECRETS, {**alone, "configuration": {}}))
        )

    def _alone(self, mutant: GeneratedMutant, rule_id: str, document: Mapping[str, Any]) -> set[Violation]:
        """What one rule finds in a plan with the changed resource only."""
        plan = MutatedPlan.with_change(mutant, PlanGraph(document, self.plan.environment, self.plan.source))
        return _found(plan, [rule for rule in self._rules if rule.id == rule_id])

    @cached_property
    def _rules(self) -> list[Rule]:
        return [
            rule
            for rule in RULES.values()
            if PLAN in rule.modes and rule.applies(self.plan.environment) and rule.id not in self.without
        ]

    @cached_property
    def _accepted(self) -> set[Violation]:
        """What the rules find in the plan itself."""
        return _found(self.plan, [rule for rule in self._rules if rule.id not in ALONE])


def _found(plan: PlanGraph, rules: Collection[Rule]) -> set[Violation]:
    return {(finding.rule_id, finding.address, finding.message) for rule in rules for finding in violations(rule, plan)}
