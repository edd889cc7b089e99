"""A deploy: plan, keep the plan, let the gate judge that plan, show it, ask, apply it, write a report.

There is no second plan: the plan that was judged and shown is the one that is applied. If it is stale by then, the
apply fails. ``docs/runbooks/deploy.md`` shows how to use it.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.markup import escape

from harness import package
from harness.console import ProgressStep, out
from harness.deploy.account import Account
from harness.deploy.change_summary import action_of, show_changes, show_findings
from harness.deploy.gate import findings_on, needed_permissions
from harness.engine import ACCOUNT_ID, engine_for, engine_name
from harness.engine.ports import DEFAULT as DEFAULT_PORT
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.policy.finding import Finding
from harness.results import record
from harness.stack import lifecycle
from harness.stack.deployment import APPLY_DEADLINE_S, PARALLELISM, Deployment, artifacts_of, build_for, forget
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform import binary
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform

Confirm = Callable[[], bool]
"""Asks whether to apply the plan."""


def ask() -> bool:
    """Ask the person at the terminal.

    Raises:
        HarnessError: There is no terminal.
    """
    if not sys.stdin.isatty():
        raise HarnessError(
            "Nothing was applied: there is no terminal to ask whether to apply this plan.",
            remedy="Run it in a terminal, or confirm beforehand with --yes.",
        )
    return input("Apply exactly this plan? Type 'yes' to apply: ").strip() == "yes"


@dataclass(frozen=True)
class DeployRequest:
    """The options of a deploy.

    Attributes:
        environment: The live folder's name.
        allow_destroy: Addresses of the stateful resources that may be destroyed.
        confirm: Asks before anything is applied.
        full_gate: Whether checkov scans the plan too, in a separate environment; otherwise only the plan rules judge.
        options: Further options of ``terraform plan``.
    """

    environment: str
    allow_destroy: frozenset[str] = frozenset()
    confirm: Confirm = ask
    full_gate: bool = True
    options: Sequence[str] = ()


@dataclass
class DeployReport:
    """The report of a deploy, in ``build/results/deploy.json``, however the deploy ends."""

    environment: str
    engine: str
    account_id: str = ""
    outcome: str = "failed"
    plan_sha256: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    allowed_to_destroy: list[str] = field(default_factory=list)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def save(self, seconds: float) -> Path:
        """Write the report; return its file."""
        return record("deploy", {**vars(self), "seconds": round(seconds, 1)})


def deploy(request: DeployRequest, *, port: int | Literal["auto"] | None = None) -> None:
    """Deploy an environment to where ``HARNESS_ENGINE`` points: a local engine, which then keeps running, or AWS.

    Args:
        request: The options.
        port: A local engine's port, ``auto`` for any free one, or None for the running stack's or else 4566.

    Raises:
        HarnessError: Something is missing, the gate rejects the plan, it is not confirmed, or Terraform fails.
    """
    binary.find()
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


def carry_out(terraform: Terraform, request: DeployRequest, report: DeployReport, kept: Path) -> None:
    """Plan, judge, show, ask, apply: the same for every account.

    Args:
        terraform: On an initialised root.
        request: The options.
        report: Filled in along the way.
        kept: The file for the plan, which may hold secrets.

    Raises:
        HarnessError: The gate rejects the plan, it is not confirmed, or Terraform fails.
    """
    name = f"live/{request.environment}"
    with ProgressStep(f"Plan {name}") as step:
        plan = terraform.plan([f"-parallelism={PARALLELISM}", *request.options], out=kept)
        report.plan_sha256 = hashlib.sha256(kept.read_bytes()).hexdigest()
        report.changes = count(plan)
        step.conclude(", ".join(f"{number} to {action}" for action, number in report.changes.items()) or "no changes")
    with ProgressStep("Judge this plan") as step:
        findings = findings_on(
            plan, request.environment, request.allow_destroy, full=request.full_gate, today=datetime.now(UTC).date()
        )
        report.findings = [str(finding) for finding in findings]
        report.allowed_to_destroy = sorted(needed_permissions(plan, request.environment, request.allow_destroy))
        step.conclude(f"{len(findings)} findings")
    show_changes(plan)
    _check(findings, request, report)
    if plan.is_empty:
        report.outcome = "nothing to change"
        out.print(f"{name} is up to date: nothing to apply.")
        return
    if not request.confirm():
        report.outcome = "not confirmed"
        raise HarnessError(
            "Nothing was applied: the plan was not confirmed.", remedy="To apply it, run this again and type yes."
        )
    report.outcome = "failed while applying"
    with ProgressStep(f"Apply {name}") as step:
        progress = lifecycle.ApplyProgress(step)
        terraform.apply(kept, [f"-parallelism={PARALLELISM}"], on_event=progress, deadline_s=APPLY_DEADLINE_S)
        step.conclude(f"{progress.done} changes")
    report.outcome = "applied"


def count(plan: TerraformPlan) -> dict[str, int]:
    """The number of resources that a plan creates, updates, replaces, deletes, forgets; outputs are left out."""
    actions = [action_of(change) for change in plan.resources if change.is_change]
    return {action: actions.count(action) for action in sorted(set(actions))}


def _check(findings: Sequence[Finding], request: DeployRequest, report: DeployReport) -> None:
    """Stop if the gate has findings, or if `allow_destroy` names an address that this plan does not destroy.

    Raises:
        HarnessError: Either is the case.
    """
    if findings:
        report.outcome = "rejected by the gate"
        show_findings(findings)
        raise HarnessError(
            f"Nothing was applied: the gate rejects this plan (findings: {len(findings)}). The first is on "
            f"{findings[0].address}.",
            remedy=f"To fix the first: {findings[0].remedy}",
        )
    unneeded = sorted(request.allow_destroy - set(report.allowed_to_destroy))
    if unneeded:
        report.outcome = "rejected: unneeded --allow-destroy"
        raise HarnessError(
            f"Nothing was applied: --allow-destroy names {unneeded[0]}, which this plan does not destroy.",
            remedy="Leave it out, or correct the address; the plan's addresses are shown above.",
        )


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
        carry_out(deployment.terraform, request, report, _kept(environment))
        stack = deployment.describe()
        stack.save(deployment.shell(), terraform=deployment.own_terraform)
        keep = True
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
    carry_out(terraform, request, report, _kept(environment))
    out.print(f"[bold]{environment}[/] in account {account.id}: {escape(str(terraform.output()['stack']['api_url']))}")


def _kept(environment: str) -> Path:
    """The file of the plan, which is kept until the next plan."""
    return BUILD / "deploy" / environment / "plan.tfplan"


def _short(path: Path) -> Path:
    """The path relative to the working folder if it is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
