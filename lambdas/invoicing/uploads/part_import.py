"""The step *write*: the invoices of one part, created batch by batch, several batches at once, and counted.

Batches are counted in the file's order, whichever is finished first. So at any moment a single place in the file
separates the invoices that are created and counted from the others. Invoices that were already created beyond that
place when the invocation stops are counted by the next part.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from invoicing.domain.errors import Busy, InvoiceError
from invoicing.domain.identifiers import normal_form
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import Invoice
from invoicing.runtime import clock
from invoicing.table.batches import BATCH, CreateOutcome, InvoiceLoader, Repetition
from invoicing.table.retries import busy
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_invoices import Candidate, CsvInvoice, Passed, RejectedCell, RejectedInvoice
from invoicing.uploads.csv_rows import Place
from invoicing.uploads.deadline import OutOfTimeError
from invoicing.uploads.pacing import Pace, Turns
from invoicing.uploads.reports import Figures, RejectReport

WORKERS = 4
WINDOW = 8
"""Batches on their way to the table at once: keeps the connections busy."""
WINDOW_ROWS = 8000
"""Rows on their way to the table at once: bounds memory, because one invoice may have thousands of lines."""
BATCH_ROWS = 1000
"""Rows of one batch, unless a single invoice has more."""
_COLUMNS = {"issueDate": "issue_date", "dueDate": "due_date"}


class PartImport:
    """The work of one invocation on one upload.

    Args:
        store: Where invoices are written.
        upload: The upload's digest.
        figures: Counted up.
        rejects: Takes the rejected rows.
        seconds_left: Seconds until the part must have stopped.
    """

    def __init__(
        self,
        store: InvoiceLoader,
        upload: str,
        figures: Figures,
        rejects: RejectReport,
        seconds_left: Callable[[], float],
    ) -> None:
        self._store = store
        self._upload = upload
        self._figures = figures
        self._rejects = rejects
        self._seconds_left = seconds_left
        self._pace, self._turns = Pace(seconds_left), Turns()
        self._slowest = 0.0  # seconds that a batch took, from its place in the queue to its end
        self._queue: deque[tuple[list[CsvInvoice | Passed], Future[list[CreateOutcome]]]] = deque()
        self._place: Place | None = None
        self._moved = False  # whether any invoice was handled

    def run(self, invoices: Iterator[CsvInvoice | Passed]) -> Place | None:
        """Handle invoices until the file ends or it is time to stop.

        Args:
            invoices: The file's invoices from the place where the previous part stopped.

        Returns:
            Where the first invoice begins that was not handled; None at the end of the file.

        Raises:
            UnreadableFileError: the file is damaged, or has no rows. The invoices before the damage were handled.
            OutOfTimeError, Busy: not a single invoice could be handled.
        """
        pool = ThreadPoolExecutor(WORKERS)
        try:
            damage = self._work(invoices, pool)
        except (OutOfTimeError, Busy):
            if not self._moved:
                raise
        else:
            if damage:
                raise damage
        finally:
            pool.shutdown(cancel_futures=True)
        if not self._figures.rows and self._place is None:
            raise UnreadableFileError("there are no rows below the header")
        return self._place

    def give_up(self, row: int, reason: str) -> None:
        """Record that the file cannot be read from this row on."""
        self._figures.error = reason
        self._rejects.add_line(RejectedCell(row, "", "", reason))

    def _work(self, invoices: Iterator[CsvInvoice | Passed], pool: ThreadPoolExecutor) -> UnreadableFileError | None:
        """Returns the damage at which the file ends, if it does."""
        stop: UnreadableFileError | OutOfTimeError | None = None
        try:
            for batch in _batches(invoices):
                while self._queue and self._must_wait(batch):
                    self._collect()
                if self._late() and (self._moved or self._queue):
                    break
                future = pool.submit(self._create, batch, self._turns.next(), time.monotonic())
                self._queue.append((batch, future))
        except (UnreadableFileError, OutOfTimeError) as error:
            stop = error  # the invoices before it count all the same
        while self._queue:
            self._collect()
        if isinstance(stop, OutOfTimeError):
            raise stop
        return stop

    def _must_wait(self, batch: list[CsvInvoice | Passed]) -> bool:
        """Whether the batch must not start before one of those in the queue is finished.

        If the same invoice is in a file twice, the first one wins, as in the file's order.
        """
        queued = [queued_batch for queued_batch, _ in self._queue]
        if len(queued) >= WINDOW or _rows(batch) + sum(map(_rows, queued)) > WINDOW_ROWS:
            return True
        names = _names(batch)
        return any(not names.isdisjoint(_names(queued_batch)) for queued_batch in queued)

    def _late(self) -> bool:
        """Whether a batch that begins now could end too late, judged by the slowest so far."""
        return self._seconds_left() < 2 * self._slowest

    def _create(self, batch: list[CsvInvoice | Passed], turn: int, queued: float) -> list[CreateOutcome]:
        """Create the batch's candidates; fewer outcomes than candidates if the table throttled until time was up."""
        judged = [self._judge(invoice) for invoice in batch if isinstance(invoice, Candidate)]
        try:
            stored = iter(self._store_all([each for each in judged if isinstance(each, Invoice)], turn))
        finally:
            self._turns.finish(turn)
        self._slowest = max(self._slowest, time.monotonic() - queued)
        outcomes: list[CreateOutcome] = []
        for each in judged:
            outcome = next(stored, None) if isinstance(each, Invoice) else each
            if outcome is None:
                break
            outcomes.append(outcome)
        return outcomes

    def _judge(self, candidate: Candidate) -> Invoice | CreateOutcome | None:
        """The invoice if it may be created, else what becomes of it; None if the table throttles until time is up."""
        origin = Origin(clock.now(), f"{self._figures.file}#{candidate.first}", "create-invoice")
        invoice = issue(candidate.request, number=candidate.request.invoice_number or "", origin=origin)
        while True:
            try:
                return self._store.judge(candidate.request, invoice, self._upload) or invoice
            except Busy:
                self._pace.slow_down()
                if not self._pace.wait():
                    return None

    def _store_all(self, invoices: list[Invoice], turn: int) -> list[CreateOutcome]:
        """The outcome of each invoice; those of the first ones if the table throttles until time is up."""
        if self._pace.is_free:
            try:
                return self._store.create_many(invoices, self._upload)
            except Busy:
                self._pace.slow_down()
        outcomes: list[CreateOutcome] = []
        if self._turns.wait_for_earlier(turn, self._seconds_left()):
            for invoice in invoices:
                outcome = self._store_one(invoice)
                if outcome is None:
                    break
                outcomes.append(outcome)
        return outcomes

    def _store_one(self, invoice: Invoice) -> CreateOutcome | None:
        """The invoice's outcome, however often the table throttles; None if time is up."""
        while self._pace.wait():
            try:
                [outcome] = self._store.create_many([invoice], self._upload)
            except Busy:
                self._pace.slow_down()
            else:
                self._pace.speed_up()
                return outcome
        return None

    def _collect(self) -> None:
        """Wait for the first batch in the queue, and count it.

        Raises:
            Busy: it could not be written completely; neither the rest of it nor any batch after it counts.
        """
        batch, future = self._queue.popleft()
        outcomes = iter(future.result())
        for invoice in batch:
            if isinstance(invoice, RejectedInvoice):
                self._reject(invoice)
            elif isinstance(invoice, Candidate) and (outcome := next(outcomes, None)):
                self._count(invoice, outcome)
            elif isinstance(invoice, Candidate):
                self._queue.clear()
                raise busy()
            self._figures.rows += invoice.rows
            self._place, self._moved = invoice.following, True

    def _count(self, candidate: Candidate, outcome: CreateOutcome) -> None:
        if isinstance(outcome, InvoiceError):
            number = candidate.request.invoice_number or ""
            problems = [_cell(candidate, objection) for objection in outcome.errors]
            problems = problems or [RejectedCell(candidate.first, "invoice_number", number, outcome.detail)]
            self._reject(RejectedInvoice(candidate.first, candidate.last, number, problems, candidate.rows))
        elif outcome.created:
            self._figures.created += 1
        else:
            self._figures.duplicates += 1
            if isinstance(outcome, Repetition):
                self._warn(candidate, outcome.invoice.source.rpartition("#")[2])

    def _warn(self, candidate: Candidate, row: str) -> None:
        """Report equal rows that are apart: perhaps a second invoice was meant, or more lines of the first."""
        rows = f"rows {candidate.first} to {candidate.last} repeat" if candidate.rows > 1 else "repeats"
        reason = f"{rows} the invoice that begins at row {row} of this file; counted as a duplicate and not added to it"
        number = candidate.request.invoice_number or ""
        self._rejects.add_line(RejectedCell(candidate.first, "invoice_number", number, reason))

    def _reject(self, invoice: RejectedInvoice) -> None:
        self._figures.rejected += 1
        self._figures.rejected_rows += invoice.rows
        self._rejects.add(invoice)


