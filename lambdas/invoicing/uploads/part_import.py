"""One part of an upload: invoices are read, created a batch at a time, several batches at once, and counted.

Batches are counted in the file's order, whichever is through first, so that there is always one place in the file
before which everything is done and counted, and behind which nothing is. What was created behind it when the work stops
is found there by the next part, and counted then.
"""

import hashlib
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from invoicing.domain.errors import Busy, ContentConflict, InvoiceError
from invoicing.domain.invoice_factory import Origin, invoice_id, issue
from invoicing.domain.models import Invoice
from invoicing.runtime import clock
from invoicing.table.batches import BATCH, InvoiceLoader, Outcome, Repeated
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_invoices import Candidate, Place, Rejected, RejectedCell
from invoicing.uploads.reports import Figures, RejectReport

WORKERS = 4
WINDOW = 8
"""Batches on their way to the table at once: keeps the connections busy."""
WINDOW_ROWS = 8000
"""Rows on their way to the table at once: bounds memory, for a batch may be one invoice of thousands of lines."""
BATCH_ROWS = 1000
"""Rows of one batch, unless a single invoice has more."""
MAX_REFUSED = 1000
"""Rejected invoices of a file that are remembered, the first ones: 20 KB of the checkpoint at the most."""

Found = Candidate | Rejected


class OutOfTimeError(Exception):
    """The invocation's time has run out in the middle of an invoice."""


