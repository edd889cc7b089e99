"""A deploy applies only the plan that the gate has judged, and destroys no stateful resource that is not named."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.steps import Steps, carry_out
from harness.docs import runbooks
from harness.docs.runbooks import BlockRun
from harness.engine import environments
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.policy.gate import judge_plan
from harness.policy.rules.platform import CONTENT
from harness.stack.deployment import Stack
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform
from tests.apply.stage import group
from tests.patience import HANG_S

pytestmark = [group("deploy"), pytest.mark.drill]

TABLE = "module.invoice_platform.module.table.aws_dynamodb_table.this"
ROLE = 'module.invoice_platform.module.function["query-invoices"].aws_iam_role.this'
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
"""A table whose indexes Terraform manages (the module `dynamodb` does not manage those of an existing table)."""


@dataclass(frozen=True)
class FreshCheckout:
    """Runs a runbook's commands in a separate checkout, whose build folder nothing else uses.

    Attributes:
        root: The checkout.
        variables: What the runbook tells its reader to set.
    """

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> "FreshCheckout":
        for name in ("docs", "live", "modules"):
            (root / name).symlink_to(ROOT / name)
        noxw = root / "noxw"
        noxw.write_text(
            f"#!/bin/sh\n# ./noxw -s COMMAND -- ARGUMENTS, without creating nox's environments first\n"
            f'command=$2; shift 3\ncd "{ROOT}"\nif [ "$command" = deploy ]; then set -- --port auto "$@"; fi\n'
            f'HARNESS_BUILD_DIR="{root}/build" exec "{sys.executable}" -m harness "$command" "$@"\n'
        )
        noxw.chmod(noxw.stat().st_mode | stat.S_IXUSR)
        return cls(root)

    def types(self, document: str) -> list[BlockRun]:
        environment = {**runbooks.fresh_environment(), **self.variables}
        return runbooks.run(self.root / "docs" / "runbooks" / document, self.root, environment, deadline_s=900)


@dataclass(frozen=True)
class DeployedDev:
    """dev, deployed with the runbook's commands, and their output."""

    build: Path
    runs: list[BlockRun]
    stack: Stack

    def terraform(self, root: Path, work: Path) -> Terraform:
        """Terraform on another root folder, with the same engine."""
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
def deployed(fresh_build: Callable[[], Path]) -> Iterator[DeployedDev]:
    build = fresh_build()
    checkov = environments.ensure("policy").parent.parent
    shutil.copytree(checkov, build / checkov.relative_to(BUILD), symlinks=True, copy_function=os.link)
    try:
        runs = FreshCheckout.at(build.parent).types("deploy.md")
        stack = Stack.model_validate_json((build / "stack-dev.json").read_text(encoding="utf-8"))
        yield DeployedDev(build, runs, stack)
    finally:
        environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
        down = [sys.executable, "-m", "harness", "down"]
        subprocess.run(down, cwd=ROOT, env=environment, check=False, timeout=HANG_S, capture_output=True)


def attempt(deployed: DeployedDev, terraform: Terraform, work: Path, *options: str, allow: str = "") -> DeployReport:
    """Deploy with some plan options, confirmed beforehand; an error is added to the report's findings."""
    report = DeployReport("dev", "embedded")
    functions = deployed.stack.session.client("lambda", endpoint_url=deployed.stack.endpoint_url)
    request = DeployRequest("dev", frozenset([allow] if allow else []), lambda: True, full_gate=False, options=options)
    try:
        carry_out(Steps(terraform, request, report, work / "plan.tfplan"), functions=functions)
    except HarnessError as error:
        report.findings.append(str(error))
    return report


def test_a_deploy_applies_a_plan_without_findings(deployed: DeployedDev) -> None:
    first, second, report_text, drift, smoke = (run.output for run in deployed.runs)

    assert "aws_dynamodb_table" in first
    assert "Judge this plan: 0 findings" in first
    assert "dev runs on the embedded engine" in first
    assert "The smoke test of dev passed." in first
    assert "nothing to apply" in second
    report = json.loads(report_text)
    assert (report["outcome"], report["findings"], report["changes"]) == ("nothing to change", [], {})
    assert report["account_id"] == deployed.stack.account_id
    assert report["smoke"] == "passed"
    assert len(report["plan_sha256"]) == 64
    assert "dev is as its Terraform says, and nothing else is in the account." in drift
    assert "The smoke test of dev passed." in smoke


