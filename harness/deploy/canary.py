"""A release in stages: the newest versions get a share of the calls, are watched, and get all of them or none.

``docs/runbooks/deploy.md`` shows how to use it.
"""

import base64
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from harness.console import ProgressStep, out
from harness.deploy.canary_judge import Defect
from harness.deploy.canary_watch import NO_SIGN, Watch
from harness.deploy.release import ALIAS, LiveAlias, ReleaseInputs, published_versions
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.stages import Stages, changing, deploy_all_at_once, named
from harness.deploy.steps import Steps
from harness.deploy.version_figures import watched_functions
from harness.errors import HarnessError
from harness.package import archive
from harness.terraform.plan import TerraformPlan

ROUNDS = 2
"""Rounds of traffic before a release and after one that was taken back: what the newest versions are compared with."""


class _OtherVersionsError(Exception):
    """The plan gives functions a new version that the stage does not know of.

    Attributes:
        stable: All functions that get one, with the version that callers have now.
    """

    def __init__(self, stable: Mapping[str, str]) -> None:
        super().__init__(named(stable))
        self.stable = stable


def deploy_in_stages(
    stages: Stages,
    percent: int,
    access: Callable[[], PlatformAccess],
    *,
    artifacts: Path,
    check: Callable[[TerraformPlan], None] | None = None,
) -> None:
    """Deploy: new versions of functions get some of the calls first, everything else is deployed at once.

    Args:
        stages: The stages.
        percent: The share of the calls, 1 to 99.
        access: Returns the access to the deployed platform.
        artifacts: The folder with the zips that are deployed.
        check: As for `carry_out`.

    Raises:
        HarnessError: The release was taken back, or it could not be carried out.
    """
    aliases = stages.aliases()
    stable = kept_back(stages, aliases) | with_other_code(stages.functions, aliases, artifacts)
    try:
        _deploy(stages, stable, percent, access, check)
    except _OtherVersionsError as others:  # of functions with the same code and other settings
        _deploy(stages, others.stable, percent, access, check)


def kept_back(stages: Stages, aliases: Mapping[str, LiveAlias]) -> dict[str, str]:
    """The functions whose callers are kept on a version although there is a later one, with the version of callers."""
    recorded = stages.store.load().agreeing_with(aliases).stable
    return {
        name: version
        for name, version in recorded.items()
        if any(
            int(each) > int(version) for each in published_versions(stages.functions, aliases[name]) if each.isdigit()
        )
    }


def with_other_code(functions: Any, aliases: Mapping[str, LiveAlias], artifacts: Path) -> dict[str, str]:
    """The functions that have other code than their zip, for callers or unpublished, with the version of callers."""
    stable = {}
    for name, alias in aliases.items():
        zipped = archive.digest(artifacts / f"{name}.zip")
        deployed = {_code(functions, alias, qualifier) for qualifier in (ALIAS, "$LATEST")}
        if alias.weights or deployed != {zipped}:
            stable[name] = alias.version
    return stable


def _code(functions: Any, alias: LiveAlias, qualifier: str) -> str:
    """The checksum of a function's code, hexadecimal."""
    configuration = functions.get_function_configuration(FunctionName=alias.function, Qualifier=qualifier)
    return base64.b64decode(configuration["CodeSha256"]).hex()


def _deploy(
    stages: Stages,
    stable: Mapping[str, str],
    percent: int,
    access: Callable[[], PlatformAccess],
    check: Callable[[TerraformPlan], None] | None,
) -> None:
    """Deploy with a stage for these functions, or all at once if there are none."""
    aliases = stages.aliases()

    def check_all(plan: TerraformPlan) -> None:
        others = {name: version for name, version in changing(plan, aliases).items() if name not in stable}
        if others:
            raise _OtherVersionsError({**stable, **others})
        if check:
            check(plan)

    if not stable:
        deploy_all_at_once(stages, check=check_all)
        out.print("No function that was deployed before gets a new version, so there were no stages.")
        return
    out.print(f"Callers keep {named(stable)} at first.")
    with Watch.started(access()) as watch:
        _check_before(stages, watch)
        staged = stages.with_inputs(ReleaseInputs(stable, percent / 100))
        _begin(stages, staged, stable, check_all)
        _decide(stages, watch, stable)
    stages.check_settled(ReleaseInputs())
    stages.steps.report.canary["settled"] = True


