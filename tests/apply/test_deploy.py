"""A deploy applies the plan that the gate has judged, and only that; what ends stored data needs to be named."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.deploy.pipeline import DeployReport, DeployRequest, carry_out
from harness.docs import runbooks
from harness.docs.runbooks import BlockRun
from harness.engine import environments
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.policy.gate import judge_plan
from harness.stack.deployment import Stack
from harness.terraform.plan import Plan
from harness.terraform.run import Terraform
from tests.apply.stage import group

pytestmark = [group("deploy"), pytest.mark.drill]

TABLE = "module.invoice_platform.module.table.aws_dynamodb_table.this"
LOGS = 'module.invoice_platform.module.function["query-invoices"].aws_cloudwatch_log_group.this'

INDEXES = """\
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}

provider "aws" {{
  default_tags {{
    tags = {{ Environment = "dev", ManagedBy = "terraform", Project = "invoice-modernization" }}
  }}
}}

resource "aws_dynamodb_table" "this" {{
  name         = "indexed"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  dynamic "attribute" {{
    for_each = toset(concat(["id"], {indexes}))
    content {{
      name = attribute.value
      type = "S"
    }}
  }}

  dynamic "global_secondary_index" {{
    for_each = toset({indexes})
    content {{
      name            = "${{global_secondary_index.value}}-index"
      hash_key        = global_secondary_index.value
      projection_type = "ALL"
    }}
  }}

  point_in_time_recovery {{
    enabled = true
  }}

  server_side_encryption {{
    enabled = true
  }}
}}
"""
"""A table whose indexes Terraform manages (the module `dynamodb` leaves those of an existing table alone)."""


@dataclass(frozen=True)
class Newcomer:
    """Somebody who types a runbook's commands in a checkout of their own, whose build folder nobody else uses."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> "Newcomer":
        for name in ("docs", "live", "modules"):
            (root / name).symlink_to(ROOT / name)
        noxw = root / "noxw"
        noxw.write_text(
            f"#!/bin/sh\n# ./noxw -s VERB -- ARGUMENTS, without making nox's environments first\n"
            f'verb=$2; shift 3\ncd "{ROOT}"\n'
            f'HARNESS_BUILD_DIR="{root}/build" exec "{sys.executable}" -m harness "$verb" --port auto "$@"\n'
        )
        noxw.chmod(noxw.stat().st_mode | stat.S_IXUSR)
        return cls(root)

    def types(self, document: str) -> list[BlockRun]:
        return runbooks.run(
            self.root / "docs" / "runbooks" / document, self.root, runbooks.fresh_environment(), deadline_s=400
        )


@dataclass(frozen=True)
class Deployed:
    """dev, deployed as the runbook says, and what its commands printed."""

    build: Path
    done: list[BlockRun]
    stack: Stack

    def terraform(self, root: Path, work: Path) -> Terraform:
        """Terraform on another root, at the same engine and the same state."""
        variables = {
            **self.stack.credentials,
            "TF_VAR_account_id": self.stack.account_id,
            "TF_VAR_artifacts_dir": str(self.build / "artifacts" / "dev"),
        }
        return Terraform(root, env=variables, data_dir=work / "data", log_dir=work / "logs")

    def live(self, work: Path, root: Path = ROOT) -> Terraform:
        """Terraform on dev's live folder."""
        terraform = self.terraform(root / "live" / "dev", work)
        bucket = f"invoice-terraform-state-{self.stack.account_id}"
        terraform.init({"bucket": bucket, "use_path_style": "true"})
        return terraform


@pytest.fixture(scope="module")
def deployed(fresh_build: Callable[[], Path]) -> Iterator[Deployed]:
    build = fresh_build()
    checkov = environments.ensure("policy").parent.parent
    shutil.copytree(checkov, build / checkov.relative_to(BUILD), symlinks=True, copy_function=os.link)
    try:
        done = Newcomer.at(build.parent).types("deploy.md")
        stack = Stack.model_validate_json((build / "stack-dev.json").read_text(encoding="utf-8"))
        yield Deployed(build, done, stack)
    finally:
        environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
        down = [sys.executable, "-m", "harness", "down"]
        subprocess.run(down, cwd=ROOT, env=environment, check=False, timeout=120, capture_output=True)


def attempt(terraform: Terraform, work: Path, *options: str, allow: str = "") -> DeployReport:
    """Deploy with a plan of a certain kind, saying yes."""
    report = DeployReport("dev", "embedded")
    request = DeployRequest("dev", frozenset([allow] if allow else []), lambda: True, full_gate=False, options=options)
    try:
        carry_out(terraform, request, report, work / "plan.tfplan")
    except HarnessError as refusal:
        report.findings.append(str(refusal))
    return report


