"""The step *read*: from an upload's bytes to its invoices, which are written while they are read.

Nothing is written before the survey of the whole file is complete. After that reading is lazy: `PartImport` pulls one
invoice after another out of the file and writes them in batches.
"""

from dataclasses import dataclass

from invoicing.uploads.apart import KeptRows
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_file import CsvFile, Dialect
from invoicing.uploads.csv_rows import Place
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.part_import import PartImport
from invoicing.uploads.source import BrokenSource, Source
from invoicing.uploads.survey import Findings


@dataclass(frozen=True)
class Kept:
    """What earlier parts have kept in S3.

    Attributes:
        memory: What the survey remembers besides the checkpoint's findings.
        rows: Rows that stand apart.
    """

    memory: bytes
    rows: KeptRows


@dataclass(frozen=True)
class Surveyed:
    """How far the survey has come, and what it must remember besides its findings."""

    findings: Findings
    memory: bytes


@dataclass(frozen=True)
class Read:
    """Rows were read, and their invoices were written.

    Attributes:
        dialect: How the file is written.
        place: Where the next part begins; None at the end of the file.
        surveyed: The survey, if this part has completed it; None if an earlier one has.
    """

    dialect: Dialect | None
    place: Place | None
    surveyed: Surveyed | None


@dataclass(frozen=True)
class Prepared:
    """No invoice was written: verifying a gzip file or the survey took all the time.

    Attributes:
        dialect: How the file is written, if that is known.
        surveyed: How far the survey has come in this part; None if not any further.
    """

    dialect: Dialect | None = None
    surveyed: Surveyed | None = None


@dataclass(frozen=True)
class Unreadable:
    """The file cannot be read, or not from some row on. The invoices before that row were written.

    Attributes:
        row: The first row that was not read, as a spreadsheet counts.
        reason: Why, for the person who sent the file.
        findings: The survey as far as it has come.
    """

    row: int
    reason: str
    findings: Findings


ReadOutcome = Read | Prepared | Unreadable


def read(
    source: Source | BrokenSource, checkpoint: Checkpoint, kept: Kept, part: PartImport, deadline: Deadline
) -> ReadOutcome:
    """Survey the file if that is not done yet, then write its invoices from the checkpoint on, until the time runs out.

    Args:
        source: The upload.
        checkpoint: Where to begin.
        kept: What earlier parts have kept.
        part: Writes the invoices.
        deadline: When to stop.

    Raises:
        OutOfTimeError, Busy: this part handled nothing at all.
    """
    first_row = checkpoint.place.row if checkpoint.place and checkpoint.place.apart < 0 else 1
    findings, memory, surveyed = checkpoint.findings, kept.memory, None
    dialect = checkpoint.dialect
    if isinstance(source, BrokenSource):
        return Unreadable(first_row, source.reason, findings)
    try:
        size = source.size if source.unpacked is None else source.unpacked
        file = CsvFile(source.open, size, source.metadata, deadline, kept.rows)
        file.dialect = dialect
        if not findings.complete:
            findings, memory = file.survey(findings, memory)
            dialect, surveyed = file.dialect, Surveyed(findings, memory)
            if not findings.complete:
                return Prepared(dialect, surveyed)
        place = part.run(file.invoices(findings, memory, checkpoint.place))
    except UnreadableFileError as damage:
        return Unreadable(damage.row or first_row, str(damage), findings)
    except OutOfTimeError:
        if surveyed or (source.unpacked is not None and checkpoint.unpacked is None):
            return Prepared(dialect, surveyed)  # the next part need not do this again
        raise
    return Read(file.dialect, place, surveyed)