class Part:
    """The work of one invocation on one upload.

    Args:
        store: Where invoices go.
        upload: The upload's digest.
        figures: Counted up.
        rejects: Takes what is rejected.
        remaining: Seconds until it must have stopped.

    Attributes:
        refused: Digests of the rejected invoices up to `place`. Later rows of one of them are rejected, too: alone they
            would become an invoice that lacks the others. Not the last ones are kept but the first: so it does not
            depend on when a part began which rows are rejected.
        place: Where the first invoice begins that was not handled; None at the end of the file.
        moved: Whether any invoice was handled.
    """

    def __init__(
        self,
        store: InvoiceLoader,
        upload: str,
        figures: Figures,
        rejects: RejectReport,
        remaining: Callable[[], float],
    ) -> None:
        self._store = store
        self._upload = upload
        self._figures = figures
        self._rejects = rejects
        self._remaining = remaining
        self._slowest = 0.0  # seconds that a batch took, from its turn in the queue to its end
        self._waiting: deque[tuple[list[Found], Future[list[Outcome]]]] = deque()
        self.place: Place | None = None
        self.moved = False
        self.refused: dict[str, None] = {}

    def run(self, found: Iterator[Found], refused: Iterable[str] = ()) -> None:
        """Handle invoices until the file ends or it is time to stop.

        Args:
            found: The invoices from the place on where the part before this one stopped.
            refused: What that part had in `refused`.

        Raises:
            UnreadableFileError: the file is damaged; what stands before the damage was handled.
            OutOfTimeError, Busy: not a single invoice could be handled.
        """
        self.refused = dict.fromkeys(refused)
        pool = ThreadPoolExecutor(WORKERS)
        try:
            damage = self._work(found, pool)
        except (OutOfTimeError, Busy):
            if not self.moved:
                raise
        else:
            if damage:
                raise damage
        finally:
            pool.shutdown(cancel_futures=True)

    def _work(self, found: Iterator[Found], pool: ThreadPoolExecutor) -> UnreadableFileError | None:
        """Returns the damage at which the file ends, if it does."""
        stop: UnreadableFileError | OutOfTimeError | None = None
        try:
            for batch in _batches(found):
                while self._waiting and self._must_wait(batch):
                    self._collect()
                if self._late() and (self.moved or self._waiting):
                    break
                judged = [self._judged(one) for one in batch]
                self._waiting.append((judged, pool.submit(self._create, judged, time.monotonic())))
        except (UnreadableFileError, OutOfTimeError) as error:
            stop = error  # what came before it counts all the same
        while self._waiting:
            self._collect()
        if isinstance(stop, OutOfTimeError):
            raise stop
        return stop

    def _judged(self, found: Found) -> Found:
        """The same, or a rejection of what is left of a rejected invoice."""
        if not isinstance(found, Candidate) or not any(_digest(name) in self.refused for name in _names([found])):
            return found
        number = found.request.invoice_number or ""
        reason = "rows of this invoice were rejected above: fix them and let all its rows stand together"
        problem = RejectedCell(found.first, "invoice_number", number, reason)
        return Rejected(found.first, found.last, number, [problem], found.rows, found.following)

    def _must_wait(self, batch: list[Found]) -> bool:
        """Whether the batch must not start before one of those that wait is through.

        The same invoice twice in one file: the first of them wins, as in the file's order.
        """
        waiting = [them for them, _ in self._waiting]
        if len(waiting) >= WINDOW or _rows(batch) + sum(map(_rows, waiting)) > WINDOW_ROWS:
            return True
        names = _names(batch)
        return any(not names.isdisjoint(_names(them)) for them in waiting)

    def _late(self) -> bool:
        """Whether a batch that begins now could end too late, going by the slowest so far."""
        return self._remaining() < 2 * self._slowest

    def _create(self, batch: list[Found], queued: float) -> list[Outcome]:
        """Create the batch's candidates; waits while the table throttles, as long as there is time."""
        candidates = [found for found in batch if isinstance(found, Candidate)]
        invoices: list[Invoice] = []
        refused: dict[int, InvoiceError] = {}
        for index, found in enumerate(candidates):
            origin = Origin(clock.now(), f"{self._figures.file}#{found.first}", "create-invoice")
            number = found.request.invoice_number or ""
            identity = invoice_id(found.request.customer_id, number)
            try:
                invoices.append(issue(found.request, number=number, identity=identity, origin=origin))
            except InvoiceError as refusal:
                refused[index] = refusal
        outcomes = iter(self._created(invoices))
        self._slowest = max(self._slowest, time.monotonic() - queued)
        return [refused[index] if index in refused else next(outcomes) for index in range(len(candidates))]

    def _created(self, invoices: list[Invoice]) -> list[Outcome]:
        while True:
            try:
                return self._store.create_many(invoices, self._upload)
            except Busy:
                if self._late():
                    raise
                time.sleep(random.uniform(0.2, 1))  # noqa: S311 -- spreads writers, keeps no secret

    def _collect(self) -> None:
        """Count the first of the batches that are on their way.

        Raises:
            Busy: it did not get through; it and all behind it do not count.
        """
        batch, future = self._waiting.popleft()
        try:
            outcomes = iter(future.result())
        except Busy:
            self._waiting.clear()
            raise
        for found in batch:
            self._figures.rows += found.rows
            if isinstance(found, Rejected):
                self._remember(found)
                self._reject(found)
            else:
                self._count(found, next(outcomes))
        self.place, self.moved = batch[-1].following, True

    def _count(self, found: Candidate, outcome: Outcome) -> None:
        if isinstance(outcome, InvoiceError):
            number = found.request.invoice_number or ""
            column, value = "invoice_number", number
            if any(error["pointer"] == "#/issueDate" for error in outcome.errors):
                column, value = "issue_date", found.request.issue_date.isoformat()
            problem = RejectedCell(found.first, column, value, outcome.detail)
            if not isinstance(outcome, ContentConflict):  # there the table has the invoice, and says what repeats it
                self._remember(found)
            self._reject(Rejected(found.first, found.last, number, [problem], found.rows))
        elif outcome.created:
            self._figures.created += 1
        else:
            self._figures.duplicates += 1
            if isinstance(outcome, Repeated):
                self._warn(found, outcome.invoice.source.rpartition("#")[2])

    def _warn(self, found: Candidate, row: str) -> None:
        """Tell of equal rows that stand apart: perhaps they were meant to be a second invoice, or more of the first."""
        rows = f"rows {found.first} to {found.last} repeat" if found.rows > 1 else "repeats"
        reason = f"{rows} the invoice that begins at row {row} of this file; counted as a duplicate and not added to it"
        self._rejects.add_problem(
            RejectedCell(found.first, "invoice_number", found.request.invoice_number or "", reason)
        )

    def _remember(self, rejected: Found) -> None:
        if len(self.refused) < MAX_REFUSED:
            self.refused.update(dict.fromkeys(map(_digest, _names([rejected]))))

    def _reject(self, rejected: Rejected) -> None:
        self._figures.rejected += 1
        self._figures.rejected_rows += rejected.rows
        self._rejects.add(rejected)


def _batches(found: Iterator[Found]) -> Iterator[list[Found]]:
    """What was found, a batch at a time and no invoice twice in one; the last batch also before an error."""
    batch: list[Found] = []
    names: set[tuple[str, str]] = set()
    rows = 0
    stop: UnreadableFileError | OutOfTimeError | None = None
    try:
        for one in found:
            if batch and (len(batch) == BATCH or rows + one.rows > BATCH_ROWS or _names([one]) & names):
                yield batch
                batch, names, rows = [], set(), 0
            batch.append(one)
            names |= _names([one])
            rows += one.rows
    except (UnreadableFileError, OutOfTimeError) as error:
        stop = error
    if batch:
        yield batch
    if stop:
        raise stop


def _rows(batch: list[Found]) -> int:
    return sum(found.rows for found in batch if isinstance(found, Candidate))


def _names(batch: list[Found]) -> set[tuple[str, str]]:
    """Customer and number of each invoice; a rejected one may lack them."""
    names = {(one.request.customer_id, one.request.invoice_number or "") for one in batch if isinstance(one, Candidate)}
    names |= {(one.customer_id, one.invoice_number) for one in batch if isinstance(one, Rejected)}
    return {name for name in names if all(name)}


def _digest(name: tuple[str, str]) -> str:
    return hashlib.sha256("\x1f".join(name).encode(errors="replace")).hexdigest()[:16]
