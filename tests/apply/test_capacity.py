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
            for name, url in self.stack.dead_letter_queues.items()
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

    throttled = {
        operation: dev.metric("ThrottledRequests", Operation=operation)
        for operation in ("GetItem", "PutItem", "UpdateItem", "TransactWriteItems")
    }
    figures = {
        "speed": SPEED,
        "import_s": round(imported - started),
        "all_s": round(time.monotonic() - started),
        "write_units": dev.metric("ConsumedWriteCapacityUnits"),
        "read_units": dev.metric("ConsumedReadCapacityUnits"),
        "throttled": throttled,
    }
    record("capacity", figures)
    assert dev.dead_letters() == {}
    assert (report["created"], report["rejected"], report["duplicates"]) == (CREATED, REJECTED, 0)
    assert dev.statuses() == {"processed": CREATED}
    assert dev.pdfs() == CREATED
    assert sum(throttled.values()) > 0, "nothing was throttled: this proves nothing"
