"""Synthetic traffic during a release: invoices through the platform's public doors, and checks of every response.

No metric can see that a total is wrong. So each invoice's amounts are known beforehand, its PDF is read, its events are
counted, and the headers are compared with what browsers need. The invoices are deleted at the end; downstream systems
have seen them, as after a smoke test.
"""

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from harness.deploy import canary_cleanup, smoke_rotation
from harness.deploy.canary_cleanup import CUSTOMER
from harness.deploy.release import ALIAS
from harness.deploy.smoke_access import ApiResponse, PlatformAccess
from harness.deploy.smoke_queues import DeadLetters, Subscriber

DEADLINE_S = 20.0
"""Seconds that the platform has for what follows a request: decision, PDF, events."""

POLL_S = 0.1

AT_ONCE = 10
"""The most files that are imported together."""

DETAIL_TYPES = ("invoice-processed", "invoice-paid")
"""The events that are published about each invoice, in their order."""

Result = TypeVar("Result")


class CheckError(Exception):
    """A response or a consequence is not what it should be.

    Attributes:
        check: What was checked, in one or two words.
        found: What was found instead.
    """

    def __init__(self, check: str, found: str) -> None:
        super().__init__(f"{check}: {found}")
        self.check = check
        self.found = found


@dataclass(frozen=True)
class Case:
    """An invoice whose amounts are known.

    Attributes:
        lines: Quantity, unit price and tax rate of each line.
        total: Its total, by EN 16931 with rounding half up.
        rounds: Whether the amounts are on the edge between two cents.
    """

    lines: tuple[tuple[str, str, str], ...]
    total: str
    rounds: bool = False


CASES = (
    Case((("2", "10.00", "19"), ("1", "5.00", "7")), "29.15"),
    Case((("1", "0.125", "0"), ("1", "0.125", "0")), "0.26", rounds=True),  # each line is 0.13: half up
    Case((("3", "33.33", "19"),), "118.99", rounds=True),  # 99.99 and 18.9981
    Case((("1", "100.50", "5"),), "105.53", rounds=True),  # the tax is 5.025
)


