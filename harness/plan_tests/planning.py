"""Planning many calls at once, and dealing the answers out again.

Calls that should be accepted are planned together, and those that should be refused in another root, at the same time.
A refusal hides others: a validation that reads another variable, or a precondition, is not looked at in a plan where
one that reads its own variable alone already fails. So whatever was not refused is planned again, without the
refused ones, until a plan succeeds or nothing is left.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paths import BUILD
from harness.plan_tests.compare import UNKNOWN, Planned
from harness.plan_tests.root import Call, Root, write
from harness.plan_tests.tftest_root import TftestRoot
from harness.terraform.events import Diagnostic

_RULE = "This was checked by the validation rule at "


@dataclass(frozen=True)
class Result:
    """What came of one call.

    Attributes:
        planned: What it plans; None if it was refused.
        errors: Why it was refused.
    """

    planned: Planned | None
    errors: tuple[Diagnostic, ...] = ()

    @property
    def messages(self) -> list[str]:
        """The errors' texts, as the module's author wrote them."""
        return [message(one) for one in self.errors]


def message(error: Diagnostic) -> str:
    """What an error says; of a validation or condition only its own message."""
    told = error.detail.split(f"\n\n{_RULE}")[0].strip()
    own = error.summary in {
        "Invalid value for variable",
        "Resource precondition failed",
        "Resource postcondition failed",
        "Module output value precondition failed",
    }
    return told if own and told else f"{error.summary}: {told}".removesuffix(": ")


def plan_all(accepted: Sequence[Call], refused: Sequence[Call], *, folder: Path | None = None) -> dict[str, Result]:
    """Plan calls.

    Args:
        accepted: Calls that should be planned.
        refused: Calls that should be refused.
        folder: Where roots are written; ``build/plan`` unless told otherwise.

    Returns:
        What came of each call, by its key.
    """
    folder = folder or BUILD / "plan"
    jobs = [("accepted", accepted), ("refused", refused)]
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        parts = pool.map(lambda job: _until_settled(job[1], folder / job[0]), jobs)
        return {key: result for part in parts for key, result in part.items()}


def _until_settled(calls: Sequence[Call], folder: Path) -> dict[str, Result]:
    """Plan calls; leave the refused ones out and plan the others again, until every call has its result."""
    results: dict[str, Result] = {}
    waiting = list(calls)
    while waiting:
        root = write(waiting, folder)
        answer = TftestRoot(folder).planned()
        if not answer.errors:
            return results | _dealt_out(answer.document, root)
        blamed = _blamed(answer.errors, root)
        if not blamed:
            return results | _apart(waiting, folder, answer.errors)
        results |= {key: Result(None, errors) for key, errors in blamed.items()}
        waiting = [call for call in waiting if call.key not in blamed]
    return results


def _blamed(errors: Iterable[Diagnostic], root: Root) -> dict[str, tuple[Diagnostic, ...]]:
    blamed: dict[str, list[Diagnostic]] = {}
    for error in errors:
        key = root.about(error)
        if key is not None:
            blamed.setdefault(key, []).append(error)
    return {key: tuple(dict.fromkeys(found)) for key, found in blamed.items()}


def _apart(calls: Sequence[Call], folder: Path, errors: tuple[Diagnostic, ...]) -> dict[str, Result]:
    """For errors that name no call: plan each module's calls alone, so that one broken module spoils no other's."""
    modules = sorted({call.module.name for call in calls})
    if len(modules) == 1:
        return {call.key: Result(None, errors) for call in calls}
    results: dict[str, Result] = {}
    for name in modules:
        results |= _until_settled([call for call in calls if call.module.name == name], folder)
    return results


def _dealt_out(document: Mapping[str, Any], root: Root) -> dict[str, Result]:
    """The plan's parts, by call."""
    resources: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in root.names.values()}
    for entry in document.get("resource_changes", ()):
        name, _, address = entry["address"].removeprefix("module.").partition(".")
        if name in resources and entry["mode"] == "managed":
            change = entry["change"]
            resources[name][address] = _known(change["after"], change["after_unknown"])
    outputs = {
        name: _known(change.get("after"), change.get("after_unknown", False))
        for name, change in document.get("output_changes", {}).items()
    }
    return {key: Result(Planned(resources[name], outputs.get(name) or {})) for key, name in root.names.items()}


def _known(after: Any, unknown: Any) -> Any:
    """The planned values, with `UNKNOWN` where only the apply will tell."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict):
        known = after if isinstance(after, dict) else {}
        return {name: _known(known.get(name), unknown.get(name, False)) for name in {**known, **unknown}}
    if isinstance(unknown, list) and isinstance(after, list):
        padded = [*unknown, *([False] * (len(after) - len(unknown)))]
        return [_known(one, part) for one, part in zip(after, padded, strict=False)]
    return after
