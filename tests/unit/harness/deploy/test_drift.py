"""What counts as a difference, and how it is reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import drift_report, unmanaged
from harness.deploy.drift import Difference, Kind, changed_names
from harness.terraform.plan import ResourceChange

KEY, SECRET = "aws_api_gateway_api_key", "aws_secretsmanager_secret_version"
INDEX = {"name": "status-index", "hash_key": "status", "read_capacity": 5}


def change(before: dict[str, Any], after: dict[str, Any], kind: str = "aws_lambda_function") -> ResourceChange:
    return ResourceChange("x", kind, ("update",), before, after, {})


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"tags": None}, {"tags": {}}, "aws_lambda_function"),
        ({"layers": None, "description": ""}, {"layers": [], "description": None}, "aws_lambda_function"),
        ({"rule": [{"id": "a"}]}, {"rule": [{"id": "a", "prefix": "", "expired": False}]}, "aws_s3_bucket_x"),
        ({"policy": ""}, {"policy": "{...}"}, "aws_s3_bucket"),
        ({"read_capacity": 5}, {"read_capacity": 50}, "aws_dynamodb_table"),
        (
            {"global_secondary_index": [INDEX]},
            {"global_secondary_index": [INDEX | {"read_capacity": 50}]},
            "aws_dynamodb_table",
        ),
        ({"last_modified": "1"}, {"last_modified": "2"}, "aws_lambda_function"),
        ({"last_modified": "1"}, {"last_modified": "2"}, "aws_lambda_event_source_mapping"),
        ({"enabled": True, "last_updated_date": "1"}, {"enabled": False, "last_updated_date": "2"}, KEY),
        ({"version_stages": ["AWSCURRENT", "INITIAL"]}, {"version_stages": ["INITIAL"]}, SECRET),
    ],
)
def test_what_only_the_next_read_fills_or_scales_is_no_difference(
    before: dict[str, Any], after: dict[str, Any], kind: str
) -> None:
    assert changed_names(change(before, after, kind)) == []


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({"tags": None}, {"tags": {"Owner": "me"}}, ["tags"]),
        ({"is_enabled": True}, {"is_enabled": False}, ["is_enabled"]),
        ({"timeout": 30}, {"timeout": 3}, ["timeout"]),
        ({"policy": "a"}, {"policy": "b"}, ["policy"]),
        ({"global_secondary_index": [INDEX]}, {"global_secondary_index": []}, ["global_secondary_index"]),
    ],
)
def test_a_change_by_hand_is_a_difference(before: dict[str, Any], after: dict[str, Any], names: list[str]) -> None:
    assert changed_names(change(before, after)) == names


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (KEY, {"enabled": False}, {"enabled": True}),
        (KEY, {"name": "a"}, {"name": "b"}),
        (SECRET, {"version_stages": ["INITIAL"]}, {"version_stages": ["AWSCURRENT", "INITIAL"]}),
    ],
)
def test_what_no_rotation_does_to_a_key_is_a_difference(
    kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """GIVEN a key that a rotation has retired WHEN somebody enables it again THEN it is told."""
    assert changed_names(change(before, after, kind)) == [*before]


def test_what_no_state_has_is_unmanaged(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {
        "resources": [
            {"mode": "managed", "type": "aws_s3_bucket", "instances": [{"attributes": {"bucket": "ours"}}]},
            {"mode": "managed", "type": "aws_cloudwatch_event_archive", "instances": [{"attributes": {"name": "a"}}]},
            {"mode": "data", "type": "aws_iam_role", "instances": [{"attributes": {"name": "read"}}]},
            {"mode": "managed", "type": "terraform_data", "instances": [{"attributes": {}}]},
        ]
    }
    stands = {
        "s3 bucket ours",
        "s3 bucket states",
        "s3 bucket theirs",
        "events archive a",
        "events rule bus/Events-Archive-a",
        "events rule bus/Events-Archive-b",
        "iam role AWSServiceRoleForLambda",
        "iam role read",
        "apigateway API key rotated-1",
    }
    monkeypatch.setattr(unmanaged, "inventory", lambda _: stands)

    rows = unmanaged.unmanaged([state], {}, state_bucket="states", made_by_platform=["apigateway API key rotated-"])

    assert [row.subject for row in rows] == ["events rule bus/Events-Archive-b", "iam role read", "s3 bucket theirs"]
    assert {row.kind for row in rows} == {Kind.UNMANAGED}


def test_the_reports_have_the_place_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = Difference(Kind.CHANGED, "aws_x.y", ("timeout: 30 -> 3",), "Deploy.", "modules/x/main.tf", 7)

    drift_report.show([row])
    file = drift_report.write("a-test", [row], seconds=1.0, folder=tmp_path)

    shown = capsys.readouterr().out
    assert all(part in shown for part in ("changed outside Terraform (1)", "modules/x/main.tf:7", "30 -> 3", "Deploy."))
    (result,) = json.loads(file.read_text())["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("changed", "error")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "modules/x/main.tf"},
        "region": {"startLine": 7},
    }
