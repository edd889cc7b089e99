"""Who notices a mutant: the modules' plan specs, and the gate on the plans of the live folders.

The third judge is `harness.mutation.contract`.

A judge returns what turned red for a mutant, or None. Specs of many mutants are planned in one root: a case costs a
fraction of a second, a root costs several.
"""

import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError
from harness.mutation.mutants import Mutant
from harness.mutation.verdict import MutantVerdict
from harness.plan_tests.collector import all_cases, call_of, verdict
from harness.plan_tests.planning import Result, plan_all
from harness.plan_tests.root import ModuleCall
from harness.plan_tests.spec import Case
from harness.policy import plans, unplanned
from harness.policy.finding import Finding
from harness.policy.gate import judge_plan
from harness.terraform.events import Diagnostic
from harness.terraform.module import Module
from harness.terraform.run import TerraformError

_NO_CONFIGURATION = re.compile(
    r"^(Reference to undeclared|Unsupported (argument|attribute|block type)|Missing required argument"
    r"|Invalid (reference|index|expression|resource (type|name)|multi-line|(for_each|count) argument)"
    r"|Argument or block|Missing (item|newline|attribute|resource instance key)|Duplicate (argument|attribute)"
    r"|Attribute redefined"
    r"|Insufficient .* blocks|Unclosed|Error in function call)"
)
"""Errors of an invalid configuration: such a mutant proves nothing, and its operator must be fixed."""

_DISTURBANCE = re.compile(r"(?i)interrupt|cancel+ed|timed? ?out|could not connect|plugin did not respond|no space left")
"""Errors that are not about the configuration: the plan must be repeated."""


class Specs:
    """The plan tests of ``tests/plan``."""

    def __init__(self) -> None:
        self._cases: dict[str, list[Case]] = {}
        for case in all_cases():
            self._cases.setdefault(case.module.name, []).append(case)

    def judge(
        self,
        trees: Mapping[Mutant, Path],
        folder: Path,
        *,
        module: str | None = None,
        thorough: bool = False,
        selection: slice = slice(None),
    ) -> dict[Mutant, MutantVerdict]:
        """Plan the cases of the mutants' modules, on the mutants.

        Args:
            trees: Mutants, and the copies that `Mutant.write` created.
            folder: For the roots.
            module: The module whose cases are planned, if it is not the mutant's own.
            thorough: All cases, instead of the relevant ones: those that are planned for an edit of what is planned,
                and for a lost validation those that expect its message.
            selection: A slice of each mutant's cases: the first case notices most mutants.
        """
        cases = {
            mutant: self._cases_for(mutant, module or mutant.module, thorough=thorough)[selection] for mutant in trees
        }
        accepted, rejected = ([*self._calls(cases, trees, planned=planned)] for planned in (True, False))
        results = plan_all(accepted, rejected, folder=folder) if accepted or rejected else {}
        verdicts = {mutant: self._verdict(mutant, cases[mutant], results) for mutant in trees}
        return {mutant: verdict for mutant, verdict in verdicts.items() if verdict}

    def _calls(
        self, cases: Mapping[Mutant, Sequence[Case]], trees: Mapping[Mutant, Path], *, planned: bool
    ) -> Iterator[ModuleCall]:
        for mutant, mutant_cases in cases.items():
            modules = trees[mutant] / "modules"
            for case in mutant_cases:
                if bool(case.expected) is planned:
                    copy = Module(modules / case.module.name, case.module.blocks)
                    yield replace(call_of(case), key=_key(mutant, case), module=copy, siblings=modules)

    def _cases_for(self, mutant: Mutant, module: str, *, thorough: bool) -> list[Case]:
        cases = self._cases.get(module, [])
        if thorough:
            return cases
        if mutant.operator.name != "drop-validation" or module != mutant.module:
            return [case for case in cases if case.expected]
        return [case for case in cases if not case.expected and _expects_message(case, mutant.edit.before)]

    def _verdict(self, mutant: Mutant, cases: Sequence[Case], results: Mapping[str, Result]) -> MutantVerdict | None:
        for case in cases:
            result = results[_key(mutant, case)]
            if case.expected and result.errors:
                return terraform_verdict(result.errors, f"plan spec {case.key}")
            difference = next(iter(verdict(case, result)), None)
            if difference is not None:
                return MutantVerdict("specs", f"{case.key}: {difference}")
        return None