def _batches(invoices: Iterator[CsvInvoice | Passed]) -> Iterator[list[CsvInvoice | Passed]]:
    """The invoices, a batch at a time and no invoice twice in one; the last batch comes also before an error."""
    batch: list[CsvInvoice | Passed] = []
    names: set[str] = set()
    rows = 0
    stop: UnreadableFileError | OutOfTimeError | None = None
    try:
        for invoice in invoices:
            if batch and (len(batch) == BATCH or rows + invoice.rows > BATCH_ROWS or _names([invoice]) & names):
                yield batch
                batch, names, rows = [], set(), 0
            batch.append(invoice)
            names |= _names([invoice])
            rows += invoice.rows
    except (UnreadableFileError, OutOfTimeError) as error:
        stop = error
    if batch:
        yield batch
    if stop:
        raise stop


def _cell(candidate: Candidate, objection: Mapping[str, str]) -> RejectedCell:
    """The line of the reject report for an objection of the door."""
    member, *rest = objection["pointer"].removeprefix("#/").split("/")
    if member in _COLUMNS:
        column = _COLUMNS[member]
        value, row = candidate.dates.get(column, (str(getattr(candidate.request, column)), candidate.first))
        return RejectedCell(row, column, value, objection["detail"])
    line = f"line {int(rest[0]) + 1} " if rest else ""
    column = "tax_rate" if "taxRate" in rest else ""
    return RejectedCell(candidate.first, column, "", line + objection["detail"])


def _rows(batch: list[CsvInvoice | Passed]) -> int:
    return sum(invoice.rows for invoice in batch if isinstance(invoice, Candidate))


def _names(batch: list[CsvInvoice | Passed]) -> set[str]:
    """The number of each invoice, in its normal form; a rejected one may lack it."""
    names = set()
    for invoice in batch:
        if isinstance(invoice, Candidate):
            names.add(_name(invoice.request.invoice_number or ""))
        elif isinstance(invoice, RejectedInvoice):
            names.add(_name(invoice.invoice_number))
    return names - {""}


def _name(number: str) -> str:
    try:
        return normal_form(number)
    except ValueError:  # a rejected invoice may have any number
        return number
