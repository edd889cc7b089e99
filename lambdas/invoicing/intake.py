"""One upload from its arrival to its archive: read, create, report, move away.

The order makes every step repeatable. Creating is idempotent; the report stands before the original moves; the upload
is marked as done before it is deleted, so a second delivery of its event finds the mark, whatever is left of the file.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from io import BufferedReader

from invoicing import clock
from invoicing.creating import create
from invoicing.csv_import import KNOWN, Candidate, Problem, Rejected, read_invoices
from invoicing.csv_text import UnreadableFileError, open_text, read_sheet
from invoicing.errors import ContentConflict, InvalidRequest, TooLarge
from invoicing.issuing import Origin
from invoicing.reports import Figures, RejectReport
from invoicing.store import InvoiceStore, Stored
from invoicing.uploads import Upload, UploadStore

WORKERS = 8
WINDOW = 64
"""Invoices on their way to the table at once: bounds memory, and keeps eight connections busy."""
RESERVE_SECONDS = 4.0
"""Left of the invocation's time for report and archive."""


class OutOfTimeError(Exception):
    """The file is not through yet. The event is delivered again and what exists by then is counted as duplicate."""


class Intake:
    """Handles uploads.

    Args:
        store: Where invoices go.
        uploads: Where files come from.
        remaining: Seconds that are left of this invocation.
    """

    def __init__(self, store: InvoiceStore, uploads: UploadStore, remaining: Callable[[], float]) -> None:
        self._store = store
        self._uploads = uploads
        self._remaining = remaining

    def receive(self, upload: Upload) -> Figures | None:
        """Handle one upload to its end.

        Returns:
            The figures of its report; None when there was nothing left to do.

        Raises:
            OutOfTimeError: the invocation's time ran out.
        """
        if self._store.upload_is_done(upload.identity):
            self._uploads.remove(upload)
            return None
        opened = self._uploads.open(upload)
        if opened is None:
            return None
        started = time.monotonic()
        figures = Figures(file=f"s3://{upload.bucket}/{upload.key}", size=opened.size)
        with closing(RejectReport()) as rejects:
            try:
                self._import(opened.stream, figures, rejects)
            except UnreadableFileError as error:
                figures.error = str(error)
                rejects.add_problem(Problem(1, "", "", str(error)))
            if figures.rejected or figures.error:
                figures.rejected_report = self._uploads.put_report(
                    upload, ".rejected.csv", rejects.content(), "text/csv; charset=utf-8"
                )
        figures.duration_seconds = time.monotonic() - started
        self._uploads.put_report(upload, ".json", figures.to_json(), "application/json")
        self._uploads.archive(upload, clock.now())
        self._store.mark_upload_done(upload.identity, clock.now())
        self._uploads.remove(upload)
        return figures

    def _import(self, stream: BufferedReader, figures: Figures, rejects: RejectReport) -> None:
        sheet = read_sheet(open_text(stream), KNOWN)
        waiting: dict[Future[Stored], Candidate] = {}
        with ThreadPoolExecutor(WORKERS) as pool:
            for found in read_invoices(sheet):
                figures.rows += found.rows
                if isinstance(found, Rejected):
                    _reject(found, figures, rejects)
                    continue
                # the same invoice twice in one file: the first of them wins, as in the file's order
                while len(waiting) >= WINDOW or any(_same_invoice(found, other) for other in waiting.values()):
                    self._collect(waiting, figures, rejects)
                waiting[pool.submit(self._create, found, figures.file)] = found
                if self._remaining() < RESERVE_SECONDS:
                    pool.shutdown(cancel_futures=True)
                    raise OutOfTimeError(f"{figures.file}: stopped after row {found.last}, short of time")
            while waiting:
                self._collect(waiting, figures, rejects)

    def _create(self, found: Candidate, file: str) -> Stored:
        source = f"{file}#{found.first}"
        return create(self._store, found.request, Origin(clock.now(), source, "create-invoice"))

    def _collect(self, waiting: dict[Future[Stored], Candidate], figures: Figures, rejects: RejectReport) -> None:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            found = waiting.pop(future)
            try:
                stored = future.result()
            except (ContentConflict, TooLarge, InvalidRequest) as refusal:
                number = found.request.invoice_number or ""
                problem = Problem(found.first, "invoice_number", number, refusal.detail)
                _reject(Rejected(found.first, found.last, number, [problem], found.rows), figures, rejects)
            else:
                figures.created += stored.created
                figures.duplicates += not stored.created


def _same_invoice(one: Candidate, other: Candidate) -> bool:
    a, b = one.request, other.request
    return (a.customer_id, a.invoice_number) == (b.customer_id, b.invoice_number)


def _reject(rejected: Rejected, figures: Figures, rejects: RejectReport) -> None:
    figures.rejected += 1
    figures.rejected_rows += rejected.rows
    rejects.add(rejected)