def test_deploy_applies_what_the_gate_found_nothing_against(deployed: Deployed) -> None:
    first, second, written = (one.output for one in deployed.done)

    assert "aws_dynamodb_table" in first
    assert "Judge this plan: 0 findings" in first
    assert "dev runs on the embedded engine" in first
    assert "nothing to apply" in second
    report = json.loads(written)
    assert (report["outcome"], report["findings"], report["changes"]) == ("nothing to change", [], {})
    assert report["account_id"] == deployed.stack.account_id
    assert len(report["plan_sha256"]) == 64


@pytest.mark.parametrize(("option", "word"), [("-destroy", "deletes"), (f"-replace={TABLE}", "replaces")])
def test_plan_that_ends_the_invoices_table_is_refused(
    deployed: Deployed, tmp_path: Path, option: str, word: str
) -> None:
    before = arn_and_birth(deployed)

    report = attempt(deployed.live(tmp_path), tmp_path, option)

    assert report.outcome == "rejected by the gate"
    assert [
        one for one in report.findings if TABLE in one and f"The plan {word} it" in one and "--allow-destroy" in one
    ]
    assert arn_and_birth(deployed) == before


def test_only_what_is_named_may_be_replaced(deployed: Deployed, tmp_path: Path) -> None:
    terraform = deployed.live(tmp_path)

    refused = attempt(terraform, tmp_path, f"-replace={LOGS}")
    idle = attempt(terraform, tmp_path, allow=LOGS)
    allowed = attempt(terraform, tmp_path, f"-replace={LOGS}", allow=LOGS)

    assert refused.outcome == "rejected by the gate"
    assert idle.outcome == "rejected: unneeded --allow-destroy"
    assert (allowed.outcome, allowed.allowed_to_destroy) == ("applied", [LOGS])
    assert allowed.changes["replace"] == 1


def test_plan_that_adds_an_index_passes_and_one_that_drops_it_does_not(deployed: Deployed, tmp_path: Path) -> None:
    shutil.copy(ROOT / "live" / "dev" / ".terraform.lock.hcl", tmp_path)
    terraform = deployed.terraform(tmp_path, tmp_path / "work")

    def planned(indexes: list[str]) -> Plan:
        (tmp_path / "main.tf").write_text(INDEXES.format(indexes=json.dumps(indexes)), encoding="utf-8")
        return terraform.plan()

    (tmp_path / "main.tf").write_text(INDEXES.format(indexes='["customer"]'), encoding="utf-8")
    terraform.init()
    terraform.apply()
    adding, dropping = planned(["customer", "status"]), planned([])

    assert adding["aws_dynamodb_table.this"].actions == ("update",)
    assert judge_plan(adding.raw, environment="") == []
    assert [one.rule_id for one in judge_plan(dropping.raw, environment="")] == ["CKV_INV_602"]


def test_index_of_the_platforms_table_is_added_as_the_runbook_says(deployed: Deployed, tmp_path: Path) -> None:
    """Terraform leaves it alone and says so; once the table has it, the plan passes and touches nothing else."""
    for name in ("modules", "live"):
        shutil.copytree(ROOT / name, tmp_path / name)
    storage = tmp_path / "modules" / "invoice-platform" / "storage.tf"
    text = storage.read_text(encoding="utf-8")
    first = "  global_secondary_indexes = [\n"
    assert first in text
    new = '    { name = "dueDate-index", hash_key = "customerId", range_key = "dueDate" },\n'
    storage.write_text(text.replace(first, first + new), encoding="utf-8")
    terraform = deployed.live(tmp_path / "work", tmp_path)

    with pytest.raises(HarnessError, match=r'Unused attributes: \["dueDate"\]'):
        terraform.plan()  # the provider looks at the keys before the module's own condition looks at the indexes

    dynamodb = deployed.stack.session.client("dynamodb", endpoint_url=deployed.stack.endpoint_url)
    keys = {"customerId": "HASH", "dueDate": "RANGE"}
    dynamodb.update_table(
        TableName=deployed.stack.table_name,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "dueDate-index",
                    "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
                }
            }
        ],
    )
    plan = terraform.plan()

    assert {one.type for one in plan.resources if one.is_change} == {
        "aws_appautoscaling_policy",
        "aws_appautoscaling_target",
    }
    assert [one for one in judge_plan(plan.raw, environment="dev") if "index" in str(one)] == []
    assert attempt(terraform, tmp_path).outcome == "applied"


def arn_and_birth(deployed: Deployed) -> tuple[str, str]:
    """What tells the table from one that was made again."""
    dynamodb = deployed.stack.session.client("dynamodb", endpoint_url=deployed.stack.endpoint_url)
    table = dynamodb.describe_table(TableName=deployed.stack.table_name)["Table"]
    return table["TableArn"], str(table["CreationDateTime"])
