"""The command ``restore-objects``, where ``HARNESS_ENGINE`` points."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy.deployed import AccountAccess
from harness.errors import HarnessError
from harness.restore.objects import Lost, lost, lost_altogether, put_back
from harness.results import record

PURPOSES = ("archives", "documents", "uploads")
"""The buckets whose objects can be put back."""

_SHOWN = 20


@dataclass(frozen=True)
class ObjectsRequest:
    """What to put back.

    Attributes:
        environment: The live folder's name.
        purpose: One of `PURPOSES`.
        prefix: What the keys begin with; empty for all.
        moment: The time at which the objects were as they should be.
        confirm: Asks whether to put them back.
        only_list: Only show them.
    """

    environment: str
    purpose: str
    prefix: str
    moment: datetime
    confirm: Callable[[], bool]
    only_list: bool = False


def restore_objects(request: ObjectsRequest) -> None:
    """Show the objects that are not as they were, and make their versions of then the newest ones.

    Raises:
        HarnessError: It is not deployed, or it is not confirmed.
    """
    access = AccountAccess.opened(request.environment)
    outputs, client = access.outputs(), access.client("s3")
    with ProgressStep(f"Compare the {request.purpose} with {request.moment:%Y-%m-%d %H:%M:%S} UTC") as step:
        found = differing(client, outputs, request)
        step.conclude(f"{len(found)} differ")
    _show(found)
    document = {"environment": request.environment, "found": dict(Counter(each.reason for each in found))}
    restored = 0
    if found and not request.only_list:
        if not request.confirm():
            raise HarnessError("Nothing was changed: it was not confirmed.", remedy="Run it again and type yes.")
        restored = _put_back(client, outputs[f"{request.purpose}_bucket"], found)
    record("restore-objects", {**document, "restored": restored})


def differing(client: Any, outputs: Any, request: ObjectsRequest) -> list[Lost]:
    """The objects that are not as they were, with where their versions of then are."""
    bucket = outputs[f"{request.purpose}_bucket"]
    found = lost(client, bucket, request.prefix, request.moment)
    copy = outputs["replica_buckets"].get(request.purpose)
    if copy:
        found += lost_altogether(client, bucket, copy, request.prefix, request.moment)
    return found


def _put_back(client: Any, bucket: str, found: list[Lost]) -> int:
    restored = 0
    with ProgressStep("Put them back") as step:
        for restored, each in enumerate(put_back(client, bucket, found), 1):
            step.advance_to(restored, len(found), each.key)
        step.conclude(f"{restored} objects")
    return restored


def _show(found: list[Lost]) -> None:
    """Print the first of them, and how many there are."""
    if not found:
        out.print("Every object is as it was.")
        return
    table = Table("Object", "Since then", "Its version of then", "Bytes")
    for each in found[:_SHOWN]:
        table.add_row(escape(each.key), each.reason, f"{each.version.at:%Y-%m-%d %H:%M:%S}", f"{each.version.size:,}")
    out.print(table)
    if len(found) > _SHOWN:
        out.print(f"and {len(found) - _SHOWN:,} more")
