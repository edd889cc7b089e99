"""A rule that raises an error finds what it could not judge."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource
from harness.policy.judge import RULES
from harness.policy.rule import ATTRIBUTE, RELATION, Rule, violations

PLAN = PlanGraph(
    {
        "format_version": "1.2",
        "configuration": {"root_module": {}},
        "resource_changes": [
            {
                "address": f"aws_sqs_queue.{name}",
                "type": "aws_sqs_queue",
                "name": name,
                "mode": "managed",
                "change": {"actions": ["create"], "before": None, "after": {"name": name}, "after_unknown": {}},
            }
            for name in ("first", "second")
        ],
    }
)


def test_an_error_of_a_rule_on_one_resource_names_it_and_the_others_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge_queue(queue: Resource) -> Iterator[str]:
        if queue.name == "first":
            bool(UNKNOWN)
        yield "It is judged."

    monkeypatch.setitem(ATTRIBUTE, "CKV_INV_310", judge_queue)
    monkeypatch.setitem(RULES, "CKV_INV_310", _on_queues("CKV_INV_310"))

    findings = list(violations(RULES["CKV_INV_310"], PLAN))

    assert [finding.address for finding in findings] == ["aws_sqs_queue.first", "aws_sqs_queue.second"]
    assert findings[0].message.startswith("The rule could not judge it (TypeError: an unknown value is neither")
    assert findings[1].message == "It is judged."


def test_an_error_of_a_rule_on_a_plan_names_the_resource_that_it_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge_plan(plan: PlanGraph) -> Iterator[tuple[str, str]]:
        for queue in plan.of("aws_sqs_queue"):
            if queue.name == "second":
                raise KeyError(queue.name)
            yield queue.address, "It is judged."

    monkeypatch.setitem(RELATION, "CKV_INV_309", judge_plan)

    findings = list(violations(RULES["CKV_INV_309"], PLAN))

    assert [(finding.address, finding.message) for finding in findings] == [
        ("aws_sqs_queue.first", "It is judged."),
        ("aws_sqs_queue.second", "The rule could not judge it (KeyError: 'second')."),
    ]


def _on_queues(rule_id: str) -> Rule:
    return replace(RULES[rule_id], types=("aws_sqs_queue",))
