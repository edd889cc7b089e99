"""Files that wait in the uploads bucket. A file leaves it when it is handled, so one that is old was not."""

from datetime import datetime
from typing import TYPE_CHECKING

from invoicing.runtime.aws import client
from invoicing.uploads.upload import PREFIX

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ENDINGS = (".csv", ".CSV", ".csv.gz")
"""The endings of keys whose arrival starts an import (`modules/invoice-platform/storage.tf`)."""


def count_waiting(bucket: str, since: datetime, s3: "S3Client | None" = None) -> int:
    """The number of files that came before a moment and are not handled, among the first thousand keys.

    Args:
        bucket: The uploads bucket.
        since: The moment.
        s3: A client to use instead of a new one.
    """
    response = (s3 or client("s3")).list_objects_v2(Bucket=bucket, Prefix=PREFIX)
    return sum(
        1
        for listed in response.get("Contents", [])
        if listed["Key"].endswith(ENDINGS) and listed["LastModified"] < since
    )
