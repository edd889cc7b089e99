"""pytest's side of plan tests: a file is a spec, an item is a case.

A spec is ``tests/plan/<module>/<anything>.yaml``::

    defaults:                     # inputs of every case in the file
      table_name: orders
      hash_key: orderId

    on-demand-without-scaling:    # a case: what is planned
      inputs:
        billing_mode: PAY_PER_REQUEST
      expect:
        resources:
          aws_dynamodb_table.this: { billing_mode: PAY_PER_REQUEST, read_capacity: null }
        absent: ["aws_appautoscaling_*"]
        inventory: { aws_dynamodb_table: 1 }

    rejects-an-unknown-billing-mode:   # or what is rejected
      inputs: { billing_mode: FREE }
      rejects: ['billing_mode is "FREE"']

``tests/plan/README.md`` describes the rest.
"""

import json
import os
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.package import placeholders
from harness.paths import BUILD, ROOT
from harness.plan_tests import rewrite
from harness.plan_tests.compare import PlanDifference, differences, missing_tags, shown
from harness.plan_tests.planning import Result, plan_all
from harness.plan_tests.reading import SpecError
from harness.plan_tests.rejections import message_differences
from harness.plan_tests.root import MODULES, ModuleCall
from harness.plan_tests.spec import Case, load
from harness.process.locks import locked
from harness.results import record
from harness.terraform.module import Module, read

SPECS = ROOT / "tests" / "plan"


class CaseFailedError(Exception):
    """A case whose plan differs from its spec; the message has all details."""


class Planner:
    """Plans cases when the first result is needed: then all that this run collected, at once."""

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._cases: dict[str, Case] = {}
        self._calls: dict[str, tuple[ModuleCall, bool]] = {}
        self.seconds = 0.0
        self.counted: dict[str, Case] = {}

    def add(self, cases: Iterable[Case]) -> None:
        """Add cases, to be planned together with the others."""
        self._cases |= {case.key: case for case in cases}

    def add_calls(self, accepted: Iterable[ModuleCall], rejected: Iterable[ModuleCall] = ()) -> None:
        """Add calls that are not cases, to be planned together with the others."""
        self._calls |= {call.key: (call, True) for call in accepted}
        self._calls |= {call.key: (call, False) for call in rejected}

    def result(self, case: Case) -> Result:
        """The result of a case."""
        self.add([case])
        return self.result_of(case.key)

    def result_of(self, key: str) -> Result:
        """The result of a case or call that was added."""
        if key not in self._results:
            waiting = [case for case in self._cases.values() if case.key not in self._results]
            calls = [(call_of(case), case.expected is not None) for case in waiting]
            calls += [entry for entry in self._calls.values() if entry[0].key not in self._results]
            self.counted |= {case.key: case for case in waiting}
            self._results |= self._plan(
                [call for call, good in calls if good], [call for call, good in calls if not good]
            )
        return self._results[key]

    def _plan(self, accepted: Iterable[ModuleCall], rejected: Iterable[ModuleCall]) -> Mapping[str, Result]:
        """Plan calls now, one process at a time in each folder, and count the seconds."""
        folder = BUILD / "plan" / os.environ.get("PYTEST_XDIST_WORKER", "main")
        started = time.monotonic()
        with locked(folder.with_name(f"{folder.name}.lock")):
            results = plan_all([*accepted], [*rejected], folder=folder)
        self.seconds += time.monotonic() - started
        return results

    def figures(self) -> Mapping[str, float]:
        """How many cases were planned, and how long it took."""
        cases = len(self.counted)
        return {
            "cases": cases,
            "rejections": sum(1 for case in self.counted.values() if not case.expected),
            "seconds": round(self.seconds, 1),
            "seconds_per_case": round(self.seconds / cases, 3) if cases else 0.0,
        }


def call_of(case: Case) -> ModuleCall:
    """A case as a module call; ``!path`` values become absolute, and ``!zips`` a folder of zips."""
    return ModuleCall(case.key, case.module, {name: _absolute(value, case) for name, value in case.inputs.items()})


