"""A deploy: plan, keep the plan, let the gate judge that plan, show it, ask, apply it, write a report.

``docs/runbooks/deploy.md`` shows how to use it.
"""

import time
from pathlib import Path
from typing import Literal

import boto3
from rich.markup import escape

from harness import package
from harness.console import ProgressStep, out
from harness.deploy import drift, drift_report, smoke, unmanaged
from harness.deploy.account import Account
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.steps import carry_out
from harness.engine import ACCOUNT_ID, engine_for, engine_name
from harness.engine.ports import DEFAULT as DEFAULT_PORT
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.settings import PLATFORM
from harness.stack import code_history, lifecycle
from harness.stack.deployment import REGION, Deployment, Stack, artifacts_of, build_for, forget
from harness.stack.ignored_inputs import report_ignored
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform import binary
from harness.terraform.run import Terraform


def deploy(request: DeployRequest, *, port: int | Literal["auto"] | None = None) -> None:
    """Deploy an environment to where ``HARNESS_ENGINE`` points: a local engine, which then keeps running, or AWS.

    Args:
        request: The options.
        port: A local engine's port, ``auto`` for any free one, or None for the running stack's or else 4566.

    Raises:
        HarnessError: Something is missing, the gate rejects the plan, it is not confirmed, or Terraform fails.
    """
    binary.find()
    report_ignored()
    report = DeployReport(request.environment, engine_name())
    started = time.monotonic()
    try:
        with orderly_end(), sole_owner():
            if engine_name() == "aws":
                _to_aws(request, report)
            else:
                _to_engine(request, report, port)
    finally:
        file = report.save(time.monotonic() - started)
        out.print(f"[dim]Outcome: {report.outcome}. The report is {escape(str(_short(file)))}.[/]")


def _to_engine(request: DeployRequest, report: DeployReport, port: int | Literal["auto"] | None) -> None:
    """Deploy to the environment's own local engine: the running one, or one that is started and then keeps running."""
    environment = request.environment
    engine = engine_for(instance=environment, port=DEFAULT_PORT if port is None else port)
    report.account_id = ACCOUNT_ID
    running = lifecycle.running_stack(environment, engine, port)
    keep = running is not None
    try:
        if running is None:
            lifecycle.start(engine)
        with ProgressStep("Build the functions"):
            build_for(engine)
        deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
        with ProgressStep(f"Initialise live/{environment}"):
            deployment.prepare()
        carry_out(deployment.terraform, request, report, _kept(environment), functions=deployment.client("lambda"))
        stack = deployment.describe()
        stack.save(deployment.shell(), terraform=deployment.own_terraform)
        keep = True
        _test(PlatformAccess.on_engine(stack), request, report)
    finally:
        if report.outcome == "failed while applying":
            forget(environment)  # it is unknown which resources exist now
        if keep and engine.is_running:
            engine.release()
        else:
            lifecycle.stop(environment, engine)
    out.print(f"[bold]{environment}[/] runs on the {engine.name} engine: {escape(stack.api_url)}")
    out.print(f"To use it in a shell: source {escape(str(_short(stack.path(environment).with_suffix('.env'))))}")
    out.print("To stop it: ./noxw -s down")


def _to_aws(request: DeployRequest, report: DeployReport) -> None:
    """Deploy to the caller's AWS account."""
    environment = request.environment
    with ProgressStep("Check the AWS account") as step:
        account = Account.of_caller(environment)
        report.account_id = account.id
        step.conclude(account.id)
    artifacts = BUILD / "artifacts" / "aws"
    with ProgressStep("Build the functions"):
        package.build(package.Target.AWS, artifacts)
    terraform = account.terraform(environment, artifacts, BUILD / "terraform" / f"aws-{environment}")
    with ProgressStep(f"Initialise live/{environment}"):
        terraform.init({"bucket": account.state_bucket})
        code_history.keep(terraform, account.s3(), artifacts)
    functions = boto3.client("lambda", region_name=REGION)
    carry_out(terraform, request, report, _kept(environment), functions=functions, check=account.check_logging_role)
    outputs = terraform.output()["stack"]
    _test(PlatformAccess.on_aws(environment, outputs), request, report)
    out.print(f"[bold]{environment}[/] in account {account.id}: {escape(str(outputs['api_url']))}")