@pytest.mark.parametrize(("option", "word"), [("-destroy", "deletes"), (f"-replace={TABLE}", "replaces")])
def test_a_plan_that_destroys_the_invoices_table_is_rejected(
    deployed: DeployedDev, tmp_path: Path, option: str, word: str
) -> None:
    before = arn_and_creation_time(deployed)

    report = attempt(deployed, deployed.live(tmp_path), tmp_path, option)

    assert report.outcome == "rejected by the gate"
    assert [
        finding
        for finding in report.findings
        if TABLE in finding and f"The plan {word} it" in finding and "--allow-destroy" in finding
    ]
    assert arn_and_creation_time(deployed) == before


def test_only_a_named_resource_may_be_replaced(deployed: DeployedDev, tmp_path: Path) -> None:
    terraform = deployed.live(tmp_path)

    rejected = attempt(deployed, terraform, tmp_path, f"-replace={LOGS}")
    unneeded = attempt(deployed, terraform, tmp_path, allow=LOGS)
    allowed = attempt(deployed, terraform, tmp_path, f"-replace={LOGS}", allow=LOGS)

    assert rejected.outcome == "rejected by the gate"
    assert unneeded.outcome == "rejected: unneeded --allow-destroy"
    assert (allowed.outcome, allowed.allowed_to_destroy) == ("applied", [LOGS])
    assert allowed.changes["replace"] == 1


def test_the_role_of_a_running_function_is_not_created_anew(deployed: DeployedDev, tmp_path: Path) -> None:
    report = attempt(deployed, deployed.live(tmp_path), tmp_path, f"-replace={ROLE}")

    assert report.outcome == "rejected by the gate"
    assert [finding for finding in report.findings if "CKV_INV_221" in finding and f"Its role {ROLE}" in finding]


def test_a_plan_that_adds_an_index_passes_and_one_that_drops_it_does_not(deployed: DeployedDev, tmp_path: Path) -> None:
    shutil.copy(ROOT / "live" / "dev" / ".terraform.lock.hcl", tmp_path)
    terraform = deployed.terraform(tmp_path, tmp_path / "work")

    def planned(indexes: list[str]) -> TerraformPlan:
        (tmp_path / "main.tf").write_text(INDEXES.format(indexes=json.dumps(indexes)), encoding="utf-8")
        return terraform.plan()

    (tmp_path / "main.tf").write_text(INDEXES.format(indexes='["customer"]'), encoding="utf-8")
    terraform.init()
    terraform.apply()
    adding, dropping = planned(["customer", "status"]), planned([])

    assert adding["aws_dynamodb_table.this"].actions == ("update",)
    assert judge_plan(adding.raw, environment="") == []
    assert [finding.rule_id for finding in judge_plan(dropping.raw, environment="")] == ["CKV_INV_602"]


def test_an_index_of_the_platforms_table_is_added_as_the_runbook_shows(
    deployed: DeployedDev, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan fails while the table lacks the index; once it has it, the plan passes and changes nothing else."""
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
        terraform.plan()  # the provider checks the keys before the module's own condition checks the indexes

    dynamodb = deployed.stack.session.client("dynamodb", endpoint_url=deployed.stack.endpoint_url)
    keys: dict[str, Literal["HASH", "RANGE"]] = {"customerId": "HASH", "dueDate": "RANGE"}
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

    assert {change.type for change in plan.resources if change.is_change} == {
        "aws_appautoscaling_policy",
        "aws_appautoscaling_target",
    }
    unread = [finding for finding in judge_plan(plan.raw, environment="dev") if "index" in str(finding)]
    assert [finding.rule_id for finding in unread] == ["CKV_INV_627"]
    monkeypatch.setitem(CONTENT.keys, "dueDate-index", ("customerId", "dueDate"))  # as policy/platform.toml would say
    assert [finding for finding in judge_plan(plan.raw, environment="dev") if "index" in str(finding)] == []
    assert attempt(deployed, terraform, tmp_path).outcome == "applied"


def arn_and_creation_time(deployed: DeployedDev) -> tuple[str, str]:
    """What differs if the table was created again."""
    dynamodb = deployed.stack.session.client("dynamodb", endpoint_url=deployed.stack.endpoint_url)
    table = dynamodb.describe_table(TableName=deployed.stack.table_name)["Table"]
    return table["TableArn"], str(table["CreationDateTime"])
