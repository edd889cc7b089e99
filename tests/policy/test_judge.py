"""A plan that is about to be applied: the gate's findings on the invoices table, and on plans that it cannot read."""

import copy
import json
from typing import Any

import pytest

from harness.policy import gate
from harness.policy.rule import FOLDER as FIXTURES

TABLE = "module.invoice_platform.module.table.aws_dynamodb_table.this"
INVOICES: dict[str, Any] = {
    "name": "invoices-prod",
    "hash_key": "invoiceId",
    "billing_mode": "PROVISIONED",
    "deletion_protection_enabled": True,
    "point_in_time_recovery": [{"enabled": True, "recovery_period_in_days": 35}],
    "server_side_encryption": [{"enabled": True}],
    "stream_enabled": True,
    "stream_view_type": "NEW_AND_OLD_IMAGES",
    "attribute": [
        {"name": "invoiceId", "type": "S"},
        {"name": "status", "type": "S"},
        {"name": "createdAt", "type": "S"},
    ],
    "global_secondary_index": [
        {
            "name": "status-index",
            "hash_key": "status",
            "range_key": "createdAt",
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


INCOMPLETE = frozenset({"CKV_INV_103", "CKV_INV_627"})
"""What is found because these plans hold nothing but a part of the table."""


def judged(document: dict[str, Any], environment: str = "prod", **more: Any) -> list[gate.Finding]:
    """A plan's findings, but for those on what is not in it."""
    findings = gate.judge_plan(document, environment=environment, **more)
    return [finding for finding in findings if finding.rule_id not in INCOMPLETE]


def violations(document: dict[str, Any], **more: Any) -> dict[str, str]:
    """The addresses of a plan's findings in prod, by rule."""
    return {finding.rule_id: finding.address for finding in judged(document, **more)}


def test_deleting_the_invoices_table_is_a_violation() -> None:
    assert violations(plan(["delete"], INVOICES, None)) == {"CKV_INV_601": TABLE}


@pytest.mark.parametrize("actions", [["delete", "create"], ["create", "delete"]])
def test_replacing_the_invoices_table_is_a_violation(actions: list[str]) -> None:
    assert violations(plan(actions, INVOICES, {**INVOICES, "hash_key": "id"})) == {"CKV_INV_601": TABLE}


@pytest.mark.parametrize("unknown", [True, {"arn": True, "attribute": [{}, {}], "global_secondary_index": [{}]}])
def test_what_is_unknown_about_a_deleted_table_is_not_read(unknown: Any) -> None:
    document = plan(["delete"], INVOICES, None)
    document["resource_changes"][0]["change"]["after_unknown"] = unknown

    assert violations(document) == {"CKV_INV_601": TABLE}


@pytest.mark.parametrize("name", sorted(INVOICES))
@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
def test_a_table_with_an_attribute_that_is_known_after_the_apply_is_judged(name: str, actions: list[str]) -> None:
    document = plan(actions, INVOICES, {key: value for key, value in INVOICES.items() if key != name})
    document["resource_changes"][0]["change"]["after_unknown"] = {name: True}

    by_rule = violations(document)

    assert by_rule.get("CKV_INV_601") == (TABLE if "delete" in actions else None)
    assert by_rule.get("CKV_INV_602") == (TABLE if name in {"attribute", "global_secondary_index"} else None)


def test_adding_an_index_passes() -> None:
    after = copy.deepcopy(INVOICES)
    after["attribute"].append({"name": "customerId", "type": "S"})
    after["global_secondary_index"].append({**after["global_secondary_index"][0], "name": "customerId-index"})

    assert violations(plan(["update"], INVOICES, after)) == {}


@pytest.mark.parametrize(("days", "broken"), [(0, False), (35, False), (1, True), (34, True)])
def test_a_state_has_zero_days_where_nobody_set_the_period(days: int, *, broken: bool) -> None:
    table = INVOICES | {"point_in_time_recovery": [{"enabled": True, "recovery_period_in_days": days}]}

    assert ("CKV_INV_621" in violations(plan(["no-op"], table, table))) is broken


def test_an_intended_deletion_is_allowed_by_address() -> None:
    document = plan(["delete"], INVOICES, None)

    assert violations(document, allow_destroy=frozenset({TABLE})) == {}
    assert violations(document, allow_destroy=frozenset({"module.other.aws_dynamodb_table.this"})) == {
        "CKV_INV_601": TABLE
    }


def test_an_address_allows_only_its_destruction() -> None:
    after = {**INVOICES, "hash_key": "id", "deletion_protection_enabled": False}

    assert violations(plan(["delete", "create"], INVOICES, after), allow_destroy=frozenset({TABLE})) == {
        "CKV_INV_622": TABLE
    }


def test_a_finding_names_the_resource_the_problem_and_the_fix() -> None:
    (finding,) = gate.judge_plan(plan(["delete"], INVOICES, None), environment="prod")

    assert TABLE in str(finding)
    assert "deletes it" in str(finding)
    assert "--allow-destroy ADDRESS" in str(finding)
    assert finding.guideline.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"errored": True}, "stopped with errors"),
        ({"complete": False}, "stopped with errors"),
        ({"format_version": "2.0"}, "format_version '2.0'"),
        ({"resource_changes": []}, "no resources"),
    ],
)
def test_a_plan_that_shows_nothing_is_a_violation(change: dict[str, Any], message: str) -> None:
    findings = judged({**plan(["no-op"], INVOICES, INVOICES), **change})

    assert [finding.rule_id for finding in findings] == ["CKV_INV_001"]
    assert message in findings[0].message


def test_production_rules_hold_in_production_only() -> None:
    unprotected = {
        **INVOICES,
        "deletion_protection_enabled": False,
        "tags_all": {**INVOICES["tags_all"], "Environment": "dev"},
    }
    document = plan(["no-op"], unprotected, unprotected)

    assert judged(document, "dev") == []
    findings = judged(document)
    assert [finding.rule_id for finding in findings] == ["CKV_INV_622", "CKV_INV_101"]


def test_fixtures_that_are_plans_are_what_terraform_would_print() -> None:
    for path in FIXTURES.glob("*/*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert {change for entry in document["resource_changes"] for change in entry["change"]} == {
            "actions",
            "before",
            "after",
            "after_unknown",
        }
