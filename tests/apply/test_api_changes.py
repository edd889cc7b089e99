"""After one deploy the API serves what the configuration says: removed routes are gone, edited ones are as edited.

A small root calls the module `api-gateway`, and the real steps of a deploy plan and apply it on a running engine.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.steps import Steps, carry_out
from harness.engine import Engine
from harness.paths import ROOT
from harness.terraform.run import Terraform
from tests.apply.stage import group, started
from tests.engine.cloud import Cloud

pytestmark = group("api-changes")

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  default_tags {
    tags = { Environment = "dev", ManagedBy = "terraform", Project = "invoice-modernization" }
  }
}

variable "routes" {
  type = map(any)
}

module "api" {
  source = "../modules/api-gateway"

  gateway_response_headers = { Access-Control-Allow-Origin = "'https://app.example'" }
  manage_account_logging   = true
  name                     = "changing"
  routes                   = var.routes
}

output "api" {
  sensitive = true
  value     = { id = module.api.api_id, key = module.api.api_key, stage = module.api.stage_name }
}
"""

HANDLER = """
import json, time

def handler(event, context):
    time.sleep(float((event["queryStringParameters"] or {}).get("seconds", 0)))
    return {"statusCode": 200, "body": json.dumps(event["pathParameters"])}
"""

DEPLOYMENT = "module.api.aws_api_gateway_deployment.this"


@dataclass
class ChangingApi:
    """The root on an engine, with a copy of the modules that a test may edit."""

    engine: Engine
    checkout: Path
    alias_arn: str

    @property
    def terraform(self) -> Terraform:
        return Terraform(
            self.checkout / "root",
            env=self.engine.endpoint.environment(),
            data_dir=self.checkout / "data",
            log_dir=self.checkout / "logs",
        )

    def deploy(self, **paths: str) -> DeployReport:
        """Deploy with these GET routes and no others, by the steps of the command `deploy`."""
        route = {"alias_arn": self.alias_arn, "api_key_required": True, "method": "GET"}
        routes = {name: {**route, "path": path} for name, path in paths.items()}
        variables = self.checkout / "root" / "terraform.tfvars.json"
        variables.write_text(json.dumps({"routes": routes}), encoding="utf-8")
        report = DeployReport("", "embedded")
        request = DeployRequest("", confirm=lambda: True, full_gate=False)
        carry_out(Steps(self.terraform, request, report, self.checkout / "plan"), functions=None)  # it has no functions
        return report

    def edit(self, old: str, new: str) -> None:
        """Edit the module `api-gateway`."""
        file = self.checkout / "modules" / "api-gateway" / "main.tf"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")

    def get(self, path: str) -> tuple[int, Any]:
        """The status and the body of a response."""
        outputs = self.terraform.output()["api"]
        response = urllib3.request(
            "GET",
            self.engine.endpoint.api_url(outputs["id"], outputs["stage"]) + path,
            headers={"x-api-key": outputs["key"]},
            retries=False,
            timeout=30,
        )
        return response.status, response.json()


@pytest.fixture(scope="module")
def running() -> Iterator[Engine]:
    with started("api-changes") as engine:
        yield engine


@pytest.fixture
def api(running: Engine, tmp_path: Path) -> Iterator[ChangingApi]:
    cloud = Cloud(running)
    function = cloud.function(HANDLER)
    cloud.alias(function)
    account = cloud.client("sts").get_caller_identity()["Account"]
    alias_arn = f"arn:aws:lambda:us-east-1:{account}:function:{function}:live"
    cloud.permit(function, "apigateway.amazonaws.com", f"arn:aws:execute-api:us-east-1:{account}:*", qualifier="live")
    for name in ("api-gateway", "api-gateway-cors"):
        shutil.copytree(ROOT / "modules" / name, tmp_path / "modules" / name)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "main.tf").write_text(MAIN, encoding="utf-8")
    shutil.copy(ROOT / "live" / "dev" / ".terraform.lock.hcl", tmp_path / "root")
    api = ChangingApi(running, tmp_path, alias_arn)
    api.terraform.init()
    yield api
    api.terraform.destroy()


def test_a_removed_route_is_gone_after_one_deploy(api: ChangingApi) -> None:
    api.deploy(one="/orders/{id}", two="/customers")

    report = api.deploy(one="/orders/{id}")

    status, body = api.get("/customers")
    assert (status, report.outcome, report.deployed_again) == (404, "applied", [DEPLOYMENT]), body
    assert api.get("/orders/7") == (200, {"id": "7"})
    assert api.deploy(one="/orders/{id}").outcome == "nothing to change"


@pytest.mark.drill
def test_a_moved_route_is_served_at_its_new_path_only(api: ChangingApi) -> None:
    api.deploy(one="/orders/{id}", two="/customers")

    api.deploy(one="/orders/{id}", two="/clients")

    assert api.get("/customers")[0] == 404
    assert api.get("/clients")[0] == 200


@pytest.mark.drill
def test_a_renamed_path_parameter_works_after_one_apply(api: ChangingApi) -> None:
    api.deploy(one="/orders/{id}")

    report = api.deploy(one="/orders/{number}")

    assert report.deployed_again == []
    assert api.get("/orders/7") == (200, {"number": "7"})


@pytest.mark.drill
@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("timeout_milliseconds    = 29000", "timeout_milliseconds    = 50", 504),
        ('authorization               = "NONE"', 'authorization               = "AWS_IAM"', 404),
    ],
    ids=["time-out", "authorization"],
)
def test_an_edited_literal_is_deployed(api: ChangingApi, old: str, new: str, status: int) -> None:
    api.deploy(one="/orders/{id}")
    before = api.get("/orders/7?seconds=1")[0]

    api.edit(old, new)
    report = api.deploy(one="/orders/{id}")

    assert (before, api.get("/orders/7?seconds=1")[0]) == (200, status)
    assert report.deployed_again == []


@pytest.mark.drill
def test_what_plain_terraform_leaves_served_ends_with_the_runbooks_second_apply(
    api: ChangingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.deploy(one="/orders/{id}", two="/customers")
    no_second_plan: Callable[[object], dict[str, object]] = lambda _: {}  # noqa: E731 - as plain `terraform apply`
    monkeypatch.setattr("harness.deploy.steps.outdated_deployments", no_second_plan)

    api.deploy(one="/orders/{id}")
    before = api.get("/customers")[0]
    api.terraform.apply(options=[f"-replace={DEPLOYMENT}"])

    assert (before, api.get("/customers")[0]) == (200, 404)
