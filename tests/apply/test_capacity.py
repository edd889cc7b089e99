"""An import on the capacity that dev has, with throttling as on AWS: it takes minutes, and nothing is lost."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from botocore.config import Config

from harness.engine import engine_for
from harness.paths import ROOT
from harness.results import record
from harness.stack.deployment import Stack
from harness.stack.snapshot import clone_source

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(engine_for().name != "embedded", reason="only the embedded engine has the switch `capacity`"),
]

SAMPLE = ROOT / "docs" / "sample" / "invoices.csv"
CREATED, REJECTED = 220, 10
"""Invoices of the sample. Nine of them cannot be read, and one is rejected at the door: it is due before its issue."""
OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "TransactWriteItems")
STEP_S = 5
SPEED = 2
"""Buckets fill this much faster than on AWS: about four minutes instead of eight."""
DEADLINE_S = 540

Value = TypeVar("Value")


@dataclass(frozen=True)
class Dev:
    """The environment dev on an engine that throttles."""

    stack: Stack

    def client(self, service: str) -> Any:
        """A client that repeats nothing."""
        config = Config(retries={"total_max_attempts": 1})
        return self.stack.session.client(service, endpoint_url=self.stack.endpoint_url, config=config)

    def use_up(self) -> None:
        """Use up what the table and its indexes saved: write markers, which are not invoices, until none fits."""
        dynamodb = self.client("dynamodb")
        keys = {name: {"S": "drill"} for name in ("customerId", "status", "createdAt", "yearMonth")}
        for kilobytes in (390, 100, 20, 4):
            for number in range(10):
                item = {"invoiceId": {"S": f"drill#{kilobytes}-{number}"}, **keys}
                try:
                    filler = {"S": "x" * (kilobytes * 1024 - 400)}
                    dynamodb.put_item(TableName=self.stack.table_name, Item={**item, "filler": filler})
                except dynamodb.exceptions.ProvisionedThroughputExceededException:
                    break

    def upload(self) -> None:
        self.client("s3").upload_file(str(SAMPLE), self.stack.uploads_bucket, "incoming/sample.csv")

    def report(self) -> dict[str, Any] | None:
        """The import's report, once there is one."""
        s3 = self.client("s3")
        try:
            body = s3.get_object(Bucket=self.stack.uploads_bucket, Key="reports/sample.csv.json")["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        report: dict[str, Any] = json.loads(body)
        return report

    def pdfs(self) -> int:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.stack.documents_bucket)
        return sum(entry["Key"].endswith(".pdf") for page in pages for entry in page.get("Contents", []))

    def dead_letters(self) -> dict[str, list[str]]:
        """The messages in the dead-letter queues that are not empty."""
        sqs = self.client("sqs")
        received = {
            name: [
                message["Body"]
                for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            ]
            for name, url in {**self.stack.dead_letter_queues, **self.stack.event_dead_letter_queues}.items()
        }
        return {name: bodies for name, bodies in received.items() if bodies}

    def received(self) -> int:
        """The messages in the queue that stands in for the systems downstream."""
        attributes = self.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.downstream_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    def statuses(self) -> Counter[str]:
        """How many invoices have each status."""
        pages = (
            self.stack.session.client("dynamodb", endpoint_url=self.stack.endpoint_url)
            .get_paginator("scan")
            .paginate(
                TableName=self.stack.table_name,
                ProjectionExpression="invoiceId, #status",
                ExpressionAttributeNames={"#status": "status"},
            )
        )
        items = [item for page in pages for item in page["Items"]]
        return Counter(item["status"]["S"] for item in items if "#" not in item["invoiceId"]["S"])

    def throttled_at(self) -> list[datetime]:
        """When requests to the table were throttled, in steps of `STEP_S`, in order."""
        metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ThrottledRequests"}
        now = datetime.now(UTC)
        response = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": f"m{number}",
                    "MetricStat": {
                        "Metric": {
                            **metric,
                            "Dimensions": [
                                {"Name": "TableName", "Value": self.stack.table_name},
                                {"Name": "Operation", "Value": operation},
                            ],
                        },
                        "Period": STEP_S,
                        "Stat": "Sum",
                    },
                }
                for number, operation in enumerate(OPERATIONS)
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
        )
        return sorted(
            timestamp
            for result in response["MetricDataResults"]
            for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True)
            if value > 0
        )

    def alarm(self) -> dict[str, Any]:
        """The alarm on throttled requests, as it is deployed."""
        names = [self.stack.alarms["table/invoices/throttles"]]
        (alarm,) = self.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        return dict(alarm)

    def metric(self, name: str, **dimensions: str) -> float:
        """The sum of a metric of the table."""
        now = datetime.now(UTC)
        response = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName=name,
            Dimensions=[{"Name": k, "Value": v} for k, v in {"TableName": self.stack.table_name, **dimensions}.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=86400,
            Statistics=["Sum"],
        )
        return sum(float(point["Sum"]) for point in response["Datapoints"])


