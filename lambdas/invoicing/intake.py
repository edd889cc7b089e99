"""One upload from its arrival to its archive: read, create, report, move away.

The order makes every step repeatable. Creating is idempotent, and what an earlier delivery of the same event created
counts as created again, so the report comes out the same; it stands before the original moves; the upload is marked as
done before it is deleted, so a second delivery of its event finds the mark, whatever is left of the file.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing

from invoicing import clock
from invoicing.csv_import import KNOWN, Candidate, Problem, Rejected, read_invoices
from invoicing.csv_text import UnreadableFileError, open_text, read_sheet
from invoicing.errors import InvoiceError
from invoicing.issuing import Origin, invoice_id, issue
from invoicing.loading import BATCH, InvoiceLoader, Outcome, Progress
from invoicing.models import Invoice
from invoicing.reports import Figures, RejectReport
from invoicing.uploads import MAX_COPY, Opened, Upload, UploadStore

WORKERS = 4
WINDOW = 8
"""Batches on their way to the table at once: keeps the connections busy."""
WINDOW_ROWS = 8000
"""Rows on their way to the table at once: bounds memory, for a batch may be one invoice of thousands of lines."""
BATCH_ROWS = 1000
"""Rows of one batch, unless a single invoice has more."""
REJECTED = ".rejected.csv"
"""What the name of a reject report ends with."""
RESERVE_SECONDS = 4.0
"""Left of the invocation's time for report and archive."""


_Batch = Future[list[Outcome]]


class OutOfTimeError(Exception):
    """The file is not through yet. The event is delivered again, and goes through it from its beginning."""


class Intake:
    """Handles uploads.

    Args:
        store: Where invoices go.
        uploads: Where files come from.
        remaining: Seconds that are left of this invocation.
    """

    def __init__(self, store: InvoiceLoader, uploads: UploadStore, remaining: Callable[[], float]) -> None:
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
        progress = self._store.begin_upload(upload.identity, clock.now())
        if progress.done:
            if upload.size <= MAX_COPY:
                self._uploads.remove(upload, upload.etag)
            return None
        opened = self._uploads.open(upload)
        if opened is None:
            return None
        started = time.monotonic()
        figures = Figures(file=f"s3://{upload.bucket}/{upload.key}", version=upload.version, size=opened.size)
        with closing(RejectReport()) as rejects:
            try:
                self._import(opened, progress, figures, rejects)
            except UnreadableFileError as error:
                figures.error = str(error)
                rejects.add_problem(Problem(1, "", "", str(error)))
            if figures.rejected or figures.error:
                figures.rejected_report = self._uploads.put_report(
                    upload, REJECTED, rejects.content(), "text/csv; charset=utf-8"
                )
            else:
                self._uploads.withdraw_report(upload, REJECTED)
        figures.duration_seconds = time.monotonic() - started
        self._uploads.put_report(upload, ".json", figures.to_json(), "application/json")
        if opened.size <= MAX_COPY:
            self._uploads.archive(upload, clock.now())
        self._store.mark_upload_done(upload.identity, progress, clock.now())
        if opened.size <= MAX_COPY:  # what could not be archived stays where it is
            self._uploads.remove(upload, opened.etag)
        return figures

    def _import(self, opened: Opened, progress: Progress, figures: Figures, rejects: RejectReport) -> None:
        def in_time() -> None:
            if self._remaining() < RESERVE_SECONDS:
                raise OutOfTimeError(f"{figures.file}: stopped after {figures.rows} rows, short of time")

        if opened.size > MAX_COPY:
            raise UnreadableFileError(f"the file is larger than {MAX_COPY >> 30} GB; split it")
        sheet = read_sheet(open_text(opened.stream, in_time), KNOWN)
        waiting: dict[_Batch, list[Candidate]] = {}
        damage: UnreadableFileError | None = None
        pool = ThreadPoolExecutor(WORKERS)
        try:
            try:
                for batch in _batches(read_invoices(sheet), figures, rejects):
                    while waiting and _must_wait(batch, list(waiting.values())):
                        self._collect(waiting, progress, figures, rejects)
                    waiting[pool.submit(self._create, batch, figures.file)] = batch
                    in_time()
            except UnreadableFileError as error:
                damage = error  # what came before it counts all the same
            while waiting:
                self._collect(waiting, progress, figures, rejects)
        finally:
            pool.shutdown(cancel_futures=True)
        if damage:
            raise damage

    def _create(self, batch: list[Candidate], file: str) -> list[Outcome]:
        invoices: list[Invoice] = []
        refused: dict[int, InvoiceError] = {}
        for index, found in enumerate(batch):
            origin = Origin(clock.now(), _source(file, found), "create-invoice")
            number = found.request.invoice_number or ""
            identity = invoice_id(found.request.customer_id, number)
            try:
                invoices.append(issue(found.request, number=number, identity=identity, origin=origin))
            except InvoiceError as refusal:
                refused[index] = refusal
        outcomes = iter(self._store.create_many(invoices))
        return [refused[index] if index in refused else next(outcomes) for index in range(len(batch))]

    def _collect(
        self, waiting: dict[_Batch, list[Candidate]], progress: Progress, figures: Figures, rejects: RejectReport
    ) -> None:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            batch = waiting.pop(future)
            for found, outcome in zip(batch, future.result(), strict=True):
                if isinstance(outcome, InvoiceError):
                    number = found.request.invoice_number or ""
                    problem = Problem(found.first, "invoice_number", number, outcome.detail)
                    _reject(Rejected(found.first, found.last, number, [problem], found.rows), figures, rejects)
                elif outcome.created or progress.own(outcome.invoice, _source(figures.file, found)):
                    figures.created += 1
                else:
                    figures.duplicates += 1


def _batches(
    found: Iterator[Candidate | Rejected], figures: Figures, rejects: RejectReport
) -> Iterator[list[Candidate]]:
    """Candidates, a batch at a time and no invoice twice in one; what is rejected is reported on the way."""
    batch: list[Candidate] = []
    try:
        for one in found:
            figures.rows += one.rows
            if isinstance(one, Rejected):
                _reject(one, figures, rejects)
                continue
            full = len(batch) == BATCH or _rows(batch) + one.rows > BATCH_ROWS
            if batch and (full or _name(one) in map(_name, batch)):
                yield batch
                batch = []
            batch.append(one)
    except UnreadableFileError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _must_wait(batch: list[Candidate], waiting: list[list[Candidate]]) -> bool:
    """Whether the batch must not start before one of those that wait is through.

    The same invoice twice in one file: the first of them wins, as in the file's order.
    """
    if len(waiting) >= WINDOW or _rows(batch) + sum(map(_rows, waiting)) > WINDOW_ROWS:
        return True
    names = {_name(found) for found in batch}
    return any(not names.isdisjoint(map(_name, them)) for them in waiting)


def _rows(batch: list[Candidate]) -> int:
    return sum(found.rows for found in batch)


def _source(file: str, found: Candidate) -> str:
    return f"{file}#{found.first}"


def _name(found: Candidate) -> tuple[str, str | None]:
    return found.request.customer_id, found.request.invoice_number


def _reject(rejected: Rejected, figures: Figures, rejects: RejectReport) -> None:
    figures.rejected += 1
    figures.rejected_rows += rejected.rows
    rejects.add(rejected)