@dataclass
class Traffic:
    """The traffic of one release.

    Attributes:
        access: The platform.
        key: The API's key.
        origin: A web origin that the API admits.
        run_id: In the names of everything that it creates.
        subscriber: Receives what the platform publishes.
        dead_letters: The dead-letter queues.
        look: Called while something is awaited. What it raises ends the wait.
        files: How many files a round imports.
        at_once: How many of them together.
    """

    access: PlatformAccess
    key: str
    origin: str
    run_id: str
    subscriber: Subscriber
    dead_letters: DeadLetters
    look: Callable[[], None] = lambda: None
    files: int = 1
    at_once: int = 1
    invoice_ids: list[str] = field(default_factory=list)
    payment_ids: list[str] = field(default_factory=list)
    _number: int = 0
    _earlier: int = 0

    @classmethod
    @contextmanager
    def prepared(cls, access: PlatformAccess, run_id: str) -> Iterator["Traffic"]:
        """Subscribe to the events; at the end everything that the traffic created is deleted.

        What the traffic of a release that was killed has left is deleted first.
        """
        canary_cleanup.delete_leftovers(access)
        with Subscriber.subscribed(access, canary_cleanup.queue_name(access.environment, run_id)) as subscriber:
            letters = DeadLetters.at_start(access)
            traffic = cls(access, access.api_key, _origin(access), run_id, subscriber, letters)
            traffic.at_once = files_at_once(access)
            try:
                yield traffic
            finally:
                traffic.clean_up()

    def round(self) -> Iterator[None]:
        """The uploads, and one invoice of each case, from the request to the paid invoice.

        Yields:
            After each invoice: the caller may look at the platform's figures, and stop.

        Raises:
            CheckError: Something is not as it should be.
        """
        for imported in range(0, self.files, self.at_once):
            self._import_files(min(self.at_once, self.files - imported))
            yield
        for case in CASES:
            self.invoice(case)
            yield

    def invoice(self, case: Case) -> None:
        """One invoice by the API: created, decided, drawn, read, found in the list, paid.

        Raises:
            CheckError: Something is not as it should be.
        """
        invoice_id = self._create(case)
        self._read(invoice_id, case)
        self._check_listed(self._listed(), invoice_id, case)
        self._pay(invoice_id)
        for detail_type in DETAIL_TYPES:
            self._check_events(invoice_id, detail_type)
        self.check_dead_letters()

    def begin_anew(self) -> None:
        """Hold nothing that happened so far against the rounds that follow, which need no more than one file each."""
        self.files = 1
        self.dead_letters = DeadLetters.at_start(self.access)
        self._earlier = len(self.invoice_ids)

    def check_dead_letters(self) -> None:
        """Check that no message went to a dead-letter queue.

        Raises:
            CheckError: One did.
        """
        for name in self.dead_letters.new():
            reason = self.dead_letters.reason(name)
            raise CheckError("dead letters", f"a message in the queue of {name}{f': {reason}' if reason else ''}")

    def clean_up(self) -> None:
        """Delete the invoices, their documents and payments, and the uploads of this run."""
        month = f"{datetime.now(UTC):%Y/%m}"
        invoices = [(invoice_id, month) for invoice_id in self.invoice_ids]
        canary_cleanup.delete_run(self.access, self.run_id, invoices, self.payment_ids)

    def _next(self) -> str:
        self._number += 1
        return canary_cleanup.invoice_number(self.run_id, self._number)

    def _create(self, case: Case) -> str:
        """Create an invoice by the API; return its id."""
        number = self._next()
        body = {
            "invoiceNumber": number,
            "customerId": CUSTOMER,
            "customer": {"name": "Canary test"},
            "issueDate": datetime.now(UTC).date().isoformat(),
            "currency": "EUR",
            "lines": [
                {"description": f"Item {number} {at}", "quantity": quantity, "unitPrice": price, "taxRate": rate}
                for at, (quantity, price, rate) in enumerate(case.lines)
            ],
        }
        invoice = self._request("POST", "/invoices", body, status=201)
        if not isinstance(invoice.get("invoiceId"), str):
            raise CheckError("response", f"POST /invoices returned no invoice: {str(invoice)[:200]}")
        self.invoice_ids.append(invoice["invoiceId"])
        _check_total(case, invoice, "POST /invoices")
        return str(invoice["invoiceId"])

    def _import_files(self, count: int) -> None:
        """Import files of one invoice each, all at once, and follow each until it is paid."""
        cases = {self._next(): CASES[at % len(CASES)] for at in range(count)}
        for number, case in cases.items():
            self._upload(number, case)

        def imported() -> dict[str, dict[str, Any]] | None:
            items = {number: item for number, item in self._by_number().items() if number in cases}
            return items if len(items) == len(cases) else None

        items = self._wait(imported, f"the invoices of {len(cases)} files, the first of them {min(cases)}")
        self.invoice_ids += [item["invoiceId"] for item in items.values()]
        for number, case in cases.items():
            self._read(items[number]["invoiceId"], case)
            self._pay(items[number]["invoiceId"])
        for number in cases:
            for detail_type in DETAIL_TYPES:
                self._check_events(items[number]["invoiceId"], detail_type)

    def _upload(self, number: str, case: Case) -> None:
        """Put a file with one invoice into the uploads bucket."""
        header = "invoice_number,customer_id,customer_name,issue_date,currency,description,quantity,unit_price,tax_rate"
        today = datetime.now(UTC).date().isoformat()
        rows = [
            f"{number},{CUSTOMER},Canary test,{today},EUR,Item {number} {at},{','.join(amounts)}"
            for at, amounts in enumerate(case.lines)
        ]
        name = f"{canary_cleanup.file_prefix(self.run_id)}{number}.csv"
        body = "\n".join([header, *rows, ""]).encode()
        uploads = self.access.outputs["uploads_bucket"]
        self.access.client("s3").put_object(Bucket=uploads, Key=f"incoming/{name}", Body=body)

    def _read(self, invoice_id: str, case: Case) -> None:
        """Wait for the decision and the PDF, and check both."""

        def poll() -> dict[str, Any] | None:
            invoice = self._request("GET", f"/invoices/{invoice_id}")
            if invoice.get("status") not in {"created", "processed"}:  # there will be no link, so nothing to wait for
                raise CheckError("decision", f"invoice {invoice_id} is {invoice.get('status')} instead of processed")
            return invoice if invoice.get("documentUrl") and invoice["status"] == "processed" else None

        self._wait(lambda: self._has_document(invoice_id), f"the PDF of {invoice_id}")
        invoice = self._wait(poll, f"the link to the PDF of {invoice_id}")
        _check_total(case, invoice, "GET /invoices/{id}")
        status, content = self.access.download(invoice["documentUrl"])
        if status != 200 or not content.startswith(b"%PDF-"):
            raise CheckError("PDF", f"status {status}: {content[:80].decode(errors='replace')!r}")
        text = _text_of(content)
        for expected in (invoice["invoiceNumber"], case.total):
            if expected not in text:
                raise CheckError("PDF", f"{expected!r} is not in its text, which has {len(text)} characters")

    def _has_document(self, invoice_id: str) -> bool | None:
        """Whether the PDF is stored. The API would ask S3 for it, and each 404 counts for the bucket's alarm."""
        key = f"{datetime.now(UTC):%Y/%m}/{invoice_id}.pdf"
        bucket = self.access.outputs["documents_bucket"]
        found = self.access.client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        return True if found["KeyCount"] else None

    def _by_number(self) -> dict[str, dict[str, Any]]:
        return {item.get("invoiceNumber", ""): item for item in self._listed()}

    def _listed(self) -> list[dict[str, Any]]:
        """The newest invoices of the customer."""
        response = self._request("GET", "/invoices", customerId=CUSTOMER, order="desc", limit="100")
        items = response.get("items")
        if not isinstance(items, list):
            raise CheckError("response", f"GET /invoices returned no items: {str(response)[:200]}")
        created = [item.get("createdAt", "") for item in items]
        if created != sorted(created, reverse=True):
            raise CheckError("list", "the invoices are not in the order of their creation")
        strangers = {item.get("customerId") for item in items} - {CUSTOMER}
        if strangers:
            raise CheckError("list", f"it has invoices of another customer: {min(map(str, strangers))}")
        return items

    def _check_listed(self, items: list[dict[str, Any]], invoice_id: str, case: Case) -> None:
        found = [item for item in items if item.get("invoiceId") == invoice_id]
        if len(found) != 1:
            raise CheckError("list", f"invoice {invoice_id} is in it {len(found)} times")
        _check_total(case, found[0], "GET /invoices")

    def _pay(self, invoice_id: str) -> None:
        """Pay the whole amount."""
        self._next()
        payment_id = canary_cleanup.payment_id(self.run_id, self._number)
        self.payment_ids.append(payment_id)
        body = {"status": "paid", "payment": {"paymentId": payment_id}}
        invoice = self._request("PATCH", f"/invoices/{invoice_id}", body)
        total, paid, due = (invoice.get(name) for name in ("total", "amountPaid", "amountDue"))
        if invoice.get("status") != "paid" or paid != total or due != "0.00":
            raise CheckError("payment", f"{invoice.get('status')}, paid {paid} of {total}, due {due}")

    def _check_events(self, invoice_id: str, detail_type: str) -> None:
        """Wait for the event about an invoice, and check that each was published once."""
        self._wait(
            lambda: invoice_id in self.subscriber.received(detail_type) or None, f"the event {detail_type}", "events"
        )
        self.check_events_once()

    def check_events_once(self) -> None:
        """Check that no event about an invoice of this run was published twice.

        Raises:
            CheckError: One was.
        """
        for detail_type in DETAIL_TYPES:
            self.subscriber.received(detail_type)
            counts = Counter(self.subscriber.published(detail_type))
            for invoice_id in self.invoice_ids[self._earlier :]:
                if counts[invoice_id] > 1:
                    raise CheckError(
                        "events", f"{detail_type} of {invoice_id} was published {counts[invoice_id]} times"
                    )

    def _request(
        self, method: str, path: str, body: object = None, *, status: int = 200, **query: str
    ) -> dict[str, Any]:
        """Send a request, and check the response as far as it is the same for all."""
        response = self.access.request(method, path, self.key, body, origin=self.origin, **query)
        what = f"{method} {path.partition('?')[0]}"
        if response.status != status:
            raise CheckError("status", f"{what} returned {response.status} instead of {status}: {response.text[:120]}")
        _check_headers(what, response, self.origin)
        if not response.body or "errorMessage" in response.body or "title" in response.body:
            raise CheckError("response", f"{what} returned {response.status} with an error: {response.text[:120]}")
        return response.body

    def _wait(self, poll: Callable[[], Result | None], what: str, check: str = "deadline") -> Result:
        deadline = time.monotonic() + DEADLINE_S
        while (result := poll()) is None:
            self.look()
            self.check_dead_letters()
            if time.monotonic() > deadline:
                raise CheckError(check, f"after {DEADLINE_S:g} s there was no sign of {what}")
            time.sleep(POLL_S)
        return result


