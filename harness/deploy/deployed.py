"""An environment that is deployed where ``HARNESS_ENGINE`` points, opened for a command that does not deploy it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from harness import package
from harness.console import ProgressStep
from harness.deploy.account import Account
from harness.deploy.release import ReleaseStore
from harness.engine import engine_for, engine_name
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.settings import PLATFORM
from harness.stack import code_history
from harness.stack.deployment import REGION, Deployment, Stack, artifacts_of
from harness.terraform.run import Terraform


@dataclass(frozen=True)
class Deployed:
    """An environment in its account.

    Attributes:
        environment: The live folder's name.
        terraform: On its initialised live folder.
        session: With credentials for the account.
        credentials: The same as environment variables, with the engine's endpoint.
        state_bucket: The bucket with the account's states.
    """

    environment: str
    terraform: Terraform
    session: boto3.Session
    credentials: Mapping[str, str]
    state_bucket: str

    def client(self, service: str) -> Any:
        """A client of an AWS service in the account."""
        session: Any = self.session  # the stubs know one overload for each service
        return session.client(service, endpoint_url=self.credentials.get("AWS_ENDPOINT_URL"))

    @property
    def releases(self) -> ReleaseStore:
        """The record of its releases."""
        return ReleaseStore(self.client("s3"), self.state_bucket, self.environment)

    @classmethod
    def opened(cls, environment: str) -> "Deployed":
        """Open an environment.

        Raises:
            HarnessError: It is not deployed there, or its account cannot be used.
        """
        return _on_aws(environment) if engine_name() == "aws" else _on_engine(environment)


def on_aws(environment: str) -> tuple[Account, Terraform]:
    """The caller's account, and Terraform on an environment's live folder there."""
    with ProgressStep("Check the AWS account") as step:
        account = Account.of_caller(environment)
        step.conclude(account.id)
    terraform = account.terraform(environment, BUILD / "artifacts" / "aws", BUILD / "terraform" / f"aws-{environment}")
    terraform.init({"bucket": account.state_bucket})
    return account, terraform


def _on_aws(environment: str) -> Deployed:
    account, terraform = on_aws(environment)
    package.build(package.Target.AWS, BUILD / "artifacts" / "aws")  # a plan reads the zips
    code_history.keep(terraform, account.s3(), BUILD / "artifacts" / "aws")
    session = boto3.Session(region_name=REGION)
    return Deployed(environment, terraform, session, {"AWS_REGION": REGION}, account.state_bucket)


def _on_engine(environment: str) -> Deployed:
    stack = Stack.load(environment)
    engine = engine_for(instance=environment)
    deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
    deployment.prepare()
    return Deployed(environment, deployment.terraform, stack.session, stack.credentials, deployment.state_bucket)


@dataclass(frozen=True)
class AccountAccess:
    """An environment's account, for what has to work without Terraform.

    Attributes:
        environment: The live folder's name.
        session: With credentials for the account.
        endpoint_url: The engine's endpoint; None for AWS.
        state_bucket: The bucket with the account's states.
    """

    environment: str
    session: boto3.Session
    endpoint_url: str | None
    state_bucket: str

    @classmethod
    def opened(cls, environment: str) -> "AccountAccess":
        """Check the account.

        Raises:
            HarnessError: Nothing of the environment runs there, or the account cannot be used.
        """
        if engine_name() == "aws":
            account = Account.of_caller(environment)
            return cls(environment, boto3.Session(region_name=REGION), None, account.state_bucket)
        stack = Stack.load(environment)
        return cls(environment, stack.session, stack.endpoint_url, PLATFORM.state_bucket(stack.account_id))

    def client(self, service: str) -> Any:
        """A client of an AWS service in the account."""
        session: Any = self.session  # the stubs know one overload for each service
        return session.client(service, endpoint_url=self.endpoint_url)

    @property
    def releases(self) -> ReleaseStore:
        """The record of the environment's releases."""
        return ReleaseStore(self.client("s3"), self.state_bucket, self.environment)

    def outputs(self) -> Mapping[str, Any]:
        """The output ``stack`` of the live folder, as the state has it.

        Raises:
            HarnessError: There is no state, or it has no such output.
        """
        try:
            outputs: Mapping[str, Any] = self._state()["outputs"]["stack"]["value"]
        except KeyError as error:
            raise self._unreadable(error) from error
        return outputs

    def resources(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The type and the attributes of each resource that the state has.

        Raises:
            HarnessError: There is no state.
        """
        return [
            (resource["type"], instance["attributes"])
            for resource in self._state().get("resources", ())
            if resource["mode"] == "managed"
            for instance in resource["instances"]
        ]

    @property
    def _key(self) -> str:
        return f"{self.environment}/terraform.tfstate"

    def _state(self) -> dict[str, Any]:
        try:
            body = self.client("s3").get_object(Bucket=self.state_bucket, Key=self._key)["Body"].read()
            state: dict[str, Any] = json.loads(body)
        except (ClientError, ValueError) as error:
            raise self._unreadable(error) from error
        return state

    def _unreadable(self, error: Exception) -> HarnessError:
        return HarnessError(
            f"s3://{self.state_bucket}/{self._key} does not say what is deployed: {error!r}",
            remedy="Move the code by hand: docs/runbooks/rollback.md has the commands.",
        )
