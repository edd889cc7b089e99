"""A deploy: plan, keep the plan, let the gate judge that very plan, show it, ask, apply it, write down what happened.

Nothing is planned a second time: what was judged and shown is what is applied, or Terraform says that the kept plan has
gone stale. ``docs/runbooks/deploy.md`` tells how it is used.
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
from harness.console import Step, out
from harness.deploy.account import Account
from harness.deploy.change_summary import show_changes, show_findings
from harness.deploy.gate import findings_on, lifted
from harness.engine import engine_for, engine_name
from harness.engine.ports import DEFAULT as DEFAULT_PORT
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.policy.finding import Finding
from harness.results import record
from harness.stack import lifecycle
from harness.stack.deployment import APPLY_DEADLINE_S, PARALLELISM, Deployment, artifacts_of, build_for, forget
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform import binary
from harness.terraform.plan import Plan
from harness.terraform.run import Terraform

Confirm = Callable[[], bool]
"""Asks a person whether to go on."""


def ask() -> bool:
    """Ask the person at the terminal.

    Raises:
        HarnessError: There is none.
    """
    if not sys.stdin.isatty():
        raise HarnessError(
            "Nobody is there to be asked whether to apply this plan: nothing was applied.",
            remedy="Run it in a terminal, or say so beforehand: --yes.",
        )
    return input("Apply exactly this plan? Only 'yes' does: ").strip() == "yes"


@dataclass(frozen=True)
class DeployRequest:
    """What a deploy is asked to do.

    Attributes:
        environment: The live folder's name.
        allow_destroy: Addresses of stateful resources whose end is meant.
        confirm: Asks before anything is applied.
        full_gate: Whether checkov looks at the plan too, in an environment of its own; else the plan rules alone.
        options: More of ``terraform plan``'s own options.
    """

    environment: str
    allow_destroy: frozenset[str] = frozenset()
    confirm: Confirm = ask
    full_gate: bool = True
    options: Sequence[str] = ()


@dataclass
class DeployReport:
    """What a deploy leaves in ``build/results/deploy.json``, however it ends."""

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
        """Write it."""
        return record("deploy", {**vars(self), "seconds": round(seconds, 1)})


def deploy(request: DeployRequest, *, port: int | Literal["auto"] | None = None) -> None:
    """Deploy an environment to what ``HARNESS_ENGINE`` says: a local engine, which then stays up, or AWS.

    Raises:
        HarnessError: Something is missing, the gate refuses the plan, nobody confirms it, or Terraform fails.
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
        out.print(f"[dim]{report.outcome}: {file.parent.name}/{file.name}[/]")


def carry_out(terraform: Terraform, request: DeployRequest, report: DeployReport, kept: Path) -> None:
    """Plan, judge, show, ask, apply: the same for every account.

    Args:
        terraform: On an initialised root.
        request: What is asked.
        report: Filled in on the way.
        kept: Where the plan is kept; it may hold secrets.

    Raises:
        HarnessError: The gate refuses the plan, nobody confirms it, or Terraform fails.
    """
    name = f"live/{request.environment}"
    with Step(f"Plan {name}") as step:
        plan = terraform.plan([f"-parallelism={PARALLELISM}", *request.options], out=kept)
        kept.chmod(0o600)
        report.plan_sha256 = hashlib.sha256(kept.read_bytes()).hexdigest()
        report.changes = count(plan)
        step.conclude(", ".join(f"{number} to {action}" for action, number in report.changes.items()) or "no changes")
    with Step("Ask the gate about this plan") as step:
        findings = findings_on(
            plan, request.environment, request.allow_destroy, full=request.full_gate, today=datetime.now(UTC).date()
        )
        report.findings = [str(one) for one in findings]
        report.allowed_to_destroy = sorted(lifted(plan, request.environment, request.allow_destroy))
        step.conclude(f"{len(findings)} findings")
    show_changes(plan)
    _refuse(findings, request, report)
    if plan.is_empty:
        report.outcome = "nothing to change"
        out.print(f"{name} is as it should be: nothing to apply.")
        return
    if not request.confirm():
        report.outcome = "not confirmed"
        raise HarnessError("Nothing was applied.", remedy="The plan was fine; run it again and answer yes.")
    report.outcome = "failed while applying"
    with Step(f"Apply {name}") as step:
        progress = lifecycle.ApplyProgress(step)
        terraform.apply(kept, [f"-parallelism={PARALLELISM}"], on_event=progress, deadline_s=APPLY_DEADLINE_S)
        step.conclude(f"{progress.done} changes")
    report.outcome = "applied"


