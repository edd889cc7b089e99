"""Runs the jobs of a workflow on this machine, as GitHub would: conditions, matrices, outputs and artifacts included.

The steps' own commands run for real, on a local engine instead of AWS. What GitHub does is done here: the few actions
that the workflows use (`ACTIONS`), and its command line ``gh`` (`github_cli`). The syntax:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml

from tests.patience import HANG_S

Json = dict[str, Any]

PROGRAMS = Path(__file__).with_name("github_cli.py")
_EXPRESSION = re.compile(r"\$\{\{(.+?)\}\}", re.DOTALL)
_STATUS = re.compile(r"\b(always|success|failure|cancelled)\(")
_EXPRESSIONS = jinja2.Environment(undefined=jinja2.ChainableUndefined, autoescape=False)  # noqa: S701 -- not for HTML


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression, such as ``github.event_name == 'push' && inputs.canary != 0``.

    https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
    """
    words = expression.replace("&&", " and ").replace("||", " or ")
    words = re.sub(r"!(?!=)", " not ", words)
    words = re.sub(r"(?<=\.)(\w+-[\w-]+)", lambda name: f'["{name[1]}"]', words).replace('.["', '["')
    return _EXPRESSIONS.compile_expression(words)(**contexts)


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """A text in which each ``${{ }}`` is replaced by its value."""

    def value(match: re.Match[str]) -> str:
        found = evaluate(match[1].strip(), contexts)
        return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)

    return _EXPRESSION.sub(value, text)


@dataclass(frozen=True)
class StepRun:
    """A step that ran: its name, whether it succeeded, and what it printed."""

    name: str
    succeeded: bool
    output: str


@dataclass
class JobRun:
    """A job that ran, or was skipped.

    Attributes:
        name: Its key, with the values of its matrix.
        result: ``success``, ``failure`` or ``skipped``.
        steps: The steps that ran.
        outputs: Its outputs.
        summary: What it wrote into the summary of the run.
    """

    name: str
    result: str = "success"
    steps: list[StepRun] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def step(self, name: str) -> StepRun:
        """The step of that name, which ran."""
        return next(step for step in self.steps if step.name == name)

    @property
    def ran(self) -> list[str]:
        """The names of its steps that ran."""
        return [step.name for step in self.steps]


@dataclass
class Repository:
    """A repository on GitHub, and a runner for its jobs.

    Attributes:
        checkout: What ``actions/checkout`` puts into a job's folder.
        folder: Where GitHub keeps issues, comments, artifacts and scans; emptied of artifacts for each run.
        environment: Variables of every step that the workflow does not set, such as the engine instead of AWS.
        variables: The repository's variables, ``vars``.
    """

    checkout: Path
    folder: Path
    environment: Mapping[str, str]
    variables: Mapping[str, str]

    def run(
        self,
        workflow: str,
        *,
        event: Json,
        inputs: Json | None = None,
        only: Json | None = None,
        before: Mapping[str, Callable[[], None]] | None = None,
    ) -> list[JobRun]:
        """Run a workflow's jobs, in the order that they need each other.

        Args:
            workflow: Its name, below .github/workflows.
            event: The context ``github``: ``event_name`` and ``event``.
            inputs: The inputs of a run that somebody starts.
            only: Values of the matrix; jobs with others are left out.
            before: What happens before a job, by its key.
        """
        document = yaml.safe_load((self.checkout / ".github/workflows" / f"{workflow}.yml").read_text(encoding="utf-8"))
        shutil.rmtree(self.folder / "artifacts", ignore_errors=True)
        github = {"repository": "example/invoices", "server_url": "https://github.example", "run_id": 1, "token": "t"}
        contexts = {"github": {**github, **event}, "inputs": inputs or {}, "vars": dict(self.variables)}
        runs: list[JobRun] = []
        needs: dict[str, Json] = {}
        for key, job in document["jobs"].items():
            needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            of_job = {**contexts, "needs": {name: needs[name] for name in needed}}
            (before or {}).get(key, lambda: None)()
            every = [self._job(key, job, of_job, values) for values in _matrix(job, only or {})]
            runs += every
            results = {run.result for run in every}
            result = next((each for each in ("failure", "success") if each in results), "skipped")
            outputs = {name: text for run in every for name, text in run.outputs.items()}
            needs[key] = {"result": result, "outputs": outputs}
        return runs

    def _job(self, key: str, job: Json, contexts: Json, matrix: Json) -> JobRun:
        contexts = {**contexts, "matrix": matrix}
        run = JobRun(" ".join([key, *map(str, matrix.values())]))
        failed = any(needed["result"] != "success" for needed in contexts["needs"].values())
        if not _is_met(job.get("if", ""), {**contexts, **_functions(self.checkout, failed=failed)}):
            run.result = "skipped"
            return run
        _Runner(self, run, contexts, job).run()
        return run


