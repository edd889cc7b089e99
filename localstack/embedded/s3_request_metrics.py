"""S3: what a bucket's metrics configurations count."""

import re
import time
from typing import Any

import ministack.app as ministack
from ministack.services import cloudwatch as cw
from ministack.services import s3

from embedded.s3 import METRICS
from emulation.patch import patches, source_lacks

_LISTING = frozenset(
    {"continuation-token", "delimiter", "encoding-type", "fetch-owner", "list-type", "marker", "max-keys", "prefix"}
    | {"start-after", "uploads", "versions", "x-id"}
)
"""Parameters of a bucket's listings; with any other one, a request is for the bucket's settings."""


@patches(ministack, "_dispatch_service_request", needed=source_lacks("AllRequests"))
def request_metrics(original: Any) -> Any:
    """Requests for objects are counted by each metrics configuration that they match, refused ones too.

    AWS: AWS/S3 by BucketName and FilterId.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
    MiniStack: counts nothing. (Requests for a bucket's settings are not counted here: Terraform asks for many that are
    not there.)
    """

    async def dispatch(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        started = time.monotonic()
        answer = await original(method, path, headers, body, query, request_id)
        bucket, key = s3._parse_bucket_key(path, headers)
        kept = (s3._buckets.get(bucket) or {}).get(METRICS) if bucket else None
        if kept and (key or set(query) <= _LISTING):
            _count(bucket, key, kept, answer[0], (time.monotonic() - started) * 1000)
        return answer

    return dispatch


def _count(bucket: str, key: str, kept: dict[str, str], status: int, duration_ms: float) -> None:
    for identity, configuration in kept.items():
        if not _matches(configuration, key):
            continue
        dimensions = {"BucketName": bucket, "FilterId": identity}
        counts = {"AllRequests": 1.0, "4xxErrors": float(400 <= status < 500), "5xxErrors": float(status >= 500)}
        for name, value in counts.items():
            cw.record_metric("AWS/S3", name, value, "Count", dimensions)
        cw.record_metric("AWS/S3", "TotalRequestLatency", duration_ms, "Milliseconds", dimensions)


def _matches(configuration: str, key: str) -> bool:
    """Whether a request counts; filters by tag or access point match nothing here."""
    if "<Tag>" in configuration or "<AccessPointArn>" in configuration:
        return False
    prefix = re.search(r"<Prefix>([^<]*)</Prefix>", configuration)
    return prefix is None or key.startswith(prefix[1])
