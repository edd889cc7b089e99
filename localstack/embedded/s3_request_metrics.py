"""S3: request metrics, as a bucket's metrics configurations request them."""

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
"""Query parameters of a bucket's listings; a request with any other one is about the bucket's settings."""


@patches(ministack, "_dispatch_service_request", needed=source_lacks("AllRequests"))
def request_metrics(original: Any) -> Any:
    """Requests for objects count in each metrics configuration that they match, also if they fail.

    AWS: metrics in AWS/S3 by BucketName and FilterId.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
    MiniStack: counts nothing. (Requests for a bucket's settings are not counted here: Terraform requests many settings
    that do not exist.)
    """

    async def dispatch(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        started = time.monotonic()
        response = await original(method, path, headers, body, query, request_id)
        bucket, key = s3._parse_bucket_key(path, headers)
        configurations = (s3._buckets.get(bucket) or {}).get(METRICS) if bucket else None
        if configurations and (key or set(query) <= _LISTING):
            _count(bucket, key, configurations, response[0], (time.monotonic() - started) * 1000)
        return response

    return dispatch


def _count(bucket: str, key: str, configurations: dict[str, str], status: int, duration_ms: float) -> None:
    for identity, configuration in configurations.items():
        if not _matches(configuration, key):
            continue
        dimensions = {"BucketName": bucket, "FilterId": identity}
        counts = {"AllRequests": 1.0, "4xxErrors": float(400 <= status < 500), "5xxErrors": float(status >= 500)}
        for name, value in counts.items():
            cw.record_metric("AWS/S3", name, value, "Count", dimensions)
        cw.record_metric("AWS/S3", "TotalRequestLatency", duration_ms, "Milliseconds", dimensions)


def _matches(configuration: str, key: str) -> bool:
    """Whether a request matches the filter; filters by tag or access point never match here."""
    if "<Tag>" in configuration or "<AccessPointArn>" in configuration:
        return False
    prefix = re.search(r"<Prefix>([^<]*)</Prefix>", configuration)
    return prefix is None or key.startswith(prefix[1])