def count(plan: Plan) -> dict[str, int]:
    """How many resources a plan creates, updates, replaces, deletes, forgets; outputs are left out."""
    actions = ["replace" if one.is_replacement else one.actions[0] for one in plan.resources if one.is_change]
    return {action: actions.count(action) for action in sorted(set(actions))}


def _refuse(findings: Sequence[Finding], request: DeployRequest, report: DeployReport) -> None:
    """Stop at what the gate found, and at a permission to destroy that this plan does not need.

    Raises:
        HarnessError: There is either.
    """
    if findings:
        report.outcome = "refused by the gate"
        show_findings(findings)
        raise HarnessError(
            f"The gate refuses this plan: {len(findings)} findings, the first on {findings[0].address}. "
            "Nothing was applied.",
            remedy=findings[0].remedy,
        )
    idle = sorted(request.allow_destroy - set(report.allowed_to_destroy))
    if idle:
        report.outcome = "refused: --allow-destroy without need"
        raise HarnessError(
            f"--allow-destroy names {idle[0]}, which this plan does not destroy. Nothing was applied.",
            remedy="Leave it out, or correct the address; the plan's addresses are shown above.",
        )


def _to_engine(request: DeployRequest, report: DeployReport, port: int | Literal["auto"] | None) -> None:
    """Deploy to the environment's own local engine: the one that runs, or one that is started and then left running."""
    environment = request.environment
    engine = engine_for(instance=environment, port=DEFAULT_PORT if port is None else port)
    report.account_id = engine.account_id
    running = lifecycle.running_stack(environment, engine, port)
    keep = running is not None
    try:
        if running is None:
            lifecycle.start(engine)
        with Step("Build the functions"):
            build_for(engine)
        deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
        with Step(f"Initialise live/{environment}"):
            deployment.prepare()
        carry_out(deployment.terraform, request, report, _kept(environment))
        stack = deployment.describe()
        stack.save(deployment.shell(), terraform=deployment.own_terraform)
        keep = True
    finally:
        if report.outcome == "failed while applying":
            forget(environment)  # nobody can say what is there now
        if keep and engine.is_running:
            engine.release()
        else:
            lifecycle.stop(environment, engine)
    out.print(f"[bold]{environment}[/] runs on the {engine.name} engine: {escape(stack.api_url)}")
    out.print(
        f"Use it: source {escape(str(_shown(stack.path(environment).with_suffix('.env'))))}; stop it: ./noxw -s down"
    )


def _to_aws(request: DeployRequest, report: DeployReport) -> None:
    """Deploy to the caller's AWS account."""
    environment = request.environment
    with Step("Look whose account this is") as step:
        account = Account.of_caller(environment)
        report.account_id = account.id
        step.conclude(account.id)
    artifacts = BUILD / "artifacts" / "aws"
    with Step("Build the functions"):
        package.build(package.Target.AWS, artifacts)
    terraform = account.terraform(environment, artifacts, BUILD / "terraform" / f"aws-{environment}")
    with Step(f"Initialise live/{environment}"):
        terraform.init({"bucket": account.state_bucket})
    carry_out(terraform, request, report, _kept(environment))
    out.print(f"[bold]{environment}[/] in account {account.id}: {escape(str(terraform.output()['stack']['api_url']))}")


def _kept(environment: str) -> Path:
    """Where the plan is kept until the next one."""
    return BUILD / "deploy" / environment / "plan.tfplan"


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