@pytest.fixture
def dev() -> Iterator[Dev]:
    source = clone_source("dev")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HARNESS_STRICT", "capacity")
        patched.setenv("EMBEDDED_CAPACITY_SPEED", str(SPEED))
        with source.clone("capacity") as (stack, _):
            yield Dev(stack)


def wait_for(look: Callable[[], Value | None], deadline: float, what: Callable[[], str]) -> Value:
    """What ``look`` returns as soon as it returns something; fails after the deadline."""
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(what())
        time.sleep(0.5)


def rings(alarm: dict[str, Any], times: list[datetime]) -> bool:
    """Whether an alarm on any throttled request starts at some time, for requests that were throttled at these times.

    Its periods pass as much faster as the buckets fill.
    """
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"]) == (0, alarm["EvaluationPeriods"])
    period_s = max(query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query) / SPEED
    ends = [time + timedelta(seconds=later) for time in times for later in range(0, int(period_s), STEP_S)]
    periods = set(range(alarm["DatapointsToAlarm"]))
    return any({int((end - time).total_seconds() // period_s) for time in times} >= periods for end in ends)


def test_the_alarm_on_throttling_rings_for_what_lasts() -> None:
    """Four periods of five minutes, as at speed 1: more than ten minutes, whenever the periods begin."""
    queries = [{"Id": "sum", "Expression": "SUM(METRICS())"}, {"MetricStat": {"Period": 300 * SPEED}}]
    alarm = {"Threshold": 0, "DatapointsToAlarm": 4, "EvaluationPeriods": 4, "Metrics": queries}
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert not rings(alarm, [start + timedelta(minutes=minute) for minute in range(11)])
    assert rings(alarm, [start + timedelta(minutes=minute) for minute in range(12)])


def test_an_import_on_devs_capacity_ends_with_every_invoice_decided(dev: Dev) -> None:
    """GIVEN dev without unused capacity WHEN the sample is uploaded THEN all of it is decided and nothing is lost."""
    dev.use_up()
    started = time.monotonic()
    deadline = started + DEADLINE_S

    dev.upload()
    report = wait_for(dev.report, deadline, lambda: f"no report; dead letters: {dev.dead_letters()}")
    imported = time.monotonic()
    wait_for(
        lambda: (dev.pdfs() == CREATED and dev.received() >= CREATED) or dev.dead_letters(),
        deadline,
        lambda: f"{dev.pdfs()} of {CREATED} PDFs; {dev.received()} messages downstream; {dev.statuses()}",
    )

    throttled = {operation: dev.metric("ThrottledRequests", Operation=operation) for operation in OPERATIONS}
    times = dev.throttled_at()
    figures = {
        "speed": SPEED,
        "import_s": round(imported - started),
        "all_s": round(time.monotonic() - started),
        "write_units": dev.metric("ConsumedWriteCapacityUnits"),
        "read_units": dev.metric("ConsumedReadCapacityUnits"),
        "throttled": throttled,
        "throttled_s": (times[-1] - times[0]).total_seconds() * SPEED if times else 0,
    }
    record("capacity", figures)
    assert dev.dead_letters() == {}
    assert (report["created"], report["rejected"], report["duplicates"]) == (CREATED, REJECTED, 0)
    assert dev.statuses() == {"processed": CREATED}
    assert dev.pdfs() == CREATED
    assert dev.received() == CREATED, "one message for each invoice"
    assert not rings(dev.alarm(), times), f"the alarm rings for an import: {figures}"
    assert sum(throttled.values()) > 0, "nothing was throttled: this proves nothing"
