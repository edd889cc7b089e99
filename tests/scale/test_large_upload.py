"""A hundred thousand rows through the uploads bucket: complete, to the cent, and nothing new the second time."""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import large_upload
import pytest
import urllib3

from harness.stack.deployment import Stack

ROWS = int(os.environ.get("SCALE_ROWS", "100000"))
SEED = 20261122
DEADLINE_S = 3600
Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None], what: str) -> Found:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(1)
    raise AssertionError(f"Waited {DEADLINE_S} s in vain for {what}")


class Door:
    """The stack as its users see it: buckets and API."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.s3 = stack.session.client("s3", endpoint_url=stack.endpoint_url)
        self.sqs = stack.session.client("sqs", endpoint_url=stack.endpoint_url)
        self._http = urllib3.PoolManager(headers={"x-api-key": stack.api_key}, timeout=60.0)

    def upload(self, path: Path, name: str) -> dict[str, Any]:
        """Upload a file; gives its report, when there is one."""
        self.s3.upload_file(str(path), self.stack.uploads_bucket, f"incoming/{name}")

        def report() -> dict[str, Any] | None:
            try:
                answer = self.s3.get_object(Bucket=self.stack.uploads_bucket, Key=f"reports/{name}.json")
            except self.s3.exceptions.NoSuchKey:
                return None
            found: dict[str, Any] = json.load(answer["Body"])
            return found

        return wait_for(report, f"the report of {name}")

    def undecided(self) -> bool:
        """Whether any invoice waits for the business rules."""
        answer = self._http.request("GET", f"{self.stack.api_url}/invoices", fields={"status": "created", "limit": "1"})
        return answer.status != 200 or bool(answer.json()["items"])

    def invoices(self) -> Iterator[dict[str, Any]]:
        """Every invoice of this month, page by page."""
        query = {"limit": "100"}
        while True:
            answer = self._http.request("GET", f"{self.stack.api_url}/invoices", fields=query)
            assert answer.status == 200, answer.data
            page = answer.json()
            yield from page["items"]
            if "nextToken" not in page:
                return
            query["nextToken"] = page["nextToken"]

    def documents(self) -> int:
        """How many PDFs there are."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.stack.documents_bucket)
        return sum(page.get("KeyCount", 0) for page in pages)

    def left_behind(self) -> dict[str, int]:
        """Messages in the functions' dead-letter queues, where there are any."""
        counts = {
            name: int(
                self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
                    "Attributes"
                ]["ApproximateNumberOfMessages"]
            )
            for name, url in self.stack.dead_letter_queues.items()
        }
        return {name: count for name, count in counts.items() if count}


@pytest.fixture(scope="module")
def door(stack: Stack) -> Door:
    return Door(stack)


def test_all_rows_arrive_to_the_cent_and_only_once(door: Door, tmp_path: Path, figures: dict[str, Any]) -> None:
    path = tmp_path / "large.csv"
    expected = large_upload.write(path, ROWS, SEED)
    figures["rows"], figures["invoices"] = expected.rows, expected.invoices
    figures["megabytes"] = round(path.stat().st_size / 1e6, 1)

    started = time.monotonic()
    report = door.upload(path, "large-1.csv")
    figures["import_seconds"] = round(time.monotonic() - started, 1)
    figures["parts"], figures["function_seconds"] = report["parts"], report["durationSeconds"]
    figures["rows_per_second"] = round(expected.rows / report["durationSeconds"])
    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (
        expected.rows,
        expected.invoices,
        0,
        0,
    )

    again = door.upload(path, "large-2.csv")
    figures["second_upload_seconds"] = again["durationSeconds"]
    assert (again["created"], again["duplicates"], again["rejected"]) == (0, expected.invoices, 0)

    wait_for(lambda: None if door.undecided() else True, "all invoices to be decided")
    listed = list(door.invoices())
    figures["decided_seconds"] = round(time.monotonic() - started, 1)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for one in listed:
        totals[one["currency"]] += Decimal(one["total"])
    assert len({one["invoiceId"] for one in listed}) == len(listed) == expected.invoices
    assert totals == expected.totals
    figures["totals"] = {currency: str(total) for currency, total in sorted(totals.items())}
    figures["statuses"] = dict(Counter(one["status"] for one in listed))

    documented = Counter(one["status"] for one in listed)["processed"]
    wait_for(lambda: True if door.documents() >= documented else None, f"{documented} PDFs")
    figures["documents_seconds"] = round(time.monotonic() - started, 1)
    assert door.documents() == documented
    assert door.left_behind() == {}
