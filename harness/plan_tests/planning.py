"""Plans many calls at once, and separates the results again.

Calls that should be accepted are planned together. Those that should be rejected are planned in another root, at the
same time. A rejection hides others: Terraform does not check a precondition, or a validation that reads another
variable, in a plan where a validation that reads only its own variable already fails. So the calls that were not
rejected are planned again, without the rejected ones, until a plan succeeds or no call is left.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paths import BUILD
from harness.plan_tests.compare import PlannedCase
from harness.plan_tests.root import CaseRoot, ModuleCall, write
from harness.plan_tests.tftest_root import TftestRoot
from harness.terraform.events import Diagnostic
from harness.terraform.plan import output_changes, resource_changes

_RULE = "This was checked by the validation rule at "


@dataclass(frozen=True)
class Result:
    """The result of one call.

    Attributes:
        planned: The plan; None if the call was rejected.
        errors: Why it was rejected.
    """

    planned: PlannedCase | None
    errors: tuple[Diagnostic, ...] = ()

    @property
    def messages(self) -> list[str]:
        """The errors' texts, as the module's author wrote them."""
        return [message(error) for error in self.errors]


def message(error: Diagnostic) -> str:
    """An error's text; for a validation or condition only its own message."""
    text = error.detail.split(f"\n\n{_RULE}")[0].strip()
    is_condition = error.summary in {
        "Invalid value for variable",
        "Resource precondition failed",
        "Resource postcondition failed",
        "Module output value precondition failed",
    }
    return text if is_condition and text else f"{error.summary}: {text}".removesuffix(": ")


def plan_all(
    accepted: Sequence[ModuleCall], rejected: Sequence[ModuleCall], *, folder: Path | None = None
) -> dict[str, Result]:
    """Plan calls.

    Args:
        accepted: Calls that should be planned.
        rejected: Calls that should be rejected.
        folder: The folder for the roots; ``build/plan`` by default.

    Returns:
        The result of each call, by its key.
    """
    folder = folder or BUILD / "plan"
    jobs = [("accepted", accepted), ("rejected", rejected)]
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        parts = pool.map(lambda job: _until_settled(job[1], folder / job[0]), jobs)
        return {key: result for part in parts for key, result in part.items()}


def _until_settled(calls: Sequence[ModuleCall], folder: Path) -> dict[str, Result]:
    """Plan calls; remove the rejected ones and plan the others again, until every call has its result."""
    results: dict[str, Result] = {}
    waiting = list(calls)
    while waiting:
        root = write(waiting, folder)
        plan = TftestRoot(folder).planned()
        if not plan.errors:
            return results | _results_of(plan.document, root)
        rejections = _errors_by_call(plan.errors, root)
        if not rejections:
            return results | _one_module_at_a_time(waiting, folder, plan.errors)
        results |= {key: Result(None, errors) for key, errors in rejections.items()}
        waiting = [call for call in waiting if call.key not in rejections]
    return results


def _errors_by_call(errors: Iterable[Diagnostic], root: CaseRoot) -> dict[str, tuple[Diagnostic, ...]]:
    by_call: dict[str, list[Diagnostic]] = {}
    for error in errors:
        key = root.about(error)
        if key is not None:
            by_call.setdefault(key, []).append(error)
    return {key: tuple(dict.fromkeys(own)) for key, own in by_call.items()}


def _one_module_at_a_time(
    calls: Sequence[ModuleCall], folder: Path, errors: tuple[Diagnostic, ...]
) -> dict[str, Result]:
    """For errors that name no call: plan each module's calls separately, so that a broken module affects no other."""
    modules = sorted({call.module.name for call in calls})
    if len(modules) == 1:
        return {call.key: Result(None, errors) for call in calls}
    results: dict[str, Result] = {}
    for name in modules:
        results |= _until_settled([call for call in calls if call.module.name == name], folder)
    return results


def _results_of(document: Mapping[str, Any], root: CaseRoot) -> dict[str, Result]:
    """The plan's parts, by call."""
    resources: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in root.names.values()}
    for change in resource_changes(document):
        name, _, address = change.address.removeprefix("module.").partition(".")
        if name in resources and change.mode == "managed":
            resources[name][address] = change.values
    outputs = {change.name: change.values for change in output_changes(document)}
    return {key: Result(PlannedCase(resources[name], outputs.get(name, {}))) for key, name in root.names.items()}
