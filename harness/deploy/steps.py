"""The steps of a deploy that are the same for every account: plan, judge, show, ask, apply, and deploy the API again.

The plan that was judged and shown is the one that is applied. If it is stale by then, the apply fails.

A deployment of an API is a snapshot, and Terraform creates the new one before it deletes what the plan removes: a stage
has to move to the new deployment before the old one can be deleted. So a removed route is still served after the apply.
Then there is a second plan, which replaces the deployment and nothing else. It is judged too.
docs/decisions/0010-second-deployment.md has the reasons.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.console import ProgressStep, out
from harness.deploy import concurrency, cost, plan_comment
from harness.deploy.change_summary import action_of, show_changes, show_findings
from harness.deploy.gate import findings_on, needed_permissions
from harness.deploy.request import DeployReport, DeployRequest
from harness.errors import HarnessError
from harness.policy import previews
from harness.policy.finding import Finding
from harness.policy.rules.snapshots import outdated_deployments
from harness.stack import lifecycle
from harness.stack.deployment import APPLY_DEADLINE_S, PARALLELISM
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform

_MOVED = ("aws_api_gateway_deployment", "aws_api_gateway_stage")
"""What the second plan may change: it replaces deployments, and their stages move."""


@dataclass(frozen=True)
class Steps:
    """The steps of one deploy.

    Attributes:
        terraform: On an initialised root.
        request: The options.
        report: Filled in along the way.
        kept: The file for the plan, which may hold secrets.
    """

    terraform: Terraform
    request: DeployRequest
    report: DeployReport
    kept: Path

    @property
    def name(self) -> str:
        """The live folder."""
        return f"live/{self.request.environment}"

    def plan(self, *options: str) -> TerraformPlan:
        """Plan, and keep the plan."""
        with ProgressStep(f"Plan {self.name}") as step:
            plan = self.terraform.plan([f"-parallelism={PARALLELISM}", *self.request.options, *options], out=self.kept)
            self.report.plan_sha256 = hashlib.sha256(self.kept.read_bytes()).hexdigest()
            changes = count(plan)
            step.conclude(", ".join(f"{number} to {action}" for action, number in changes.items()) or "no changes")
        return plan

    def judge(self, plan: TerraformPlan) -> list[Finding]:
        """The gate's findings on a plan; they are part of the report."""
        allowed = self.request.allow_destroy
        with ProgressStep("Judge this plan") as step:
            today = datetime.now(UTC).date()
            findings = findings_on(
                self._as_judged(plan), self.request.environment, allowed, full=self.request.full_gate, today=today
            )
            self.report.findings = [str(finding) for finding in findings]
            step.conclude(f"{len(findings)} findings")
        return findings

    def _as_judged(self, plan: TerraformPlan) -> TerraformPlan:
        """The plan; that of a preview as if it were the one of its environment."""
        request = self.request
        if request.workspace == "default":
            return plan
        return TerraformPlan.from_json(previews.as_original(plan.raw, request.environment, request.workspace))

    def apply(self) -> None:
        """Apply the kept plan."""
        self.report.outcome = "failed while applying"
        self.report.apply_began = True
        with ProgressStep(f"Apply {self.name}") as step:
            progress = lifecycle.ApplyProgress(step)
            options = [f"-parallelism={PARALLELISM}"]
            self.terraform.apply(self.kept, options, on_event=progress, deadline_s=APPLY_DEADLINE_S)
            step.conclude(f"{progress.done} changes")
        self.report.outcome = "applied"

    def deploy_again(self, deployments: Sequence[str]) -> None:
        """Replace the API's deployments, which still serve what the last apply has deleted.

        Raises:
            HarnessError: The gate rejects the plan, it changes anything else, or Terraform fails.
        """
        self.report.deployed_again = sorted(deployments)
        self.report.outcome = "applied, but removed routes are still served"
        plan = self.plan(*(f"-replace={address}" for address in self.report.deployed_again))
        findings = self.judge(plan)
        others = [change.address for change in plan.changes if change.type not in _MOVED]
        if findings or others:
            show_changes(plan)
            show_findings(findings)
            first = findings[0].address if findings else others[0]
            replace = " ".join(f"'-replace={address}'" for address in self.report.deployed_again)
            raise HarnessError(
                f"The plan was applied, but its removed routes are still served: the plan that ends this "
                f"{'is rejected by the gate' if findings else 'changes more'} ({first}).",
                remedy=f"Look at that, then run: terraform -chdir={self.name} apply {replace}",
            )
        self.apply()


