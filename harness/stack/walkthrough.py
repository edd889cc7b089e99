"""The platform's main job as a user sees it: a CSV goes into the running stack, invoices and PDFs come out.

This module uses only the stack's public interfaces (the buckets and the API), as any client would.
"""

import csv
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, out
from harness.errors import HarnessError
from harness.files import write_whole
from harness.paths import BUILD
from harness.stack.deployment import Stack
from harness.stack.logs import recent_errors
from harness.stack.objects import content_of

DEADLINE_S = 600
"""Seconds that an upload may take until its report is there, and the same again until its last PDF is.

On a quiet computer the sample file takes about twenty seconds. LocalStack took three minutes on a computer with five
times as many busy processes as cores. So the deadline only ends a wait for something that will never come.
"""

POLL_S = 0.5
"""Seconds between two polls."""

PAGE = 100
"""Invoices per API page: the API's own maximum."""

ROWS_SHOWN = 24
"""Invoices in the printed table; the API lists them all."""

_WITHOUT_DOCUMENT = {"held", "void"}

Result = TypeVar("Result")


@dataclass(frozen=True)
class UploadResult:
    """The results of one upload.

    Attributes:
        report: The import's own report: rows, invoices, duplicates, rejected rows.
        invoices: Every invoice of the current month, as the API lists them.
        documents: Local PDF files by invoice id.
        rejected: The local copy of the report of rejected rows; None if no row was rejected.
    """

    report: dict[str, Any]
    invoices: list[dict[str, Any]]
    documents: dict[str, Path]
    rejected: Path | None

    @property
    def figures(self) -> dict[str, int]:
        """The counts, for ``build/results/up.json``."""
        return {
            "rows": self.report["rows"],
            "invoices": len(self.invoices),
            "documents": len(self.documents),
        }


class ApiClient:
    """A plain HTTP client of the stack's API."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = urllib3.PoolManager(headers={"x-api-key": stack.api_key}, retries=False, timeout=35.0)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """GET a path below the API's URL.

        Raises:
            HarnessError: The status is not 200; the message has the start of the response's body.
        """
        response = self._http.request("GET", f"{self._stack.api_url}{path}", fields=query)
        if response.status != 200:
            raise HarnessError(
                f"GET {path} returned status {response.status}: {response.data[:300].decode(errors='replace')}",
                remedy="Look at the functions' log: ./noxw -s logs -- --errors",
            )
        body = response.json()
        if not isinstance(body, dict):
            raise HarnessError(
                f"GET {path} did not return a JSON object.", remedy="Look at the functions' log: ./noxw -s logs"
            )
        return body

    def download(self, url: str) -> bytes:
        """Fetch a presigned URL. It needs no API key, so none is sent.

        Raises:
            HarnessError: The status is not 200.
        """
        response = self._http.request("GET", url, headers={})
        if response.status != 200:
            raise HarnessError(
                f"A document's URL returned status {response.status}: {response.data[:200].decode(errors='replace')}",
                remedy="Look at the function's log: ./noxw -s logs -- get-invoice",
            )
        return response.data

    def invoices(self) -> Iterator[dict[str, Any]]:
        """Every invoice of the current month, page by page."""
        query = {"limit": str(PAGE)}
        while True:
            page = self.get("/invoices", **query)
            yield from page["items"]
            if "nextToken" not in page:
                return
            query["nextToken"] = page["nextToken"]


def check_csv(path: Path) -> Path:
    """Check that a CSV can be uploaded, before anything is started.

    Raises:
        HarnessError: It does not exist, is not a file, is empty, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            first_byte = file.read(1)
    except OSError as error:
        raise HarnessError(
            f"The CSV file {path} cannot be read: {error.strerror}.",
            remedy="Name a file that exists, or leave --csv out to use docs/sample/invoices.csv.",
        ) from None
    if not first_byte:
        raise HarnessError(f"The CSV file {path} is empty.", remedy="docs/csv.md lists the columns that it needs.")
    return path


