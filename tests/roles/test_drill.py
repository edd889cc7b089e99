"""The roles of the pipeline at work: with the engine enforcing IAM, they deploy dev, plan it, and do nothing else."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from harness.engine import ACCOUNT_ID, Engine, engine_for
from harness.iam.pipeline_recording import LIVES, Life, terraform_for
from harness.settings import PLATFORM
from harness.stack.deployment import APPLY_DEADLINE_S, PARALLELISM, REGION, build_for
from harness.terraform.run import Terraform, TerraformError

pytestmark = pytest.mark.xdist_group("drill")

BOOTSTRAP, DEV = (next(life for life in LIVES if life.name == name) for name in ("bootstrap", "dev"))


ISSUER = "token.actions.githubusercontent.com"
TOKENS = {
    "dev-apply": {"environment": "dev", "workflow": "deploy.yml@refs/heads/main"},
    "dev-plan": {"environment": "dev-plan", "workflow": "plan.yml@refs/pull/7/merge"},
}
"""What tokens of GitHub say about the jobs that take a role."""
for claims in TOKENS.values():
    claims["repository"] = BOOTSTRAP.inputs["TF_VAR_repository"]


def token_of(claims: dict[str, str]) -> str:
    """A token in the form of GitHub's, without a signature, which the engine does not verify."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "none"}, claims, {}))
    return b".".join(parts).decode()


@dataclass(frozen=True)
class Account:
    """An account with the roles of the pipeline, on an engine."""

    engine: Engine

    def session(self, keys: dict[str, str] | None = None) -> boto3.Session:
        """A session with the keys of a role; by default with those of the root user."""
        environment = {**self.engine.endpoint.environment(), **(keys or {})}
        return boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN"),
            region_name=REGION,
        )

    def client(self, service: str, keys: dict[str, str] | None = None) -> Any:
        session: Any = self.session(keys)
        return session.client(service, endpoint_url=self.engine.endpoint.url)

    def keys_of(self, role: str, **claims: str) -> dict[str, str]:
        """Keys of a role for a token of the job that it is for, or with other `claims`.

        Raises:
            PermissionError: The role does not trust the token.
        """
        given = {**TOKENS[role], **claims}
        job = {
            "iss": f"https://{ISSUER}",
            "aud": "sts.amazonaws.com",
            "sub": f"repo:{given['repository']}:environment:{given['environment']}",
            "job_workflow_ref": f"{given['repository']}/.github/workflows/{given['workflow']}",
        }
        name = f"{PLATFORM.pipeline_prefix}{role}"
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/{name}",
            "RoleSessionName": "drill",
            "Version": "2011-06-15",
            "WebIdentityToken": token_of(job),
        }
        response = self.signed("sts", urlencode(form))
        if response.status == 403:
            raise PermissionError(response.data.decode())
        found = {tag.tag.rpartition("}")[2]: tag.text or "" for tag in ET.fromstring(response.data).iter()}  # noqa: S314 -- the engine's
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    def signed(self, service: str, body: str) -> urllib3.BaseHTTPResponse:
        """The response to a form, signed by the root user: this engine takes no unsigned request, unlike STS."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", self.engine.endpoint.url, data=body, headers=headers)
        keys = self.engine.endpoint.environment()
        SigV4Auth(Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]), service, REGION).add_auth(
            request
        )
        return urllib3.request("POST", self.engine.endpoint.url, body=body, headers=dict(request.headers))

    def terraform(self, life: Life, keys: dict[str, str] | None = None) -> Terraform:
        return terraform_for(life, self.engine, keys)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    engine = engine_for(instance="pipeline-drill", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy(timeout_s=60)
        build_for(engine)
        account = Account(engine)
        account.terraform(BOOTSTRAP).apply(options=[f"-parallelism={PARALLELISM}"])
        yield account
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def deployed(account: Account) -> Account:
    """The account after a deploy of dev by its apply role."""
    terraform = account.terraform(DEV, account.keys_of("dev-apply"))
    terraform.apply(options=[f"-parallelism={PARALLELISM}"], deadline_s=APPLY_DEADLINE_S)
    return account


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"repository": "example/platform-2"}, id="another repository"),
        pytest.param({"environment": "dev"}, id="another environment"),
        pytest.param({"workflow": "ci.yml@refs/pull/7/merge"}, id="another workflow"),
        pytest.param({"workflow": "plan.yml@refs/heads/feature"}, id="the workflow of another branch"),
    ],
)
def test_a_role_is_not_for_other_jobs(account: Account, claims: dict[str, str]) -> None:
    assert account.keys_of("dev-plan")

    with pytest.raises(PermissionError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        account.keys_of("dev-plan", **claims)


def test_dev_is_deployed_and_every_role_of_it_has_the_boundary(deployed: Account) -> None:
    roles = [page["RoleName"] for page in deployed.client("iam").list_roles()["Roles"]]
    ours = [name for name in roles if not name.startswith((PLATFORM.pipeline_prefix, "AWSServiceRole"))]

    limits = {
        name: deployed.client("iam")
        .get_role(RoleName=name)["Role"]
        .get("PermissionsBoundary", {})
        .get("PermissionsBoundaryArn")
        for name in ours
    }

    assert len(ours) >= 8
    assert set(limits.values()) == {f"arn:aws:iam::{ACCOUNT_ID}:policy/{PLATFORM.boundary_policy}"}


def test_the_plan_role_plans_and_finds_nothing_to_change(deployed: Account) -> None:
    plan = deployed.terraform(DEV, deployed.keys_of("dev-plan")).plan()

    assert plan.is_empty, str(plan)


def test_the_plan_role_cannot_apply(deployed: Account) -> None:
    terraform = deployed.terraform(DEV, deployed.keys_of("dev-plan"))

    with pytest.raises(TerraformError, match=r"(?i)not authorized|AccessDenied|403"):
        terraform.apply(options=["-var=monthly_budget_usd=70"])


@pytest.mark.parametrize(
    ("role", "name", "boundary"),
    [
        pytest.param("dev-apply", "stranger-dev", "", id="a role without the boundary"),
        pytest.param("dev-apply", "stranger-prod", PLATFORM.boundary_policy, id="a role of another environment"),
        pytest.param("dev-plan", "stranger-dev", PLATFORM.boundary_policy, id="any role, by the plan role"),
    ],
)
def test_no_role_is_created_that_may_do_more(deployed: Account, role: str, name: str, boundary: str) -> None:
    iam = deployed.client("iam", deployed.keys_of(role))
    limit = {"PermissionsBoundary": f"arn:aws:iam::{ACCOUNT_ID}:policy/{boundary}"} if boundary else {}

    with pytest.raises(ClientError, match="AccessDenied"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}', **limit)


def test_the_apply_role_removes_what_it_has_deployed(deployed: Account) -> None:
    terraform = deployed.terraform(DEV, deployed.keys_of("dev-apply"))

    terraform.destroy(options=[f"-parallelism={PARALLELISM}"])

    assert not terraform.state().get("resources")
