"""Every rule fails exactly what it must, in each mode in which it works."""

from typing import TYPE_CHECKING

import pytest

from harness.policy.checkov import PARLIAMENT
from harness.policy.fixtures import Fixture, without_index
from harness.policy.judge import judge
from harness.policy.rule import ATTRIBUTE, RELATION, RULES, UNJUDGED, violations

if TYPE_CHECKING:
    from tests.policy.conftest import JudgedFixtures


def test_on_the_plan_exactly_these_break_the_rule(plan_fixture: Fixture, judged_fixtures: "JudgedFixtures") -> None:
    assert judged_fixtures.on_plan(plan_fixture) == plan_fixture.fails


def test_on_source_exactly_these_break_the_rule(hcl_fixture: Fixture, judged_fixtures: "JudgedFixtures") -> None:
    assert judged_fixtures.on_source(hcl_fixture) == {
        without_index(address) for address in hcl_fixture.fails - hcl_fixture.unseen
    }


def test_messages_are_sentences(plan_fixture: Fixture, judged_fixtures: "JudgedFixtures") -> None:
    messages = [
        found.message for found in violations(RULES[plan_fixture.rule], judged_fixtures.plans[plan_fixture.name])
    ]

    assert [message for message in messages if not message.endswith(".")] == []


def test_a_rule_that_passes_had_something_to_judge(plan_fixture: Fixture, judged_fixtures: "JudgedFixtures") -> None:
    plan = judged_fixtures.plans[plan_fixture.name]
    types = RULES[plan_fixture.rule].types

    assert types == ("*",) or plan.of(*types) or any(change.type in types for change in plan.changes)


def test_a_rule_judges_its_fixtures_instead_of_failing_on_them(
    plan_fixture: Fixture, judged_fixtures: "JudgedFixtures"
) -> None:
    """A rule that raises an error finds that it could not judge, and its fixture would seem to break it."""
    failures = (UNJUDGED, "What the policies allow cannot be evaluated")

    found = violations(RULES[plan_fixture.rule], judged_fixtures.plans[plan_fixture.name])

    assert [each.message for each in found if each.message.startswith(failures)] == []


def test_nothing_but_its_rule_finds_what_breaks_a_rule(
    plan_fixture: Fixture, judged_fixtures: "JudgedFixtures", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule's own judges no finding has its id: what is found comes from it alone."""
    plan = judged_fixtures.plans[plan_fixture.name]
    found = {finding.address for finding in judge(plan) if finding.rule_id == plan_fixture.rule}

    monkeypatch.delitem(ATTRIBUTE, plan_fixture.rule, raising=False)
    monkeypatch.delitem(RELATION, plan_fixture.rule, raising=False)
    left = {finding.address for finding in judge(plan) if finding.rule_id == plan_fixture.rule}

    assert found == (set() if plan_fixture.rule == PARLIAMENT else plan_fixture.fails)
    assert left == set()