def run(stack: Stack, file: Path) -> UploadResult:
    """Upload a CSV, wait for its report, its invoices and their PDFs, and download the PDFs.

    Raises:
        HarnessError: Something was not ready in time; the message has the errors that the functions logged.
    """
    started = datetime.now(UTC)
    s3 = stack.session.client("s3", endpoint_url=stack.endpoint_url)
    name = f"{started:%Y%m%dT%H%M%S%f}-{re.sub(r'[^A-Za-z0-9._-]', '_', file.stem)}.csv"
    client = ApiClient(stack)
    with ProgressStep(f"Upload {file.name} and import it") as step:
        s3.upload_file(str(file), stack.uploads_bucket, f"incoming/{name}")
        report = _wait(lambda: _report(s3, stack, name), stack, started, f"the import report of {name}")
        if error := report.get("error"):
            raise HarnessError(
                f"{file.name} could not be imported: {error}",
                remedy="Correct the file: docs/csv.md lists the columns and formats that an import takes.",
            )
        step.conclude(
            f"{report['rows']} rows, {report['created']} invoices, {report['duplicates']} duplicates, "
            f"{report['rejected']} rejected"
        )
    with ProgressStep("Process invoices and write PDFs") as step:
        created: int = report["created"]
        invoices = _wait(lambda: _settled(s3, stack, client, step, created), stack, started, "the last invoice's PDF")
        step.conclude(f"{len(invoices)} invoices")
    with ProgressStep("Download the PDFs through the API") as step:
        documents = {}
        with_document = [invoice for invoice in invoices if invoice["status"] not in _WITHOUT_DOCUMENT]
        for done, invoice in enumerate(with_document, 1):
            documents[invoice["invoiceId"]] = _download(client, stack, invoice)
            step.advance_to(done, len(with_document), str(invoice["invoiceNumber"]))
        step.conclude(f"{len(documents)} files in {_folder(stack)}")
    rejected = None
    if key := report.get("rejectedReport"):
        rejected = BUILD / "documents" / stack.environment / "rejected.csv"
        body = s3.get_object(Bucket=stack.uploads_bucket, Key=key)["Body"].read()
        write_whole(rejected, body, mode=0o600)
    return UploadResult(report, invoices, documents, rejected)


def show(stack: Stack, result: UploadResult) -> None:
    """Print the invoices, where their PDFs are, and the rejected rows."""
    table = Table("Number", "Customer", "Status", "Total", "", "PDF", title="Invoices", title_justify="left")
    table.columns[3].justify = "right"
    table.columns[5].overflow = "fold"  # a long path continues on the next line: nothing is cut, other columns fit
    for column, width in ((0, 6), (2, 9), (3, 12), (4, 3)):
        table.columns[column].no_wrap, table.columns[column].min_width = True, width
    for invoice in result.invoices[:ROWS_SHOWN]:
        document = result.documents.get(invoice["invoiceId"])
        customer = invoice.get("customerName") or invoice["customerId"]
        table.add_row(
            *(escape(str(cell)) for cell in (invoice["invoiceNumber"], customer, invoice["status"])),
            *(
                escape(str(cell))
                for cell in (invoice["total"], invoice["currency"], _short(document) if document else "–")
            ),
        )
    out.print(table)
    if len(result.invoices) > ROWS_SHOWN:
        out.print(f"… and {len(result.invoices) - ROWS_SHOWN} more.")
    out.print(f"PDFs: {len(result.documents)} files in {_folder(stack)}/")
    if result.rejected:
        _show_rejected(result.rejected)


def _show_rejected(report: Path) -> None:
    """Print the rejected rows for the person who has to correct the file."""
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    table = Table("Row", "Column", "Value", "Reason", title="Rejected rows", title_justify="left")
    for row in rows[:ROWS_SHOWN]:
        table.add_row(*(escape(row[name] or "") for name in ("row", "column", "value", "reason")))
    out.print(table)
    if len(rows) > ROWS_SHOWN:
        out.print(f"… and {len(rows) - ROWS_SHOWN} more.")
    out.print(f"The complete report: {_short(report)}")


