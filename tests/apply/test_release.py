"""Releases in stages and rollbacks on a running stack with data: what callers get, and what the next plan says."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import usage
from harness.deploy.smoke_access import ApiResponse, PlatformAccess
from harness.engine import environments
from harness.package import archive
from harness.paths import BUILD, ROOT
from harness.stack import code_history
from harness.stack.deployment import Stack
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform
from tests.apply.stage import group
from tests.apply.test_deploy import DeployedDev, FreshCheckout
from tests.patience import HANG_S

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
        """All invoices, also those of the traffic, which leaves other records for the comparison with later ones."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.stack.table_name)
        invoices = [item for page in pages for item in page["Items"] if "invoiceNumber" in item]
        return sorted(invoices, key=lambda item: str(item["invoiceId"]["S"]))

    def digest_of_callers(self, name: str) -> str:
        """The checksum of the code that callers get."""
        function = self.stack.functions[name]
        configuration = self.client("lambda").get_function_configuration(FunctionName=function, Qualifier="live")
        return base64.b64decode(configuration["CodeSha256"]).hex()

    def queues_of_traffic(self) -> list[str]:
        listed: list[str] = self.client("sqs").list_queues(QueueNamePrefix="canary-").get("QueueUrls", [])
        return listed

    def get(self, path: str) -> ApiResponse:
        return PlatformAccess.on_engine(self.stack).request("GET", path, self.stack.api_key)

    def plan(self, work: Path, *options: str) -> TerraformPlan:
        """A plan of plain Terraform: of the unmodified live folder, without the inputs of a release."""
        return DeployedDev(self.build, [], self.stack).live(work).plan(options)


def run(build: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
    ended = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, check=False, timeout=HANG_S, capture_output=True,
        text=True,
    )  # fmt: skip
    assert ended.returncode == 0 or not check, ended.stdout[-3000:] + ended.stderr
    return ended


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


@pytest.fixture(scope="module")
def checkout(released: Released) -> FreshCheckout:
    """Types runbooks at that stack."""
    return FreshCheckout.at(released.build.parent)


def test_the_runbook_shows_what_the_stack_costs(released: Released, checkout: FreshCheckout) -> None:
    deploy, cost = (run.output for run in checkout.types("cost.md"))

    figures = report_of(released.build, "cost")
    assert f"dev costs ${figures['idle']} a month idle, ${figures['invoices']} with 10,000 invoices" in cost
    assert report_of(released.build)["cost"]["after"] == {name: figures[name] for name in ("idle", "invoices")}
    assert "alarm_metric" in cost
    assert "dev runs on the embedded engine" in deploy


def test_what_invoices_use_is_what_was_written_down(released: Released) -> None:
    """The numbers of calls agree within five per cent; how often a stream is read in batches varies."""
    measured = usage.measure(PlatformAccess.on_engine(released.stack), 20, "0c057000")

    written = usage.Usage.load()
    compared = {name: use.calls for name, use in measured.functions.items() if name != "process-invoice"}
    expected = {name: use.calls for name, use in written.functions.items() if name != "process-invoice"}
    names = ("api_requests", "events", "stored_bytes")
    assert compared | {name: measured.amounts[name] for name in names} == {
        name: pytest.approx(amount, rel=Decimal("0.05"))
        for name, amount in (expected | {name: written.amounts[name] for name in names}).items()
    }


def test_the_runbook_rolls_back_with_and_without_terraform_and_by_an_earlier_revision(
    released: Released, checkout: FreshCheckout, tmp_path: Path
) -> None:
    before, items = released.current(), released.items()
    published = [
        version["Version"]
        for version in released.client("lambda").list_versions_by_function(
            FunctionName=released.stack.functions["get-invoice"], MaxItems=50
        )["Versions"]
    ]

    back, drift, emergency, deploy = (run.output for run in checkout.types("rollback.md"))

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


@dataclass
class BeginningRelease:
    """A release of a version in a process of its own, which a test ends before it is complete."""

    released: Released
    version: str
    percent: str

    def __enter__(self) -> "BeginningRelease":
        self._events.unlink(missing_ok=True)
        environment = {**os.environ, "HARNESS_BUILD_DIR": str(self.released.build)}
        command = [sys.executable, "-m", "tests.apply.release_version", self.version, self.percent]
        self._process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    @property
    def _events(self) -> Path:
        """What Terraform has reported of the apply."""
        return self.released.build / "terraform" / "dev" / "logs" / "apply.jsonl"

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 240
        while not condition():
            assert self._process.poll() is None, "the deploy has ended"
            assert time.monotonic() < deadline, "the release did not get that far"
            time.sleep(0.1)

    def is_changing_a_function(self) -> bool:
        """Whether Terraform is in the middle of the apply."""
        events = self._events.read_text(encoding="utf-8").splitlines() if self._events.exists() else []
        started = [line for line in events if '"type":"apply_start"' in line]
        return any("aws_lambda_function.this" in line for line in started)

    def interrupt(self) -> int:
        """End it as Ctrl-C does (which a job in the background would ignore); return its exit code."""
        self._process.terminate()
        return self._process.wait(120)

    def kill(self) -> None:
        """End it, and its Terraform, without any chance to write or release anything."""
        self._process.kill()
        for file in (self.released.build / "run").glob("*.json"):
            record = json.loads(file.read_text(encoding="utf-8"))
            if record["purpose"].startswith("terraform "):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(record["pid"], signal.SIGKILL)
        self._process.wait(10)


def query_invoices(released: Released) -> dict[str, Any]:
    """The alias of the function that the version `slow` changes."""
    alias: dict[str, Any] = released.client("lambda").get_alias(
        FunctionName=released.stack.functions["query-invoices"], Name="live"
    )
    return alias


