"""The table of arguments of which one value does harm: each row finds it, and leaves alone what AWS computes."""

from typing import Any

import pytest

from harness.plan.graph import PlanGraph
from harness.plan.resource import Resource
from harness.policy.rules.values import LIMITS, within_limits

LIMITED = [(kind, limit) for kind, limits in LIMITS.items() for limit in limits]


@pytest.mark.parametrize(("kind", "limit"), LIMITED, ids=[f"{kind}.{limit.argument}" for kind, limit in LIMITED])
def test_each_limit_finds_what_it_is_about(kind: str, limit: Any) -> None:
    def found(value: Any) -> list[str]:
        for name in reversed(limit.argument.split(".")):
            value = {name: value}
        return [*limit.problems(Resource("a.b", kind, value))]

    harmful: list[Any] = [None] if limit.required else []
    harmful += ["mutant"] if limit.unset or limit.allowed else []
    harmful += [limit.least - 1] if limit.least is not None else []
    harmful += [limit.most + 1] if limit.most is not None else []
    good: list[Any] = [*limit.allowed, *(each for each in (limit.least, limit.most) if each is not None)]
    good += [] if limit.required else [None]

    assert harmful
    assert all(limit.harm in found(value)[0] for value in harmful)
    assert [found(value) for value in good] == [[] for _ in good]


def a_plan(after: dict[str, Any], before: dict[str, Any] | None, written: tuple[str, ...] = ()) -> PlanGraph:
    """A plan of dev with one API key."""
    change = {"actions": ["update"], "before": before, "after": after, "after_sensitive": {"value": True}}
    block = {"mode": "managed", "type": "aws_api_gateway_api_key", "name": "k", "address": "aws_api_gateway_api_key.k"}
    resources = [{**block, "expressions": {name: {} for name in written}}]
    document = {"format_version": "1.2", "resource_changes": [{**block, "change": change}]}
    return PlanGraph({**document, "configuration": {"root_module": {"resources": resources}}}, "dev")


@pytest.mark.parametrize(
    ("before", "written", "found"),
    [
        (None, (), True),
        ({"value": "other"}, (), True),
        ({"value": "computed"}, ("value",), True),
        ({"value": "computed"}, ("name",), False),
    ],
)
def test_what_aws_has_computed_is_left_alone(
    before: dict[str, Any] | None, written: tuple[str, ...], *, found: bool
) -> None:
    messages = [message for _, message in within_limits(a_plan({"value": "computed"}, before, written))]

    expected = "value is set: a key in the configuration is in its history for good. Remove value."
    assert messages == ([expected] if found else [])


def test_what_aws_has_computed_inside_of_a_written_block_is_left_alone() -> None:
    block = {
        "mode": "managed",
        "type": "aws_appautoscaling_policy",
        "name": "p",
        "address": "aws_appautoscaling_policy.p",
    }
    scaling = {"target_tracking_scaling_policy_configuration": [{"target_value": 70, "scale_in_cooldown": 0}]}
    written = {"target_tracking_scaling_policy_configuration": [{"target_value": {"constant_value": 70}}]}
    change = {"actions": ["no-op"], "before": scaling, "after": scaling}
    document = {"format_version": "1.2", "resource_changes": [{**block, "change": change}]}

    def messages(expressions: dict[str, Any]) -> list[str]:
        configuration = {"root_module": {"resources": [{**block, "expressions": expressions}]}}
        return [message for _, message in within_limits(PlanGraph({**document, "configuration": configuration}, "dev"))]

    assert not any("scale_in_cooldown" in message for message in messages(written))
    written["target_tracking_scaling_policy_configuration"][0]["scale_in_cooldown"] = {"constant_value": 0}
    assert any("scale_in_cooldown is 0" in message for message in messages(written))
