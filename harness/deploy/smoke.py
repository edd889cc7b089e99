"""The smoke test of a deployed platform, on AWS or on an engine: one upload through all of it, and nothing left after.

Three rows go in, two invoices are decided, a PDF comes out, downstream systems get the events, one invoice is paid, and
a throw-away key is added to the API as a rotation does it. It goes in through the platform's public doors only, so it
also meets the policies between the services, which no plan and no unit test can prove.

The invoices are of the customer `CUSTOMER`. They are deleted at the end, but downstream systems have seen them.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from harness.console import ProgressStep, out
from harness.deploy import smoke_cleanup, smoke_rotation
from harness.deploy.smoke_access import ApiResponse, PlatformAccess
from harness.deploy.smoke_queues import DeadLetters, Subscriber
from harness.errors import HarnessError
from harness.results import record
from harness.stack.objects import content_of

CUSTOMER = "SMOKE-TEST"
"""The customer of all its invoices. Always the same: what the platform remembers of a customer does not accumulate."""

DEADLINE_S = 300.0
"""Seconds that one step may take; on a quiet engine the whole test takes about ten."""

POLL_S = 1.0
"""Seconds between two polls."""

AGAIN = frozenset({429, 503, 504})
"""The statuses after which a client sends the same request again (docs/api.md). Its requests may be repeated.

