"""Uploads that start a function ⇔ the uploads that the function accepts, and the objects that the code writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.functions import Function, function_called
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
    """The functions that the buckets' notifications of a plan start."""
    triggers = []
    for notification in plan.of("aws_s3_bucket_notification"):
        bucket: Any = notification.get("bucket")
        if bucket is UNKNOWN:
            bucket = next((link.get("bucket") for link in plan.links(notification, "bucket", "aws_s3_bucket")), bucket)
        triggers += [
            Trigger(
                address=f"{notification.address} ({target.get('id')})",
                bucket=str(bucket),
                function=function_called(target.get("lambda_function_arn"), functions),
                prefix=str(target.get("filter_prefix") or ""),
                suffix=str(target.get("filter_suffix") or ""),
                events=tuple(target.get("events") or ()),
            )
            for target in blocks(notification.values.get("lambda_function"))
        ]
    return triggers


@dataclass(frozen=True)
class ObjectWrite:
    """An object that the code writes: the place in the code, and the object's bucket and key."""

    where: str
    bucket: str
    key: str


@dataclass(frozen=True)
class UploadTrigger:
    """An object that is uploaded, as an example.

    Attributes:
        where: File and symbol of the code that reads it.
        function: `Function.name` of the function that it is for.
        bucket: The bucket that it is uploaded to.
        key: An example of a key; its prefix decides what the code does.
    """

    where: str
    function: str
    bucket: str
    key: str


def compare_writes(triggers: Sequence[Trigger], writes: Sequence[ObjectWrite]) -> Iterator[Mismatch]:
    """Nothing that the code writes starts a function, because that could repeat endlessly."""
    for write in writes:
        for trigger in triggers:
            if trigger.starts(write.bucket, write.key):
                yield Mismatch(
                    f"An object that is written to {write.bucket} starts {trigger.function} again",
                    f"{write.where} writes {write.key}",
                    f'{trigger.address} is for "{trigger.prefix}…{trigger.suffix}"',
                    "Write below another prefix than the trigger's.",
                )


def compare(
    triggers: Sequence[Trigger], accepted: Sequence[UploadTrigger], others: Sequence[UploadTrigger]
) -> Iterator[Mismatch]:
    """A function is started by the uploads that it accepts, and by nothing else.

    Args:
        triggers: As planned.
        accepted: Uploads that have to start their function.
        others: Uploads that must not start it.
    """
    remedy = "Let the notification's prefix and suffix match what the code accepts."
    for upload in accepted:
        started = {trigger.function for trigger in triggers if trigger.starts(upload.bucket, upload.key)}
        if started != {upload.function}:
            yield Mismatch(
                f"{upload.key} in {upload.bucket} starts {listed(started)}",
                f"{upload.where} of {upload.function} accepts it",
                _all(triggers),
                remedy,
            )
    for upload in others:
        for trigger in triggers:
            if trigger.starts(upload.bucket, upload.key):
                yield Mismatch(
                    f"{upload.key} in {upload.bucket} starts {trigger.function}",
                    f"{upload.where} is not meant for it",
                    _all(triggers),
                    remedy,
                )


def _all(triggers: Sequence[Trigger]) -> str:
    return listed(
        f'{trigger.address}: {trigger.bucket} "{trigger.prefix}…{trigger.suffix}" for {trigger.function}'
        for trigger in triggers
    )
