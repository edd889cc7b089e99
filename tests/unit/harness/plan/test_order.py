"""What Terraform completes before a resource: by references and by depends_on, of resources, modules and outputs."""

from typing import Any

import pytest

from harness.plan.graph import PlanGraph


def block(kind: str, *references: str, depends_on: tuple[str, ...] = ()) -> dict[str, Any]:
    """A resource ``<kind>.this`` in a configuration. Terraform writes a module's output and the module itself."""
    expressions = {"name": {"references": [*references]}} if references else {}
    written = {"mode": "managed", "type": kind, "name": "this", "expressions": expressions}
    return {**written, "depends_on": [*depends_on]} if depends_on else written


def plan(user: dict[str, Any], output: dict[str, Any], **call: Any) -> PlanGraph:
    """A root with a topic, and a module `api` with a key, its membership of a plan, and an output with the key's id."""
    inside = [
        block("aws_api_gateway_api_key"),
        block("aws_api_gateway_usage_plan_key", "aws_api_gateway_api_key.this.id", "aws_api_gateway_api_key.this"),
    ]
    module = {"resources": inside, "outputs": {"key_id": output}}
    addresses = [
        ("aws_sns_topic", "", "aws_sns_topic.this"),
        *((each["type"], "module.api", f"module.api.{each['type']}.this") for each in inside),
    ]
    change = {"actions": ["create"], "before": None, "after": {}, "after_unknown": {}}
    changes = [
        {"address": address, "type": kind, "name": "this", "mode": "managed", "change": change}
        | ({"module_address": where} if where else {})
        for kind, where, address in addresses
    ]
    root = {"resources": [user], "module_calls": {"api": {"module": module, **call}}}
    return PlanGraph({"resource_changes": changes, "configuration": {"root_module": root}})


KEY, MEMBERSHIP = "module.api.aws_api_gateway_api_key.this", "module.api.aws_api_gateway_usage_plan_key.this"
OF_OUTPUT = block("aws_sns_topic", "module.api.key_id", "module.api")
VALUE = {"expression": {"references": ["aws_api_gateway_api_key.this.id", "aws_api_gateway_api_key.this"]}}


@pytest.mark.parametrize(
    ("user", "output", "waits"),
    [
        pytest.param(OF_OUTPUT, VALUE, {KEY}, id="an output's value"),
        pytest.param(
            OF_OUTPUT,
            {**VALUE, "depends_on": ["aws_api_gateway_usage_plan_key.this"]},
            {KEY, MEMBERSHIP},
            id="what an output waits for",
        ),
        pytest.param(
            block("aws_sns_topic", depends_on=("module.api",)), VALUE, {KEY, MEMBERSHIP}, id="the whole module"
        ),
        pytest.param(block("aws_sns_topic"), VALUE, set(), id="nothing"),
    ],
)
def test_a_resource_waits_for(user: dict[str, Any], output: dict[str, Any], waits: set[str]) -> None:
    graph = plan(user, output)

    assert {resource.address for resource in graph.waits_for(graph["aws_sns_topic.this"])} == waits


def test_a_module_that_waits_makes_its_resources_wait() -> None:
    graph = plan(block("aws_sns_topic"), VALUE, depends_on=["aws_sns_topic.this"])

    assert [resource.address for resource in graph.waits_for(graph[KEY])] == ["aws_sns_topic.this"]