class Gate:
    """The plan rules on the plans of the live folders.

    Args:
        endpoint: The URL of `offline_aws`.
        origin: The unedited ``modules/`` and ``live/``.
    """

    def __init__(self, endpoint: str, origin: Path) -> None:
        self._endpoint = endpoint
        self._origin = origin
        self._accepted: dict[str, frozenset[tuple[str, str]]] = {}
        self._accepting = threading.Lock()

    def judge(self, tree: Path, environment: str, work: Path) -> MutantVerdict | None:
        """Plan a live folder of a mutant's tree, and look for findings that the unedited one does not have.

        Args:
            tree: The folder that `Mutant.write` created.
            environment: The live folder's name.
            work: A folder for Terraform's own data, for one plan at a time.
        """
        accepted = self._accepted_in(environment, work)
        try:
            findings = self._findings(tree, environment, work)
        except TerraformError as failure:
            errors = [diagnostic for diagnostic in failure.diagnostics if diagnostic.severity == "error"]
            return terraform_verdict(errors, f"plan of live/{environment}")
        new = [finding for finding in findings if _identity(finding) not in accepted]
        return (
            MutantVerdict("gate", f"{environment}: {new[0].rule_id} {new[0].address}: {new[0].message}")
            if new
            else None
        )

    def _accepted_in(self, environment: str, work: Path) -> frozenset[tuple[str, str]]:
        """What the rules find in the unedited folder: the ledger accepts it, or the gate is red anyway."""
        with self._accepting:
            if environment not in self._accepted:
                findings = self._findings(self._origin, environment, work)
                self._accepted[environment] = frozenset(map(_identity, findings))
            return self._accepted[environment]

    def _findings(self, tree: Path, environment: str, work: Path) -> list[Finding]:
        document = plans.plan_live_folder(tree / "live" / environment, self._endpoint, work=work / environment).document
        return judge_plan(document, environment=environment)


def source_checks(mutant: Mutant, tree: Path) -> MutantVerdict | None:
    """What the source of a mutant shows and no plan does."""
    problems = unplanned.problems_of(tree / mutant.folder)
    return MutantVerdict("source", problems[0]) if problems else None


def terraform_verdict(errors: Sequence[Diagnostic], where: str) -> MutantVerdict:
    """What Terraform's errors mean for a mutant.

    Raises:
        HarnessError: Terraform was disturbed: that must not count as noticing the mutant.
    """
    disturbance = next((error for error in errors if _DISTURBANCE.search(f"{error.summary} {error.detail}")), None)
    if disturbance:
        raise HarnessError(f"Terraform was disturbed at the {where}: {disturbance}", remedy="Run it again.")
    invalid = next((error for error in errors if _NO_CONFIGURATION.match(error.summary)), None)
    if invalid or not errors:
        return MutantVerdict("stillborn", f"{where}: {invalid or 'failed without a message'}")
    return MutantVerdict("terraform", f"{where}: {' '.join(str(errors[0]).split())[:300]}")


def _identity(finding: Finding) -> tuple[str, str]:
    return finding.rule_id, finding.address


def _key(mutant: Mutant, case: Case) -> str:
    return f"{mutant.name} | {case.key}"


def _expects_message(case: Case, validation: str) -> bool:
    """Whether a rejecting case expects the message of a validation, by the fixed parts of the message."""
    message = re.search(r'error_message\s*=\s*"(.*)"', validation)
    text = message[1].replace('\\"', '"') if message else ""
    parts = [part.strip() for part in re.split(r"\$\{[^}]*\}+", text) if len(part.strip()) >= len("give a number")]
    return any(part in expected or expected in part for part in parts for expected in case.rejects) or not parts


def empty_folder(folder: Path) -> Path:
    """Delete and create a folder; returns it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
