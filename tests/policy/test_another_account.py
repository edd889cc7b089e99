"""A plan made with a deploy's inputs is the gate's plan: no safeguard depends on the account, boundary or folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.package import placeholders
from harness.paths import ROOT
from harness.policy.judge import judge
from harness.policy.offline_aws import ACCOUNT_ID, offline_aws
from harness.policy.plans import PlannedRoot, plan_live_folder, stored_plan
from harness.settings import PLATFORM

PRODUCTION = ROOT / "live" / "prod"
ACCOUNT = "493827165049"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{PLATFORM.boundary_policy}"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> PlannedRoot:
    """Production, planned as a deploy plans it: in another account, with a boundary and zips of its own folder."""
    folder = tmp_path_factory.mktemp("deploy")
    inputs = {
        "account_id": ACCOUNT,
        "artifacts_dir": str(placeholders(folder / "zips")),
        "permissions_boundary": BOUNDARY,
    }
    with offline_aws(ACCOUNT) as endpoint:
        return plan_live_folder(PRODUCTION, endpoint, work=folder, inputs=inputs)


def test_the_plan_of_a_deploy_has_the_findings_of_the_gate(deployed: PlannedRoot) -> None:
    assert {finding.rule_id for finding in judge(deployed.planned)} == set()


def planned_values(plan: PlannedRoot) -> Mapping[str, Any]:
    """What will exist by address, without what an account, a boundary and a folder are named."""
    account = plan.document["variables"]["account_id"]["value"]
    resources = {
        entry["address"]: {name: entry["change"].get(name) for name in ("after", "after_unknown")}
        for entry in plan.document["resource_changes"]
    }
    text = json.dumps(resources).replace(account, "{account}")
    values: Mapping[str, Any] = json.loads(text)
    for address, change in values.items():
        change["after"].pop("triggers", None)  # a hash over the functions' ARNs, among other things
        if ".aws_s3_object." in address:
            change["after"]["source"] = Path(change["after"]["source"]).name
        if ".aws_iam_role." in address:
            change["after"].pop("permissions_boundary", None)
    return values


def test_the_plan_of_a_deploy_differs_in_names_only(deployed: PlannedRoot) -> None:
    gate, deploy = planned_values(stored_plan(PRODUCTION)), planned_values(deployed)

    assert deploy.keys() == gate.keys()
    assert {address for address in gate if gate[address] != deploy[address]} == set()


def test_every_role_of_a_deploy_has_its_boundary(deployed: PlannedRoot) -> None:
    roles = deployed.planned.of("aws_iam_role")

    assert ACCOUNT != ACCOUNT_ID
    assert {role.get("permissions_boundary") for role in roles} == {BOUNDARY}
