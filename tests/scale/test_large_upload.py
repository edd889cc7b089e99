"""A hundred thousand rows through the uploads bucket: complete, exact to the cent, and nothing new the second time.

Once with the rows of each invoice together, and once with the rows of all invoices as far apart as they can be.
"""

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
Value = TypeVar("Value")


def wait_for(read: Callable[[], Value | None], description: str) -> Value:
    """The value that a function returns, as soon as it is not None."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if (value := read()) is not None:
            return value
        time.sleep(1)
    raise AssertionError(f"Waited {DEADLINE_S} s in vain for {description}")


class UserView:
    """The stack as its users see it: buckets and API."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.s3 = stack.session.client("s3", endpoint_url=stack.endpoint_url)
        self.sqs = stack.session.client("sqs", endpoint_url=stack.endpoint_url)
        self._http = urllib3.PoolManager(headers={"x-api-key": stack.api_key}, timeout=60.0)

    def upload(self, path: Path, name: str) -> dict[str, Any]:
        """Upload a file; returns its report, as soon as there is one."""
        self.s3.upload_file(str(path), self.stack.uploads_bucket, f"incoming/{name}")

        def report() -> dict[str, Any] | None:
            try:
                response = self.s3.get_object(Bucket=self.stack.uploads_bucket, Key=f"reports/{name}.json")
            except self.s3.exceptions.NoSuchKey:
                return None
            content: dict[str, Any] = json.load(response["Body"])
            return content

        return wait_for(report, f"the report of {name}")

    def undecided(self) -> bool:
        """Whether any invoice still waits for the business rules."""
        response = self._http.request(
            "GET", f"{self.stack.api_url}/invoices", fields={"status": "created", "limit": "1"}
        )
        return response.status != 200 or bool(response.json()["items"])

    def invoices(self) -> Iterator[dict[str, Any]]:
        """Every invoice of this month, page by page."""
        query = {"limit": "100"}
        while True:
            response = self._http.request("GET", f"{self.stack.api_url}/invoices", fields=query)
            assert response.status == 200, response.data
            page = response.json()
            yield from page["items"]
            if "nextToken" not in page:
                return
            query["nextToken"] = page["nextToken"]

    def documents(self) -> int:
        """How many PDFs there are."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.stack.documents_bucket)
        return sum(page.get("KeyCount", 0) for page in pages)

    def failed_messages(self) -> dict[str, int]:
        """Messages in the functions' dead-letter queues; queues without any are left out."""
        counts = {
            name: int(
                self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
                    "Attributes"
                ]["ApproximateNumberOfMessages"]
            )
            for name, url in self.stack.dead_letter_queues.items()
        }
        return {name: count for name, count in counts.items() if count}


@pytest.fixture
def user(stack: Stack) -> UserView:
    return UserView(stack)


@pytest.mark.parametrize("order", ["together", "interleaved"])
def test_all_rows_arrive_to_the_cent_and_only_once(
    user: UserView, tmp_path: Path, figures: dict[str, Any], order: str
) -> None:
    path = tmp_path / "large.csv"
    measured: dict[str, Any] = figures.setdefault(order, {})
    expected = large_upload.write(path, ROWS, SEED, interleaved=order == "interleaved")
    measured["rows"], measured["invoices"] = expected.rows, expected.invoices
    measured["megabytes"] = round(path.stat().st_size / 1e6, 1)

    started = time.monotonic()
    report = user.upload(path, "large-1.csv")
    measured["import_seconds"] = round(time.monotonic() - started, 1)
    measured["parts"], measured["function_seconds"] = report["parts"], report["durationSeconds"]
    measured["rows_per_second"] = round(expected.rows / report["durationSeconds"])
    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (
        expected.rows,
        expected.invoices,
        0,
        0,
    )

    second_started = time.monotonic()
    second_report = user.upload(path, "large-2.csv")
    measured["second_import_seconds"] = round(time.monotonic() - second_started, 1)
    measured["second_parts"] = second_report["parts"]
    measured["second_function_seconds"] = second_report["durationSeconds"]
    assert (second_report["created"], second_report["duplicates"], second_report["rejected"]) == (
        0,
        expected.invoices,
        0,
    )

    wait_for(lambda: None if user.undecided() else True, "all invoices to be decided")
    listed = list(user.invoices())
    measured["decided_seconds"] = round(time.monotonic() - started, 1)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for invoice in listed:
        totals[invoice["currency"]] += Decimal(invoice["total"])
    assert len({invoice["invoiceId"] for invoice in listed}) == len(listed) == expected.invoices
    assert totals == expected.totals
    measured["totals"] = {currency: str(total) for currency, total in sorted(totals.items())}
    measured["statuses"] = dict(Counter(invoice["status"] for invoice in listed))

    documented = Counter(invoice["status"] for invoice in listed)["processed"]
    wait_for(lambda: True if user.documents() >= documented else None, f"{documented} PDFs")
    measured["documents_seconds"] = round(time.monotonic() - started, 1)
    assert user.documents() == documented
    assert user.failed_messages() == {}
