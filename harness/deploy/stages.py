"""The stages of a release: moves of the aliases, each a saved and judged plan of the same code with other inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.console import out
from harness.deploy import applied_code
from harness.deploy.change_summary import show_changes, show_findings
from harness.deploy.release import ALIAS, LiveAlias, ReleaseInputs, ReleaseStore, live_aliases
from harness.deploy.steps import Steps, carry_out
from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan
from harness.terraform.unknown import UNKNOWN

MOVED = ("aws_lambda_alias",)
"""What a stage after the first may change: the aliases move, and nothing else."""


@dataclass(frozen=True)
class Stages:
    """The stages of one release.

    Attributes:
        steps: The steps of the deploy.
        store: The record of the environment's releases.
        functions: A client of Lambda.
    """

    steps: Steps
    store: ReleaseStore
    functions: Any

    @property
    def environment(self) -> str:
        """The live folder's name."""
        return self.steps.request.environment

    @cached_property
    def deployed(self) -> Mapping[str, str]:
        """The full names of the functions that were deployed before, by short name; none before the first deploy."""
        names: Mapping[str, str] = self.steps.terraform.output().get("stack", {}).get("functions", {})
        return names

    def aliases(self) -> dict[str, LiveAlias]:
        """The aliases of the functions that were deployed before, as they are, by the functions' short names."""
        return live_aliases(self.functions, self.deployed)

    def options(self, inputs: ReleaseInputs) -> tuple[str, ...]:
        """The options of a plan with these inputs."""
        return inputs.options(self.steps.kept.with_name("release.tfvars.json"))

    def with_inputs(self, inputs: ReleaseInputs) -> Steps:
        """The steps of the deploy with these inputs."""
        request = self.steps.request
        return replace(self.steps, request=replace(request, options=(*request.options, *self.options(inputs))))

    def restore_code(self) -> None:
        """Put back the code that Terraform has applied, where a killed deploy has replaced it; see `applied_code`.

        Raises:
            HarnessError: It cannot be put back.
        """
        applied_code.restore(self.functions, self.steps.terraform.state())

    def carry_out(self, steps: Steps, check: Callable[[TerraformPlan], None] | None = None) -> None:
        """Plan, judge, show, ask, and apply; the record says so until the deploy has ended. See `carry_out`."""
        carry_out(steps, functions=self.functions, begin=self._begin, check=check)

    def _begin(self) -> None:
        versions = {name: alias.version for name, alias in self.aliases().items()}
        self.store.save(self.store.load().begun(versions))

    def move(self, inputs: ReleaseInputs, *options: str) -> None:
        """Move the aliases, and nothing else.

        Args:
            inputs: Where to.
            options: Further options of ``terraform plan``.

        Raises:
            HarnessError: The gate rejects the plan, the plan changes anything else, or Terraform fails.
        """
        steps = self._aliases_only(inputs)
        plan = steps.plan(*options)
        if not plan.is_empty:
            self._check(steps, plan)
            steps.apply()

    def _aliases_only(self, inputs: ReleaseInputs) -> Steps:
        """The steps of a stage that only moves what was judged: checkov does not scan it again."""
        steps = self.with_inputs(inputs)
        return replace(steps, request=replace(steps.request, full_gate=False))

    def _check(self, steps: Steps, plan: TerraformPlan) -> None:
        findings = steps.judge(plan)
        others = [change.address for change in plan.resources if change.is_change and change.type not in MOVED]
        if findings or others:
            show_changes(plan)
            show_findings(findings)
            first = findings[0].address if findings else others[0]
            raise HarnessError(
                f"The plan of this stage {'is rejected by the gate' if findings else 'changes more than aliases'} "
                f"({first}).",
                remedy="Fix that, then deploy again.",
            )

    def move_at_once(self, stable: Mapping[str, str]) -> None:
        """Give all calls to these versions without Terraform; see `move_at_once`."""
        move_at_once(self.functions, self.aliases(), stable, self.environment)

    def keep(self, stable: Mapping[str, str], reason: str) -> None:
        """Record that callers keep these versions, and why."""
        self.store.save(self.store.load().in_stages(stable, 0, reason))

    def settle(self, inputs: ReleaseInputs) -> None:
        """Check that a plan with these inputs has nothing to change, and apply it: the state then is what it has read.

        Raises:
            HarnessError: The plan has something to change, or Terraform fails.
        """
        steps = self._aliases_only(inputs)
        outcome = steps.report.outcome
        self._check_empty(steps.plan("-refresh=true"))  # whatever the options of the deploy are
        steps.apply()
        steps.report.outcome = outcome

    def check_settled(self, inputs: ReleaseInputs) -> None:
        """Check that a plan with these inputs has nothing to change.

        Raises:
            HarnessError: It has.
        """
        self._check_empty(self.with_inputs(inputs).plan("-refresh=true"))

    def _check_empty(self, plan: TerraformPlan) -> None:
        if not plan.is_empty:
            show_changes(plan)
            raise HarnessError(
                f"After this, {self.steps.name} still differs: {plan.changes[0]}.",
                remedy=f"To see everything that differs: ./noxw -s drift -- {self.environment}",
            )

    def finish(self) -> None:
        """Record that the versions that callers get now are released."""
        names = self.steps.terraform.output()["stack"]["functions"]  # with those of this deploy
        aliases = live_aliases(self.functions, names)
        versions = {name: alias.version for name, alias in sorted(aliases.items())}
        self.store.save(self.store.load().all_at_once(versions))


