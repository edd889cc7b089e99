"""The conftest.py of the tests that must kill mutants, in a run of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.paths import ROOT

CACHING = """\
from functools import lru_cache

answer = "without a mutant"

@lru_cache
def asked() -> str:
    return answer

asked()
answer = "of the mutant"
"""
TEST = """\
from invoicing.caching import asked

def test_the_mutant_answers() -> None:
    assert asked() == "of the mutant"
"""


def test_what_a_run_without_mutants_has_cached_does_not_answer_for_a_mutant(tmp_path: Path) -> None:
    """GIVEN a function that has cached its answer before the tests THEN they get the one that it has now."""
    shutil.copy(ROOT / "tests" / "mutants" / "killers.py", tmp_path / "conftest.py")
    (tmp_path / "invoicing").mkdir()
    (tmp_path / "invoicing" / "caching.py").write_text(CACHING, encoding="utf-8")
    (tmp_path / "test_caching.py").write_text(TEST, encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--rootdir", ".", "-q"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
