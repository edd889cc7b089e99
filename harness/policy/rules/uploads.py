"""An upload starts its function: no filter of a notification lets one pass in silence."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, listed
from harness.policy.rule import relation
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

CREATED = "s3:ObjectCreated:*"
"""Every way in which an object is created; single ones leave out others, such as multipart uploads."""


@relation("CKV_INV_312", ("aws_s3_bucket_notification",))
def every_upload_starts_something(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """For each key in ``uploads`` of ``[tool.harness]``, in plans with functions that an upload could call."""
    notifications = plan.of("aws_s3_bucket_notification")
    if not notifications and not plan.of("aws_lambda_function"):
        return
    targets = [
        target
        for notification in notifications
        for target in listed(notification.values.get("lambda_function"))
        if isinstance(target, Mapping)
    ]
    address = notifications[0].address if notifications else "aws_s3_bucket_notification"
    for key in PLATFORM.uploads:
        if not any(_starts(target, key) for target in targets):
            yield address, f"Nothing is called for an upload with the key {key}."


def _starts(target: Mapping[str, Any], key: str) -> bool:
    """Whether an upload calls a target; what is known after the apply only may be right."""
    events, prefix, suffix = (target.get(name) for name in ("events", "filter_prefix", "filter_suffix"))
    return (
        (events is UNKNOWN or CREATED in listed(events))
        and (prefix is UNKNOWN or key.startswith(prefix or ""))
        and (suffix is UNKNOWN or key.endswith(suffix or ""))
    )
