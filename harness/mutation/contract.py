"""The contract tests as a judge of mutants: they hold the code against the plans, and grants against calls.

A mutant is given a checkout of its own, where ``tests/contract`` runs as it stands: what it says there is what a
developer would have seen. It costs two plans of whole environments, so it is asked last.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from harness.errors import HarnessError
from harness.mutation.mutants import copied
from harness.mutation.verdict import MutantVerdict
from harness.paths import ROOT

TIER = "tests/contract"
DEADLINE_S = 600.0

_NOT_COPIED = shutil.ignore_patterns(
    "build",
    "live",
    "modules",
    ".*",
    "__pycache__",
)
_OPTIONS = ("-x", "-q", "--no-header", "-p", "no:schemathesis", "-p", "no:cacheprovider")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (?P<test>\S+)(?: - (?P<said>.*))?$", re.MULTILINE)
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
            tree: Where `Mutant.written` made it.
            work: A folder for the checkout, which no two runs use at a time.

        Raises:
            HarnessError: They are red without any mutant, or did not come to an end.
        """
        with self._proving:
            if not self._proven:
                red = self._run(self._origin, work)
                if red:
                    raise HarnessError(
                        f"{TIER} is red on the unedited Terraform: {red.said}", remedy="Fix it first: nox -s contract."
                    )
                self._proven = True
        return self._run(tree, work)

    def _run(self, tree: Path, work: Path) -> MutantVerdict | None:
        checkout = work / "checkout"
        if not checkout.exists():
            shutil.copytree(ROOT, checkout, ignore=_NOT_COPIED)
        copied(checkout, tree, afresh=False)
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
        return heard(done.returncode, done.stdout)


def heard(exit_code: int, output: str) -> MutantVerdict | None:
    """What a run of the tests says of the mutant.

    Args:
        exit_code: pytest's: 0 green, 1 red, anything else no answer.
        output: What it printed.

    Raises:
        HarnessError: It is no answer.
    """
    if exit_code == 0:
        return None
    failed = _FAILED.search(output)
    if exit_code != 1 or failed is None or _NOT_ABOUT_THE_MUTANT.search(failed["said"] or ""):
        last = "\n".join(output.strip().splitlines()[-6:])
        raise HarnessError(f"{TIER} gave no answer (pytest ended with {exit_code}):\n{last}", remedy="Run it again.")
    test = failed["test"].removeprefix(f"{TIER}/")
    return MutantVerdict("contract", f"{test}: {' '.join((failed['said'] or '').split())[:300]}")
