"""Objects that may not be there yet, in buckets whose refused requests are watched.

Each request for a missing object counts as a 4xx of its bucket, and an alarm counts those: who waits for an object asks
whether it is listed. https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
"""

from typing import Any


def content_of(s3: Any, bucket: str, key: str) -> bytes | None:
    """The content of an object; None if there is none.

    Args:
        s3: A client of S3.
        bucket: The bucket.
        key: The object's key.
    """
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    if not listed or listed[0]["Key"] != key:  # of all keys that begin so, the key itself is the first
        return None
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content
