"""No rule fails on a value that is known after the apply only: whoever gets such a plan must learn what to write."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.mutation.open_values import opened
from harness.mutation.provider_schema import ArgumentPath
from harness.plan.graph import PlanGraph
from harness.policy.fixtures import Fixture
from harness.policy.rule import RULES, UNJUDGED, violations

if TYPE_CHECKING:
    from tests.policy.conftest import JudgedFixtures


def paths(values: Any, path: ArgumentPath = ()) -> Iterator[ArgumentPath]:
    """Every argument and block of planned values, at any depth."""
    items = values.items() if isinstance(values, Mapping) else enumerate(values) if isinstance(values, list) else ()
    for step, inner in items:
        if isinstance(step, str) and inner is not None:
            yield (*path, step)
        yield from paths(inner, (*path, step))


def with_open_values(plan: PlanGraph) -> Iterator[tuple[str, PlanGraph]]:
    """A plan with one value left open, each in turn; what it is follows from the source no more than from the plan."""
    entries = plan.document["resource_changes"]
    for number, entry in enumerate(entries):
        for path in paths(entry["change"].get("after")):
            changed = [*entries[:number], opened(entry, path), *entries[number + 1 :]]
            document = {**plan.document, "resource_changes": changed}
            yield f"{entry['address']} {path}", PlanGraph(document, plan.environment, plan.source)


def test_a_rule_judges_whatever_is_left_open(plan_fixture: Fixture, judged_fixtures: "JudgedFixtures") -> None:
    rule = RULES[plan_fixture.rule]

    failures = [
        f"{name}: {found.message}"
        for name, plan in with_open_values(judged_fixtures.plans[plan_fixture.name])
        for found in violations(rule, plan)
        if found.message.startswith(UNJUDGED)
    ]

    assert failures == []
