"""What synthetic traffic leaves: its invoices, documents, files and queue; at its end, or later if it was killed."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from harness.deploy import smoke_cleanup
from harness.deploy.smoke_access import PlatformAccess

CUSTOMER = "CANARY-TEST"
"""The customer of all its invoices, always the same: what the platform remembers of a customer does not accumulate."""

_NUMBER = re.compile(r"CANARY-([0-9a-f]{8})-(\d+)")
_PAYMENTS = 50
"""Numbers after the last invoice's that a run may have given to payments: each invoice of its last round has one."""


def invoice_number(run_id: str, number: int) -> str:
    """The number of an invoice of a run; its payments' ids begin with it too."""
    return f"CANARY-{run_id}-{number}"


def payment_id(run_id: str, number: int) -> str:
    """The id of a payment of a run."""
    return f"{invoice_number(run_id, number)}-P"


def file_prefix(run_id: str) -> str:
    """How the names of the files of a run begin."""
    return f"canary-{run_id}-"


def queue_name(environment: str, run_id: str) -> str:
    """The queue that receives what the platform publishes during a run."""
    return f"canary-{environment}-{run_id}"


def delete_run(
    access: PlatformAccess, run_id: str, created: Iterable[tuple[str, str]], payments: Iterable[str]
) -> None:
    """Delete the invoices of a run, their documents and payments, and its uploads.

    Args:
        access: The platform.
        run_id: In the names of everything that it created.
        created: The ids of its invoices, each with the month of its creation (``2026/11``).
        payments: The ids of its payments.
    """
    invoices = list(created)
    for invoice_id, month in invoices:
        smoke_cleanup.delete_objects(access, "documents", f"{month}/{invoice_id}.pdf")
    smoke_cleanup.delete_invoices(access, [invoice_id for invoice_id, _ in invoices], [*payments])
    prefix = file_prefix(run_id)
    for purpose, folders in (
        ("uploads", {"incoming", "reports"}),
        ("archives", {month for _, month in invoices}),
    ):
        for folder in sorted(folders):
            smoke_cleanup.delete_objects(access, purpose, f"{folder}/{prefix}")


def delete_leftovers(access: PlatformAccess) -> list[str]:
    """Delete what the traffic of releases that were killed has left.

    Returns:
        The ids of those runs.
    """
    runs: dict[str, list[tuple[str, str, int]]] = {run_id: [] for run_id in _delete_queues(access)}
    for item in _invoices(access):
        match = _NUMBER.fullmatch(item.get("invoiceNumber", {}).get("S", ""))
        if match:
            month = item["createdAt"]["S"][:7].replace("-", "/")
            runs.setdefault(match[1], []).append((item["invoiceId"]["S"], month, int(match[2])))
    for run_id, found in runs.items():
        last = max((number for _, _, number in found), default=0)
        payments = [payment_id(run_id, number) for number in range(1, last + _PAYMENTS)] if found else []
        delete_run(access, run_id, [(invoice_id, month) for invoice_id, month, _ in found], payments)
    return sorted(runs)


def _invoices(access: PlatformAccess) -> Iterator[dict[str, Any]]:
    pages = access.client("dynamodb").get_paginator("query")
    for page in pages.paginate(
        TableName=access.outputs["table_name"],
        IndexName="customerId-index",
        KeyConditionExpression="customerId = :customer",
        ExpressionAttributeValues={":customer": {"S": CUSTOMER}},
    ):
        yield from page["Items"]


def _delete_queues(access: PlatformAccess) -> Iterator[str]:
    """Delete the queues and their subscriptions; yield the ids of their runs."""
    sqs, sns = access.client("sqs"), access.client("sns")
    prefix = queue_name(access.environment, "")
    urls = [
        url
        for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
        for url in page.get("QueueUrls", [])
    ]
    if not urls:
        return
    topic = access.outputs["downstream_topic_arn"]
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
        for subscription in page["Subscriptions"]:
            if subscription["Endpoint"].rpartition(":")[2].startswith(prefix):
                sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    for url in urls:
        sqs.delete_queue(QueueUrl=url)
        yield url.rpartition("/")[2].removeprefix(prefix)
