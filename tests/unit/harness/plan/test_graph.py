"""What a plan's graph shows of a resource: the values that somebody has set, not those that were only read."""

from typing import Any

import pytest

from harness.plan.graph import PlanGraph

TOPIC = {"mode": "managed", "type": "aws_sns_topic", "name": "t", "address": "aws_sns_topic.t"}
POLICY = {"mode": "managed", "type": "aws_sns_topic_policy", "name": "p", "address": "aws_sns_topic_policy.p"}


def policies(written: tuple[str, ...], references: tuple[str, ...]) -> list[Any]:
    """The policies of a topic that exists, as the graph shows them."""
    topic = {**TOPIC, "expressions": {name: {"constant_value": "{}"} for name in written}}
    separate = {**POLICY, "expressions": {"arn": {"references": [*references]}}} if references else None
    read = {"name": "t", "policy": "the default policy"}
    change = {"actions": ["no-op"], "before": read, "after": read}
    document = {
        "resource_changes": [{**TOPIC, "change": change}],
        "configuration": {"root_module": {"resources": [topic, *([separate] if separate else [])]}},
    }
    return [resource.values.get("policy") for resource in PlanGraph(document).of("aws_sns_topic")]


@pytest.mark.parametrize(
    ("written", "references", "shown"),
    [
        pytest.param(("name",), ("aws_sns_topic.t.arn", "aws_sns_topic.t"), None, id="set by another resource"),
        pytest.param(("name",), ("aws_sns_topic.other.arn", "aws_sns_topic.other"), "the default policy", id="read"),
        pytest.param(("name",), (), "the default policy", id="read, without such a resource"),
        pytest.param(("policy",), ("aws_sns_topic.t.arn", "aws_sns_topic.t"), "the default policy", id="written"),
    ],
)
def test_a_policy_that_another_resource_sets_is_not_the_topics(
    written: tuple[str, ...], references: tuple[str, ...], shown: str | None
) -> None:
    assert policies(written, references) == [shown]
