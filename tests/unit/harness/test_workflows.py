"""What `lint` uses to check the workflows rejects a workflow that GitHub would not run."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
CI = (WORKFLOWS / "ci.yml").read_text(encoding="utf-8")


def checked(workflow: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The result of the check of a workflow."""
    file = folder / "workflow.yml"
    file.write_text(workflow, encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workflow", sorted(WORKFLOWS.glob("*.yml")), ids=lambda file: file.stem)
def test_the_projects_workflows_pass(workflow: Path, tmp_path: Path) -> None:
    assert checked(workflow.read_text(encoding="utf-8"), tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("runs-on:", "run-on:", id="a misspelled key of a job"),
        pytest.param("timeout-minutes: 60", "timeout-minutes: soon", id="a value of the wrong type"),
        pytest.param("contents: read", "contents: all", id="an unknown permission"),
    ],
)
def test_a_workflow_that_github_would_not_run_is_rejected(old: str, new: str, tmp_path: Path) -> None:
    assert old in CI

    result = checked(CI.replace(old, new), tmp_path)

    assert result.returncode == 1, result.stdout
