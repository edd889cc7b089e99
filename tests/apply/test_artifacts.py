"""The functions' zips: named by their content, kept for rollbacks, and indifferent to S3's late versioning."""

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.engine import Engine
from harness.errors import HarnessError
from harness.package import archive
from harness.stack import code_history
from harness.stack.deployment import Deployment, Stack, artifacts_of
from harness.stack.snapshot import clone_source
from harness.terraform.plan import TerraformPlan
from tests.apply.stage import group, prepared, started
from tests.engine.cloud import root_keys

FUNCTION = "get-invoice"


def zips(plan: TerraformPlan) -> list[Any]:
    """What a plan does with zips."""
    return [change for change in plan.resources if change.type == "aws_s3_object"]


@dataclass(frozen=True)
class Account:
    """What the tests look at on an engine."""

    engine: Engine

    def client(self, service: str) -> Any:
        """A client of the root user."""
        return boto3.client(
            service, endpoint_url=self.engine.endpoint.url, region_name="us-east-1", **root_keys(self.engine)
        )

    def versions(self, bucket: str) -> dict[str, str]:
        """The version of each zip in a bucket."""
        listed = self.client("s3").list_object_versions(Bucket=bucket, Prefix="functions/")
        return {version["Key"]: version["VersionId"] for version in listed["Versions"]}


def with_zips_of_its_own(stack: Stack, engine: Engine, folders: pytest.TempPathFactory) -> Deployment:
    """The deployment of a clone, with zips that a test may change."""
    deployment = Deployment("dev", engine, folders.mktemp("zips"), folders.mktemp("terraform"))
    for name in stack.functions:
        shutil.copy(_applied_zips(deployment) / f"{name}.zip", deployment.artifacts)
    return deployment


def change_zip(deployment: Deployment, word: str) -> str:
    """Change the function's zip, and return its new key."""
    file = deployment.artifacts / f"{FUNCTION}.zip"
    with zipfile.ZipFile(file, "a") as changed:
        changed.writestr(f"{word}.txt", word)
    return f"functions/{FUNCTION}/{archive.digest(file)}.zip"


@pytest.fixture
def dev() -> Iterator[tuple[Stack, Engine]]:
    with clone_source("dev").clone("artifacts") as clone:
        yield clone


@group("artifacts")
def test_a_changed_zip_is_a_new_object_and_the_old_one_stays(
    dev: tuple[Stack, Engine], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """GIVEN dev WHEN a function's code has changed THEN its old zip is still in the bucket after the apply."""
    stack, engine = dev
    deployment = with_zips_of_its_own(stack, engine, tmp_path_factory)
    new = change_zip(deployment, "changed")
    account = Account(engine)
    bucket = f"invoice-artifacts-dev-{stack.account_id}"
    before = account.versions(bucket)
    deployment.prepare()

    plan = deployment.terraform.plan()
    deployment.apply()

    assert [(change.actions, change.index) for change in zips(plan) if change.is_change] == [(("create",), new)]
    assert account.versions(bucket).keys() == {*before, new}


def _applied_zips(deployment: Deployment) -> Path:
    """The folder of the zips that the clone was applied with."""
    deployment.prepare()
    objects = [
        resource for resource in deployment.terraform.state()["resources"] if resource["type"] == "aws_s3_object"
    ]
    return Path(objects[0]["instances"][0]["attributes"]["source"]).parent


@pytest.mark.drill
@group("artifacts")
def test_zips_beyond_those_that_are_kept_are_deleted(
    dev: tuple[Stack, Engine], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN dev that keeps two zips of a function WHEN it changes twice THEN the first is gone, and all else stays."""
    stack, engine = dev
    monkeypatch.setattr(code_history, "KEPT", 2)
    deployment = with_zips_of_its_own(stack, engine, tmp_path_factory)
    account = Account(engine)
    bucket = f"invoice-artifacts-dev-{stack.account_id}"
    current = {entry["Key"] for entry in account.client("s3").list_objects_v2(Bucket=bucket)["Contents"]}
    (first,) = (key for key in current if key.startswith(f"functions/{FUNCTION}/"))

    second = change_zip(deployment, "second")
    deployment.prepare()
    deployment.apply()
    third = change_zip(deployment, "third")
    deployment.prepare()
    deployment.apply()

    left = {entry["Key"] for entry in account.client("s3").list_objects_v2(Bucket=bucket)["Contents"]}
    assert left == (current - {first}) | {second, third}
    assert deployment.terraform.plan().is_empty


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("HARNESS_STRICT", "consistency")
    with started("artifacts-late") as engine:
        yield engine


@pytest.mark.drill
@group("consistency")
def test_a_second_apply_heals_what_was_not_consistent_yet(late: Engine, tmp_path: Path) -> None:
    """GIVEN AWS that needs a while WHEN dev is applied THEN the second apply is complete, and no version is null."""
    deployment = prepared("dev", late, tmp_path)
    first_error = ""
    try:
        deployment.apply()
    except HarnessError as error:
        first_error = str(error)

    deployment.prepare()
    stack = deployment.apply()

    account = Account(late)
    assert "reading S3 Object" in first_error
    assert "null" in account.versions(f"invoice-artifacts-dev-{stack.account_id}").values()
    functions = [
        resource for resource in deployment.terraform.plan().resources if resource.type == "aws_lambda_function"
    ]
    assert {function.after["s3_object_version"] for function in functions} <= {None, ""}
    assert deployment.terraform.plan().is_empty
    assert artifacts_of(late) == deployment.artifacts