def _absolute(value: Any, case: Case) -> Any:
    if getattr(value, "tag", "") == "zips":
        return str(placeholders(BUILD / "plan" / "zips"))
    if getattr(value, "tag", "") == "path":
        return str((case.document.file.parent / str(value.value)).resolve())
    if isinstance(value, dict):
        return {name: _absolute(element, case) for name, element in value.items()}
    return [_absolute(element, case) for element in value] if isinstance(value, list) else value


class PlanFile(pytest.File):
    """A spec; its folder names the module."""

    def collect(self) -> Iterator["PlanItem"]:
        """Read the spec; an error in it is reported without a traceback."""
        try:
            cases = load(self.path, module_of(self.path))
        except SpecError as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            yield PlanItem.from_parent(self, name=case.name, case=case)


class PlanItem(pytest.Item):
    """A case."""

    def __init__(self, *, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case

    def runtest(self) -> None:
        """Compare the plan with the expectation.

        Raises:
            CaseFailedError: They differ.
        """
        planner = self.config.stash[PLANNER]
        planner.add(item.case for item in self.session.items if isinstance(item, PlanItem))
        result = planner.result(self.case)
        differing = list(verdict(self.case, result))
        if differing and self.config.getoption("--update-plans", default=False):
            differing = rewrite.update(self.case, differing, self.config.stash[UPDATED])
        if differing:
            raise CaseFailedError(failure_text(self.case, differing))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The differences, without a traceback."""
        if isinstance(excinfo.value, CaseFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The position of the case."""
        return self.path, self.case.line - 1, f"plan: {self.case.key}"


PLANNER = pytest.StashKey[Planner]()
UPDATED = pytest.StashKey[list[str]]()


def verdict(case: Case, result: Result) -> Iterator[PlanDifference | str]:
    """All differences between a case and its result."""
    if case.expected is None:
        if result.planned:
            count = len(result.planned.resources)
            yield f"expected a rejection with {shown([*case.rejects])}, but {count} resources are planned"
        else:
            yield from message_differences(case.rejects, result.messages)
    elif result.planned is None:
        yield from (f"expected a plan, but it was rejected: {text}" for text in result.messages)
    else:
        yield from differences(case.expected, result.planned)
        yield from missing_tags(case.inputs.get("tags"), result.planned)


def failure_text(case: Case, differing: Iterable[PlanDifference | str]) -> str:
    """The report of a failed case: the differences, the spec's position, and how to run the case alone."""
    file = case.document.file
    file = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    lines = [f"{case.key} ({file}:{case.line})", *(f"  {difference}" for difference in differing)]
    return "\n".join([*lines, f"Run it alone: ./noxw -s plan -- {shlex.quote(f'{file}::{case.name}')}"])


def module_of(spec: Path) -> Module:
    """The module of a spec.

    Raises:
        SpecError: No module has the folder's name.
    """
    folder = MODULES / spec.parent.name
    if not folder.is_dir():
        raise SpecError(spec, 1, f"there is no module {spec.parent.name!r}: a spec's folder has the name of its module")
    return read(folder)


def all_cases() -> tuple[Case, ...]:
    """The cases of all specs, in order."""
    return tuple(case for file in sorted(SPECS.glob("*/*.yaml")) for case in load(file, module_of(file)))


def report(terminal: pytest.TerminalReporter, planner: Planner) -> None:
    """Print the figures, and add them to the session's results: its own length is then ``session_seconds``."""
    figures = planner.figures()
    if not figures["cases"]:
        return
    terminal.write_line(
        "plan: {cases} cases, {rejections} of them rejections, {seconds} s, {seconds_per_case} s per case".format_map(
            figures
        )
    )
    session = os.environ.get("HARNESS_SESSION")
    if session:
        file = BUILD / "results" / f"{session}.json"
        earlier = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        others = {name: value for name, value in earlier.items() if name not in {"session", "at"}}
        record(session, {**others, "session_seconds": earlier.get("seconds"), **figures})