def show_access(stack: Stack, result: UploadResult) -> None:
    """Print the API's URL and key, and commands that work when pasted while the stack runs."""
    payable = (invoice["invoiceId"] for invoice in result.invoices if invoice["status"] == "processed")
    invoice_id = next(payable, "INVOICE-ID")
    key = f"-H 'x-api-key: {stack.api_key}'"
    body = json.dumps(
        {
            "customerId": "C-1",
            "customer": {"name": "Example Ltd"},
            "issueDate": datetime.now(UTC).date().isoformat(),
            "currency": "EUR",
            "lines": [{"description": "Consulting", "quantity": "2", "unitPrice": "450.00", "taxRate": "19"}],
        }
    )
    json_type = "-H 'content-type: application/json'"
    paid = json.dumps({"status": "paid"})
    shell_file = _short(Stack.path(stack.environment).with_suffix(".env"))
    for line in (
        "",
        f"API  {stack.api_url}",
        f"Key  {stack.api_key}",
        "",
        "Try:",
        f"  curl -s {key} '{stack.api_url}/invoices?limit=5'",
        f"  curl -s {key} '{stack.api_url}/invoices/{invoice_id}'",
        f"  curl -s {key} {json_type} -d '{body}' '{stack.api_url}/invoices'",
        f"  curl -s {key} {json_type} -X PATCH -d '{paid}' '{stack.api_url}/invoices/{invoice_id}'",
        f"  source {shell_file} && terraform -chdir=live/{stack.environment} plan",
        "  ./noxw -s logs -- --follow",
        "",
    ):
        out.print(line, markup=False)


def _report(s3: Any, stack: Stack, name: str) -> dict[str, Any] | None:
    content = content_of(s3, stack.uploads_bucket, f"reports/{name}.json")
    return json.loads(content) if content else None


def _settled(s3: Any, stack: Stack, client: ApiClient, step: ProgressStep, least: int) -> list[dict[str, Any]] | None:
    """The invoices, or None while any has to be processed or lacks its PDF, or fewer than `least` are listed."""
    invoices = list(client.invoices())
    waiting = sum(invoice["status"] == "created" for invoice in invoices)
    expected = sum(invoice["status"] not in _WITHOUT_DOCUMENT for invoice in invoices)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stack.documents_bucket)
    written = sum(len(page.get("Contents", [])) for page in pages)
    step.advance_to(min(written, expected), expected, f"{waiting} to process" if waiting else "")
    return invoices if not waiting and written >= expected and len(invoices) >= least else None


def forget_documents(environment: str) -> None:
    """Remove the documents that were downloaded from an earlier stack."""
    shutil.rmtree(BUILD / "documents" / environment, ignore_errors=True)


def _download(client: ApiClient, stack: Stack, invoice: dict[str, Any]) -> Path:
    """Download one invoice's PDF, unless it is there already, to a file named after the invoice number."""
    folder = BUILD / "documents" / stack.environment
    number = re.sub(r"[^\w.-]", "_", str(invoice["invoiceNumber"]))[:60]
    path = folder / f"{number}-{invoice['invoiceId'][:8]}.pdf"
    if path.exists():
        return path
    url = client.get(f"/invoices/{invoice['invoiceId']}").get("documentUrl")
    if not url:
        raise HarnessError(
            f"The API returned no documentUrl for invoice {invoice['invoiceNumber']}, although its PDF is written.",
            remedy="Look at the function's log: ./noxw -s logs -- get-invoice",
        )
    content = client.download(url)
    write_whole(path, content, mode=0o600)  # whose invoices they are is nobody else's business
    return path


def _folder(stack: Stack) -> Path:
    return _short(BUILD / "documents" / stack.environment)


def _short(path: Path) -> Path:
    """The path relative to the working folder if it is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _wait(poll: Callable[[], Result | None], stack: Stack, started: datetime, what: str) -> Result:
    """Poll until there is a result; at the deadline, raise an error with what the functions logged since `started`."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        result = poll()
        if result is not None:
            return result
        time.sleep(POLL_S)
    logged = "\n".join(f"  {line.function}: {line.message}" for line in recent_errors(stack, started))
    raise HarnessError(
        f"After {DEADLINE_S} s there was still no sign of {what}."
        + (f" The functions logged:\n{logged}" if logged else ""),
        remedy="Follow the functions' log while you try again: ./noxw -s logs -- --follow",
    )
