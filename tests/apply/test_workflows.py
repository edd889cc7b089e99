"""The workflows of the pipeline, step by step on a local engine: what each does when all is well, and when it is not.

`ci` and `nightly` only run sessions, as .ci/run does; `tests/unit/test_ci.py` compares them.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import canary_drill
from harness.engine import environments
from harness.paths import BUILD
from harness.stack.deployment import Stack
from tests.apply import machines
from tests.apply.github_actions import JobRun, Repository
from tests.apply.stage import group
from tests.patience import HANG_S

pytestmark = [group("workflows"), pytest.mark.release]

ACCOUNT = "000000000000"
NOXW = """\
#!/bin/sh
# ./noxw -s SESSION -- ARGUMENTS, in this checkout and without creating nox's environments first
session=$2; shift 3
if [ "$session" = deploy ]; then set -- --port auto "$@"; fi
exec "{python}" -m harness "$session" "$@"
"""


@dataclass(frozen=True)
class Pipeline:
    """The repository with its workflows, and dev on an engine of its own."""

    root: Path
    github: Repository

    def deploy(self, canary: int) -> tuple[JobRun, JobRun]:
        """Somebody starts the workflow `deploy`, and approves its plan."""
        event = {"event_name": "workflow_dispatch", "event": {}}
        plan, deploy = self.github.run("deploy", event=event, inputs={"environment": "dev", "canary": canary})
        return plan, deploy

    def pull_request(self, workflow: str, action: str) -> list[JobRun]:
        """Something happens to pull request 7."""
        pull_request = {"number": 7, "head": {"repo": {"full_name": "example/invoices"}}}
        event = {"event_name": "pull_request", "event": {"action": action, "pull_request": pull_request}}
        return self.github.run(workflow, event=event, only={"environment": "dev"})

    def nightly(self, workflow: str) -> JobRun:
        """It is night."""
        [job] = self.github.run(workflow, event={"event_name": "schedule", "event": {}}, only={"environment": "dev"})
        return job

    def kept(self) -> dict[str, Any]:
        """The issues, labels and comments."""
        document: dict[str, Any] = json.loads((self.github.folder / "github.json").read_text(encoding="utf-8"))
        return document

    def change(self, version: str) -> None:
        """Somebody merges a version of the canary drill; ``base`` is the code as it is."""
        shutil.rmtree(self.root / "lambdas")
        machines.copy_files(self.root, "lambdas")
        if version != "base":
            canary_drill.versions([version])[0].apply(self.root / "lambdas")

    @property
    def stack(self) -> Stack:
        return Stack.model_validate_json((self.root / "build" / "stack-dev.json").read_text(encoding="utf-8"))

    def callers_version(self, function: str = "get-invoice") -> str:
        """The version of a function that all callers get."""
        lambdas: Any = self.stack.session.client("lambda", endpoint_url=self.stack.endpoint_url)
        alias = lambdas.get_alias(FunctionName=self.stack.functions[function], Name="live")
        assert not alias.get("RoutingConfig")
        return str(alias["FunctionVersion"])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A checkout that has its environments, as the action `environment` restores them, and nothing deployed."""
    folder = tmp_path_factory.mktemp("pipeline")
    root = machines.checkout(folder / "checkout")
    for made in (*(environments.ensure(name).parent.parent for name in environments.NAMES), BUILD / "wheels"):
        if made.exists():
            shutil.copytree(made, root / "build" / made.relative_to(BUILD), symlinks=True, copy_function=os.link)
    (root / "noxw").write_text(NOXW.format(python=sys.executable), encoding="utf-8")
    environment = {"HARNESS_ENGINE": "embedded", "HARNESS_BUILD_DIR": str(root / "build"), "PYTHONPATH": str(root)}
    github = Repository(root, folder / "github", environment, {"AWS_ACCOUNT_ID": ACCOUNT})
    github.folder.mkdir()
    try:
        yield Pipeline(root, github)
    finally:
        down = [sys.executable, "-m", "harness", "down"]
        subprocess.run(down, cwd=root, env={**os.environ, **environment}, check=False, timeout=HANG_S)


def failure(job: JobRun) -> str:
    """The end of what the job's steps that failed have printed, for messages of tests."""
    return "\n".join(step.output[-3000:] for step in job.steps if not step.succeeded)


def test_the_first_deployment_applies_what_was_approved(pipeline: Pipeline) -> None:
    plan, deploy = pipeline.deploy(canary=0)

    assert plan.result == "success", failure(plan)
    assert len(plan.outputs["changes"]) == 64
    assert "to create" in plan.summary
    assert deploy.result == "success", failure(deploy)
    assert "Apply the approved changes" in deploy.ran
    assert "Apply the approved changes in stages" not in deploy.ran
    report = json.loads((pipeline.github.folder / "artifacts/deploy-dev/deploy.json").read_text(encoding="utf-8"))
    assert (report["outcome"], report["smoke"]) == ("applied", "passed")
    assert report["changes_sha256"] == plan.outputs["changes"]


