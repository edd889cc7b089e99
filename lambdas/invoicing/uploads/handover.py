"""The step *checkpoint*: what one part hands to the next.

That is the survey, rejected rows, and the place from which to go on.
"""

from dataclasses import replace

from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.reader import Prepared, Read, ReadOutcome, Unreadable
from invoicing.uploads.reports import Figures, RejectReport
from invoicing.uploads.source import BrokenSource, Source
from invoicing.uploads.upload import Upload


def next_checkpoint(
    checkpoint: Checkpoint, source: Source | BrokenSource, outcome: ReadOutcome, figures: Figures
) -> Checkpoint:
    """The checkpoint after a part (pure).

    Args:
        checkpoint: The one from which the part began.
        source: What it read.
        outcome: How far it came.
        figures: What became of the rows, this part's included.
    """
    after = replace(checkpoint, part=checkpoint.part + 1, etag=source.etag, unpacked=source.unpacked, figures=figures)
    match outcome:
        case Read():
            after = replace(after, dialect=outcome.dialect, place=outcome.place, ended=outcome.place is None)
        case Unreadable():
            return replace(after, place=None, ended=True, findings=outcome.findings)
        case Prepared():
            after = replace(after, dialect=outcome.dialect)
    return replace(after, findings=outcome.surveyed.findings) if outcome.surveyed else after


def keep_memory(uploads: UploadStore, upload: Upload, checkpoint: Checkpoint, outcome: ReadOutcome) -> Checkpoint:
    """Store in S3 what the survey must remember; returns the checkpoint that also names it."""
    if isinstance(outcome, Unreadable) or outcome.surveyed is None:
        return checkpoint
    if not outcome.surveyed.memory:
        return replace(checkpoint, memory="")
    place = checkpoint.findings.place
    name = f"{checkpoint.part:05d}-survey-{place.position if place else checkpoint.findings.stage}"
    return replace(checkpoint, memory=uploads.put_part(upload, name, outcome.surveyed.memory))


def keep_rejects(uploads: UploadStore, upload: Upload, checkpoint: Checkpoint, rejects: RejectReport) -> Checkpoint:
    """Store the part's rejected rows in S3; returns the checkpoint that also names them.

    Two invocations that do the same part may stop at different places. So the object's name contains the place, and
    only the rows of the invocation that moves the checkpoint get into the report.
    """
    if not rejects.size:
        return checkpoint
    place = checkpoint.place
    name = f"{checkpoint.part:05d}-{f'{place.position}-{place.apart}' if place else 'end'}"
    key = uploads.put_part(upload, name, rejects.content())
    return replace(checkpoint, rejects=(*checkpoint.rejects, key), rejects_size=checkpoint.rejects_size + rejects.size)
