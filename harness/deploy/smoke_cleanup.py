"""What a smoke test deletes at its end: its invoices, and every object of its upload, in all their versions."""

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from harness.deploy.smoke_access import PlatformAccess
from harness.errors import HarnessError

_SEPARATOR = "\x1f"

REPLICATION_S = 120
"""Seconds that a copy in the second region may take. Later copies would stay there."""

_PAUSE_S = 1.0

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:invoice-platform:invoice")
"""Of the ids that the platform derives. The API does not list the receipts of payments that were applied."""


def delete_invoices(access: PlatformAccess, invoice_ids: Sequence[str], payment_ids: Sequence[str]) -> None:
    """Delete invoices from the table, and the receipts of payments by the API.

    Records by which other invoices are compared with them remain. They name invoices that do not exist, which do not
    count. One is kept for each new content, for a year; the others are those of the one customer.
    """
    dynamodb = access.client("dynamodb")
    receipts = [
        f"payment#{uuid.uuid5(_NAMESPACE, f'payment{_SEPARATOR}api{_SEPARATOR}{payment_id}')}"
        for payment_id in payment_ids
    ]
    for item_id in (*invoice_ids, *receipts):
        dynamodb.delete_item(TableName=access.outputs["table_name"], Key={"invoiceId": {"S": item_id}})


def delete_objects(access: PlatformAccess, purpose: str, prefix: str) -> None:
    """Delete every version of the objects below a prefix, and their copies in the second region.

    Args:
        access: The platform.
        purpose: ``uploads``, ``documents`` or ``archives``.
        prefix: The beginning of the keys.

    Raises:
        HarnessError: An object is still being copied to the second region.
    """
    s3 = access.client("s3")
    bucket = access.outputs[f"{purpose}_bucket"]
    replica = access.outputs["replica_buckets"].get(purpose)
    if replica is not None:
        _await_copies(s3, bucket, prefix)
    for name in (bucket, replica):
        if name is not None:
            for version in list(_versions(s3, name, prefix)):
                s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])


def _versions(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Versions", [])
        yield from page.get("DeleteMarkers", [])


def _await_copies(s3: Any, bucket: str, prefix: str) -> None:
    """Wait until each object is copied.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html
    """
    deadline = time.monotonic() + REPLICATION_S
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            while s3.head_object(Bucket=bucket, Key=entry["Key"]).get("ReplicationStatus") == "PENDING":
                if time.monotonic() > deadline:
                    raise HarnessError(
                        f"s3://{bucket}/{entry['Key']} is not copied to the second region after {REPLICATION_S} s.",
                        remedy="Delete both copies when it is.",
                    )
                time.sleep(_PAUSE_S)
