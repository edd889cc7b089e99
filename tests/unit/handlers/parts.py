"""A file of twelve invoices, and a platform whose invocations stop after a number of batches."""

import itertools
import json
from types import ModuleType
from typing import Any

import pytest

from invoicing.uploads import part_import

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate\n"
COUNT = 12
"""Invoices of the file, of two rows each: an invocation could stop inside one."""
PARTS = 6
"""Invocations that the file takes, at two invoices each."""


def rows(number: int, price: str = "10.50") -> str:
    """An invoice of two rows; the description holds a line break and letters of two bytes."""
    row = f'{5000 + number},C-1,2026-11-01,EUR,"Größe\n{number}",2,{price},19\n'
    return row + row.replace("Größe", "Other")


FILE = HEADER + "".join(rows(number) for number in range(COUNT))
WITH_ERRORS = HEADER + "".join(rows(number, "ten" if number % 3 == 0 else "10.50") for number in range(COUNT))
"""Four of the twelve are rejected."""


class Platform:
    """The buckets, the table, the bus, and create-invoice, whose invocations stop after a number of batches."""

    def __init__(self, s3: Any, table: Any, create: ModuleType, patch: pytest.MonkeyPatch) -> None:
        self.s3, self.table, self.create = s3, table, create
        self.events: list[dict[str, Any]] = []
        self.invocations = 0
        self._sequence = itertools.count(1)
        self._patch = patch
        patch.setattr(create.bus._events, "put_events", self._put_events)
        patch.setattr(part_import, "BATCH", 2)

    def _put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- boto3's name
        for entry in Entries:
            assert (entry["Source"], entry["DetailType"]) == ("invoice.platform", "upload-continued")
            assert entry["EventBusName"] == "invoice-events-dev"
            self.events.append({"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])})
        return {"FailedEntryCount": 0, "Entries": [{}]}

    def upload(self, content: bytes | str, key: str = "incoming/day.csv") -> dict[str, Any]:
        """Write a file; returns its event."""
        body = content.encode() if isinstance(content, str) else content
        response = self.s3.put_object(Bucket="uploads", Key=key, Body=body)
        s3_object = {"key": key, "size": len(body), "eTag": response["ETag"].strip('"'), "sequencer": "0A1"}
        if version := response.get("VersionId"):
            s3_object |= {"versionId": version, "sequencer": f"{next(self._sequence):016X}"}
        return {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "uploads"}, "object": s3_object}}]}

    def invoke(self, event: dict[str, Any], batches: int = 1, *, inside: bool = False) -> None:
        """Run one invocation with time for so many batches of two invoices; ``inside`` another one of this process."""
        self.invocations += 1
        create_many = self.create.loader.create_many
        remaining = [batches]

        class Clock:
            function_name = "create-invoice"
            memory_limit_in_mb = 512
            invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:create-invoice"
            aws_request_id = "request"
            tenant_id = None

            @staticmethod
            def get_remaining_time_in_millis() -> int:
                return 900_000 if remaining[0] > 0 else 3_000

        def counted(*arguments: Any) -> Any:
            outcome = create_many(*arguments)
            remaining[0] -= 1
            return outcome

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.create.loader, "create_many", counted)
            patch.setattr(part_import, "WINDOW", 1)  # each batch ends before the next one begins, so the stop is exact
            if inside:
                self.create.receive(event, Clock)  # metrics are one for the process
            else:
                self.create.lambda_handler(event, Clock)

    def run(self, event: dict[str, Any], batches: int = 1) -> None:
        """Handle the event, and all events that follow from it."""
        pending = [event]
        while pending:
            self.invoke(pending.pop(0), batches)
            pending += self.events
            self.events.clear()

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report."""
        report: dict[str, Any] = json.loads(
            self.s3.get_object(Bucket="uploads", Key="reports/day.csv.json")["Body"].read()
        )
        return report

    @property
    def rejected(self) -> list[str]:
        """The lines of the reject report."""
        response = self.s3.get_object(Bucket="uploads", Key="reports/day.csv.rejected.csv")
        return list(response["Body"].read().decode("utf-8-sig").splitlines())

    @property
    def numbers(self) -> list[str]:
        items = self.table.scan(ProjectionExpression="invoiceId, invoiceNumber")["Items"]
        return sorted(item["invoiceNumber"] for item in items if "#" not in item["invoiceId"])

    def keys(self, bucket: str) -> list[str]:
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def assert_complete(self, *, created: int = COUNT, rejected: int = 0, duplicates: int = 0) -> None:
        """Every invoice once, every figure exact, and nothing left over."""
        report = self.report
        assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (
            2 * COUNT,
            created,
            duplicates,
            rejected,
        )
        assert len(self.numbers) == len(set(self.numbers))
        reports = ["reports/day.csv.json", *(["reports/day.csv.rejected.csv"] if rejected else [])]
        assert self.keys("uploads") == reports  # neither the original nor rejected rows of parts
        assert len(self.keys("archives")) == 1
