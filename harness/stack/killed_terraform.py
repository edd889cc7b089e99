"""What a killed deploy leaves of Terraform on a local engine: a process that ends, a lock without a holder."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from botocore.exceptions import ClientError
from rich.markup import escape

from harness.console import out
from harness.process import supervisor

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PATIENCE_S = 60.0
"""Seconds that a Terraform without its deploy gets to finish what is in progress, and to write its state."""

_POLL_S = 0.1


def await_end(environment: str) -> None:
    """Wait for the Terraform of a deploy that was killed.

    It has got SIGTERM. A second signal would be an order to drop its state, and what it still creates would be unknown.

    Args:
        environment: The live folder's name.
    """
    deadline = time.monotonic() + PATIENCE_S
    announced = False
    while _orphaned(environment) and time.monotonic() < deadline:
        if not announced:
            out.print("[dim]Waiting for the Terraform of a deploy that was killed: it writes its state …[/]")
            announced = True
        time.sleep(_POLL_S)


def _orphaned(environment: str) -> bool:
    """Whether Terraform runs on an environment, and the process that started it has ended."""
    return any(
        process.purpose.startswith("terraform ") and process.purpose.split()[-1] == environment and process.is_alive
        for process in supervisor.leftovers(orphaned_only=True)
    )


def release_lock(s3: "S3Client", bucket: str, root: Path) -> None:
    """Delete the lock of a state on a local engine if no process holds it any more.

    Only processes of this computer reach the engine, so a lock without a Terraform in the live folder was left by one
    that was killed. On AWS the holder may be anywhere: there a person decides (docs/runbooks/stuck-lock.md).

    Args:
        s3: A client for the engine.
        bucket: The state bucket.
        root: The live folder.
    """
    key = f"{root.name}/terraform.tfstate.tflock"
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket", "404"}:
            return
        raise
    if any(_terraform_in(root)):
        return
    s3.delete_object(Bucket=bucket, Key=key)
    out.print(f"[dim]Released the state's lock, which a killed Terraform has left ({escape(_operation(body))}).[/]")


def _terraform_in(root: Path) -> Iterator[int]:
    """The numbers of the Terraform processes that work in a folder: ``-chdir`` is their working folder.

    The folder of a process that has ended, or that another user has started, is unknown. Neither can hold the lock: the
    engine's keys can be read by one user only.
    """
    for process in psutil.process_iter(["name", "cwd"]):
        name, folder = process.info["name"] or "", process.info["cwd"]
        if name.startswith("terraform") and folder is not None and Path(folder) == root.resolve():
            yield process.pid


def _operation(body: bytes) -> str:
    """What the holder of a lock did, such as ``apply``.

    https://developer.hashicorp.com/terraform/language/backend/s3#state-locking
    """
    try:
        operation = str(json.loads(body).get("Operation", ""))
    except ValueError:
        operation = ""
    return operation.removeprefix("OperationType").lower() or "an unknown operation"