def is_locked(released: Released) -> bool:
    """Whether the state is locked."""
    states = released.client("s3").list_objects_v2(Bucket=f"invoice-terraform-state-{released.stack.account_id}")
    return any(entry["Key"].endswith(".tflock") for entry in states["Contents"])


def test_an_interrupted_apply_of_a_stage_leaves_callers_their_version_and_no_lock(released: Released) -> None:
    before, items = query_invoices(released), released.items()

    with BeginningRelease(released, "slow", "10") as release:
        release.until(release.is_changing_a_function)
        code = release.interrupt()

    after = query_invoices(released)
    assert code == 130
    assert (after["FunctionVersion"], "RoutingConfig" in after) == (before["FunctionVersion"], False)
    assert released.items() == items
    assert not is_locked(released)
    assert report_of(released.build)["canary"]["outcome"] == "taken back"


def test_a_deploy_that_was_killed_while_it_applied_is_undone_and_then_finished(
    released: Released, tmp_path: Path
) -> None:
    """GIVEN a deploy and its Terraform that were killed WHEN somebody rolls back, and deploys again THEN both work."""
    before, items = query_invoices(released), released.items()
    with BeginningRelease(released, "wrong-order", "0") as release:
        release.until(release.is_changing_a_function)
        release.kill()
    assert is_locked(released)

    back = run(released.build, "harness", "rollback", "dev")
    undone = query_invoices(released)
    run(released.build, "tests.apply.release_version", "base", "0")

    assert "Released the state's lock" in back.stdout
    assert undone["FunctionVersion"] == before["FunctionVersion"]
    assert released.digest_of_callers("query-invoices") == archive.digest(
        released.build / "artifacts" / "dev" / "query-invoices.zip"
    )
    assert released.items() == items
    assert released.plan(tmp_path).is_empty
    assert not is_locked(released)


def test_a_killed_release_is_undone_by_a_rollback_on_the_same_stack(released: Released, tmp_path: Path) -> None:
    """GIVEN a release that is killed once its first stage is applied, and its state written."""
    before, items = query_invoices(released), released.items()
    with BeginningRelease(released, "slow", "10") as release:
        release.until(lambda: "RoutingConfig" in query_invoices(released) and not is_locked(released))
        release.kill()

    run(released.build, "harness", "rollback", "dev")

    after = query_invoices(released)
    assert (after["FunctionVersion"], "RoutingConfig" in after) == (before["FunctionVersion"], False)
    assert released.items() == items
    assert released.queues_of_traffic() == []
    moved = {change.address for change in released.plan(tmp_path).resources if change.is_change}
    assert moved == {'module.invoice_platform.module.function["query-invoices"].aws_lambda_alias.this'}


def test_a_bad_release_is_rolled_back_in_twenty_seconds(released: Released, tmp_path: Path) -> None:
    """GIVEN a stack with data, whose callers all have a bad version WHEN it is rolled back THEN they are fine."""
    run(released.build, "tests.apply.release_version", "base", "0")
    before, items = released.current(), released.items()
    run(released.build, "tests.apply.release_version", "raises", "0")
    bad = released.current()
    invoice = items[0]["invoiceId"]["S"]
    assert released.get(f"/invoices/{invoice}").status == 502

    back = run(released.build, "harness", "rollback", "dev")

    assert released.get(f"/invoices/{invoice}").status == 200
    assert released.current() == before != bad
    assert report_of(released.build, "rollback")["seconds_to_callers"] <= 20
    assert released.items() == items
    moved = [change for change in released.plan(tmp_path).resources if change.is_change]
    assert [change.address for change in moved] == [
        'module.invoice_platform.module.function["get-invoice"].aws_lambda_alias.this'
    ]
    assert moved[0].changed() == ["function_version"]
    assert "aws_lambda_alias" in back.stdout


def test_ten_earlier_versions_stay_published_and_their_zips_stay_in_the_bucket(
    released: Released, tmp_path: Path
) -> None:
    """GIVEN a function WHEN its code changes eleven times THEN each of the ten versions before can still be taken."""
    s3, lambdas, function = released.client("s3"), released.client("lambda"), released.stack.functions["get-invoice"]
    zips = Path(shutil.copytree(released.build / "artifacts" / "dev", tmp_path / "zips"))
    variables = {"TF_VAR_account_id": released.stack.account_id, "TF_VAR_artifacts_dir": str(zips)}
    terraform = Terraform(
        ROOT / "live" / "dev",
        env={**released.stack.credentials, **variables},
        data_dir=tmp_path / "data",
        log_dir=tmp_path / "logs",
    )
    terraform.init({"bucket": f"invoice-terraform-state-{released.stack.account_id}", "use_path_style": "true"})
    digests = []

    for number in range(11):
        with zipfile.ZipFile(zips / "get-invoice.zip", "a") as archived:
            archived.writestr(f"change-{number}.txt", str(number))
        digests.append(archive.digest(zips / "get-invoice.zip"))
        code_history.keep(terraform, s3, zips)
        target = '-target=module.invoice_platform.module.function["get-invoice"]'
        terraform.apply(options=["-refresh=false", target])

    pages = lambdas.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    published = {
        base64.b64decode(version["CodeSha256"]).hex(): version["Version"]
        for page in pages
        for version in page["Versions"]
        if version["Version"] != "$LATEST"
    }
    alias = lambdas.get_alias(FunctionName=function, Name="live")
    assert published[digests[-1]] == alias["FunctionVersion"]
    assert [int(published[digest]) for digest in digests] == sorted(int(published[digest]) for digest in digests)
    for digest in digests:
        stored = s3.get_object(Bucket=released.stack.artifacts_bucket, Key=f"functions/get-invoice/{digest}.zip")
        assert hashlib.sha256(stored["Body"].read()).hexdigest() == digest
