"""The main job, seen as a user: a CSV goes into the running stack, invoices and PDFs come out.

Everything here goes through the stack's public doors (the uploads bucket and the API), as any client would.
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

from harness.console import Step, out
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.stack.deployment import Stack
from harness.stack.logs import recent_errors

DEADLINE_S = 600
"""How long an upload may take until its report is there, and from then on until its last PDF.

On a quiet computer the sample file takes about twenty seconds. LocalStack took three minutes on one that had five times
as much to run as it has cores: this only ends what will never come.
"""

POLL_S = 0.5
PAGE = 100
"""Invoices per API page: the API's own maximum."""

ROWS_SHOWN = 24
"""Invoices in the printed table; the whole list is one API call away."""

_WITHOUT_DOCUMENT = {"rejected", "void"}

Found = TypeVar("Found")


@dataclass(frozen=True)
class Walk:
    """What came of one upload.

    Attributes:
        report: The import's own report: rows, invoices, duplicates, rejected rows.
        invoices: Every invoice of the current month, as the API lists them.
        documents: Local PDF files by invoice id.
        rejected: The local copy of the report of rejected rows; None when no row was rejected.
    """

    report: dict[str, Any]
    invoices: list[dict[str, Any]]
    documents: dict[str, Path]
    rejected: Path | None


class Client:
    """A plain HTTP client of the stack's API."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = urllib3.PoolManager(headers={"x-api-key": stack.api_key}, retries=False, timeout=35.0)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """GET a path below the API's URL.

        Raises:
            HarnessError: Any answer but 200, with the problem's own words.
        """
        answer = self._http.request("GET", f"{self._stack.api_url}{path}", fields=query)
        if answer.status != 200:
            raise HarnessError(
                f"GET {path} answered {answer.status}: {answer.data[:300].decode(errors='replace')}",
                remedy="Look at the function's log: ./noxw -s logs -- --errors",
            )
        body = answer.json()
        if not isinstance(body, dict):
            raise HarnessError(f"GET {path} did not answer with an object.", remedy="See ./noxw -s logs")
        return body

    def download(self, url: str) -> bytes:
        """Fetch a presigned URL; it needs no key, so none is sent.

        Raises:
            HarnessError: Any answer but 200.
        """
        answer = self._http.request("GET", url, headers={})
        if answer.status != 200:
            raise HarnessError(
                f"A document's URL answered {answer.status}: {answer.data[:200].decode(errors='replace')}",
                remedy="Look at the function's log: ./noxw -s logs -- get-invoice",
            )
        return answer.data

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
    """Refuse a CSV that cannot be uploaded, before anything is started.

    Raises:
        HarnessError: It does not exist, is not a file, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            begun = file.read(1)
    except OSError as fault:
        raise HarnessError(
            f"The CSV file {path} cannot be read: {fault.strerror}.",
            remedy="Name a file that exists, or leave --csv out to use docs/sample/invoices.csv.",
        ) from None
    if not begun:
        raise HarnessError(f"The CSV file {path} is empty.", remedy="docs/csv.md tells which columns it needs.")
    return path


def run(stack: Stack, file: Path) -> Walk:
    """Upload a CSV, wait for its report, its invoices and their PDFs, and fetch the PDFs.

    Raises:
        HarnessError: Something did not come in time; the message carries what the functions logged.
    """
    started = datetime.now(UTC)
    s3 = stack.session.client("s3", endpoint_url=stack.endpoint_url)
    name = f"{started:%Y%m%dT%H%M%S%f}-{re.sub(r'[^A-Za-z0-9._-]', '_', file.stem)}.csv"
    client = Client(stack)
    with Step(f"Upload {file.name} and import it") as step:
        s3.upload_file(str(file), stack.uploads_bucket, f"incoming/{name}")
        report = _wait(lambda: _report(s3, stack, name), stack, started, f"the import report of {name}")
        if error := report.get("error"):
            raise HarnessError(
                f"{file.name} could not be imported: {error}",
                remedy="docs/csv.md tells which columns and formats an import takes.",
            )
        step.conclude(
            f"{report['rows']} rows, {report['created']} invoices, {report['duplicates']} duplicates, "
            f"{report['rejected']} rejected"
        )
    with Step("Process invoices and write PDFs") as step:
        created: int = report["created"]
        invoices = _wait(lambda: _settled(s3, stack, client, step, created), stack, started, "the last invoice's PDF")
        step.conclude(f"{len(invoices)} invoices")
    with Step("Fetch the PDFs through the API") as step:
        documents = {}
        wanted = [invoice for invoice in invoices if invoice["status"] not in _WITHOUT_DOCUMENT]
        for done, invoice in enumerate(wanted, 1):
            documents[invoice["invoiceId"]] = _fetch(client, stack, invoice)
            step.advance_to(done, len(wanted), str(invoice["invoiceNumber"]))
        step.conclude(f"{len(documents)} files in {_folder(stack)}")
    rejected = None
    if key := report.get("rejectedReport"):
        rejected = BUILD / "documents" / stack.environment / "rejected.csv"
        rejected.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(stack.uploads_bucket, key, str(rejected))
    return Walk(report, invoices, documents, rejected)