def _begin(stages: Stages, staged: Steps, stable: Mapping[str, str], check: Callable[[TerraformPlan], None]) -> None:
    """Carry out the first stage; if its apply does not end well, callers get the stable versions."""
    try:
        stages.carry_out(staged, check)
    except BaseException as error:
        if stages.steps.report.apply_began:
            _give_up(stages, stable, error)
        raise


def _give_up(stages: Stages, stable: Mapping[str, str], error: BaseException) -> None:
    """Take a release back that did not come to a decision."""
    interrupted = isinstance(error, KeyboardInterrupt)
    reason = "the deploy was interrupted." if interrupted else f"the deploy failed ({type(error).__name__})."
    out.print(f"[yellow]{'Interrupted' if interrupted else 'The deploy failed'}: the release is taken back.[/]")
    stages.move_at_once(stable)
    stages.keep(stable, reason)
    stages.steps.report.canary |= {"stable": dict(stable), "outcome": "taken back", "reason": reason}


def _check_before(stages: Stages, watch: Watch) -> None:
    """Check that the platform does what it should before anything is released.

    Raises:
        HarnessError: It does not, so no version could be judged.
    """
    if any(alias.weights for alias in stages.aliases().values()):
        return  # what an interrupted release did is not the platform's fault
    with ProgressStep("Synthetic traffic before the release"):
        defect = _rounds(watch)
    if defect:
        raise HarnessError(
            f"Nothing was applied: the platform fails already before the release. {defect.reason}",
            remedy=f"Find out why first: ./noxw -s smoke -- {stages.environment}",
        )


def _rounds(watch: Watch) -> Defect | None:
    """Some rounds of traffic; the first defect that one has found."""
    return next((defect for _ in range(ROUNDS) if (defect := watch.round())), None)


def _decide(stages: Stages, watch: Watch, stable: Mapping[str, str]) -> None:
    """Watch the release, and give the newest versions all calls or none.

    Raises:
        HarnessError: It was taken back.
    """
    report = stages.steps.report.canary
    report.update(stable=dict(stable), outcome="interrupted")
    try:
        watched = watched_functions(stages.functions, stages.aliases())
        with ProgressStep("Watch the newest versions"):
            defect = watch.until_decided(watched)
        if defect is None:
            stages.move(ReleaseInputs(), "-refresh=false")  # the state was written a moment ago
            stages.finish()
    except BaseException as error:
        _give_up(stages, stable, error)
        raise
    finally:
        report["versions"] = watch.rows()
    if defect is None:
        report["outcome"] = "released"
        return
    _take_back(stages, watch, stable, defect)
    raise HarnessError(
        f"The release was taken back: {defect.reason} ({defect.caught_by})",
        remedy=f"Callers have {named(stable)} again. Fix the code, then deploy again. "
        f"Plain `terraform apply` would release these versions all at once.",
    )


def _take_back(stages: Stages, watch: Watch, stable: Mapping[str, str], defect: Defect) -> None:
    """Take the release back, prove it, and report it."""
    report = stages.steps.report.canary
    out.print(f"[yellow]{escape(defect.reason)} The release is taken back.[/]")
    stages.move_at_once(stable)  # not by a plan: each second costs calls
    stages.keep(stable, defect.reason)
    stages.steps.report.outcome = "taken back"
    report.update(outcome="taken back", taken_back_at=time.time(), caught_by=defect.caught_by, reason=defect.reason)
    watch.traffic.begin_anew()
    watch.traffic.look = lambda: None
    with ProgressStep("Synthetic traffic after it") as step:
        after = _rounds(watch)
        report["after"] = after.reason if after else "as before"
        step.conclude(report["after"])
    if defect.caught_by == NO_SIGN:  # perhaps calls still hang
        watch.await_calls()
    watch.read()
    report["versions"] = watch.rows()
    stages.settle(ReleaseInputs(stable, 0))
    report["settled"] = True
