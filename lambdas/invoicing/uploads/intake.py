"""One upload from its arrival to its archive, in as many invocations as it takes.

An invocation does one part: it reads on from the checkpoint, creates invoices, and moves the checkpoint. When it is at
the file's end it also writes the reports and moves the file away; otherwise it puts an event on the bus that tells of
the next part.

    table         part 0 ------------------> part 1 ------------------> part 2, ended -----------------> done
                            (1)     | (2)  (3)          (1)     |(2)(3)              (4)         |(5)
    invocation    S3 event: rows 2..n      event 1: rows n+1..m               report, archive    delete

The checkpoint moves by one conditional write, after the invoices that it stands for. So wherever an invocation ends
early, its event, which is delivered again, finds the checkpoint from which to repeat:

(1) before the checkpoint has moved: the part is done again. What it had created is found there and, since it bears the
    upload's digest and its own row, counted as created.
(2) after the checkpoint, before the event: the table says that nobody was told of the next part, and so the repeated
    event itself goes on with it.
(3) after the event, before the table says so: two events go on with the next part. Both find the same, and one of them
    moves the checkpoint; the other ends without a trace.
(4) while it reports: reports are made from the checkpoint alone, so they come out the same.
(5) when all is done: what is left of the file is deleted.

An event of a part that is past does nothing. A key that is written again is another upload, with a version and a
checkpoint of its own. Bytes that disappear under way end the upload with a report that says so.

A gzip file is unpacked once to its end before the first row is read, for its checksum stands there: what is damaged is
refused as a whole. The checkpoint remembers that it is sound. If that took the first part's whole time, the checkpoint
moves without a row; it does so once.

A part that does not move the checkpoint fails, so a chain of events ends when it makes no headway: Lambda detects
recursive loops through S3, SNS and SQS, not through EventBridge.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from invoicing.domain.fields import timestamp
from invoicing.events.bus import Event, EventBus
from invoicing.runtime import clock
from invoicing.table.batches import InvoiceLoader
from invoicing.uploads.buckets import MAX_COPY, Opened, Upload, UploadStore
from invoicing.uploads.checkpoints import Checkpoint, Dialect
from invoicing.uploads.csv_bytes import UnreadableFileError, is_gzip, open_lines, reopen_lines, verify_gzip
from invoicing.uploads.csv_invoices import KNOWN, NEEDED, Candidate, Rejected, RejectedCell, read_invoices
from invoicing.uploads.csv_text import Sheet, read_sheet, resume_sheet
from invoicing.uploads.part_import import OutOfTimeError, Part
from invoicing.uploads.reports import Figures, RejectReport, joined

REJECTED = ".rejected.csv"
"""What the name of a reject report ends with."""
CONTINUED = "upload-continued"
"""The event that tells of an upload's next part."""
RESERVE_SECONDS = 4.0
"""Left of the invocation's time when a part stops, to see through what it has begun, and to report."""
_COPIED_A_SECOND = 100 << 20  # bytes that S3 copies into the archive at the least

_GONE = "the file was deleted or replaced while it was imported; from this row on it was not read"


@dataclass(frozen=True)
class Handled:
    """What an invocation leaves behind: the figures so far, and whether they are the last ones."""

    figures: Figures
    done: bool