def _check_total(case: Case, invoice: Mapping[str, Any], where: str) -> None:
    if invoice.get("total") != case.total:
        check = "rounding" if case.rounds else "total"
        raise CheckError(check, f"{invoice.get('total')} instead of {case.total} in {where}")


def _text_of(pdf: bytes) -> str:
    try:
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    except PyPdfError as error:
        raise CheckError("PDF", f"it cannot be read: {error}") from error


def files_at_once(access: PlatformAccess) -> int:
    """How many files can be imported together beside the platform's other callers.

    Half of the least concurrency that is reserved for a function that a file or its invoice reaches. More would be
    throttled: an alarm starts, and AWS makes an asynchronous call again some time later.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    lambdas, functions = access.client("lambda"), access.outputs["functions"]
    reserved: list[int] = [
        lambdas.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions", 2 * AT_ONCE)
        for name, function in functions.items()
        if name != smoke_rotation.FUNCTION
    ]
    return min(AT_ONCE, max(1, min(reserved) // 2))


def _origin(access: PlatformAccess) -> str:
    """A web origin that the API admits, as its functions are configured; any if they admit all."""
    name = access.outputs["functions"]["query-invoices"]
    configuration = access.client("lambda").get_function_configuration(FunctionName=name, Qualifier=ALIAS)
    first = str(configuration["Environment"]["Variables"]["ALLOWED_ORIGINS"]).split(",")[0]
    return "https://app.example.com" if first == "*" else first


def _check_headers(what: str, response: ApiResponse, origin: str) -> None:
    """Check what a browser needs to show the response to a script, and what keeps it out of caches.

    https://fetch.spec.whatwg.org/#cors-check
    """
    allowed = response.headers.get("access-control-allow-origin")
    if allowed not in {"*", origin}:
        raise CheckError("CORS", f"{what} has Access-Control-Allow-Origin {allowed!r}")
    kind = response.headers.get("content-type", "")
    if not kind.startswith("application/json"):
        raise CheckError("response", f"{what} has Content-Type {kind!r}")
