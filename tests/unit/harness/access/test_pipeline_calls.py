"""Recorded requests become rows, and rows become permissions that are no wider than what was recorded."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.access import pipeline_calls
from harness.access.pipeline_calls import PipelineCall, ResourceKind, is_for, names_of
from harness.errors import HarnessError

NAMES = names_of("dev", "dev", "123456789012")
TABLE = "arn:aws:dynamodb:*:{account}:table/invoices-{environment}"


def line(action: str, resource: str, **context: str) -> dict[str, Any]:
    return {"key": "root", "action": action, "resource": resource, "context": context}


def call(action: str, *steps: str, sid: str = "Table", resource: str = TABLE) -> PipelineCall:
    return PipelineCall(action, sid, resource, (), steps)


def test_a_request_becomes_a_row_without_the_names_of_its_environment() -> None:
    lines: list[dict[str, Any]] = [
        {"step": "apply"},
        line("dynamodb:CreateTable", "arn:aws:dynamodb:us-east-1:123456789012:table/invoices-dev"),
        line(
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/hello-dev",
            **{"iam:passedtoservice": "lambda.amazonaws.com"},
        ),
        {"key": "ASIA", "action": "s3:GetObject", "resource": "*", "context": {}},  # a function's own call
    ]

    table, role = pipeline_calls.rows_of(lines, "dev", NAMES)

    assert table == call("dynamodb:CreateTable", "dev apply")
    assert (role.resource, role.keys) == (
        "arn:aws:iam::{account}:role/*-{environment}",
        (("iam:passedtoservice", "lambda.amazonaws.com"),),
    )
    assert role.request(NAMES).resource == "arn:aws:iam::123456789012:role/x-dev"


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:dynamodb:us-east-1:123456789012:table/invoices-prod",
        "arn:aws:dynamodb:us-east-1:999999999999:table/invoices-dev",
        "*",
    ],
)
def test_a_resource_that_the_pipeline_may_not_touch_is_an_error(resource: str) -> None:
    lines = [{"step": "apply"}, line("dynamodb:DeleteTable", resource)]

    with pytest.raises(HarnessError, match=r"dev apply needs dynamodb:DeleteTable on .* no entry"):
        list(pipeline_calls.rows_of(lines, "dev", NAMES))


def test_each_kind_of_role_gets_what_its_steps_need() -> None:
    rows = {
        "plan": call("dynamodb:DescribeTable", "dev update: plan"),
        "drift": call("dynamodb:ListTables", "dev drift"),
        "apply": call("dynamodb:CreateTable", "dev apply"),
        "by hand": call("dynamodb:DeleteTable", "bootstrap apply"),
    }

    may = {kind: {name for name, row in rows.items() if is_for(kind, row)} for kind in pipeline_calls.KINDS_OF_ROLES}

    assert may == {
        "apply": {"plan", "apply"},
        "drift": {"plan", "drift"},
        "plan": {"plan"},
        "preview": {"plan", "drift", "apply"},
    }


def test_the_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = [PipelineCall("s3:GetObject", "Code", "arn:aws:s3:::b/*", (("kms:viaservice", "s3"),), ("dev apply",))]
    file = tmp_path / "calls.yaml"

    pipeline_calls.save([*rows, PipelineCall(*vars(rows[0]).values())], file)

    assert pipeline_calls.load(file) == rows
    assert pipeline_calls.load(file)[0].steps == ("dev apply",)
    assert len(yaml.safe_load(file.read_text(encoding="utf-8"))) == 1


def test_a_grant_that_a_wider_one_covers_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ResourceKind(sid="All", policy="data", resources=("arn:aws:iam::{account}:role/*",))
    narrow = ResourceKind(sid="Own", policy="data", resources=("arn:aws:iam::{account}:role/*-{environment}",))
    monkeypatch.setattr(pipeline_calls, "kinds", lambda: (narrow, wide))
    rows = [
        call("iam:GetRole", "dev plan", sid="Own", resource=narrow.resources[0]),
        call("iam:ListRolePolicies", "dev plan", sid="Own", resource=narrow.resources[0]),
        call("iam:ListRolePolicies", "dev plan", sid="All", resource=wide.resources[0]),
    ]

    policy = pipeline_calls.permissions(rows)["plan"]["data"]

    assert {sid: statement["actions"] for sid, statement in policy.items()} == {
        "All": ["iam:ListRolePolicies"],
        "Own": ["iam:GetRole"],
    }
