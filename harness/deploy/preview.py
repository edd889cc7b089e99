"""Copies of dev for pull requests: each in its own workspace, with its own names and state: the command ``preview``.

``docs/runbooks/preview.md`` does the same by hand. A preview is deleted when its pull request is closed; `sweep`
deletes those that were forgotten, and looks for what belongs to none.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from harness import package
from harness.console import ProgressStep, out
from harness.deploy import smoke
from harness.deploy.account import Account
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.steps import Steps, carry_out
from harness.engine import ACCOUNT_ID, engine_for, engine_name
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.results import record
from harness.settings import PLATFORM
from harness.stack import code_history
from harness.stack.deployment import PARALLELISM, REGION, Deployment, Stack, artifacts_of, build_for
from harness.stack.inventory import inventory
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform.run import Terraform

FOLDER = "dev"
"""The live folder that previews are copies of."""

_STATE = re.compile(rf"env:/pr-(\d{{5}})/{FOLDER}/terraform\.tfstate")
_NAME = re.compile(rf"\b{FOLDER}-pr-(\d{{5}})\b")
_OPTIONS = ("-var-file=preview.tfvars",)


def workspace(number: int) -> str:
    """The workspace of a pull request; its length is fixed, so that a role's policy can name all of them.

    Raises:
        HarnessError: No pull request has such a number.
    """
    if not 0 < number < 100_000:
        raise HarnessError(f"{number} is no number of a pull request.", remedy="Use 1 to 99999.")
    return f"pr-{number:05d}"


@dataclass(frozen=True)
class PreviewAccount:
    """The account that has the previews.

    Attributes:
        terraform: On the initialised live folder.
        client: Returns the client of an AWS service.
        credentials: As environment variables, with an engine's endpoint.
        state_bucket: The bucket with the states.
        api_url: Returns the address of an API, from the output ``stack``.
    """

    terraform: Terraform
    client: Callable[[str], Any]
    credentials: dict[str, str]
    state_bucket: str
    api_url: Callable[[dict[str, Any]], str]

    def inventory(self) -> set[str]:
        """Everything in the account."""
        return inventory(self.credentials)

    def previews(self) -> Iterator[tuple[int, datetime]]:
        """The number of each preview that has a state, and the time of its last change."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.state_bucket, Prefix="env:/")
        for page in pages:
            for entry in page.get("Contents", []):
                if match := _STATE.fullmatch(entry["Key"]):
                    yield int(match[1]), entry["LastModified"]


@contextmanager
def opened() -> Iterator[PreviewAccount]:
    """The account that ``HARNESS_ENGINE`` points to: AWS, or the engine on which dev runs.

    Raises:
        HarnessError: It cannot be used.
    """
    with orderly_end(), sole_owner():
        yield _on_aws() if engine_name() == "aws" else _on_engine()


def _on_aws() -> PreviewAccount:
    with ProgressStep("Check the AWS account") as step:
        account = Account.of_caller(FOLDER)
        step.conclude(account.id)
    artifacts = BUILD / "artifacts" / "aws"
    package.build(package.Target.AWS, artifacts)
    terraform = account.terraform(FOLDER, artifacts, BUILD / "terraform" / "aws-preview")
    terraform.init({"bucket": account.state_bucket})
    session: Any = boto3.Session(region_name=REGION)
    return PreviewAccount(
        terraform, session.client, {"AWS_REGION": REGION}, account.state_bucket, lambda outputs: str(outputs["api_url"])
    )


def _on_engine() -> PreviewAccount:
    stack, engine = Stack.load(FOLDER), engine_for(instance=FOLDER)
    build_for(engine)
    deployment = Deployment(FOLDER, engine, artifacts_of(engine), BUILD / "terraform" / "preview")
    deployment.prepare()
    return PreviewAccount(
        deployment.terraform,
        deployment.client,
        {**stack.credentials},
        PLATFORM.state_bucket(ACCOUNT_ID),
        lambda outputs: engine.endpoint.api_url(outputs["api_id"], outputs["api_stage"]),
    )


def up(number: int) -> None:
    """Create the preview of a pull request, or update it, and test it.

    Raises:
        HarnessError: The gate rejects its plan, Terraform fails, or the smoke test does.
    """
    name, started = workspace(number), time.monotonic()
    request = DeployRequest(FOLDER, confirm=lambda: True, options=_OPTIONS, workspace=name)
    report = DeployReport(name, engine_name())
    try:
        with opened() as account:
            account.terraform.select_workspace(name)
            code_history.keep(account.terraform, account.client("s3"), _artifacts())
            steps = Steps(account.terraform, request, report, BUILD / "deploy" / name / "plan.tfplan")
            carry_out(steps, functions=account.client("lambda"))
            outputs = account.terraform.output()["stack"]
            url = account.api_url(outputs)
            smoke.run(PlatformAccess(f"{FOLDER}-{name}", url, outputs, account.client))
    finally:
        report.save(time.monotonic() - started)
    out.print(f"The preview {name} is at {url}")


def down(number: int) -> None:
    """Delete the preview of a pull request, and look whether anything of it is left.

    Raises:
        HarnessError: Terraform fails, or something is left.
    """
    with opened() as account:
        _delete(account, workspace(number))
        _check_nothing_left(account)


def sweep(older_than_days: float) -> None:
    """Delete the previews that were not changed for too long, and look whether anything else of previews is left.

    Args:
        older_than_days: Their age.

    Raises:
        HarnessError: Terraform fails, or something is left that no state has.
    """
    limit = datetime.now(UTC) - timedelta(days=older_than_days)
    with opened() as account:
        deleted = []
        for number, changed in sorted(account.previews()):
            if changed < limit:
                _delete(account, workspace(number))
                deleted.append(workspace(number))
        _check_nothing_left(account)
    record("preview", {"deleted": deleted, "older_than_days": older_than_days})
    out.print(f"Deleted: {', '.join(deleted) or 'none'}. Nothing is left of other previews.")


def _delete(account: PreviewAccount, name: str) -> None:
    with ProgressStep(f"Delete the preview {name}"):
        account.terraform.select_workspace(name)
        code_history.keep(account.terraform, account.client("s3"), _artifacts())
        account.terraform.destroy((*_OPTIONS, f"-parallelism={PARALLELISM}"))
        account.terraform.delete_workspace(name)


def _check_nothing_left(account: PreviewAccount) -> None:
    """Look for what belongs to a preview that has no state.

    Raises:
        HarnessError: There is something.
    """
    known = {number for number, _ in account.previews()}
    left = sorted(
        entry for entry in account.inventory() if any(int(number) not in known for number in _NAME.findall(entry))
    )
    if left:
        raise HarnessError(
            f"{len(left)} resources of deleted previews are left:\n" + "\n".join(left),
            remedy="Delete them by hand: no state has them. For the reasons, look at the log of the run that deleted.",
        )


def _artifacts() -> Any:
    return BUILD / "artifacts" / "aws" if engine_name() == "aws" else artifacts_of(engine_for(instance=FOLDER))
