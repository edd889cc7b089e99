"""harness.terraform.plan: a plan's changes, read from Terraform's JSON."""

from typing import Any

import pytest

from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan
from harness.terraform.unknown import UNKNOWN


def document(*changes: tuple[str, list[str], Any, Any], **more: Any) -> dict[str, Any]:
    entries = [
        {
            "address": address,
            "mode": "data" if address.startswith("data.") else "managed",
            "type": address.split(".")[-2],
            "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}},
        }
        for address, actions, before, after in changes
    ]
    return {"format_version": "1.2", "planned_values": {}, "resource_changes": entries, **more}


def test_a_plan_without_changes_is_empty() -> None:
    plan = TerraformPlan.from_json(
        document(("aws_sqs_queue.a", ["no-op"], {}, {}), ("data.aws_region.a", ["read"], None, {}))
    )

    assert plan.is_empty
    assert str(plan) == "no changes"
    assert len(plan.resources) == 2


@pytest.mark.parametrize("actions", [["create"], ["update"], ["delete"], ["delete", "create"], ["forget"]])
def test_every_action_on_a_resource_makes_a_plan_that_is_not_empty(actions: list[str]) -> None:
    assert not TerraformPlan.from_json(document(("aws_sqs_queue.a", actions, {}, {}))).is_empty


def test_a_changed_output_alone_makes_a_plan_that_is_not_empty() -> None:
    plan = TerraformPlan.from_json(
        document(output_changes={"url": {"actions": ["update"], "before": "a", "after": "b"}})
    )

    assert [str(change) for change in plan.changes] == ["output.url: update"]
    assert not plan.is_empty


@pytest.mark.parametrize("more", [{"errored": True}, {"complete": False}])
def test_an_incomplete_plan_is_not_empty(more: dict[str, Any]) -> None:
    assert not TerraformPlan.from_json(document(**more)).is_empty


def test_drift_is_separate_from_changes() -> None:
    drift = document(("aws_sqs_queue.a", ["update"], {"delay": 1}, {"delay": 2}))["resource_changes"]

    plan = TerraformPlan.from_json(document(resource_drift=drift))

    assert plan.is_empty
    assert [str(change) for change in plan.drift] == ["aws_sqs_queue.a: update (delay)"]


def test_a_change_has_the_attributes_that_differ_or_are_unknown() -> None:
    body = document(("module.q.aws_sqs_queue.a", ["update"], {"x": 1, "y": 1, "arn": "a"}, {"x": 2, "y": 1}))
    body["resource_changes"][0]["change"]["after_unknown"] = {"arn": True, "tags": {}}

    change = TerraformPlan.from_json(body)["module.q.aws_sqs_queue.a"]

    assert change.changed() == ["arn", "x"]
    assert str(change) == "module.q.aws_sqs_queue.a: update (arn, x)"


def test_removals_and_replacements_are_recognised() -> None:
    plan = TerraformPlan.from_json(
        document(
            ("aws_sqs_queue.gone", ["delete"], {}, None),
            ("aws_sqs_queue.anew", ["create", "delete"], {}, {}),
            ("aws_sqs_queue.new", ["create"], None, {}),
        )
    )

    assert [change.is_removal for change in plan.by_type("aws_sqs_queue")] == [True, True, False]
    assert [change.is_replacement for change in plan.by_type("aws_sqs_queue")] == [False, True, False]


@pytest.mark.parametrize("body", [{}, {"format_version": "2.0", "planned_values": {}}, {"format_version": "1.0"}])
def test_a_document_that_is_not_a_plan_of_a_known_format_is_an_error(body: dict[str, Any]) -> None:
    with pytest.raises(HarnessError, match="not a plan"):
        TerraformPlan.from_json(body)


def test_an_address_that_the_plan_does_not_have_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"aws_sqs_queue\.b"):
        TerraformPlan.from_json(document(("aws_sqs_queue.a", ["no-op"], {}, {})))["aws_sqs_queue.b"]


def test_planned_values_show_what_is_unknown() -> None:
    body = document(("module.q.aws_sqs_queue.a", ["create"], None, {"name": "a"}))
    body["resource_changes"][0]["change"]["after_unknown"] = {"arn": True}

    change = TerraformPlan.from_json(body)["module.q.aws_sqs_queue.a"]

    assert change.values == {"name": "a", "arn": UNKNOWN}


@pytest.mark.parametrize(("actions", "is_gone"), [(["delete"], True), (["forget"], True), (["create"], False)])
def test_what_will_be_gone_has_no_planned_values(actions: list[str], *, is_gone: bool) -> None:
    body = document(("aws_sqs_queue.a", actions, {"name": "a"}, None))
    body["resource_changes"][0]["change"]["after_unknown"] = {"arn": True}

    change = TerraformPlan.from_json(body)["aws_sqs_queue.a"]

    assert change.will_be_gone is is_gone
    assert change.values == ({} if is_gone else {"arn": UNKNOWN})


def test_an_output_is_unknown_as_a_whole() -> None:
    output = {"url": {"actions": ["create"], "before": None, "after_unknown": True}}

    plan = TerraformPlan.from_json(document(output_changes=output))

    assert plan.outputs[0].planned is UNKNOWN


def test_secrets_are_those_before_or_after() -> None:
    body = document(("aws_x.a", ["update"], {"old": 1}, {"new": 1}))
    body["resource_changes"][0]["change"] |= {
        "before_sensitive": {"old": True, "tags": {}},
        "after_sensitive": {"new": True},
    }

    change = TerraformPlan.from_json(body)["aws_x.a"]

    assert change.secrets == {"old", "new"}
