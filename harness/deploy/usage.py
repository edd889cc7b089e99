"""What a thousand invoices use: measured by the platform's own counters, kept in ``usage.toml``.

An invoice here is created by the API, decided, drawn as a PDF, read, found in a list and paid. A laptop is not Lambda:
the durations are an estimate, the numbers of calls are not.
"""

import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from harness.deploy.canary_traffic import CASES, Traffic
from harness.deploy.smoke_access import PlatformAccess
from harness.files import write_whole

FILE = Path(__file__).with_name("usage.toml")

_EVENT_OVERHEAD = 26
"""Bytes that CloudWatch Logs adds to each event (https://aws.amazon.com/cloudwatch/pricing/)."""

_QUIET_S = 2.0


@dataclass(frozen=True)
class FunctionUse:
    """A function's part.

    Attributes:
        calls: Invocations for a thousand invoices.
        milliseconds: The mean duration of one.
    """

    calls: Decimal
    milliseconds: Decimal


@dataclass(frozen=True)
class Usage:
    """What a thousand invoices use.

    Attributes:
        functions: By the functions' short names.
        amounts: ``api_requests``, ``events``, ``s3_requests``, ``log_bytes`` and ``stored_bytes``.
    """

    functions: Mapping[str, FunctionUse]
    amounts: Mapping[str, Decimal]

    @classmethod
    def load(cls, file: Path = FILE) -> Self:
        """Read what was measured."""
        document = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        functions = {
            name: FunctionUse(Decimal(use["calls"]), Decimal(use["milliseconds"]))
            for name, use in document["functions"].items()
        }
        return cls(functions, {name: Decimal(amount) for name, amount in document["amounts"].items()})

    def save(self, measured: str, file: Path = FILE) -> None:
        """Write what was measured.

        Args:
            measured: How, in a few words.
            file: The file.
        """
        lines = [
            "# What a thousand invoices use, by the platform's counters. Written by: ./noxw -s cost -- dev --measure",
            f'measured = "{measured}"',
            "",
            "[amounts]",
            *(f"{name} = {amount:f}" for name, amount in sorted(self.amounts.items())),
        ]
        for name, use in sorted(self.functions.items()):
            lines += ["", f"[functions.{name}]", f"calls = {use.calls:f}", f"milliseconds = {use.milliseconds:f}"]
        write_whole(file, "\n".join(lines) + "\n")


def measure(access: PlatformAccess, invoices: int, run_id: str) -> Usage:
    """Send invoices through a running platform that has no other traffic, and read its counters.

    Args:
        access: The platform.
        invoices: Their number.
        run_id: Eight hexadecimal digits, in the names of what is created.

    Raises:
        CheckError: The platform does not do what it should.
    """
    with Traffic.prepared(access, run_id) as traffic:
        began, before = datetime.now(UTC), _counters(access)
        for number in range(invoices):
            traffic.invoice(CASES[number % len(CASES)])
        after = _settled(lambda: _counters(access))
        stored = _stored(access, traffic.invoice_ids)
        log_bytes = sum(_log_bytes(access, began))
        events = sum(1 for _ in _published(access, began))
    part = Decimal(1000) / invoices
    difference = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in after}
    amounts = {
        "api_requests": difference["api_requests"],
        "s3_requests": difference["s3_requests"],
        "events": events,
        "log_bytes": log_bytes,
        "stored_bytes": stored,
    }
    functions = {
        name: FunctionUse(
            _rounded(Decimal(difference[f"{name} calls"]) * part),
            _rounded(Decimal(difference[f"{name} milliseconds"]) / Decimal(difference[f"{name} calls"])),
        )
        for name in access.outputs["functions"]
        if difference[f"{name} calls"]
    }
    return Usage(functions, {name: _rounded(Decimal(amount) * part) for name, amount in amounts.items()})


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1))


def _settled(read: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The counters, once they do not change any more."""
    last: dict[str, float] = {}
    while (counters := read()) != last:
        last = counters
        time.sleep(_QUIET_S)
    return last


def _counters(access: PlatformAccess) -> dict[str, float]:
    """The platform's counters of the last hours."""
    cloudwatch = access.client("cloudwatch")
    counters: dict[str, float] = {}
    for name, function in access.outputs["functions"].items():
        of_function = {"FunctionName": function}
        counters[f"{name} calls"] = _sum(cloudwatch, "AWS/Lambda", "Invocations", of_function)
        counters[f"{name} milliseconds"] = _sum(cloudwatch, "AWS/Lambda", "Duration", of_function)
    counters["api_requests"] = 0.0
    for metric in cloudwatch.list_metrics(Namespace="AWS/ApiGateway", MetricName="Count")["Metrics"]:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        if set(dimensions) == {"ApiName", "Stage"}:
            counters["api_requests"] += _sum(cloudwatch, "AWS/ApiGateway", "Count", dimensions)
    counters["s3_requests"] = sum(
        _sum(cloudwatch, "AWS/S3", "AllRequests", {"BucketName": access.outputs[name], "FilterId": "EntireBucket"})
        for name in ("uploads_bucket", "documents_bucket", "archives_bucket")
    )
    return counters


def _sum(cloudwatch: Any, namespace: str, metric: str, dimensions: Mapping[str, str]) -> float:
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=6),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def _log_events(access: PlatformAccess, since: datetime, **options: Any) -> Iterator[str]:
    pages = access.client("logs").get_paginator("filter_log_events")
    for function in access.outputs["functions"].values():
        start = round(since.timestamp() * 1000)
        for page in pages.paginate(logGroupName=f"/aws/lambda/{function}", startTime=start, **options):
            yield from (event["message"] for event in page["events"])


def _log_bytes(access: PlatformAccess, since: datetime) -> Iterator[int]:
    return (len(message.encode()) + _EVENT_OVERHEAD for message in _log_events(access, since))


def _published(access: PlatformAccess, since: datetime) -> Iterator[str]:
    """The lines about published events."""
    return (message for message in _log_events(access, since) if '"Event published"' in message)


def _stored(access: PlatformAccess, invoice_ids: list[str]) -> int:
    """The bytes of the invoices' PDFs."""
    s3, bucket = access.client("s3"), access.outputs["documents_bucket"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{datetime.now(UTC):%Y/%m}/")
    names = {f"{invoice_id}.pdf" for invoice_id in invoice_ids}
    return sum(
        entry["Size"]
        for page in pages
        for entry in page.get("Contents", ())
        if entry["Key"].rpartition("/")[2] in names
    )
