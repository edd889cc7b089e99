"""A deploy to AWS leaves alone what else is in the account, and is not led away from AWS by a profile."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.deploy.account import Account
from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan

MINE = "111111111111"
ROLE = f"arn:aws:iam::{MINE}:role/invoice-api-dev-logs"


def plan_of(*resources: tuple[str, str, dict[str, Any]], actions: tuple[str, ...] = ("create",)) -> TerraformPlan:
    """A plan that creates these resources: type, name, attributes."""
    changes = [
        {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "change": {
                "actions": list(actions),
                "before": {},
                "after": None if actions == ("delete",) else values,
                "after_unknown": {},
            },
        }
        for kind, name, values in resources
    ]
    document = {"planned_values": {"root_module": {}}, "configuration": {"root_module": {}}}
    return TerraformPlan.from_json({"format_version": "1.2", "complete": True, "resource_changes": changes, **document})


SETTING = ("aws_api_gateway_account", "this", {"reset_on_delete": True})


def role(name: str) -> tuple[str, str, dict[str, Any]]:
    return ("aws_iam_role", "logs", {"name": name})


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of API Gateway in the account, which a test may change."""
    settings: dict[str, str] = {}

    class Gateway:
        """API Gateway."""

        def get_account(self) -> dict[str, str]:
            """The settings."""
            return settings

    monkeypatch.setattr(boto3, "client", lambda *_, **__: Gateway())
    return settings


def test_the_logging_role_of_another_environment_is_not_taken_over(gateway: dict[str, str]) -> None:
    gateway["cloudwatchRoleArn"] = ROLE

    with pytest.raises(HarnessError, match="invoice-api-dev-logs, which belongs to something else"):
        Account(MINE).check_logging_role(plan_of(SETTING, role("invoice-api-prod-logs")))


@pytest.mark.parametrize(
    ("current", "plan"),
    [
        pytest.param("", plan_of(SETTING, role("invoice-api-prod-logs")), id="a new account"),
        pytest.param(ROLE, plan_of(SETTING, role("invoice-api-dev-logs")), id="its own role"),
        pytest.param(ROLE, plan_of(role("other")), id="a plan without the setting"),
        pytest.param(ROLE, plan_of(SETTING, actions=("delete",)), id="a plan that gives the setting up"),
    ],
)
def test_other_plans_pass(current: str, plan: TerraformPlan, gateway: dict[str, str]) -> None:
    gateway["cloudwatchRoleArn"] = current

    Account(MINE).check_logging_role(plan)


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        pytest.param("endpoint_url = http://127.0.0.1:9", "endpoint_url", id="for all services"),
        pytest.param(
            "services = mine\n[services mine]\ns3 =\n  endpoint_url = http://127.0.0.1:9", "s3", id="for one service"
        ),
    ],
)
def test_a_profile_that_leads_away_from_aws_is_an_error(
    profile: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(f"[profile away]\n{profile}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "away")

    with pytest.raises(HarnessError, match=f"Your AWS profile 'away' has {name} = http://127.0.0.1:9"):
        Account.of_caller("prod", {"TF_VAR_account_id": MINE})


def test_a_profile_whose_endpoints_are_ignored_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile away]\nendpoint_url = http://127.0.0.1:9\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "away")

    with pytest.raises(HarnessError, match="must be the id of the account"):
        Account.of_caller("prod", {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
