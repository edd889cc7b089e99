"""lambdas/README.md, "Adding a function", followed step by step with ``GET /health``: it names every place."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import ROOT
from tests.apply import machines
from tests.apply.new_function import STEPS
from tests.apply.stage import group

pytestmark = [pytest.mark.drill, group("adding-a-function")]

GENERATED = {
    "docs/iam.md",
    "docs/openapi.yaml",
    "docs/policy.md",
    "modules/api-gateway/README.md",
    "modules/invoice-platform/README.md",
    "tests/contract/recorded_calls.yaml",
}
"""What ``./noxw -s docs`` may write."""


def steps() -> dict[int, str]:
    """The text of each numbered step."""
    section = (ROOT / "lambdas/README.md").read_text(encoding="utf-8").partition("\n## Adding a function\n")[2]
    section = section.partition("\nThen run:")[0]
    parts = re.split(r"^(\d+)\. ", section, flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return machines.checkout(tmp_path_factory.mktemp("function") / "clone")


def git(checkout: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=True).stdout


def test_each_step_names_its_files() -> None:
    described = steps()

    assert sorted(described) == sorted(STEPS)
    for number, edits in STEPS.items():
        text = described[number].replace("<name>", "health")
        assert [edit.file for edit in edits if edit.file not in text] == [], f"step {number}"


def test_following_the_steps_is_green_and_leaving_one_out_is_reported(checkout: Path) -> None:
    git(checkout, "add", "--all")
    git(
        checkout,
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "as it is",
    )
    for edits in STEPS.values():
        for edit in edits:
            edit.make(checkout)

    ended = machines.run(["./noxw", "-s", "docs", "quick"], checkout, timeout_s=1500)

    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-6000:]
    changed = {line[3:] for line in git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()}
    assert changed - GENERATED == {edit.file for edits in STEPS.values() for edit in edits}

    for number in (6, 7, 8, 9):
        _leave_out(checkout, number)
        tests = ["tests/unit/test_functions.py", "tests/unit/test_architecture.py"]
        pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", *tests]
        left_out = machines.run(pytest_, checkout)
        assert left_out.returncode == 1, f"step {number} can be left out"
        assert all(edit.file.rpartition("/")[2] in left_out.stdout for edit in STEPS[number]), left_out.stdout


def _leave_out(checkout: Path, number: int) -> None:
    """Follow all steps again, without one."""
    for edits in STEPS.values():
        for edit in edits:
            git(checkout, "checkout", "--quiet", "HEAD", "--", edit.file) if _tracked(checkout, edit.file) else (
                checkout / edit.file
            ).unlink(missing_ok=True)
    for step, edits in STEPS.items():
        for edit in edits if step != number else ():
            edit.make(checkout)


def _tracked(checkout: Path, file: str) -> bool:
    return bool(git(checkout, "ls-files", "--", file))
