"""The runbooks' commands, run exactly as written: a test runs every document of docs/runbooks."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.docs.runbooks import BlockRun, blocks
from harness.engine import ACCOUNT_ID, REGION, Engine
from harness.paths import ROOT
from harness.stack.deployment import Deployment
from harness.stack.inventory import inventory
from tests.apply.stage import Reader, group, prepared, started
from tests.engine.cloud import root_keys

pytestmark = pytest.mark.drill
RUNBOOKS = ROOT / "docs" / "runbooks"
MakeReader = Callable[[Deployment], Reader]


class Preview:
    """The results of the commands in docs/runbooks/preview.md on an engine that was empty before."""

    def __init__(self, engine: Engine, deployment: Deployment, reader: Reader) -> None:
        self.before = inventory(engine.endpoint.environment())
        self.runs = reader.types("preview.md")
        self.after = inventory(engine.endpoint.environment())
        session = boto3.Session(**root_keys(engine), region_name=REGION)
        versions = session.client("s3", endpoint_url=engine.endpoint.url).get_paginator("list_object_versions")
        pages = versions.paginate(Bucket=deployment.state_bucket)
        keys = {version["Key"] for page in pages for version in page.get("Versions", [])}
        self.state_keys = {key for key in keys if not key.endswith(".tflock")}


@pytest.fixture(scope="module")
def preview(reader: MakeReader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    with started("runbook-preview") as engine:
        deployment = prepared("dev", engine, tmp_path_factory.mktemp("preview"))
        yield Preview(engine, deployment, reader(deployment))


def output_of(runs: list[BlockRun], *commands: str) -> str:
    """The output of the one block that contains all these strings."""
    (run,) = [run for run in runs if all(command in run.block.commands for command in commands)]
    return run.output


@group("runbook-preview")
def test_a_preview_copy_is_created_with_the_plan_that_was_shown(preview: Preview) -> None:
    (planned,) = re.findall(r"Plan: (\d+) to add, 0 to change, 0 to destroy", output_of(preview.runs, "plan -var-file"))
    shown = output_of(preview.runs, "terraform -chdir=live/dev show")

    assert int(planned) > 100
    assert f"Plan: {planned} to add" in shown
    applied = output_of(preview.runs, "apply -parallelism=30")
    assert f"Resources: {planned} added, 0 changed, 0 destroyed" in applied


@group("runbook-preview")
def test_a_preview_copy_has_its_own_names_values_and_state(preview: Preview) -> None:
    shown = output_of(preview.runs, "terraform -chdir=live/dev show")

    assert '"invoices-dev-preview"' in shown
    assert not re.findall(r'"[a-z-]+-dev"', shown)  # nothing has a name of dev's own resources
    assert re.search(r"retention_in_days +?= 3\n", shown)
    assert preview.state_keys == {"env:/preview/dev/terraform.tfstate"}


@group("runbook-preview")
def test_workspaces_are_listed_created_and_selected(preview: Preview) -> None:
    (first, *_) = [run for run in preview.runs if run.block.commands.endswith("workspace list\n")]
    assert first.output.split() == ["*", "default"]
    assert 'Created and switched to workspace "preview"' in output_of(preview.runs, "workspace new")
    back_and_forth = output_of(preview.runs, "select preview").partition('Switched to workspace "preview".')
    assert 'Switched to workspace "default".' in back_and_forth[0]
    assert back_and_forth[2].split() == ["default", "*", "preview"]


@group("runbook-preview")
def test_a_deleted_preview_copy_leaves_nothing(preview: Preview) -> None:
    assert "Destroy complete!" in output_of(preview.runs, "destroy")
    assert preview.after == preview.before
    gone = output_of(preview.runs, "workspace delete").partition('Deleted workspace "preview"!')
    assert gone[2].split() == ["*", "default"]


@pytest.fixture(scope="module")
def state(reader: MakeReader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[BlockRun], Any]]:
    """The results of the commands in docs/runbooks/state.md, and an S3 client of their engine."""
    with started("runbook-state") as engine:
        runs = reader(prepared("dev", engine, tmp_path_factory.mktemp("state"))).types("state.md")
        session = boto3.Session(**root_keys(engine), region_name=REGION)
        yield runs, session.client("s3", endpoint_url=engine.endpoint.url)


STATE_BUCKET = f"invoice-terraform-state-{ACCOUNT_ID}"
ADDRESS = "module.state.aws_s3_bucket.this"


@group("runbook-state")
def test_bootstrap_imports_the_state_bucket_and_keeps_its_own_state_in_it(state: tuple[list[BlockRun], Any]) -> None:
    runs, s3 = state

    assert "1 imported" in output_of(runs, "apply -auto-approve")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=STATE_BUCKET)["Contents"]]
    assert keys == ["bootstrap/terraform.tfstate"]  # and no lock file is left


@group("runbook-state")
def test_the_state_bucket_is_versioned_encrypted_private_and_denies_plain_http(
    state: tuple[list[BlockRun], Any],
) -> None:
    _, s3 = state

    assert s3.get_bucket_versioning(Bucket=STATE_BUCKET)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=STATE_BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert all(s3.get_public_access_block(Bucket=STATE_BUCKET)["PublicAccessBlockConfiguration"].values())
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=STATE_BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@group("runbook-state")
def test_state_is_listed_shown_and_forgotten_without_touching_the_bucket(state: tuple[list[BlockRun], Any]) -> None:
    runs, s3 = state
    lists = [run.output.split() for run in runs if run.block.commands.endswith("state list\n")]

    assert ADDRESS in lists[0]
    assert f'"{STATE_BUCKET}"' in output_of(runs, "state show")
    assert set(lists[0]) - set(lists[1]) == {ADDRESS}
    assert s3.head_bucket(Bucket=STATE_BUCKET)["ResponseMetadata"]["HTTPStatusCode"] == 200


@group("runbook-state")
def test_an_existing_bucket_is_imported_by_command_and_by_block(state: tuple[list[BlockRun], Any]) -> None:
    runs, _ = state
    (imported, planned) = [
        run for run in runs if "import module" in run.block.commands or "plan\n" in run.block.commands
    ]

    assert "Import successful!" in imported.output
    assert "No changes." in planned.output
    assert "Plan: 1 to import, 0 to add" in output_of(runs, "adopt.tfplan", "plan -out")
    assert "1 imported, 0 added" in output_of(runs, "apply", "adopt.tfplan")
    assert "No changes." in output_of(runs, "-detailed-exitcode")


HOLDER = {
    "ID": "6f0d2c1e-5b1b-4d0e-9a77-0c9f6a1d4b20",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "ci@runner-7",
    "Version": "1.12.2",
    "Created": "2026-11-27T21:04:11Z",
    "Path": f"{STATE_BUCKET}/bootstrap/terraform.tfstate",
}
LOCK = "bootstrap/terraform.tfstate.tflock"


@group("runbook-state")
def test_a_stuck_lock_is_shown_with_its_holder_and_released(reader: MakeReader, tmp_path: Path) -> None:
    """The lock of a command that was killed: nothing but the file is left of it."""
    with started("runbook-lock") as engine:
        deployment = prepared("dev", engine, tmp_path)
        s3 = boto3.Session(**root_keys(engine), region_name=REGION).client("s3", endpoint_url=engine.endpoint.url)
        s3.put_object(Bucket=STATE_BUCKET, Key=LOCK, Body=json.dumps(HOLDER).encode())

        runs = reader(deployment).types("stuck-lock.md")

        locked = output_of(runs, "-lock-timeout")
        assert [HOLDER[name] in locked for name in ("ID", "Who", "Operation")] == [True, True, True]
        assert "successfully unlocked" in output_of(runs, "force-unlock")
        assert "Plan: 1 to import" in runs[-1].output
        assert LOCK not in [item["Key"] for item in s3.list_objects_v2(Bucket=STATE_BUCKET).get("Contents", [])]


def pages() -> list[Path]:
    """The runbooks without their index."""
    return sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")


def test_every_runbook_is_run_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert [path.name for path in pages() if f'.types("{path.name}")' not in tests] == []


def test_every_command_of_the_guide_is_in_a_runbook() -> None:
    written = "\n".join(block.commands for path in pages() for block in blocks(path))
    commands = ["workspace list", "workspace new", "workspace select", "plan -var-file=", "-out=", "show "]
    commands += ("apply -auto-approve", "state list", "state show", "state rm", "import ")

    assert [command for command in commands if command not in written] == []
