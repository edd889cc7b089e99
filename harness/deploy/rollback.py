"""A rollback: the versions before, by Terraform, or without it in an emergency. Data stays as it is.

``docs/runbooks/rollback.md`` shows how to use it.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy import applied_code
from harness.deploy.change_summary import show_changes
from harness.deploy.release import (
    ALIAS,
    LiveAlias,
    ReleaseInputs,
    ReleaseRecord,
    ReleaseStore,
    last_below,
    live_aliases,
    published_versions,
)
from harness.deploy.stages import Stages, move_at_once
from harness.deploy.steps import count
from harness.errors import HarnessError


@dataclass(frozen=True)
class Step:
    """One function's way back.

    Attributes:
        name: Its short name.
        function: Its full name.
        current: The version that callers get.
        target: The version that they had before.
    """

    name: str
    function: str
    current: str
    target: str


def roll_back(functions: Any, store: ReleaseStore, outputs: Mapping[str, Any], names: Iterable[str]) -> ReleaseInputs:
    """Give callers the versions before: of a release or deploy that has not ended those before it, else the last ones.

    The aliases are moved without Terraform, because each second costs calls; `confirm` does the rest.

    Args:
        functions: A client of Lambda.
        store: The record of the environment's releases.
        outputs: The output ``stack`` of the live folder.
        names: Short names of functions; none for all that differ in the release before.

    Returns:
        The inputs with which Terraform has nothing to change.

    Raises:
        HarnessError: There is no earlier version, or the aliases cannot be moved.
    """
    record, aliases = store.load(), live_aliases(functions, outputs["functions"])
    steps = way_back(functions, record, aliases, set(names))
    _show(steps)
    stable = {**record.agreeing_with(aliases).stable, **{step.name: step.target for step in steps}}
    move_at_once(functions, aliases, stable, store.environment)
    versions = {name: stable.get(name, alias.version) for name, alias in aliases.items()}
    store.save(record.released(versions).in_stages(stable, 0, "they were rolled back."))
    return ReleaseInputs(stable, 0)


def confirm(stages: Stages, inputs: ReleaseInputs) -> None:
    """Bring Terraform's state up to date, and show what plain ``terraform apply`` would change now.

    What it cannot do is only printed: callers have their versions already.
    """
    try:
        stages.restore_code()
        stages.settle(inputs)
        show_difference(stages)
    except HarnessError as error:
        out.print(f"[yellow]Note:[/] Callers have the versions before, but Terraform reports: {escape(str(error))}")


def show_difference(stages: Stages) -> None:
    """Plan, and print what plain ``terraform apply`` would change now."""
    with ProgressStep("Plan what differs now") as step:
        plan = stages.steps.terraform.plan(["-refresh=false"])
        step.conclude(", ".join(f"{number} to {action}" for action, number in count(plan).items()) or "nothing")
    show_changes(plan)


def roll_back_in_emergency(
    functions: Any, store: ReleaseStore, outputs: Mapping[str, Any], names: Iterable[str]
) -> list[Step]:
    """Give callers the code before, straight from the artifacts bucket and without Terraform.

    Code from the bucket is published, and the alias moved to it. Terraform's provider does not see that the code was
    replaced (hashicorp/aws 5.100 does not read back where it came from). So the code that Terraform has applied is put
    back behind the alias, and published again: the next plan shows that the alias differs, and nothing else.

    Args:
        functions: A client of Lambda.
        store: The record of the environment's releases.
        outputs: The output ``stack`` of the live folder.
        names: Short names of functions; none for all that differ in the release before.

    Raises:
        HarnessError: There is no earlier version, or its zip is not in the bucket.
    """
    record, aliases = store.load(), live_aliases(functions, outputs["functions"])
    steps = way_back(functions, record, aliases, set(names))
    _show(steps)
    bucket, published = outputs["artifacts_bucket"], {}
    for step in steps:
        with ProgressStep(f"Replace the code of {step.name}") as progress:
            applied = _digest(functions, step, "$LATEST")
            published[step.name] = _publish(functions, step, bucket, _digest(functions, step, step.target))
            functions.update_alias(
                FunctionName=step.function, Name=ALIAS, FunctionVersion=published[step.name], RoutingConfig={}
            )
            _publish(functions, step, bucket, applied)
            progress.conclude(f"callers get version {published[step.name]}")
    versions = {name: published.get(name, alias.version) for name, alias in aliases.items()}
    kept = record.agreeing_with(live_aliases(functions, outputs["functions"]))
    kept = kept.without({step.name: step.target for step in steps}).released(versions)
    store.save(kept.in_stages({**kept.stable, **published}, 0, "they were rolled back in an emergency."))
    return steps


def _digest(functions: Any, step: Step, version: str) -> str:
    """The checksum of a version's code, as the keys of the zips have it."""
    configuration = functions.get_function_configuration(FunctionName=step.function, Qualifier=version)
    return base64.b64decode(configuration["CodeSha256"]).hex()


def _publish(functions: Any, step: Step, bucket: str, digest: str) -> str:
    """Replace a function's code by a zip of the artifacts bucket, and publish it; return the version."""
    return applied_code.publish(functions, step.function, bucket, f"functions/{step.name}/{digest}.zip")


def way_back(functions: Any, record: ReleaseRecord, aliases: Mapping[str, LiveAlias], names: set[str]) -> list[Step]:
    """What callers had before, of the named functions or of all; nothing if a deploy was killed before it moved them.

    Raises:
        HarnessError: A name is no function, or there is nothing to go back to.
    """
    unknown = sorted(names - set(aliases))
    if unknown:
        raise HarnessError(
            f"There is no function {unknown[0]!r}.", remedy=f"Use one of: {', '.join(sorted(aliases)) or 'none'}."
        )
    chosen = {name: alias for name, alias in aliases.items() if name in (names or aliases)}
    targets = {name: alias.version for name, alias in chosen.items() if alias.weights}
    targets |= {
        name: version
        for name, version in record.unfinished.items()
        if name in chosen and chosen[name].version != version
    }
    if record.unfinished and not targets:
        out.print("A deploy has begun to apply and has not ended. Callers still have the versions from before it.")
        return []
    if not targets:
        current = {name: alias.version for name, alias in chosen.items()}
        targets = record.before(current) or _before_without_record(functions, aliases, current)
    if not targets:
        raise HarnessError(
            f"No earlier release is known of {', '.join(sorted(names or aliases))}.",
            remedy="Check out the revision that is to run, and deploy it.",
        )
    return [
        Step(name, aliases[name].function, aliases[name].newest, version) for name, version in sorted(targets.items())
    ]


def _before_without_record(
    functions: Any, aliases: Mapping[str, LiveAlias], chosen: Mapping[str, str]
) -> dict[str, str]:
    """The versions that were published before, for what was deployed without a record."""
    before = {
        name: last_below(current, published_versions(functions, aliases[name])) for name, current in chosen.items()
    }
    return {name: version for name, version in before.items() if version is not None}


def _show(steps: Iterable[Step]) -> None:
    table = Table("Function", "From version", "To version")
    for step in steps:
        table.add_row(step.name, step.current, step.target)
    if table.row_count:
        out.print(table)
