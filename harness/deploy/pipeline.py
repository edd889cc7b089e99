"""A deploy: plan, keep the plan, let the gate judge that plan, show it, ask, apply it, write a report.

``docs/runbooks/deploy.md`` shows how to use it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import boto3
from rich.markup import escape

from harness import package
from harness.console import ProgressStep, out
from harness.deploy import approval, canary, canary_cleanup, drift, drift_report, rollback, smoke, unmanaged
from harness.deploy.account import Account
from harness.deploy.deployed import AccountAccess, Deployed, on_aws
from harness.deploy.release import ReleaseInputs, ReleaseStore
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.stages import Stages, deploy_all_at_once, named
from harness.deploy.steps import Steps, carry_out
from harness.engine import ACCOUNT_ID, engine_for, engine_name
from harness.engine.ports import DEFAULT as DEFAULT_PORT
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.results import record
from harness.settings import PLATFORM
from harness.stack import code_history, killed_terraform, lifecycle
from harness.stack.deployment import REGION, Deployment, Stack, artifacts_of, build_for
from harness.stack.ignored_inputs import report_ignored
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform import binary


def deploy(
    request: DeployRequest, *, port: int | Literal["auto"] | None = None, report: DeployReport | None = None
) -> None:
    """Deploy an environment to where ``HARNESS_ENGINE`` points: a local engine, which then keeps running, or AWS.

    Args:
        request: The options.
        port: A local engine's port, ``auto`` for any free one, or None for the running stack's or else 4566.
        report: Filled in along the way.

    Raises:
        HarnessError: Something is missing, the gate rejects the plan, it is not confirmed, or Terraform fails.
    """
    binary.find()
    report_ignored()
    report = report or DeployReport(request.environment, engine_name())
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
            build_for(engine, request.sources)
        deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
        with ProgressStep(f"Initialise live/{environment}"):
            deployment.prepare()
        steps = Steps(deployment.terraform, request, report, _kept(environment))
        store = ReleaseStore(deployment.client("s3"), deployment.state_bucket, environment)
        stages = Stages(steps, store, deployment.client("lambda"))
        _release(stages, lambda: PlatformAccess.on_engine(deployment.describe()), deployment.artifacts)
        if request.plan_only:
            return
        stack = deployment.describe()
        stack.save(deployment.shell(), terraform=deployment.own_terraform)
        keep = True
        _test(PlatformAccess.on_engine(stack), request, report)
    finally:
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
        package.build(package.Target.AWS, artifacts, sources=request.sources)
    terraform = account.terraform(environment, artifacts, BUILD / "terraform" / f"aws-{environment}")
    with ProgressStep(f"Initialise live/{environment}"):
        terraform.init({"bucket": account.state_bucket})
        code_history.keep(terraform, account.s3(), artifacts)
    steps = Steps(terraform, request, report, _kept(environment))
    store = ReleaseStore(account.s3(), account.state_bucket, environment)
    stages = Stages(steps, store, boto3.client("lambda", region_name=REGION))
    _release(
        stages,
        lambda: PlatformAccess.on_aws(environment, terraform.output()["stack"]),
        artifacts,
        check=account.check_logging_role,
    )
    if request.plan_only:
        return
    outputs = terraform.output()["stack"]
    _test(PlatformAccess.on_aws(environment, outputs), request, report)
    out.print(f"[bold]{environment}[/] in account {account.id}: {escape(str(outputs['api_url']))}")


def _release(
    stages: Stages,
    access: Callable[[], PlatformAccess],
    artifacts: Path,
    check: approval.Check | None = None,
) -> None:
    """Deploy all at once or in stages, or only plan, as requested."""
    steps = stages.steps
    request = steps.request
    if request.plan_only or (request.canary and request.approved is not None):
        planned = replace(steps, request=replace(request, plan_only=True))
        approved = carry_out(planned, functions=stages.functions, check=check)
        # A release in stages has two plans: what is approved is what they do together, and the first is this but for
        # the aliases.
        stages = replace(stages, steps=replace(steps, request=replace(request, approved=None)))
        check = approval.both(check, approval.same_but_for_aliases(approved))
    if request.plan_only:
        return
    stages.restore_code()
    if request.canary:
        canary.deploy_in_stages(stages, request.canary, access, artifacts=artifacts, check=check)
    else:
        deploy_all_at_once(stages, check=check)


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
    account, terraform = on_aws(environment)
    outputs = terraform.output()
    if "stack" not in outputs:
        raise HarnessError(
            f"{environment!r} is not deployed in account {account.id}: its state has no output `stack`.",
            remedy=f"Deploy it first: HARNESS_ENGINE=aws ./noxw -s deploy -- {environment}",
        )
    smoke.run(PlatformAccess.on_aws(environment, outputs["stack"]))


def compare(environment: str) -> None:
    """Compare an environment, deployed where ``HARNESS_ENGINE`` points, with its state and its Terraform.

    Nothing is changed, and no lock is taken. The report is written in any case. A release that was taken back counts as
    it is: it is printed, and is no difference.

    Raises:
        HarnessError: It is not deployed there, it cannot be read, or it differs.
    """
    started = time.monotonic()
    deployed = Deployed.opened(environment)
    with ProgressStep(f"Compare live/{environment} with its state and the account"):
        release = deployed.releases.load()
        options = release.inputs.options(_kept(environment).with_name("release.tfvars.json"))
        rows = drift.differences(deployed.terraform, environment, options)
    with ProgressStep("Compare the account with all of its states"):
        endpoint = deployed.credentials.get("AWS_ENDPOINT_URL")
        documents = unmanaged.states(deployed.state_bucket, deployed.session, endpoint)
        made = PLATFORM.made_while_it_runs
        rows += unmanaged.unmanaged(
            documents, deployed.credentials, state_bucket=deployed.state_bucket, made_by_platform=made
        )
    drift_report.show(rows)
    report = drift_report.write(environment, rows, seconds=time.monotonic() - started)
    if rows:
        raise HarnessError(
            f"{environment} differs in {len(rows)} places from its Terraform.",
            remedy=f"Each one above says what to do. For programs: {_short(report)}",
        )
    if release.stable:
        out.print(f"Callers are kept on {named(release.stable)}, because: {release.reason}")
    out.print(f"[green]{environment} is as its Terraform says, and nothing else is in the account.[/]")


def roll_back(environment: str, functions: Sequence[str], *, emergency: bool) -> None:
    """Give the callers of an environment, deployed where ``HARNESS_ENGINE`` points, the versions before.

    Args:
        environment: The live folder's name.
        functions: Short names; none for all that differ in the release before.
        emergency: Whether the code is taken from the artifacts bucket, without Terraform.

    Raises:
        HarnessError: It is not deployed there, nothing was released before, or it cannot be rolled back.
    """
    report, started, seconds = DeployReport(environment, engine_name()), time.monotonic(), 0.0
    try:
        with orderly_end(), sole_owner():
            if engine_name() != "aws":
                killed_terraform.await_end(environment)
            account = AccountAccess.opened(environment)
            client, store, outputs = account.client("lambda"), account.releases, account.outputs()
            if emergency:
                rollback.roll_back_in_emergency(client, store, outputs, functions)
                report.outcome = "rolled back without Terraform"
                out.print(f"To see what differs from its Terraform now: ./noxw -s drift -- {environment}")
            else:
                inputs = rollback.roll_back(client, store, outputs, functions)
                report.outcome = "rolled back"
            seconds = round(time.monotonic() - started, 1)
            out.print(f"Callers have these versions after {seconds} s.")
            if not emergency:
                _confirm(account, report, inputs)
    finally:
        file = record(
            "rollback",
            {**vars(report), "seconds_to_callers": seconds, "seconds": round(time.monotonic() - started, 1)},
        )
        out.print(f"[dim]Outcome: {report.outcome}. The report is {escape(str(_short(file)))}.[/]")


def _confirm(account: AccountAccess, report: DeployReport, inputs: ReleaseInputs) -> None:
    """After a rollback: delete what a killed release has left, and bring Terraform's state up to date."""
    environment = account.environment
    canary_cleanup.delete_leftovers(PlatformAccess(environment, "", account.outputs(), account.client))
    steps = Steps(Deployed.opened(environment).terraform, DeployRequest(environment), report, _kept(environment))
    rollback.confirm(Stages(steps, account.releases, account.client("lambda")), inputs)


def _kept(environment: str) -> Path:
    """The file of the plan, which is kept until the next plan."""
    return BUILD / "deploy" / environment / "plan.tfplan"


def _short(path: Path) -> Path:
    """The path relative to the working folder if it is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