def test_a_good_version_is_released_in_stages(pipeline: Pipeline) -> None:
    before = pipeline.callers_version()
    pipeline.change("good-log")

    plan, deploy = pipeline.deploy(canary=50)

    assert "get-invoice" in plan.summary
    assert deploy.result == "success", failure(deploy)
    assert int(pipeline.callers_version()) > int(before)


def test_a_pull_request_gets_one_comment_that_is_edited(pipeline: Pipeline) -> None:
    pipeline.change("raises")

    first, comment = pipeline.pull_request("plan", "opened")
    pipeline.pull_request("plan", "synchronize")

    assert first.result == comment.result == "success", failure(first) + failure(comment)
    [body] = pipeline.kept()["comments"]["7"]
    assert "get-invoice" in body
    assert body in first.summary


def test_a_bad_version_in_stages_takes_itself_back(pipeline: Pipeline) -> None:
    before = pipeline.callers_version()
    pipeline.change("raises")

    _, deploy = pipeline.deploy(canary=50)

    assert deploy.result == "failure"
    assert "The release was taken back" in failure(deploy)
    assert pipeline.callers_version() == before
    report = json.loads((pipeline.github.folder / "artifacts/deploy-dev/deploy.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "taken back"


def test_a_bad_version_all_at_once_is_rolled_back_by_the_last_step(pipeline: Pipeline) -> None:
    before = pipeline.callers_version()
    pipeline.change("raises")

    _, deploy = pipeline.deploy(canary=0)

    rollback = deploy.step("Give callers the versions before, if the test of the new ones failed")
    assert deploy.result == "failure"
    assert rollback.succeeded, rollback.output
    assert "Callers have these versions after" in rollback.output
    assert pipeline.callers_version() == before


def test_changes_that_nobody_approved_are_not_applied(pipeline: Pipeline) -> None:
    """GIVEN an approved plan WHEN somebody merges something else before it is applied THEN nothing is applied."""
    pipeline.change("good-log")
    before = pipeline.callers_version()
    event = {"event_name": "workflow_dispatch", "event": {}}
    inputs = {"environment": "dev", "canary": 50}

    merged = {"deploy": lambda: pipeline.change("raises")}
    _, deploy = pipeline.github.run("deploy", event=event, inputs=inputs, before=merged)

    assert deploy.result == "failure"
    assert "was approved" in failure(deploy)
    assert pipeline.callers_version() == before


def test_drift_opens_one_issue_and_closes_it(pipeline: Pipeline) -> None:
    pipeline.change("good-log")
    _, deploy = pipeline.deploy(canary=0)
    assert deploy.result == "success", failure(deploy)
    quiet = pipeline.nightly("drift")
    assert quiet.result == "success", failure(quiet)
    queues: Any = pipeline.stack.session.client("sqs", endpoint_url=pipeline.stack.endpoint_url)
    queues.create_queue(QueueName="made-by-hand")

    first, second = pipeline.nightly("drift"), pipeline.nightly("drift")
    [issue] = pipeline.kept()["issues"]
    queues.delete_queue(QueueUrl=queues.get_queue_url(QueueName="made-by-hand")["QueueUrl"])
    after = pipeline.nightly("drift")
    [closed] = pipeline.kept()["issues"]

    assert [first.result, second.result, after.result] == ["failure", "failure", "success"]
    assert issue["open"]
    assert "made-by-hand" in issue["body"]
    assert not closed["open"]
    assert list((pipeline.github.folder / "scans" / "drift-dev").glob("*.sarif"))


def test_a_pull_request_has_a_preview_while_it_is_open(pipeline: Pipeline) -> None:
    [up] = pipeline.pull_request("preview", "opened")
    assert up.result == "success", failure(up)
    assert "Create or update the preview" in up.ran
    tables: Any = pipeline.stack.session.client("dynamodb", endpoint_url=pipeline.stack.endpoint_url)
    assert any("pr-00007" in name for name in tables.list_tables()["TableNames"])

    [down] = pipeline.pull_request("preview", "closed")
    sweep = pipeline.nightly("preview")

    assert down.result == "success", failure(down)
    assert "Delete the preview" in down.ran
    assert sweep.result == "success", failure(sweep)
    assert "Delete forgotten previews" in sweep.ran
    assert not any("pr-00007" in name for name in tables.list_tables()["TableNames"])


def test_a_preview_of_a_fork_is_skipped(pipeline: Pipeline) -> None:
    pull_request = {"number": 8, "head": {"repo": {"full_name": "somebody/invoices"}}}
    event = {"event_name": "pull_request", "event": {"action": "opened", "pull_request": pull_request}}

    jobs = [*pipeline.github.run("preview", event=event), *pipeline.github.run("plan", event=event)]

    assert {job.result for job in jobs} == {"skipped"}