def carry_out(
    steps: Steps,
    *,
    functions: Any,
    begin: Callable[[], None] = lambda: None,
    check: Callable[[TerraformPlan], None] | None = None,
) -> TerraformPlan:
    """Plan, judge, show, ask, apply: the same for every account.

    Args:
        steps: The steps.
        functions: A client of Lambda in the same account and region.
        begin: Called before anything is applied.
        check: Raises HarnessError if the plan does not fit what else is in the account.

    Returns:
        The plan.

    Raises:
        HarnessError: The gate rejects the plan, the account does not allow it, it is not confirmed, or Terraform fails.
    """
    request, report = steps.request, steps.report
    plan = steps.plan()
    report.changes = count(plan)
    if check:
        check(plan)
    findings = steps.judge(plan)
    report.allowed_to_destroy = sorted(needed_permissions(plan, request.environment, request.allow_destroy))
    report.changes_sha256 = plan_comment.fingerprint(plan)
    plan_comment.write(request.environment, plan, findings)
    show_changes(plan)
    _check(findings, request, report)
    _check_cost(plan, request, report)
    concurrency.check(plan, functions, request.environment)
    _check_approval(request, report)
    if request.plan_only:
        report.outcome = "planned"
        out.print(f"Changes {report.changes_sha256}: nothing was applied.")
        return plan
    if plan.is_empty:
        report.outcome = "nothing to change"
        out.print(f"{steps.name} is up to date: nothing to apply.")
        return plan
    outdated = outdated_deployments(plan.resources)
    if outdated:
        out.print("After the apply the API is deployed once more, without what this plan removes from it.")
    if not request.confirm():
        report.outcome = "not confirmed"
        raise HarnessError(
            "Nothing was applied: the plan was not confirmed.", remedy="To apply it, run this again and type yes."
        )
    begin()
    steps.apply()
    if outdated:
        steps.deploy_again([*outdated])
    return plan


def _check_approval(request: DeployRequest, report: DeployReport) -> None:
    """Stop if the plan changes something else than what was approved.

    Raises:
        HarnessError: It does.
    """
    if request.approved is not None and request.approved != report.changes_sha256:
        report.outcome = "rejected: not the approved changes"
        approved = request.approved[:12] or "nothing"
        raise HarnessError(
            f"Nothing was applied: this plan changes {report.changes_sha256[:12]}, and {approved} was approved. "
            "The account or the code has changed since.",
            remedy="Look at the plan above, and have it approved: start the deployment again.",
        )


def _check_cost(plan: TerraformPlan, request: DeployRequest, report: DeployReport) -> None:
    """Show what the environment costs, and stop if that is a tenth more than now, without a reason.

    Raises:
        HarnessError: It is.
    """
    before, after = cost.before_and_after(plan)
    report.cost = {"before": before.figures, "after": after.figures, "reason": request.cost_reason}
    if plan.is_empty:
        return
    out.print(f"{request.environment} will cost {after}: {after.in_use - before.in_use:+.2f} compared with now.")
    if before.idle and after.in_use > before.in_use * cost.MOST_MORE and not request.cost_reason:
        report.outcome = "rejected: it costs more"
        raise HarnessError(
            f"Nothing was applied: {request.environment} would cost ${after.in_use:.2f} a month instead of "
            f"${before.in_use:.2f}, more than a tenth more.",
            remedy="If that is meant, give the reason: --cost-reason 'WORDS' (docs/runbooks/cost.md).",
        )


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
