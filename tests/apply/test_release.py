"""Releases in stages and rollbacks on a running stack with data: what callers get, and what the next plan says."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.engine import environments
from harness.paths import BUILD, ROOT
from harness.process import supervisor
from harness.stack.deployment import Stack
from harness.terraform.plan import TerraformPlan
from tests.apply.stage import group
from tests.apply.test_deploy import DeployedDev, FreshCheckout

pytestmark = [group("release"), pytest.mark.release]

CHANGED = ("get-invoice", "generate-pdf")
"""The functions that the versions of this test change."""


@dataclass(frozen=True)
class Released:
    """dev on an engine of its own, with an invoice, and the versions that callers get after each release."""

    build: Path
    stack: Stack
    versions: list[dict[str, str]]
    reports: list[dict[str, Any]]

    def client(self, service: str) -> Any:
        session: Any = self.stack.session
        return session.client(service, endpoint_url=self.stack.endpoint_url)

    def aliases(self) -> dict[str, dict[str, Any]]:
        lambdas = self.client("lambda")
        return {name: lambdas.get_alias(FunctionName=self.stack.functions[name], Name="live") for name in CHANGED}

    def current(self) -> dict[str, str]:
        return {name: alias["FunctionVersion"] for name, alias in self.aliases().items()}

    def items(self) -> list[Any]:
        found = self.client("dynamodb").scan(TableName=self.stack.table_name)["Items"]
        return sorted(found, key=lambda item: item["invoiceId"]["S"])

    def plan(self, work: Path, *options: str) -> TerraformPlan:
        """A plan of plain Terraform: of the unmodified live folder, without the inputs of a release."""
        return DeployedDev(self.build, [], self.stack).live(work).plan(options)


def run(build: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, check=check, timeout=600, capture_output=True,
        text=True,
    )  # fmt: skip


def report_of(build: Path, name: str = "deploy") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((build / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def released(fresh_build: Callable[[], Path]) -> Iterator[Released]:
    """Three releases: the code as it is, get-invoice anew, and in stages generate-pdf anew after a bad get-invoice."""
    build = fresh_build()
    checkov = environments.ensure("policy").parent.parent
    shutil.copytree(checkov, build / checkov.relative_to(BUILD), symlinks=True, copy_function=os.link)
    try:
        run(build, "tests.apply.release_version", "base", "0")
        stack = Stack.model_validate_json((build / "stack-dev.json").read_text(encoding="utf-8"))
        result = Released(build, stack, [], [])
        result.client("s3").upload_file(ROOT / "docs/sample/invoices.csv", stack.uploads_bucket, "incoming/a.csv")
        for version, percent in (("good-log", "0"), ("raises", "20"), ("good-slower", "50")):
            run(build, "tests.apply.release_version", version, percent, check=version != "raises")
            result.versions.append(result.current())
            result.reports.append(report_of(build))
        yield result
    finally:
        run(build, "harness", "down", check=False)


def test_a_bad_release_leaves_the_aliases_as_they_were(released: Released) -> None:
    _, bad, good = released.reports
    before, after_bad, after_good = released.versions

    assert (bad["outcome"], bad["canary"]["outcome"]) == ("taken back", "taken back")
    assert "status" in bad["canary"]["caught_by"]
    assert bad["canary"]["after"] == "as before"
    assert bad["canary"]["settled"]
    assert after_bad == before
    assert good["canary"]["outcome"] == "released"
    assert int(after_good["generate-pdf"]) > int(before["generate-pdf"])


def test_a_release_in_stages_ends_in_an_empty_plan_of_plain_terraform(released: Released, tmp_path: Path) -> None:
    assert released.plan(tmp_path).is_empty


def test_a_killed_release_is_undone_by_a_rollback_on_the_same_stack(released: Released, tmp_path: Path) -> None:
    before, items = released.current(), released.items()
    environment = {**os.environ, "HARNESS_BUILD_DIR": str(released.build)}
    release = [sys.executable, "-m", "tests.apply.release_version", "slow", "10"]
    deploy, record = supervisor.spawn(release, purpose="a deploy to kill", env=environment, cwd=ROOT)
    alias = {"FunctionName": released.stack.functions["query-invoices"], "Name": "live"}
    deadline = time.monotonic() + 120
    while "RoutingConfig" not in released.client("lambda").get_alias(**alias):
        assert time.monotonic() < deadline, "the release did not begin"
        time.sleep(0.2)
    deploy.kill()
    deploy.wait(10)
    record.terminate()

    run(released.build, "harness", "rollback", "dev")

    after = released.client("lambda").get_alias(**alias)
    assert "RoutingConfig" not in after
    assert released.current() == before
    assert released.items() == items
    assert report_of(released.build, "rollback")["seconds_to_callers"] <= 20
    moved = {change.address for change in released.plan(tmp_path).resources if change.is_change}
    assert moved == {'module.invoice_platform.module.function["query-invoices"].aws_lambda_alias.this'}


def test_the_runbook_rolls_back_with_and_without_terraform_and_by_an_earlier_revision(
    released: Released, tmp_path: Path
) -> None:
    before, items = released.current(), released.items()
    published = [
        version["Version"]
        for version in released.client("lambda").list_versions_by_function(
            FunctionName=released.stack.functions["get-invoice"], MaxItems=50
        )["Versions"]
    ]

    back, drift, emergency, deploy = (
        run.output for run in FreshCheckout.at(released.build.parent).types("rollback.md")
    )

    assert "Callers have these versions after" in back
    assert before["generate-pdf"] in back
    assert "Callers are kept on" in drift
    assert "dev is as its Terraform says" in drift
    assert "callers get version" in emergency
    assert "because: they were rolled back in an emergency." in deploy
    assert "The smoke test of dev passed." in deploy
    assert [item for item in released.items() if item in items] == items
    assert set(published) <= {
        version["Version"]
        for version in released.client("lambda").list_versions_by_function(
            FunctionName=released.stack.functions["get-invoice"], MaxItems=50
        )["Versions"]
    }
    assert released.plan(tmp_path).is_empty