@dataclass
class _Runner:
    """Runs the steps of one job."""

    repository: Repository
    job_run: JobRun
    contexts: Json
    job: Json
    _outputs: dict[str, Json] = field(default_factory=dict)
    _failed: bool = False

    def run(self) -> None:
        """Run the steps; a job's folder has nothing of other jobs but what it checks out or downloads."""
        steps = self.job["steps"]
        checks_out = any(str(step.get("uses", "")).startswith("actions/checkout@") for step in steps)
        folder = self.repository.checkout if checks_out else self.repository.folder / "work"
        for left in ("build/results", "build/reports"):
            shutil.rmtree(folder / left, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        summary = self.repository.folder / "summary.md"
        summary.write_text("", encoding="utf-8")
        for step in steps:
            self._step(step, folder)
        self.job_run.summary = summary.read_text(encoding="utf-8")
        self.job_run.result = "failure" if self._failed else "success"
        outputs, known = self.job.get("outputs", {}), self._known(folder)
        self.job_run.outputs = {name: fill(text, known) for name, text in outputs.items()}

    def _known(self, folder: Path) -> Json:
        return {**self.contexts, "steps": self._outputs, **_functions(folder, failed=self._failed)}

    def _step(self, step: Json, folder: Path) -> None:
        known = self._known(folder)
        if not _is_met(step.get("if", ""), known):
            return
        name = step.get("name") or step.get("uses", "").partition("@")[0]
        outputs: dict[str, str] = {}
        if "uses" in step:
            options = {key: fill(str(value), known) for key, value in step.get("with", {}).items()}
            output, succeeded = ACTIONS[step["uses"].partition("@")[0]](self.repository, folder, options), True
        else:
            output, succeeded, outputs = self._command(step, folder, known)
        self._failed |= not succeeded
        self.job_run.steps.append(StepRun(name, succeeded, output))
        if "id" in step:
            self._outputs[step["id"]] = {"outputs": outputs, "outcome": "success" if succeeded else "failure"}

    def _command(self, step: Json, folder: Path, known: Json) -> tuple[str, bool, dict[str, str]]:
        written = self.repository.folder / "output"
        written.write_text("", encoding="utf-8")
        variables = {
            key: fill(str(value), known) for key, value in {**self.job.get("env", {}), **step.get("env", {})}.items()
        }
        environment = {
            **os.environ,
            "CI": "true",
            "GITHUB_OUTPUT": str(written),
            "GITHUB_STEP_SUMMARY": str(self.repository.folder / "summary.md"),
            **variables,
            **self.repository.environment,
            "GITHUB_STATE_FOLDER": str(self.repository.folder),
            "PATH": f"{programs(self.repository.folder)}{os.pathsep}{os.environ['PATH']}",
        }
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["-e"]
        ended = subprocess.run(
            ["bash", *options, "-c", fill(step["run"], known)],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=2 * HANG_S,
        )  # fmt: skip
        lines = written.read_text(encoding="utf-8").splitlines()
        return ended.stdout, ended.returncode == 0, dict(line.split("=", 1) for line in lines)


def programs(folder: Path) -> Path:
    """A folder with the program ``gh``."""
    found = folder / "bin"
    found.mkdir(exist_ok=True)
    file = found / "gh"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAMS}" "$@"\n', encoding="utf-8")
    file.chmod(0o755)
    return found


def _matrix(job: Json, only: Json) -> Iterator[Json]:
    """The values of each of the job's runs."""
    axes = job.get("strategy", {}).get("matrix", {})
    for values in itertools.product(*axes.values()):
        combination = dict(zip(axes, values, strict=True))
        if all(only.get(name, value) == value for name, value in combination.items()):
            yield combination


def _is_met(condition: str, contexts: Mapping[str, Any]) -> bool:
    """Whether a job or step runs. Without a function of the status it runs only if nothing has failed."""
    bare = condition.strip().removeprefix("${{").removesuffix("}}").strip()
    checked = bare if _STATUS.search(bare) else f"success() && ({bare or 'true'})"
    return bool(evaluate(checked, contexts))


def _functions(folder: Path, *, failed: bool) -> dict[str, Callable[..., Any]]:
    return {
        "always": lambda: True,
        "success": lambda: not failed,
        "failure": lambda: failed,
        "hashFiles": lambda *patterns: "".join(str(file) for each in patterns for file in sorted(folder.glob(each))),
    }


def _check_out(_: Repository, __: Path, options: Mapping[str, str]) -> str:
    assert options["persist-credentials"] == "False", "the token would stay in .git/config for every later step"
    return ""


def _take_role(repository: Repository, _: Path, options: Mapping[str, str]) -> str:
    """The role is taken on AWS only; the engine's own keys are in the environment."""
    assert re.fullmatch(r"arn:aws:iam::\d{12}:role/invoice-pipeline-(dev|prod)-[a-z]+", options["role-to-assume"])
    assert options["role-to-assume"].split(":")[4] == repository.variables["AWS_ACCOUNT_ID"]
    return options["role-to-assume"]


def _upload_artifact(repository: Repository, folder: Path, options: Mapping[str, str]) -> str:
    source, target = folder / options["path"], repository.folder / "artifacts" / options["name"]
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.mkdir(parents=True)
        shutil.copy(source, target)
    return "" if source.exists() else "No files were found"


def _download_artifacts(repository: Repository, folder: Path, options: Mapping[str, str]) -> str:
    assert options["merge-multiple"] == "True"
    for artifact in sorted((repository.folder / "artifacts").glob("*")):
        if fnmatch.fnmatch(artifact.name, options["pattern"]):
            shutil.copytree(artifact, folder, dirs_exist_ok=True)
    return ""


def _upload_scan(repository: Repository, folder: Path, options: Mapping[str, str]) -> str:
    files = sorted((folder / options["sarif_file"]).glob("*.sarif"))
    assert all(json.loads(file.read_text(encoding="utf-8"))["version"] == "2.1.0" for file in files)
    target = repository.folder / "scans" / options["category"]
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / options["sarif_file"], target)
    return " ".join(file.name for file in files)


ACTIONS: Mapping[str, Callable[[Repository, Path, Mapping[str, str]], str]] = {
    "actions/checkout": _check_out,
    "$/.github/actions/environment": lambda *_: "",  # what it restores is there
    "aws-actions/configure-aws-credentials": _take_role,
    "actions/upload-artifact": _upload_artifact,
    "actions/download-artifact": _download_artifacts,
    "github/codeql-action/upload-sarif": _upload_scan,
}
"""What the actions of the workflows do here."""
