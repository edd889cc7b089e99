"""A plan that is about to be applied: what the gate says of the invoices table, and of plans that it cannot read."""

import copy
import json
from typing import Any

import pytest

from harness.policy import gate
from harness.policy.fixtures import FIXTURES

TABLE = "module.invoice_platform.module.table.aws_dynamodb_table.this"
INVOICES: dict[str, Any] = {
    "name": "invoices-prod",
    "hash_key": "invoiceId",
    "billing_mode": "PROVISIONED",
    "deletion_protection_enabled": True,
    "point_in_time_recovery": [{"enabled": True, "recovery_period_in_days": 35}],
    "stream_enabled": True,
    "stream_view_type": "NEW_AND_OLD_IMAGES",
    "attribute": [{"name": "invoiceId", "type": "S"}, {"name": "status", "type": "S"}],
    "global_secondary_index": [
        {
            "name": "status-index",
            "hash_key": "status",
            "range_key": "",
            "projection_type": "ALL",
            "non_key_attributes": [],
        }
    ],
    "tags_all": {"Environment": "prod", "ManagedBy": "terraform", "Project": "invoice-modernization"},
}


def plan(actions: list[str], before: Any, after: Any) -> dict[str, Any]:
    """A plan with the invoices table and nothing else."""
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    entry = {
        "address": TABLE,
        "module_address": "module.invoice_platform.module.table",
        "mode": "managed",
        "type": "aws_dynamodb_table",
        "name": "this",
        "change": change,
    }
    return {"format_version": "1.2", "resource_changes": [entry], "configuration": {"root_module": {}}}


def judged(document: dict[str, Any], **more: Any) -> dict[str, str]:
    return {one.rule_id: one.address for one in gate.judge_plan(document, environment="prod", **more)}


def test_deleting_the_invoices_table_is_refused() -> None:
    assert judged(plan(["delete"], INVOICES, None)) == {"CKV_INV_601": TABLE}


@pytest.mark.parametrize("actions", [["delete", "create"], ["create", "delete"]])
def test_replacing_the_invoices_table_is_refused(actions: list[str]) -> None:
    assert judged(plan(actions, INVOICES, {**INVOICES, "hash_key": "id"})) == {"CKV_INV_601": TABLE}


@pytest.mark.parametrize("left_over", [True, {"arn": True, "attribute": [{}, {}], "global_secondary_index": [{}]}])
def test_what_is_left_over_of_a_deleted_table_is_not_read(left_over: Any) -> None:
    document = plan(["delete"], INVOICES, None)
    document["resource_changes"][0]["change"]["after_unknown"] = left_over

    assert judged(document) == {"CKV_INV_601": TABLE}


@pytest.mark.parametrize("name", sorted(INVOICES))
@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
def test_a_table_of_which_the_apply_tells_the_rest_is_judged(name: str, actions: list[str]) -> None:
    document = plan(actions, INVOICES, {key: value for key, value in INVOICES.items() if key != name})
    document["resource_changes"][0]["change"]["after_unknown"] = {name: True}
    found = judged(document)

    assert found.get("CKV_INV_601") == (TABLE if "delete" in actions else None)
    assert found.get("CKV_INV_602") == (TABLE if name in {"attribute", "global_secondary_index"} else None)


def test_adding_an_index_passes() -> None:
    after = copy.deepcopy(INVOICES)
    after["attribute"].append({"name": "customerId", "type": "S"})
    after["global_secondary_index"].append({**after["global_secondary_index"][0], "name": "customerId-index"})

    assert judged(plan(["update"], INVOICES, after)) == {}


def test_a_deletion_that_is_meant_is_named() -> None:
    document = plan(["delete"], INVOICES, None)

    assert judged(document, allow_destroy=frozenset({TABLE})) == {}
    assert judged(document, allow_destroy=frozenset({"module.other.aws_dynamodb_table.this"})) == {"CKV_INV_601": TABLE}


def test_naming_an_address_lifts_nothing_but_its_destruction() -> None:
    after = {**INVOICES, "hash_key": "id", "deletion_protection_enabled": False}

    assert judged(plan(["delete", "create"], INVOICES, after), allow_destroy=frozenset({TABLE})) == {
        "CKV_INV_622": TABLE
    }


def test_a_finding_names_the_resource_the_fault_and_the_fix() -> None:
    (finding,) = gate.judge_plan(plan(["delete"], INVOICES, None), environment="prod")

    assert TABLE in str(finding)
    assert "deletes it" in str(finding)
    assert "--allow-destroy ADDRESS" in str(finding)
    assert finding.guideline.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"errored": True}, "stopped with errors"),
        ({"complete": False}, "stopped with errors"),
        ({"format_version": "2.0"}, "format_version '2.0'"),
        ({"resource_changes": []}, "no resources"),
    ],
)
def test_a_plan_that_shows_nothing_is_refused(broken: dict[str, Any], said: str) -> None:
    found = gate.judge_plan({**plan(["no-op"], INVOICES, INVOICES), **broken}, environment="prod")

    assert [one.rule_id for one in found] == ["CKV_INV_001"]
    assert said in found[0].message


def test_production_rules_hold_in_production_only() -> None:
    unprotected = {
        **INVOICES,
        "deletion_protection_enabled": False,
        "tags_all": {**INVOICES["tags_all"], "Environment": "dev"},
    }
    document = plan(["no-op"], unprotected, unprotected)

    assert gate.judge_plan(document, environment="dev") == []
    assert [one.rule_id for one in gate.judge_plan(document, environment="prod")] == ["CKV_INV_622", "CKV_INV_101"]


def test_fixtures_that_are_plans_are_what_terraform_would_print() -> None:
    for path in FIXTURES.glob("*/*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert {change for entry in document["resource_changes"] for change in entry["change"]} == {
            "actions",
            "before",
            "after",
            "after_unknown",
        }
