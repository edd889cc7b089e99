"""After a killed deploy on a local engine: its Terraform is waited for, and its lock is released if nobody holds it."""

import io
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.process import supervisor
from harness.stack import killed_terraform

LOCK = "dev/terraform.tfstate.tflock"
SLEEP = shutil.which("sleep") or "/bin/sleep"


class Bucket:
    """S3 with these objects in one bucket."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        del Bucket
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - as boto3
        del Bucket, self.objects[Key]


def release(bucket: Any, root: Path) -> None:
    killed_terraform.release_lock(bucket, "states", root)


@pytest.mark.parametrize("content", [b'{"Operation": "OperationTypeApply"}', b"not JSON"])
def test_a_lock_without_a_terraform_is_released(tmp_path: Path, content: bytes) -> None:
    bucket = Bucket(**{LOCK: content, "dev/terraform.tfstate": b"{}"})

    release(bucket, tmp_path / "dev")

    assert bucket.objects == {"dev/terraform.tfstate": b"{}"}


def test_a_terraform_that_has_ended_holds_no_lock(tmp_path: Path) -> None:
    """Its parent has not asked for its exit code yet, so its process is still listed."""
    program = shutil.copy(SLEEP, tmp_path / "terraform")
    bucket = Bucket(**{LOCK: b"{}"})
    with subprocess.Popen([program, "0"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)

        release(bucket, tmp_path / "dev")

    assert bucket.objects == {}


def test_without_a_lock_nothing_is_deleted(tmp_path: Path) -> None:
    bucket = Bucket()

    release(bucket, tmp_path / "dev")

    assert bucket.objects == {}


@pytest.fixture
def terraform(tmp_path: Path) -> Iterator[Path]:
    """A live folder in which a process named `terraform` works."""
    root = tmp_path / "dev"
    root.mkdir()
    program = shutil.copy(SLEEP, tmp_path / "terraform")
    with subprocess.Popen([program, "60"], cwd=root) as process:
        yield root
        process.kill()


def test_the_lock_of_a_terraform_that_runs_stays(terraform: Path) -> None:
    bucket = Bucket(**{LOCK: b"{}"})

    release(bucket, terraform)

    assert bucket.objects == {LOCK: b"{}"}


@pytest.fixture
def orphan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[supervisor.SupervisedProcess]:
    """A Terraform that ends within a second; the deploy that started it is dead."""
    monkeypatch.setattr(supervisor, "RUN", tmp_path / "run")
    _, record = supervisor.spawn([SLEEP, "1"], purpose="terraform apply dev", env=dict(os.environ))
    record.owner_started = 0.0
    record.save()
    yield record
    record.terminate()


@pytest.mark.parametrize(("environment", "awaited"), [("dev", True), ("prod", False)])
def test_the_terraform_of_a_killed_deploy_is_awaited(
    orphan: supervisor.SupervisedProcess, environment: str, *, awaited: bool
) -> None:
    killed_terraform.await_end(environment)

    assert orphan.is_alive is not awaited


def test_a_terraform_that_does_not_end_is_not_awaited_for_long(
    orphan: supervisor.SupervisedProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killed_terraform, "PATIENCE_S", 0.2)
    started = time.monotonic()

    killed_terraform.await_end("dev")

    assert orphan.is_alive
    assert time.monotonic() - started < 0.9
