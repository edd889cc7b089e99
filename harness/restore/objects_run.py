"""The command ``restore-objects``, where ``HARNESS_ENGINE`` points."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy.deployed import AccountAccess
from harness.errors import HarnessError
from harness.restore.objects import Lost, lost, lost_altogether, put_back
from harness.results import record

PURPOSES = ("archives", "documents", "state", "uploads")
"""The buckets whose objects can be put back; ``state`` is what the account's state bucket has of the environment."""

_LOCK = ".tflock"
"""How the key of a lock ends. An old one would stop every command, and a new one says that somebody works there."""

_SHOWN = 20


@dataclass(frozen=True)
class ObjectsRequest:
    """What to put back.

    Attributes:
        environment: The live folder's name.
        purpose: One of `PURPOSES`.
        prefix: What the keys begin with; empty for all of the environment.
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


@dataclass(frozen=True)
class Place:
    """Where objects are.

    Attributes:
        bucket: The bucket.
        prefix: What the keys begin with.
        copy: The bucket in the second region that has copies; empty without one.
    """

    bucket: str
    prefix: str = ""
    copy: str = ""

    @classmethod
    def of(cls, request: ObjectsRequest, access: AccountAccess) -> Self:
        """The place that a request is about. That of the state is known without the state.

        Raises:
            HarnessError: The state does not say.
        """
        if request.purpose == "state":
            return cls(access.state_bucket, f"{request.environment}/{request.prefix}")
        outputs = access.outputs()
        copy = outputs["replica_buckets"].get(request.purpose, "")
        return cls(outputs[f"{request.purpose}_bucket"], request.prefix, copy)

    def differing(self, client: Any, moment: datetime) -> list[Lost]:
        """The objects that are not as they were, with where their versions of then are."""
        found = lost(client, self.bucket, self.prefix, moment)
        if self.copy:
            found += lost_altogether(client, self.bucket, self.copy, self.prefix, moment)
        return [each for each in found if not each.key.endswith(_LOCK)]

    def check_unlocked(self, client: Any) -> None:
        """Check that nobody works with a state here.

        Raises:
            HarnessError: Somebody does.
        """
        listed = client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix).get("Contents", [])
        locks = [entry["Key"] for entry in listed if entry["Key"].endswith(_LOCK)]
        if locks:
            raise HarnessError(
                f"Nothing was changed: s3://{self.bucket}/{locks[0]} says that a command works with this state.",
                remedy="Wait for it; if it has died, release the lock: docs/runbooks/stuck-lock.md.",
            )


def restore_objects(request: ObjectsRequest) -> None:
    """Show the objects that are not as they were, and make their versions of then the newest ones.

    Raises:
        HarnessError: It is not deployed, or it is not confirmed.
    """
    access = AccountAccess.opened(request.environment)
    place, client = Place.of(request, access), access.client("s3")
    with ProgressStep(f"Compare the {request.purpose} with {request.moment:%Y-%m-%d %H:%M:%S} UTC") as step:
        found = place.differing(client, request.moment)
        step.conclude(f"{len(found)} differ")
    _show(found)
    document = {"environment": request.environment, "found": dict(Counter(each.reason for each in found))}
    restored = 0
    if found and not request.only_list:
        if not request.confirm():
            raise HarnessError("Nothing was changed: it was not confirmed.", remedy="Run it again and type yes.")
        place.check_unlocked(client)
        restored = _put_back(client, place.bucket, found)
    record("restore-objects", {**document, "restored": restored})


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
