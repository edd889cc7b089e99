"""The step *read*: from an upload's bytes to its invoices, which are written while they are read.

Reading is lazy: `PartImport` pulls one invoice after another out of the file and writes them in batches. So both steps
end together, with one of three outcomes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from invoicing.uploads.checkpoints import Checkpoint, Dialect
from invoicing.uploads.csv_bytes import UnreadableFileError, open_lines, reopen_lines
from invoicing.uploads.csv_invoices import KNOWN, NEEDED, CsvInvoice, Place, read_invoices
from invoicing.uploads.csv_text import read_sheet, resume_sheet
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.part_import import PartImport
from invoicing.uploads.source import BrokenSource, Source


@dataclass(frozen=True)
class Read:
    """Rows were read, and their invoices were written.

    Attributes:
        dialect: How the file is written.
        place: Where the next part begins; None at the end of the file.
        rejected_invoices: As `invoicing.uploads.part_import.Written` has them.
    """

    dialect: Dialect
    place: Place | None
    rejected_invoices: tuple[str, ...]


@dataclass(frozen=True)
class Verified:
    """No row was read: verifying the gzip file took all the time."""


@dataclass(frozen=True)
class Unreadable:
    """The file cannot be read, or not from some row on. The invoices before that row were written.

    Attributes:
        row: The first row that was not read, as a spreadsheet counts.
        reason: Why, for the person who sent the file.
    """

    row: int
    reason: str


ReadOutcome = Read | Verified | Unreadable


def read(source: Source | BrokenSource, checkpoint: Checkpoint, part: PartImport, deadline: Deadline) -> ReadOutcome:
    """Read the file from the checkpoint on, and write its invoices, until it ends or the time runs out.

    Args:
        source: The upload.
        checkpoint: Where to begin.
        part: Writes the invoices.
        deadline: When to stop.

    Raises:
        OutOfTimeError, Busy: this part handled nothing at all.
    """
    first_row = checkpoint.place.row if checkpoint.place else 1
    if isinstance(source, BrokenSource):
        return Unreadable(first_row, source.reason)
    try:
        dialect, invoices = _invoices(source, checkpoint, deadline)
        written = part.run(invoices, checkpoint.rejected_invoices)
    except UnreadableFileError as damage:
        return Unreadable(damage.row or first_row, str(damage))
    except OutOfTimeError:
        if source.verified and not checkpoint.verified:  # the next part finds a file that is known to be sound
            return Verified()
        raise
    return Read(dialect, written.place, written.rejected_invoices)


def _invoices(source: Source, checkpoint: Checkpoint, deadline: Deadline) -> tuple[Dialect, Iterator[CsvInvoice]]:
    """The file's dialect, and its invoices from the checkpoint on.

    Raises:
        UnreadableFileError: it has no usable header.
        OutOfTimeError: the deadline has passed.
    """
    dialect, place = checkpoint.dialect, checkpoint.place
    if dialect is None or place is None:
        lines = open_lines(source.stream, deadline.check)
        sheet = read_sheet(lines, KNOWN, NEEDED)
        dialect = Dialect(lines.gzipped, lines.encoding, sheet.delimiter, sheet.header)
    else:
        lines = reopen_lines(
            source.stream,
            deadline.check,
            gzipped=dialect.gzipped,
            encoding=dialect.encoding,
            position=place.position,
        )
        sheet = resume_sheet(lines, dialect.delimiter, dialect.header, place.row)
    return dialect, read_invoices(sheet)
