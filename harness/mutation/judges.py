"""Who notices a mutant: the modules' plan specs, and the gate on the plans of the live folders.

The third judge is `harness.mutation.contract`.

Each judge says of a mutant what turned red, or nothing. Specs are planned for many mutants in one root, for a case
costs a fraction of a second and a root several.
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
from harness.plan_tests.root import Call
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
"""Errors of somebody who writes nonsense: such a mutant proves nothing, and its operator has to be fixed."""

_NO_ANSWER = re.compile(r"(?i)interrupt|cancel+ed|timed? ?out|could not connect|plugin did not respond|no space left")
"""Errors that say nothing of the configuration: what was asked has to be asked again."""


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
        some: slice = slice(None),
    ) -> dict[Mutant, MutantVerdict]:
        """Plan the cases of the mutants' modules, on the mutants.

        Args:
            trees: Mutants, and the copies that `Mutant.written` made.
            folder: For the roots.
            module: Another module's cases than those of the mutant's own.
            thorough: All cases, instead of those that are the mutant's business: the planned ones for an edit of what
                is planned, and for a lost validation those that ask for its message.
            some: Only some of those, counted in each mutant's own: the first one notices most mutants.
        """
        cases = {mutant: self._business(mutant, module or mutant.module, thorough=thorough)[some] for mutant in trees}
        accepted, refused = ([*self._calls(cases, trees, planned=planned)] for planned in (True, False))
        results = plan_all(accepted, refused, folder=folder) if accepted or refused else {}
        found = {mutant: self._verdict(mutant, cases[mutant], results) for mutant in trees}
        return {mutant: one for mutant, one in found.items() if one}

    def _calls(
        self, cases: Mapping[Mutant, Sequence[Case]], trees: Mapping[Mutant, Path], *, planned: bool
    ) -> Iterator[Call]:
        for mutant, some in cases.items():
            modules = trees[mutant] / "modules"
            for case in some:
                if bool(case.expected) is planned:
                    there = Module(modules / case.module.name, case.module.blocks)
                    yield replace(call_of(case), key=_key(mutant, case), module=there, siblings=modules)

    def _business(self, mutant: Mutant, module: str, *, thorough: bool) -> list[Case]:
        cases = self._cases.get(module, [])
        if thorough:
            return cases
        if mutant.operator.name != "drop-validation" or module != mutant.module:
            return [case for case in cases if case.expected]
        return [case for case in cases if not case.expected and _asks_for(case, mutant.edit.before)]

    def _verdict(self, mutant: Mutant, cases: Sequence[Case], results: Mapping[str, Result]) -> MutantVerdict | None:
        for case in cases:
            result = results[_key(mutant, case)]
            if case.expected and result.errors:
                return refusal(result.errors, f"plan spec {case.key}")
            differing = next(iter(verdict(case, result)), None)
            if differing is not None:
                return MutantVerdict("specs", f"{case.key}: {differing}")
        return None


class Gate:
    """The plan rules on the plans of the live folders.

    Args:
        endpoint: Of `offline_aws`.
        origin: The unedited ``modules/`` and ``live/``.
    """

    def __init__(self, endpoint: str, origin: Path) -> None:
        self._endpoint = endpoint
        self._origin = origin
        self._known: dict[str, frozenset[tuple[str, str]]] = {}
        self._learning = threading.Lock()

    def judge(self, tree: Path, environment: str, work: Path) -> MutantVerdict | None:
        """Plan a live folder of a mutant's tree, and look for findings that the unedited one does not have.

        Args:
            tree: Where `Mutant.written` made it.
            environment: The live folder's name.
            work: A folder for Terraform's own data, which no two plans use at a time.
        """
        accepted = self._accepted(environment, work)
        try:
            found = self._findings(tree, environment, work)
        except TerraformError as failure:
            return refusal(
                [one for one in failure.diagnostics if one.severity == "error"], f"plan of live/{environment}"
            )
        new = [one for one in found if _identity(one) not in accepted]
        return (
            MutantVerdict("gate", f"{environment}: {new[0].rule_id} {new[0].address}: {new[0].message}")
            if new
            else None
        )

    def _accepted(self, environment: str, work: Path) -> frozenset[tuple[str, str]]:
        """What the rules find in the unedited folder: the ledger of suppressions has it, or the gate is red anyway."""
        with self._learning:
            if environment not in self._known:
                self._known[environment] = frozenset(map(_identity, self._findings(self._origin, environment, work)))
            return self._known[environment]

    def _findings(self, tree: Path, environment: str, work: Path) -> list[Finding]:
        document = plans.live(tree / "live" / environment, self._endpoint, work=work / environment).document
        return judge_plan(document, environment=environment)


def source_rules(mutant: Mutant, tree: Path) -> MutantVerdict | None:
    """What no plan shows, read from a mutant's source."""
    found = unplanned.problems_of(tree / mutant.folder)
    return MutantVerdict("source", found[0]) if found else None


def refusal(errors: Sequence[Diagnostic], where: str) -> MutantVerdict:
    """What Terraform's refusal of a mutant means.

    Raises:
        HarnessError: Nothing: Terraform was disturbed, and a disturbance must not pass for somebody's notice.
    """
    disturbed = next((one for one in errors if _NO_ANSWER.search(f"{one.summary} {one.detail}")), None)
    if disturbed:
        raise HarnessError(f"Terraform was disturbed at the {where}: {disturbed}", remedy="Run it again.")
    first = next((one for one in errors if _NO_CONFIGURATION.match(one.summary)), None)
    if first or not errors:
        return MutantVerdict("stillborn", f"{where}: {first or 'failed without a word'}")
    return MutantVerdict("terraform", f"{where}: {' '.join(str(errors[0]).split())[:300]}")


def _identity(finding: Finding) -> tuple[str, str]:
    return finding.rule_id, finding.address


def _key(mutant: Mutant, case: Case) -> str:
    return f"{mutant.name} | {case.key}"


def _asks_for(case: Case, validation: str) -> bool:
    """Whether a rejecting case waits for the message of a validation, going by the message's fixed parts."""
    message = re.search(r'error_message\s*=\s*"(.*)"', validation)
    text = message[1].replace('\\"', '"') if message else ""
    parts = [part.strip() for part in re.split(r"\$\{[^}]*\}+", text) if len(part.strip()) >= len("give a number")]
    return any(part in wanted or wanted in part for part in parts for wanted in case.rejects) or not parts


def emptied(folder: Path) -> Path:
    """A folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
