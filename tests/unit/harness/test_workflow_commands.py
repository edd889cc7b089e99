"""Every command in a workflow is a session of nox that exists, with arguments that it takes."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.__main__ import parser
from harness.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMMAND = re.compile(r"^\s*\./noxw (?P<words>.+?)(?: 2>&1.*)?$", re.MULTILINE)
VALUES = {"CANARY": "10", "CHANGES": "0" * 64, "ENVIRONMENT": "dev", "NUMBER": "7"}
"""A value for each variable that a step passes to a command."""


def sessions() -> dict[str, str]:
    """The sessions of noxfile.py, each with the harness's command that it runs; "" if it runs none."""
    found = {}
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in {"menu", "with_dev", "nox.session"}:
                names = [ast.literal_eval(word.value) for word in decorator.keywords if word.arg == "name"]
                run = re.search(
                    r'harness\(session, "([a-z-]+)"\)', "\n".join(map(ast.unparse, node.body)).replace("'", '"')
                )
                found[names[0] if names else node.name] = run[1] if run else ""
    return found


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    """The steps of a workflow's jobs, each with the variables of its job and its own."""
    for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
        for step in job["steps"]:
            yield {**step, "env": {**job.get("env", {}), **step.get("env", {})}}


def commands(workflow: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The words after ``./noxw``, and the variables of the step."""
    for step in steps(workflow):
        for match in COMMAND.finditer(step.get("run", "")):
            words = shlex.split(match["words"], comments=True)
            yield [re.sub(r"\$(\w+)", lambda name: VALUES.get(name[1], name[0]), word) for word in words], step["env"]


def test_there_are_commands_in_each_workflow() -> None:
    assert {file.stem for file in WORKFLOWS} == {"ci", "deploy", "drift", "nightly", "plan", "preview"}
    assert not [file.name for file in WORKFLOWS if not list(commands(file))]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_each_command_is_a_session_with_arguments_that_it_takes(workflow: Path) -> None:
    known = sessions()
    assert known["deploy"] == "deploy"

    for words, _ in commands(workflow):
        split = words.index("--") if "--" in words else len(words)
        names, arguments = (
            [word for word in words[:split] if word not in {"-s", "$SESSION", "$SESSIONS"}],
            words[split + 1 :],
        )

        assert set(names) <= known.keys(), words
        for name in names:
            if known[name]:
                parser().parse_args([known[name], *arguments])  # exits if it does not take them


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_each_variable_of_a_command_is_set(workflow: Path) -> None:
    for step in steps(workflow):
        used = set(re.findall(r"\$\{?([A-Z_]+)", step.get("run", "")))

        assert used - step["env"].keys() <= {"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"}, step


@pytest.mark.parametrize("name", ["deploy", "drift", "plan", "preview"])
def test_a_workflow_that_reaches_aws_runs_only_where_an_account_is_named(name: str) -> None:
    body = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))

    for job in body["jobs"].values():
        if "id-token" in job["permissions"]:
            assert job["env"]["HARNESS_ENGINE"] == "aws"
            assert "vars.AWS_ACCOUNT_ID" in job["env"]["TF_VAR_account_id"]
            assert job["environment"]