def show(stack: Stack, outcome: Walk) -> None:
    """Print the invoices, where their PDFs lie, and what to try next."""
    table = Table("Number", "Customer", "Status", "Total", "", "PDF", title="Invoices", title_justify="left")
    table.columns[3].justify = "right"
    table.columns[5].overflow = "fold"  # a long path goes on in the next line: it is whole, and leaves the others room
    for column, width in ((0, 6), (2, 9), (3, 12), (4, 3)):
        table.columns[column].no_wrap, table.columns[column].min_width = True, width
    for invoice in outcome.invoices[:ROWS_SHOWN]:
        document = outcome.documents.get(invoice["invoiceId"])
        customer = invoice.get("customerName") or invoice["customerId"]
        table.add_row(
            *(escape(str(cell)) for cell in (invoice["invoiceNumber"], customer, invoice["status"])),
            *(
                escape(str(cell))
                for cell in (invoice["total"], invoice["currency"], _shown(document) if document else "–")
            ),
        )
    out.print(table)
    if len(outcome.invoices) > ROWS_SHOWN:
        out.print(f"… and {len(outcome.invoices) - ROWS_SHOWN} more.")
    out.print(f"PDFs: {len(outcome.documents)} files in {_folder(stack)}/")
    if outcome.rejected:
        _show_rejected(outcome.rejected)


def _show_rejected(report: Path) -> None:
    """Print the rejected rows, as the person who made the file needs them."""
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    table = Table("Row", "Column", "Value", "Reason", title="Rejected rows", title_justify="left")
    for row in rows[:ROWS_SHOWN]:
        table.add_row(*(escape(row[name] or "") for name in ("row", "column", "value", "reason")))
    out.print(table)
    if len(rows) > ROWS_SHOWN:
        out.print(f"… and {len(rows) - ROWS_SHOWN} more.")
    out.print(f"The whole report: {_shown(report)}")


def show_access(stack: Stack, outcome: Walk) -> None:
    """Print the API's URL and key, and lines that work when pasted while the stack runs."""
    payable = (one["invoiceId"] for one in outcome.invoices if one["status"] == "processed")
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
    shell_file = _shown(Stack.path(stack.environment).with_suffix(".env"))
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
    try:
        answer = s3.get_object(Bucket=stack.uploads_bucket, Key=f"reports/{name}.json")
    except s3.exceptions.NoSuchKey:
        return None
    report: dict[str, Any] = json.load(answer["Body"])
    return report


def _settled(s3: Any, stack: Stack, client: Client, step: Step, least: int) -> list[dict[str, Any]] | None:
    """The invoices, once none waits to be processed or written as a PDF, and there are as many as were created."""
    invoices = list(client.invoices())
    waiting = sum(invoice["status"] == "created" for invoice in invoices)
    wanted = sum(invoice["status"] not in _WITHOUT_DOCUMENT for invoice in invoices)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stack.documents_bucket)
    written = sum(len(page.get("Contents", [])) for page in pages)
    step.advance_to(min(written, wanted), wanted, f"{waiting} to process" if waiting else "")
    return invoices if not waiting and written >= wanted and len(invoices) >= least else None


def forget_documents(environment: str) -> None:
    """Remove what was downloaded from an earlier stack."""
    shutil.rmtree(BUILD / "documents" / environment, ignore_errors=True)


def _fetch(client: Client, stack: Stack, invoice: dict[str, Any]) -> Path:
    """Download one invoice's PDF, unless it is there already, under a name that a person recognises."""
    folder = BUILD / "documents" / stack.environment
    number = re.sub(r"[^\w.-]", "_", str(invoice["invoiceNumber"]))[:60]
    path = folder / f"{number}-{invoice['invoiceId'][:8]}.pdf"
    if path.exists():
        return path
    url = client.get(f"/invoices/{invoice['invoiceId']}").get("documentUrl")
    if not url:
        raise HarnessError(
            f"Invoice {invoice['invoiceNumber']} has no document although one was written.",
            remedy="Look at the function's log: ./noxw -s logs -- get-invoice",
        )
    content = client.download(url)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _folder(stack: Stack) -> Path:
    return _shown(BUILD / "documents" / stack.environment)


def _shown(path: Path) -> Path:
    """A path as short as it can be said from where the user stands."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _wait(look: Callable[[], Found | None], stack: Stack, started: datetime, what: str) -> Found:
    """Look until something is there, or tell what the functions logged meanwhile."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_S)
    logged = "\n".join(f"  {line.function}: {line.message}" for line in recent_errors(stack, started))
    raise HarnessError(
        f"Waited {DEADLINE_S} s in vain for {what}." + (f" The functions logged:\n{logged}" if logged else ""),
        remedy="Follow the functions while you try again: ./noxw -s logs -- --follow",
    )
