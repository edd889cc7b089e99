"""The caller's AWS account: a check that it is the intended one, before anything is built or planned."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.settings import PLATFORM
from harness.stack.deployment import REGION
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

EXPECTED = "TF_VAR_account_id"
"""The variable with the intended account: the same variable that the live folder takes."""


@dataclass(frozen=True)
class Account:
    """An AWS account that the caller has credentials for.

    Attributes:
        id: Its 12 digits.
    """

    id: str

    @property
    def state_bucket(self) -> str:
        """The bucket with the state of every environment of the account; ``live/bootstrap`` sets it up."""
        return PLATFORM.state_bucket(self.id)

    @classmethod
    def of_caller(cls, environment: str, variables: Mapping[str, str] = os.environ) -> Self:
        """The account that the caller's credentials belong to.

        Args:
            environment: The environment to be deployed there, for messages.
            variables: The caller's environment variables.

        Raises:
            HarnessError: No account is named, the credentials are missing or belong to another account, an endpoint
                variable points away from AWS, or the account has no state bucket.
        """
        endpoints = sorted(name for name in variables if name.startswith("AWS_ENDPOINT_URL"))
        if endpoints:
            raise HarnessError(
                f"{endpoints[0]}={variables[endpoints[0]]} does not lead to AWS.",
                remedy=f"Unset it, or deploy to an engine: HARNESS_ENGINE=embedded ./noxw -s deploy -- {environment}",
            )
        _check_profile(variables)
        expected = variables.get(EXPECTED, "")
        if not re.fullmatch(r"\d{12}", expected):
            raise HarnessError(
                f"{EXPECTED} is {expected!r}: it must be the id of the account for {environment!r}.",
                remedy=f"Set it, then try again: export {EXPECTED}=<the 12 digits of {environment}'s account>",
            )
        try:
            actual = boto3.client("sts", region_name=REGION).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise HarnessError(
                f"Your AWS credentials cannot be used: {error}",
                remedy="Sign in (aws sso login, AWS_PROFILE), then try again.",
            ) from error
        if actual != expected:
            raise HarnessError(
                f"Your credentials belong to account {actual}, and {environment!r} to account {expected} ({EXPECTED}).",
                remedy="Nothing was planned. Use that account's credentials, or correct the variable.",
            )
        account = cls(actual)
        account.check_state_bucket()
        return account

    def s3(self) -> "S3Client":
        """A client with the caller's credentials."""
        return boto3.client("s3", region_name=REGION)

    def check_state_bucket(self) -> None:
        """Check that the account has its state bucket.

        Raises:
            HarnessError: It has none, or the bucket belongs to another account.
        """
        try:
            self.s3().head_bucket(Bucket=self.state_bucket, ExpectedBucketOwner=self.id)
        except (BotoCoreError, ClientError) as error:
            raise HarnessError(
                f"The state bucket {self.state_bucket} cannot be used: {error}",
                remedy="Create it, once for each account: docs/runbooks/state.md shows how.",
            ) from error

    def check_logging_role(self, plan: TerraformPlan) -> None:
        """Check that a plan does not take over the role with which API Gateway writes the logs of the whole account.

        There is one for each account and region. If two environments of an account both set it, the second one takes it
        over, and the first one's next plan takes it back; when one of them is destroyed, the other writes no logs.
        https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html

        Raises:
            HarnessError: The plan sets the role, and the account has one that the plan does not know.
        """
        if not any(change.type == "aws_api_gateway_account" and not change.will_be_gone for change in plan.resources):
            return
        current = boto3.client("apigateway", region_name=REGION).get_account().get("cloudwatchRoleArn") or ""
        roles = {change.values.get("name") for change in plan.resources if change.type == "aws_iam_role"}
        if current and current.rpartition("/")[2] not in roles:
            raise HarnessError(
                f"API Gateway of account {self.id} writes its logs as {current}, which belongs to something else.",
                remedy="Nothing was applied. An account has one such role per region: let one environment set it "
                "(api.manage_account_logging in its terraform.tfvars), and set it to false here.",
            )

    def permissions_boundary(self) -> str:
        """The ARN of the policy that limits every role of an environment; empty if the account has none.

        ``live/bootstrap`` creates it together with the roles of the pipeline, which may create roles only with it.
        """
        arn = f"arn:aws:iam::{self.id}:policy/{PLATFORM.boundary_policy}"
        try:
            boto3.client("iam", region_name=REGION).get_policy(PolicyArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return ""
            raise HarnessError(
                f"{arn} cannot be looked up: {error}", remedy="Use credentials that may do iam:GetPolicy."
            ) from error
        return arn

    def terraform(self, environment: str, artifacts: Path, work: Path) -> Terraform:
        """Terraform on a live folder, with the caller's credentials but none of the caller's Terraform settings."""
        variables = {
            "AWS_REGION": REGION,
            EXPECTED: self.id,
            "TF_VAR_artifacts_dir": str(artifacts.absolute()),
            "TF_VAR_permissions_boundary": self.permissions_boundary(),
            "TF_WORKSPACE": "default",
        }
        root = ROOT / "live" / environment
        return Terraform(root, env=variables, data_dir=work / "data", log_dir=work / "logs", patient=True)


def _check_profile(variables: Mapping[str, str]) -> None:
    """Check that the caller's profile does not lead away from AWS: its endpoints count for Terraform and boto3 alike.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html

    Raises:
        HarnessError: It has an ``endpoint_url``, for one service or for all.
    """
    if variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return
    session = botocore.session.get_session()
    try:
        profile = session.get_scoped_config()
    except BotoCoreError:
        return  # a profile that does not exist is reported with the credentials
    services = session.full_config.get("services", {}).get(profile.get("services"), {})
    configured = {"endpoint_url": profile.get("endpoint_url")}
    configured |= {name: value.get("endpoint_url") for name, value in services.items() if isinstance(value, Mapping)}
    for name, url in configured.items():
        if url:
            raise HarnessError(
                f"Your AWS profile {session.profile or 'default'!r} has {name} = {url}, which does not lead to AWS.",
                remedy="Use another profile (AWS_PROFILE), or set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true.",
            )
