"""Policy rules, and the register of all of them.

A rule's words and its scope are data (``policy/fixtures/<id>/rule.toml``, beside its fixtures); its judgement is a
function in `harness.policy.rules`. A rule that looks at one resource works on source (checkov renders the attributes)
and on plans. A rule on how resources are connected, or on what a plan would change, works on plans.
"""

import tomllib
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.plan.resource import Resource
from harness.policy.finding import Finding, Severity

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

HCL: Final = "hcl"
PLAN: Final = "plan"

FOLDER = Path(__file__).resolve().parents[2] / "policy" / "fixtures"
"""One folder for each rule: its ``rule.toml`` and its fixtures."""

AttributeJudge = Callable[[Resource], Iterable[str]]
"""Returns what is wrong with one resource."""

PlanJudge = Callable[["PlanGraph"], Iterable[tuple[str, str]]]
"""Returns, for each violation in a plan, the resource's address and what is wrong with it."""


class Scope(StrEnum):
    """Where a rule holds."""

    EVERYWHERE = "everywhere"
    """In live folders and in module examples."""

    EVERY_LIVE_FOLDER = "every_live_folder"

    WHOLE_ENVIRONMENTS = "whole_environments"
    """In live folders that hold a whole platform: every one except ``bootstrap``."""

    LASTING = "lasting"
    """In ``live/prod``, and in ``live/bootstrap``, which holds every environment's state."""

    PRODUCTION = "production"
    """In ``live/prod``."""

    def includes(self, environment: str) -> bool:
        """Whether an environment is in this scope.

        Args:
            environment: The live folder's name; empty for a module example.
        """
        match self:
            case Scope.EVERYWHERE:
                return True
            case Scope.EVERY_LIVE_FOLDER:
                return environment != ""
            case Scope.WHOLE_ENVIRONMENTS:
                return environment not in {"", "bootstrap"}
            case Scope.LASTING:
                return environment in {"bootstrap", "prod"}
            case Scope.PRODUCTION:
                return environment == "prod"


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        id: ``CKV_INV_<number>``.
        title: What holds where the rule is kept.
        severity: How much harm a violation can do.
        types: The resource types that it judges.
        rationale: Why, in one sentence or two.
        guideline: AWS's own page about it.
        remedy: How to fix a violation.
        modes: In which scans it works: ``hcl``, ``plan``.
        scope: Where it holds.
        includes: The built-in checks of checkov that find nothing more: where both find something, this rule speaks.
    """

    id: str
    title: str
    severity: Severity
    types: tuple[str, ...]
    rationale: str
    guideline: str
    remedy: str
    modes: frozenset[str] = frozenset({HCL, PLAN})
    scope: Scope = Scope.EVERYWHERE
    includes: tuple[str, ...] = ()

    @classmethod
    def read(cls, rule_id: str, types: tuple[str, ...]) -> "Rule":
        """Read a rule's ``rule.toml``.

        Raises:
            FileNotFoundError: There is none.
            TypeError: A key is missing or unknown.
        """
        words = tomllib.loads((FOLDER / rule_id / "rule.toml").read_text(encoding="utf-8"))
        severity, scope = Severity(words.pop("severity")), Scope(words.pop("scope"))
        modes, includes = frozenset(words.pop("modes")), tuple(words.pop("includes", ()))
        return cls(id=rule_id, types=types, severity=severity, scope=scope, modes=modes, includes=includes, **words)

    def applies(self, environment: str) -> bool:
        """Whether it holds in an environment; module examples have none (an empty name)."""
        return self.scope.includes(environment)

    def finding(self, address: str, message: str, *, mode: str = PLAN) -> Finding:
        """A violation of this rule."""
        return Finding(self.id, self.severity, address, None, None, message, self.remedy, self.guideline, mode=mode)


UNJUDGED: Final = "The rule could not judge it"
"""How the message begins when a rule raises an error."""

RULES: dict[str, Rule] = {}
"""Every rule, by id."""

ATTRIBUTE: dict[str, AttributeJudge] = {}
"""The judges of rules that look at one resource, by id."""

RELATION: dict[str, PlanJudge] = {}
"""The judges of rules that look at a whole plan, by id."""


def attribute(rule_id: str, types: tuple[str, ...]) -> Callable[[AttributeJudge], AttributeJudge]:
    """Register the judge of a rule that looks at one resource at a time.

    Args:
        rule_id: Such as ``CKV_INV_203``.
        types: The resource types that it judges.
    """

    def register(judge: AttributeJudge) -> AttributeJudge:
        _register(Rule.read(rule_id, types))
        ATTRIBUTE[rule_id] = judge
        return judge

    return register


def relation(rule_id: str, types: tuple[str, ...]) -> Callable[[PlanJudge], PlanJudge]:
    """Register the judge of a rule that looks at a whole plan.

    Args:
        rule_id: Such as ``CKV_INV_601``.
        types: The resource types that it judges.
    """

    def register(judge: PlanJudge) -> PlanJudge:
        _register(Rule.read(rule_id, types))
        RELATION[rule_id] = judge
        return judge

    return register


def also_on_plan(rule_id: str) -> Callable[[PlanJudge], PlanJudge]:
    """Let a rule on one resource also look at the whole plan, for what source cannot show: what the resource names."""

    def register(judge: PlanJudge) -> PlanJudge:
        if rule_id not in ATTRIBUTE or PLAN not in RULES[rule_id].modes or rule_id in RELATION:
            raise ValueError(f"{rule_id} is not a rule on one resource for plans, or it has a plan judge already")
        RELATION[rule_id] = judge
        return judge

    return register


def _register(rule: Rule) -> None:
    if rule.id in RULES:
        raise ValueError(f"{rule.id} is registered twice")
    RULES[rule.id] = rule


def violations(rule: Rule, plan: "PlanGraph") -> Iterator[Finding]:
    """What one rule finds in a plan; a rule that cannot judge something finds that."""
    if rule.id in ATTRIBUTE:
        for resource in plan.of(*rule.types):
            yield from _of_judge(rule, partial(_of_resource, ATTRIBUTE[rule.id], resource), resource)
    if rule.id in RELATION:
        yield from _of_judge(rule, partial(RELATION[rule.id], plan))


def _of_resource(judge: AttributeJudge, resource: Resource) -> Iterator[tuple[str, str]]:
    yield from ((resource.address, message) for message in judge(resource))


def _of_judge(
    rule: Rule, judge: Callable[[], Iterable[tuple[str, str]]], resource: Resource | None = None
) -> Iterator[Finding]:
    try:
        for address, message in judge():
            yield rule.finding(address, message)
    except Exception as error:  # noqa: BLE001 - whatever a rule raises: what nobody could judge must not pass
        about = resource or last_judged(error)
        words = f"{type(error).__name__}: {error}".rstrip(".")
        yield rule.finding(about.address if about else "plan", f"{UNJUDGED} ({words}).")


def last_judged(error: Exception) -> Resource | None:
    """The resource that a rule looked at when it raised an error: the last one among the variables of its functions."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    resources = (value for frame in reversed(frames) for value in reversed(frame.f_locals.values()))
    return next((value for value in resources if isinstance(value, Resource)), None)