class Intake:
    """Handles uploads.

    Args:
        store: Where invoices go.
        uploads: Where files come from.
        bus: Where the next part is told of.
        remaining: Seconds that are left of this invocation.
    """

    def __init__(
        self, store: InvoiceLoader, uploads: UploadStore, bus: EventBus, remaining: Callable[[], float]
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._bus = bus
        self._remaining = remaining

    def receive(self, upload: Upload, part: int = 0) -> Handled | None:
        """Handle one upload, to its end or until time runs out.

        Args:
            upload: Which one.
            part: The part that the event tells of.

        Returns:
            How far it is; None when there was nothing to do.

        Raises:
            OutOfTimeError: the invocation's time ran out before a single invoice was handled.
        """
        state = (
            self._store.upload(upload.digest)
            if part
            else self._store.begin_upload(upload.digest, upload.identity, clock.now())
        )
        if state is None:  # an event of long ago, replayed
            return None
        if state.done:
            self._remove(upload, state, state.etag or upload.etag)
        if not state.falls_to(part):
            return None
        if not state.ended:
            moved = self._do_part(upload, state)
            if moved is None or not self._store.advance_upload(upload.digest, moved, clock.now()):
                return None
            state = moved
            if not state.ended or self._remaining() < 1 + state.figures.size / _COPIED_A_SECOND:
                self._announce(upload, state)
                return Handled(state.figures, done=False)
        self._finish(upload, state)
        return Handled(state.figures, done=True)

    def _do_part(self, upload: Upload, state: Checkpoint) -> Checkpoint | None:
        """The checkpoint after this part; None if there is no such file."""
        started = time.monotonic()
        packed = state.dialect is not None and state.dialect.gzipped
        opened = self._uploads.open(upload, 0 if packed or not state.place else state.place.position, state.etag)
        if opened is None and state.place is None and not state.verified:
            return None
        figures = replace(state.figures, file=f"s3://{upload.bucket}/{upload.key}", version=upload.version)
        dialect, etag, verified, read = state.dialect, state.etag, state.verified, True
        with closing(RejectReport(state.rejects_size)) as rejects:
            work = Part(self._store, upload.digest, figures, rejects, self._left)
            try:
                if opened:
                    figures.size, etag = opened.size, opened.etag
                    if state.place is None and not verified and self._verify(opened):
                        verified, opened = True, self._uploads.open(upload, etag=etag)
                dialect, found = self._reader(opened, state)
                work.run(found, state.refused)
                _check_rows(figures)
            except UnreadableFileError as error:
                figures.error = str(error)
                rejects.add_problem(
                    RejectedCell(error.row or (state.place.row if state.place else 1), "", "", str(error))
                )
            except OutOfTimeError:
                if verified == state.verified:
                    raise
                dialect, read = None, False  # the next part finds a file that is known to be sound
            place = None if figures.error else work.place
            figures.duration_seconds += time.monotonic() - started
            figures.parts += 1
            ended = read and place is None
            after = state.after(
                figures=figures,
                place=place,
                ended=ended,
                dialect=dialect,
                verified=verified,
                etag=etag,
                refused=tuple(work.refused),
            )
            return self._with_rejects(upload, after, rejects)

    def _verify(self, opened: Opened) -> bool:
        """Whether the file is a gzip file, which is sound then; reads all of it.

        Raises:
            UnreadableFileError: it is damaged, or there is not enough time to find out.
        """
        if opened.size > MAX_COPY or not is_gzip(opened.stream):
            return False
        try:
            verify_gzip(opened.stream, self._in_time)
        except OutOfTimeError as late:
            what = "the gzip file is too large to be verified within one invocation; split it, or send it unpacked"
            raise UnreadableFileError(what) from late
        return True

    def _with_rejects(self, upload: Upload, after: Checkpoint, rejects: RejectReport) -> Checkpoint:
        """The checkpoint that also knows of the part's rejected rows.

        Two invocations that do the same part may stop at different places. So the name of what they put by tells the
        place, and only the one that moves the checkpoint has its rows in the report.
        """
        if not rejects.size:
            return after
        name = f"{after.part:05d}-{after.place.position if after.place else 'end'}"
        key = self._uploads.put_part(upload, name, rejects.content())
        return replace(after, rejects=(*after.rejects, key), rejects_size=after.rejects_size + rejects.size)

    def _reader(self, opened: Opened | None, state: Checkpoint) -> tuple[Dialect, Iterator[Candidate | Rejected]]:
        if opened is None:
            raise UnreadableFileError(_GONE)
        if opened.size > MAX_COPY:
            raise UnreadableFileError(f"the file is larger than {MAX_COPY >> 30} GB; split it")
        dialect, place = state.dialect, state.place
        if dialect is None or place is None:
            lines = open_lines(opened.stream, self._in_time)
            sheet = read_sheet(lines, KNOWN, NEEDED)
            dialect = Dialect(lines.gzipped, lines.encoding, sheet.delimiter, sheet.header)
        else:
            sheet = self._resumed(opened, dialect, place.position, place.row)
        return dialect, read_invoices(sheet)

    def _resumed(self, opened: Opened, dialect: Dialect, position: int, row: int) -> Sheet:
        lines = reopen_lines(
            opened.stream, self._in_time, gzipped=dialect.gzipped, encoding=dialect.encoding, position=position
        )
        return resume_sheet(lines, dialect.delimiter, dialect.header, row)

    def _announce(self, upload: Upload, state: Checkpoint) -> None:
        """Tell of the next part, and note that it was told."""
        self._bus.publish(Event(CONTINUED, timestamp(clock.now()), upload.detail() | {"checkpoint": state.part}))
        self._store.announce_upload(upload.digest, state.part)

    def _finish(self, upload: Upload, state: Checkpoint) -> None:
        """Write the reports, move the file away.

        A large file may end after a smaller one that was put in its place: its reports get names of their own then.
        """
        figures = state.figures
        latest = self._store.report_upload(upload.place, upload.sequencer, clock.now())
        own = "" if latest else f".{upload.digest[:12]}"
        if state.rejects:
            with joined(self._uploads.part(upload, key) for key in state.rejects) as rejects:
                content_type = "text/csv; charset=utf-8"
                figures.rejected_report = self._uploads.put_report(upload, own + REJECTED, rejects, content_type)
        elif latest:
            self._uploads.withdraw_report(upload, REJECTED)
        self._uploads.put_report(upload, f"{own}.json", figures.to_json(), "application/json")
        if figures.size <= MAX_COPY:
            self._uploads.archive(upload, clock.now())
        self._store.finish_upload(upload.digest, clock.now())
        self._remove(upload, state, state.etag)

    def _remove(self, upload: Upload, state: Checkpoint, etag: str) -> None:
        """Delete what is archived, and what the reports were joined from."""
        if max(upload.size, state.figures.size) <= MAX_COPY:  # what could not be archived stays where it is
            self._uploads.remove(upload, etag)
        if state.rejects:
            self._uploads.drop_parts(upload)

    def _left(self) -> float:
        return self._remaining() - RESERVE_SECONDS

    def _in_time(self) -> None:
        if self._left() < 0:
            raise OutOfTimeError("short of time: not one invoice was handled in this invocation")


def _check_rows(figures: Figures) -> None:
    if not figures.rows:
        raise UnreadableFileError("there are no rows below the header")
