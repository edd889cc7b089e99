"""Every rule fails what it must and nothing else, in each mode in which it claims to work."""

from harness.policy.fixtures import Fixture, without_index
from harness.policy.rule import RULES


def test_on_the_plan_exactly_these_break_the_rule(plan_fixture: Fixture, everything) -> None:
    assert everything.on_plan(plan_fixture) == plan_fixture.fails


def test_on_source_exactly_these_break_the_rule(hcl_fixture: Fixture, everything) -> None:
    assert everything.on_source(hcl_fixture) == {without_index(one) for one in hcl_fixture.fails - hcl_fixture.unseen}


def test_a_rule_that_passes_had_something_to_judge(plan_fixture: Fixture, everything) -> None:
    plan = everything.plans[plan_fixture.name]
    types = RULES[plan_fixture.rule].types

    assert types == ("*",) or plan.of(*types) or any(one.type in types for one in plan.changes)
