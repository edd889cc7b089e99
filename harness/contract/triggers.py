"""What lands in a bucket and starts a function ⇔ what that function looks for, and what it writes there itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.functions import Function, called
from harness.contract.mismatch import Mismatch, listed
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from harness.plan.resource import listed as blocks


@dataclass(frozen=True)
class Trigger:
    """Objects that start a function.

    Attributes:
        address: The bucket's notification.
        bucket: The bucket's name.
        function: `Function.name`.
        prefix: What their keys begin with.
        suffix: What their keys end with.
        events: Such as ``s3:ObjectCreated:*``.
    """

    address: str
    bucket: str
    function: str
    prefix: str
    suffix: str
    events: tuple[str, ...]

    def starts(self, bucket: str, key: str) -> bool:
        """Whether an object starts the function."""
        return bucket == self.bucket and key.startswith(self.prefix) and key.endswith(self.suffix)


def triggers_of(plan: PlanGraph, functions: Mapping[str, Function]) -> list[Trigger]:
    """What the buckets' notifications of a plan start."""
    found = []
    for one in plan.of("aws_s3_bucket_notification"):
        bucket: Any = one.get("bucket")
        if bucket is UNKNOWN:
            bucket = next((link.get("bucket") for link in plan.links(one, "bucket", "aws_s3_bucket")), bucket)
        found += [
            Trigger(
                address=f"{one.address} ({call.get('id')})",
                bucket=str(bucket),
                function=called(call.get("lambda_function_arn"), functions),
                prefix=str(call.get("filter_prefix") or ""),
                suffix=str(call.get("filter_suffix") or ""),
                events=tuple(call.get("events") or ()),
            )
            for call in blocks(one.values.get("lambda_function"))
        ]
    return found


@dataclass(frozen=True)
class Put:
    """An object that the code writes: where in the code, and where to."""

    where: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Taken:
    """What a function expects to be started by.

    Attributes:
        where: File and symbol.
        function: `Function.name`.
        bucket: Where it arrives.
        key: An example; what the code makes of it depends on its beginning.
    """

    where: str
    function: str
    bucket: str
    key: str


def recursion(triggers: Sequence[Trigger], puts: Sequence[Put]) -> Iterator[Mismatch]:
    """Nothing that the code writes starts a function, for that could go on without end."""
    for put in puts:
        for trigger in triggers:
            if trigger.starts(put.bucket, put.key):
                yield Mismatch(
                    f"What is written to {put.bucket} starts {trigger.function} again",
                    f"{put.where} writes {put.key}",
                    f'{trigger.address} is on "{trigger.prefix}…{trigger.suffix}"',
                    "Write below another prefix than the trigger is on.",
                )


def compare(triggers: Sequence[Trigger], taken: Sequence[Taken], refused: Sequence[Taken]) -> Iterator[Mismatch]:
    """What a function is made for starts it, and nothing else does.

    Args:
        triggers: As planned.
        taken: What has to start a function.
        refused: What must not.
    """
    for one in taken:
        started = {trigger.function for trigger in triggers if trigger.starts(one.bucket, one.key)}
        if started != {one.function}:
            yield Mismatch(
                f"{one.key} in {one.bucket} starts {listed(started)}",
                f"{one.where} of {one.function} takes it",
                _all(triggers),
                "Let the notification's prefix and suffix be what the code takes.",
            )
    for one in refused:
        for trigger in triggers:
            if trigger.starts(one.bucket, one.key):
                yield Mismatch(
                    f"{one.key} in {one.bucket} starts {trigger.function}",
                    f"{one.where} is not made for it",
                    _all(triggers),
                    "Let the notification's prefix and suffix be what the code takes.",
                )


def _all(triggers: Sequence[Trigger]) -> str:
    return listed(f'{one.address}: {one.bucket} "{one.prefix}…{one.suffix}" for {one.function}' for one in triggers)
