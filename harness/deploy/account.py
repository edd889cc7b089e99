"""The caller's AWS account: that it is the one that was meant, before anything is built or planned."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.stack.deployment import REGION
from harness.terraform.run import Terraform

EXPECTED = "TF_VAR_account_id"
"""The variable that says which account is meant: the same that the live folder is given."""


@dataclass(frozen=True)
class Account:
    """An AWS account that the caller has credentials for.

    Attributes:
        id: Its 12 digits.
    """

    id: str

    @property
    def state_bucket(self) -> str:
        """The bucket that holds the state of every environment of the account; ``live/bootstrap`` makes it."""
        return f"invoice-terraform-state-{self.id}"

    @classmethod
    def of_caller(cls, environment: str, variables: Mapping[str, str] = os.environ) -> Self:
        """The account that the caller's credentials open.

        Args:
            environment: What shall be deployed there, for messages.
            variables: The caller's environment.

        Raises:
            HarnessError: No account is named, the credentials open another one or none, the address is not AWS's, or
                the account is not prepared.
        """
        endpoints = sorted(name for name in variables if name.startswith("AWS_ENDPOINT_URL"))
        if endpoints:
            raise HarnessError(
                f"{endpoints[0]}={variables[endpoints[0]]} leads elsewhere than to AWS.",
                remedy=f"Unset it, or deploy to an engine: HARNESS_ENGINE=embedded ./noxw -s deploy -- {environment}",
            )
        meant = variables.get(EXPECTED, "")
        if not re.fullmatch(r"\d{12}", meant):
            raise HarnessError(
                f"{EXPECTED} is {meant!r}: which account {environment!r} lives in has to be said.",
                remedy=f"export {EXPECTED}=<the 12 digits of {environment}'s account>, then try again.",
            )
        try:
            found = boto3.client("sts", region_name=REGION).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as problem:
            raise HarnessError(
                f"The caller's AWS credentials cannot be used: {problem}",
                remedy="Sign in (aws sso login, AWS_PROFILE), then try again.",
            ) from problem
        if found != meant:
            raise HarnessError(
                f"The caller's credentials open the account {found}; {environment!r} lives in {meant} ({EXPECTED}).",
                remedy="Nothing was planned. Use the other account's credentials, or correct the variable.",
            )
        account = cls(found)
        account.check_state_bucket()
        return account

    def check_state_bucket(self) -> None:
        """See that the state has a place.

        Raises:
            HarnessError: It has none, or another account's.
        """
        try:
            boto3.client("s3", region_name=REGION).head_bucket(Bucket=self.state_bucket, ExpectedBucketOwner=self.id)
        except (BotoCoreError, ClientError) as problem:
            raise HarnessError(
                f"The state bucket {self.state_bucket} cannot be used: {problem}",
                remedy="Make it once for each account: docs/runbooks/state.md.",
            ) from problem

    def terraform(self, environment: str, artifacts: Path, work: Path) -> Terraform:
        """Terraform on a live folder, with the caller's credentials and nothing else of the caller's Terraform."""
        variables = {
            "AWS_REGION": REGION,
            EXPECTED: self.id,
            "TF_VAR_artifacts_dir": str(artifacts.absolute()),
            "TF_WORKSPACE": "default",
        }
        return Terraform(ROOT / "live" / environment, env=variables, data_dir=work / "data", log_dir=work / "logs")
