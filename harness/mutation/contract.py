"""The contract tests as a judge of mutants: they compare the code with the plans, and grants with calls.

``tests/contract`` runs unmodified in a separate checkout of the mutant, and reports what a developer would see. It
needs two plans of whole environments, so this judge comes last.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from harness.errors import HarnessError
from harness.mutation.mutants import copy_terraform
from harness.mutation.verdict import MutantVerdict
from harness.paths import ROOT

TIER = "tests/contract"
DEADLINE_S = 600.0

_NOT_COPIED = shutil.ignore_patterns("build", "live", "modules", ".*", "__pycache__")
_OPTIONS = ("-x", "-q", "--no-header", "-p", "no:schemathesis", "-p", "no:cacheprovider")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (?P<test>\S+)(?: - (?P<message>.*))?$", re.MULTILINE)
_NOT_ABOUT_THE_MUTANT = re.compile(r"\b(?:HarnessError|TerraformError)\b")


class Contracts:
    """The contract tests, run on mutants.

    Args:
        origin: The unedited ``modules/`` and ``live/``.
    """

    def __init__(self, origin: Path) -> None:
        self._origin = origin
        self._proven = False
        self._proving = threading.Lock()

    def judge(self, tree: Path, work: Path) -> MutantVerdict | None:
        """Run the tests with a mutant's Terraform.

        Args:
            tree: The folder that `Mutant.write` created.
            work: A folder for the checkout, for one run at a time.

        Raises:
            HarnessError: They fail without any mutant, or they did not complete.
        """
        with self._proving:
            if not self._proven:
                failure = self._run(self._origin, work)
                if failure:
                    raise HarnessError(
                        f"{TIER} fails on the unedited Terraform: {failure.message}",
                        remedy="Fix it first: nox -s contract.",
                    )
                self._proven = True
        return self._run(tree, work)

    def _run(self, tree: Path, work: Path) -> MutantVerdict | None:
        checkout = work / "checkout"
        if not checkout.exists():
            shutil.copytree(ROOT, checkout, ignore=_NOT_COPIED)
        copy_terraform(checkout, tree, keep_others=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
        done = subprocess.run(  # noqa: S603 - our own tests on our own interpreter
            [sys.executable, "-m", "pytest", TIER, *_OPTIONS],
            cwd=checkout,
            env=environment | {"HARNESS_BUILD_DIR": str(work / "contract"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )
        return contract_verdict(done.returncode, done.stdout)


def contract_verdict(exit_code: int, output: str) -> MutantVerdict | None:
    """The verdict of a run of the tests.

    Args:
        exit_code: pytest's: 0 for green, 1 for red, anything else for an incomplete run.
        output: What it printed.

    Raises:
        HarnessError: The run was incomplete, or failed for a reason outside the mutant.
    """
    if exit_code == 0:
        return None
    failed = _FAILED.search(output)
    if exit_code != 1 or failed is None or _NOT_ABOUT_THE_MUTANT.search(failed["message"] or ""):
        last = "\n".join(output.strip().splitlines()[-6:])
        raise HarnessError(f"{TIER} gave no verdict (pytest ended with {exit_code}):\n{last}", remedy="Run it again.")
    test = failed["test"].removeprefix(f"{TIER}/")
    return MutantVerdict("contract", f"{test}: {' '.join((failed['message'] or '').split())[:300]}")
