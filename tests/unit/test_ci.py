"""CI's parallel jobs run what .ci/run runs, and the hooks before a commit run what `nox -s lint` runs."""

import ast
import re
from functools import cache
from typing import Any

import yaml

from harness.paths import ROOT

NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")
MATRIX = "unit-matrix"
"""The session that runs the unit tests on one Python after the other; CI has a job for each."""

ONLY_JOBS = {"audit"}
"""Sessions that ask a service in the network, which .ci/run does without."""


@cache
def matrix() -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    return dict(workflow["jobs"]["sessions"]["strategy"]["matrix"])


@cache
def constant(name: str) -> Any:
    """A constant of noxfile.py, which cannot be imported without nox's own state."""
    assignments = [node for node in ast.parse(NOXFILE).body if isinstance(node, ast.Assign)]
    return next(ast.literal_eval(node.value) for node in assignments if ast.unparse(node.targets[0]) == name)


def test_ci_runs_the_sessions_of_the_script() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    extra = re.search(r"^exec \./noxw -s suite -- (.+)$", script, re.MULTILINE)
    assert extra is not None
    of_script = set(constant("SUITE")) | set(extra[1].split())

    of_jobs = {session for job in matrix()["sessions"] for session in job.split()}
    of_jobs |= {session for job in matrix()["include"] for session in job["sessions"].split()}

    assert of_jobs - ONLY_JOBS == of_script - {MATRIX}
    assert of_jobs >= ONLY_JOBS


def test_the_nightly_workflow_runs_sessions_that_exist() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))

    sessions = workflow["jobs"]["sessions"]["strategy"]["matrix"]["session"]

    assert {"canary-drill", "releases"} <= set(sessions)
    assert all(f"def {session.replace('-', '_')}(" in NOXFILE for session in sessions)


def test_ci_and_nox_test_the_same_pythons() -> None:
    assert tuple(job["python"] for job in matrix()["include"] if job["sessions"] == "unit") == constant("PYTHONS")


def test_hooks_run_commands_of_the_session_lint() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]

    programs = {hook["entry"].removeprefix(".nox/environment/bin/").split()[0] for hook in hooks}

    lint = NOXFILE.partition("def lint(")[2].partition("\n@")[0]
    assert programs <= set(re.findall(r'dev\(session, "([a-z-]+)"', lint))
    assert all(hook["entry"].startswith(".nox/environment/bin/") for hook in hooks)
