"""One upload from its arrival to its archive, in as many invocations as it takes: the order of the steps.

Each invocation does one part. It opens the file at the checkpoint, reads rows, writes their invoices, and moves the
checkpoint. At the file's end it also writes the reports and moves the file into the archive. Before the end it puts an
event on the bus, and that event starts the next part.

    table         part 0 ------------------> part 1 ------------------> part 2, ended -----------------> done
                            (1)     | (2)  (3)          (1)     |(2)(3)              (4)         |(5)
    invocation    S3 event: rows 2..n      event 1: rows n+1..m               report, archive    delete

The checkpoint moves by one conditional write, after the invoices that it counts were written. So an invocation may be
killed at any moment: its event is delivered again, and the checkpoint is where the work is taken up. Killed

(1) before the checkpoint has moved: the part is repeated. Invoices that it created before carry the upload's digest
    and their row, so they count as created.
(2) after the checkpoint has moved, before the event is sent: the table shows that no event names the next part. So the
    repeated event goes on with that part itself.
(3) after the event is sent, before the table records that: two events go on with the next part. Both start from the
    same checkpoint, and one of them moves it. The other ends without a trace, however late.
(4) while it reports: reports are made from the checkpoint alone, so they come out the same.
(5) when everything is done: what is left of the file is deleted.

An event of an earlier part does nothing. A key that is written again is another upload, with a separate version and
checkpoint. If the bytes disappear before the end, the upload ends with a report of that.

Before the first invoice, a gzip file is unpacked to its end, because its checksum is there and a damaged file is
rejected as a whole; and every file is surveyed, because some cells can only be understood by looking at the others. If
that takes a part's whole time, the checkpoint moves without an invoice: it records that the file is sound, and how far
the survey has come.

A part that does not move the checkpoint fails. So a chain of events that makes no progress ends: Lambda detects
recursive loops through S3, SNS and SQS, but not through EventBridge.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from invoicing.events.bus import EventBus
from invoicing.runtime import clock
from invoicing.table.batches import InvoiceLoader
from invoicing.uploads.archive import archive_seconds, clean_up, copy_original, name_archive
from invoicing.uploads.buckets import KeptParts, UploadStore
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.continuation import announce
from invoicing.uploads.deadline import Deadline
from invoicing.uploads.handover import keep_memory, keep_rejects, next_checkpoint
from invoicing.uploads.part_import import PartImport
from invoicing.uploads.progress import UploadProgress
from invoicing.uploads.reader import Kept, Unreadable, read
from invoicing.uploads.report_files import write_reports
from invoicing.uploads.reports import Figures, RejectReport
from invoicing.uploads.source import open_source
from invoicing.uploads.upload import Upload


@dataclass(frozen=True)
class IntakeResult:
    """What an invocation has reached: the figures so far, and whether they are the last ones."""

    figures: Figures
    done: bool


class Intake:
    """Handles uploads.

    Args:
        store: Where invoices are written.
        progress: Where the checkpoints are.
        uploads: Where the files are, and their reports and archive.
        bus: Where the event of the next part is published.
        remaining: Seconds that are left of this invocation.
    """

    def __init__(
        self,
        store: InvoiceLoader,
        progress: UploadProgress,
        uploads: UploadStore,
        bus: EventBus,
        remaining: Callable[[], float],
    ) -> None:
        self._store = store
        self._progress = progress
        self._uploads = uploads
        self._bus = bus
        self._deadline = Deadline(remaining)

    def receive(self, upload: Upload, part: int = 0) -> IntakeResult | None:
        """Handle one upload, to its end or until the time runs out.

        Args:
            upload: The upload.
            part: The part that the event names.

        Returns:
            How far it is; None if there was nothing to do.

        Raises:
            OutOfTimeError, Busy: the time ran out before a single invoice was handled.
        """
        checkpoint = self._checkpoint(upload, part)
        if checkpoint is None:  # an old event, replayed
            return None
        if checkpoint.done:
            clean_up(self._uploads, upload, checkpoint)
        if not checkpoint.falls_to(part):
            return None
        if not checkpoint.ended:
            moved = self._import_part(upload, checkpoint)
            if moved is None:
                return None
            checkpoint = moved
            if not (checkpoint.ended and self._deadline.allows(archive_seconds(checkpoint.figures.size))):
                announce(self._bus, self._progress, upload, checkpoint.part)
                return IntakeResult(checkpoint.figures, done=False)
        return IntakeResult(self._finish(upload, checkpoint), done=True)

    def _checkpoint(self, upload: Upload, part: int) -> Checkpoint | None:
        """Where the upload is; None if an event names a later part of an upload that the table does not know."""
        if part:
            return self._progress.checkpoint(upload.digest)
        return self._progress.begin(upload.digest, upload.identity, clock.now())

    def _import_part(self, upload: Upload, checkpoint: Checkpoint) -> Checkpoint | None:
        """Open, read and write, move the checkpoint.

        Returns:
            The new checkpoint; None if the file is gone, or another invocation has moved the checkpoint meanwhile.
        """
        started = time.monotonic()
        source = open_source(self._uploads, upload, checkpoint, self._deadline)
        if source is None:
            return None
        file = f"s3://{upload.bucket}/{upload.key}"
        figures = replace(checkpoint.figures, file=file, version=upload.version, size=source.size)
        with closing(RejectReport(checkpoint.rejects_size)) as rejects:
            part = PartImport(self._store, upload.digest, figures, rejects, self._deadline.seconds_left)
            memory = b"".join(self._uploads.part(upload, checkpoint.memory)) if checkpoint.memory else b""
            kept = Kept(memory, KeptParts(self._uploads, upload))
            outcome = read(source, checkpoint, kept, part, self._deadline)
            if isinstance(outcome, Unreadable):
                part.give_up(outcome.row, outcome.reason)
            figures.count_part(time.monotonic() - started)
            moved = next_checkpoint(checkpoint, source, outcome, figures)
            if moved.ended:
                name_archive(figures, upload)
            moved = keep_memory(self._uploads, upload, moved, outcome)
            moved = keep_rejects(self._uploads, upload, moved, rejects)
        if self._progress.advance(upload.digest, moved, clock.now()):
            return moved
        self._leave(upload)
        return None

    def _leave(self, upload: Upload) -> None:
        """Leave an upload to the invocation that was faster, and nothing in the bucket if that has ended it.

        If it has not, it deletes this invocation's objects too, when it does. Until then it may need one of them: both
        have kept the same rows under the same name if both stopped at the same place.
        """
        checkpoint = self._progress.checkpoint(upload.digest)
        if checkpoint is not None and checkpoint.done:
            self._uploads.drop_parts(upload)

    def _finish(self, upload: Upload, checkpoint: Checkpoint) -> Figures:
        """Report, archive, record that the upload is done, and delete what is no longer needed."""
        figures = write_reports(self._uploads, self._progress, upload, checkpoint)
        copy_original(self._uploads, upload, checkpoint)
        self._progress.finish(upload.digest, clock.now())
        clean_up(self._uploads, upload, checkpoint)
        return figures