A function that starts while its machine is busy may need more than the 29 seconds that API Gateway waits for it
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html).
"""

TOTAL = "29.15"
"""The total of the first invoice: 20.00 at 19 %, and 5.00 at 7 %."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class SmokeTest:
    """One run.

    Attributes:
        access: The platform.
        run_id: In the names of everything that it creates.
        dead_letters: The dead-letter queues; a message in one ends the test.
    """

    access: PlatformAccess
    run_id: str
    dead_letters: DeadLetters

    @property
    def upload(self) -> str:
        """The name of the uploaded file."""
        return f"smoke-{self.run_id}.csv"

    @property
    def payment(self) -> str:
        """The id of the payment."""
        return f"SMOKE-{self.run_id}"

    @property
    def queue(self) -> str:
        """The name of the queue that subscribes to the topic."""
        return f"smoke-{self.access.environment}-{self.run_id}"

    def error(self, reason: str, remedy: str = "") -> HarnessError:
        """The error that ends the test."""
        environment = self.access.environment
        return HarnessError(
            f"The smoke test of {environment} failed. {reason}",
            remedy=remedy or f"Look at the functions' log, then try again: ./noxw -s smoke -- {environment}",
        )

    def check_dead_letters(self) -> None:
        """Check that no message went to a dead-letter queue.

        Raises:
            HarnessError: One did.
        """
        for name in self.dead_letters.new():
            why = self.dead_letters.reason(name)
            raise self.error(
                f"A message went to the dead-letter queue of {name}{f': {why}' if why else ''}.",
                f"Read it there, {self.access.dead_letter_queues[name]}, and fix what it names: often a policy.",
            )

    def wait(self, poll: Callable[[], Result | None], what: str) -> Result:
        """Poll until there is a result.

        Raises:
            HarnessError: A message went to a dead-letter queue meanwhile, or the deadline passed.
        """
        deadline = time.monotonic() + DEADLINE_S
        while True:
            if (result := poll()) is not None:
                return result
            self.check_dead_letters()
            if time.monotonic() > deadline:
                raise self.error(f"After {DEADLINE_S:g} s there was no sign of {what}.")
            time.sleep(POLL_S)

    def request(self, method: str, path: str, key: str, body: object = None, **query: str) -> ApiResponse:
        """Send a request to the API until the status is none of `AGAIN` or the deadline passes.

        Returns:
            The last response, whatever its status.
        """
        deadline, repeated = time.monotonic() + DEADLINE_S, False
        while (response := self.access.request(method, path, key, body, **query)).status in AGAIN:
            if time.monotonic() > deadline:
                break
            if not repeated:
                out.print(f"[yellow]Note:[/] {method} {path} returned status {response.status}; it is sent again.")
            repeated = True
            time.sleep(POLL_S)
        return response

    def rows(self) -> bytes:
        """The file: three rows of two invoices. What they describe is new, or they would be held as duplicates."""
        header = "invoice_number,customer_id,customer_name,issue_date,currency,description,quantity,unit_price,tax_rate"
        today = datetime.now(UTC).date().isoformat()
        lines = [
            f"SMOKE-{self.run_id}-{number},{CUSTOMER},Smoke test,{today},EUR,{what} {self.run_id},{amounts}"
            for number, what, amounts in ((1, "Desk", "2,10.00,19"), (1, "Book", "1,5.00,7"), (2, "Chair", "1,7.00,19"))
        ]
        return "\n".join([header, *lines, ""]).encode()

    def import_rows(self) -> None:
        """Upload the file, and wait for the report of its import."""
        s3, bucket = self.access.client("s3"), self.access.outputs["uploads_bucket"]
        s3.put_object(Bucket=bucket, Key=f"incoming/{self.upload}", Body=self.rows())
        report = self.wait(partial(content_of, s3, bucket, f"reports/{self.upload}.json"), "the report of the import")
        if json.loads(report).get("created") != 2:
            raise self.error(f"Two invoices should be created, but the import reports: {report.decode()}")

    def invoices(self, key: str) -> dict[str, dict[str, Any]]:
        """This run's invoices as the API lists them, by number."""
        response = self.request("GET", "/invoices", key, customerId=CUSTOMER, order="desc", limit="100")
        if response.status != 200:
            raise self.error(f"GET /invoices returned status {response.status}: {response.text[:300]}")
        prefix = f"SMOKE-{self.run_id}-"
        return {
            item["invoiceNumber"]: item for item in response.body["items"] if item["invoiceNumber"].startswith(prefix)
        }

    def decided(self, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two invoices, once they are decided."""

        def poll() -> list[dict[str, Any]] | None:
            invoices = self.invoices(key)
            done = [invoices[number] for number in sorted(invoices) if invoices[number]["status"] != "created"]
            return done if len(done) == 2 else None

        first, second = self.wait(poll, "two decided invoices")
        for invoice in (first, second):
            if invoice["status"] != "processed":
                raise self.error(f"Invoice {invoice['invoiceNumber']} is {invoice['status']} instead of processed.")
        if first["total"] != TOTAL:
            raise self.error(f"The total of {first['invoiceNumber']} is {first['total']} instead of {TOTAL}.")
        return first, second

    def check_document(self, key: str, invoice_id: str) -> int:
        """Download an invoice's PDF; return its size in bytes."""

        def poll() -> str | None:
            response = self.request("GET", f"/invoices/{invoice_id}", key)
            if response.status != 200:
                raise self.error(f"GET /invoices/{invoice_id} returned status {response.status}: {response.text[:300]}")
            return response.body.get("documentUrl")

        status, content = self.access.download(self.wait(poll, f"the PDF of invoice {invoice_id}"))
        if status != 200 or not content.startswith(b"%PDF-"):
            raise self.error(f"The URL of a PDF returned status {status}: {content[:200].decode(errors='replace')}")
        return len(content)

    def check_downstream(self, subscriber: Subscriber, detail_type: str, invoice_ids: set[str]) -> None:
        """Wait for an event about each of the invoices."""
        self.wait(
            lambda: invoice_ids <= subscriber.received(detail_type) or None, f"the event {detail_type} downstream"
        )

    def pay(self, key: str, invoice_id: str) -> None:
        """Record a payment of the whole amount."""
        body = {"status": "paid", "payment": {"paymentId": self.payment}}
        response = self.request("PATCH", f"/invoices/{invoice_id}", key, body)
        if response.status != 200 or response.body.get("status") != "paid":
            raise self.error(f"PATCH /invoices/{invoice_id} returned status {response.status}: {response.text[:300]}")

    def clean_up(self, key: str) -> None:
        """Delete the invoices and all objects of this run."""
        invoices = self.invoices(key).values()
        for invoice in invoices:
            created = invoice["createdAt"]
            smoke_cleanup.delete_objects(
                self.access, "documents", f"{created[:4]}/{created[5:7]}/{invoice['invoiceId']}.pdf"
            )
        smoke_cleanup.delete_invoices(self.access, [invoice["invoiceId"] for invoice in invoices], [self.payment])
        for prefix in (f"incoming/{self.upload}", f"reports/{self.upload}"):
            smoke_cleanup.delete_objects(self.access, "uploads", prefix)
        name = self.upload.removesuffix(".csv")  # the archive has more before the ending
        smoke_cleanup.delete_objects(self.access, "archives", f"{datetime.now(UTC):%Y/%m}/{name}.")


def run(access: PlatformAccess) -> None:
    """Test a deployed platform, and delete what the test created.

    Raises:
        HarnessError: It does not do what it should; the message has the first reason.
    """
    started = time.monotonic()
    test = SmokeTest(access, uuid.uuid4().hex[:8], DeadLetters.at_start(access))
    outcome = "failed"
    try:
        with _service_errors(test), ExitStack() as cleanup:
            key = access.api_key
            subscriber = cleanup.enter_context(Subscriber.subscribed(access, test.queue))
            cleanup.push(partial(_clean_up, test, key))
            _steps(test, key, subscriber)
        outcome = "passed"
    finally:
        seconds = round(time.monotonic() - started, 1)
        record("smoke", {"environment": access.environment, "outcome": outcome, "seconds": seconds})
    out.print(f"The smoke test of {access.environment} passed.")


def _steps(test: SmokeTest, key: str, subscriber: Subscriber) -> None:
    with ProgressStep("Smoke test: import three rows"):
        test.import_rows()
        first, second = test.decided(key)
    with ProgressStep("Smoke test: download a PDF") as step:
        step.conclude(f"{test.check_document(key, first['invoiceId'])} bytes")
    with ProgressStep("Smoke test: receive the events downstream"):
        test.check_downstream(subscriber, "invoice-processed", {first["invoiceId"], second["invoiceId"]})
    with ProgressStep("Smoke test: pay an invoice"):
        test.pay(key, first["invoiceId"])
        test.check_downstream(subscriber, "invoice-paid", {first["invoiceId"]})
    with (
        ProgressStep("Smoke test: rotate to a throw-away key"),
        smoke_rotation.throw_away_key(test.access, test.run_id, test.error) as rotated,
    ):
        test.wait(
            lambda: test.access.request("GET", "/invoices", rotated, limit="1").status == 200 or None,
            "a response to a request with the new key",
        )
    test.check_dead_letters()


def _clean_up(test: SmokeTest, key: str, kind: type[BaseException] | None, *_: object) -> None:
    """Clean up; an error of that is only printed if the test has failed, because its own error matters more."""
    try:
        test.clean_up(key)
    except (HarnessError, BotoCoreError, ClientError) as error:
        if kind is None:
            raise
        out.print(f"[yellow]Note:[/] invoices or files of the smoke test {test.run_id} remain: {escape(str(error))}")


@contextmanager
def _service_errors(test: SmokeTest) -> Iterator[None]:
    """An error of an AWS service, as the error that ends the test."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise test.error(str(error)) from error