def move_at_once(functions: Any, aliases: Mapping[str, LiveAlias], stable: Mapping[str, str], environment: str) -> None:
    """Give all calls to these versions without Terraform. Its next plan finds nothing to move.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html

    Args:
        functions: A client of Lambda.
        aliases: The aliases as they are.
        stable: The versions, by the functions' short names.
        environment: The live folder's name, for messages.

    Raises:
        HarnessError: Lambda does not move them.
    """
    try:
        for name, version in stable.items():
            if name in aliases:
                functions.update_alias(
                    FunctionName=aliases[name].function, Name=ALIAS, FunctionVersion=version, RoutingConfig={}
                )
    except (BotoCoreError, ClientError) as error:
        raise HarnessError(
            f"The aliases cannot be moved, so a release may still be in progress: {error}",
            remedy=f"As soon as they can be: ./noxw -s rollback -- {environment}",
        ) from error


def changing(plan: TerraformPlan, aliases: Mapping[str, LiveAlias]) -> dict[str, str]:
    """The functions whose alias a plan moves, with the version that callers have now.

    Args:
        plan: A plan of the deploy all at once. It need not know where the aliases are.
        aliases: The aliases as they are.
    """
    names = {alias.function: name for name, alias in aliases.items()}
    stable = {}
    for change in plan.by_type("aws_lambda_alias"):
        name = names.get(str(change.values.get("function_name")))
        if name is None or change.values.get("name") != ALIAS:
            continue
        planned = change.values.get("function_version")
        if planned is UNKNOWN or planned != aliases[name].version or aliases[name].weights:
            stable[name] = aliases[name].version
    return stable


def deploy_all_at_once(stages: Stages, check: Callable[[TerraformPlan], None] | None = None) -> None:
    """A deploy without stages; a release that is in progress or was taken back ends with it.

    Args:
        stages: The stages.
        check: As for `carry_out`.

    Raises:
        HarnessError: See `carry_out`.
    """
    aliases = stages.aliases()
    record = stages.store.load().agreeing_with(aliases)
    if record.weight:
        out.print(f"[yellow]Note:[/] a release is in progress ({named(record.stable)}): this deploy ends it.")
    elif record.stable:
        out.print(
            f"[yellow]Note:[/] callers were kept on {named(record.stable)}, because: {record.reason or 'unknown'} "
            "This deploy moves them."
        )
    elif record.unfinished:
        out.print("[yellow]Note:[/] an earlier deploy has begun to apply and has not ended: this one finishes it.")
    stages.carry_out(stages.steps, check)
    stages.finish()


def named(stable: Mapping[str, str]) -> str:
    """Functions and their versions, for messages."""
    return ", ".join(f"{name} {version}" for name, version in sorted(stable.items()))
