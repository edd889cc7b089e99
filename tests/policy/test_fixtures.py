"""Every rule fails exactly what it must, in each mode in which it works."""

from typing import TYPE_CHECKING

from harness.policy.fixtures import Fixture, without_index
from harness.policy.rule import RULES, violations

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