def _test(access: PlatformAccess, request: DeployRequest, report: DeployReport) -> None:
    """Run the smoke test after a deploy, if it is requested.

    Raises:
        HarnessError: It failed. What was applied stays.
    """
    if not request.smoke:
        report.smoke = "left out"
        return
    report.smoke = "failed"
    smoke.run(access)
    report.smoke = "passed"


def smoke_test(environment: str) -> None:
    """Run the smoke test on an environment that is deployed where ``HARNESS_ENGINE`` points.

    Raises:
        HarnessError: It is not deployed there, or the test failed.
    """
    if engine_name() != "aws":
        smoke.run(PlatformAccess.on_engine(Stack.load(environment)))
        return
    account, terraform = _on_aws(environment)
    outputs = terraform.output()
    if "stack" not in outputs:
        raise HarnessError(
            f"{environment!r} is not deployed in account {account.id}: its state has no output `stack`.",
            remedy=f"Deploy it first: HARNESS_ENGINE=aws ./noxw -s deploy -- {environment}",
        )
    smoke.run(PlatformAccess.on_aws(environment, outputs["stack"]))


def compare(environment: str) -> None:
    """Compare an environment, deployed where ``HARNESS_ENGINE`` points, with its state and its Terraform.

    Nothing is changed, and no lock is taken. The report is written in any case.

    Raises:
        HarnessError: It is not deployed there, it cannot be read, or it differs.
    """
    started = time.monotonic()
    if engine_name() == "aws":
        account, terraform = _on_aws(environment)
        package.build(package.Target.AWS, BUILD / "artifacts" / "aws")  # a plan reads the zips
        code_history.keep(terraform, account.s3(), BUILD / "artifacts" / "aws")
        session, credentials, state_bucket = (
            boto3.Session(region_name=REGION),
            {"AWS_REGION": REGION},
            account.state_bucket,
        )
    else:
        stack = Stack.load(environment)
        engine = engine_for(instance=environment)
        deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
        deployment.prepare()
        terraform, session, credentials = deployment.terraform, stack.session, stack.credentials
        state_bucket = deployment.state_bucket
    with ProgressStep(f"Compare live/{environment} with its state and the account"):
        rows = drift.differences(terraform, environment)
    with ProgressStep("Compare the account with all of its states"):
        documents = unmanaged.states(state_bucket, session, credentials.get("AWS_ENDPOINT_URL"))
        made = PLATFORM.made_while_it_runs
        rows += unmanaged.unmanaged(documents, credentials, state_bucket=state_bucket, made_by_platform=made)
    drift_report.show(rows)
    report = drift_report.write(environment, rows, seconds=time.monotonic() - started)
    if rows:
        raise HarnessError(
            f"{environment} differs in {len(rows)} places from its Terraform.",
            remedy=f"Each one above says what to do. For programs: {_short(report)}",
        )
    out.print(f"[green]{environment} is as its Terraform says, and nothing else is in the account.[/]")


def _on_aws(environment: str) -> tuple[Account, Terraform]:
    """The caller's account, and Terraform on an environment's live folder there."""
    with ProgressStep("Check the AWS account") as step:
        account = Account.of_caller(environment)
        step.conclude(account.id)
    terraform = account.terraform(environment, BUILD / "artifacts" / "aws", BUILD / "terraform" / f"aws-{environment}")
    terraform.init({"bucket": account.state_bucket})
    return account, terraform


def _kept(environment: str) -> Path:
    """The file of the plan, which is kept until the next plan."""
    return BUILD / "deploy" / environment / "plan.tfplan"


def _short(path: Path) -> Path:
    """The path relative to the working folder if it is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
