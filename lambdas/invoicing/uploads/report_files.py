"""The step *report*: the figures and the rejected rows, as files beside the upload.

Both are made from the checkpoint alone. So they come out the same if they are written again.
"""

from dataclasses import replace

from invoicing.runtime import clock
from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.checkpoints import Checkpoint
from invoicing.uploads.progress import UploadProgress
from invoicing.uploads.reports import Figures, join_rejects
from invoicing.uploads.survey import Evidence
from invoicing.uploads.upload import Upload

REJECTED = ".rejected.csv"
"""What the name of a reject report ends with."""


def write_reports(uploads: UploadStore, progress: UploadProgress, upload: Upload, checkpoint: Checkpoint) -> Figures:
    """Write an upload's reports; returns its figures, with the key of the reject report if there is one.

    A large file may end after a smaller one that was put in its place. Then its reports get separate names, and those
    of the later upload stay.
    """
    evidence = checkpoint.findings.evidence
    figures = replace(checkpoint.figures, note=_note(evidence), unread_columns=evidence.unread)
    is_latest = progress.record_report(upload.key_digest, upload.sequencer, clock.now())
    infix = "" if is_latest else f".{upload.digest[:12]}"
    if checkpoint.rejects:
        with join_rejects(uploads.part(upload, key) for key in checkpoint.rejects) as body:
            key = uploads.put_report(upload, infix + REJECTED, body, "text/csv; charset=utf-8")
        figures = replace(figures, rejected_report=key)
    elif is_latest:
        uploads.withdraw_report(upload, REJECTED)
    uploads.put_report(upload, f"{infix}.json", figures.to_json(), "application/json")
    return figures


def _note(evidence: Evidence) -> str | None:
    """What the uploader should look at although nothing is rejected for it."""
    if not evidence.foreign_row:
        return None
    return (
        "The file is not UTF-8, so it was read as Windows-1252. "
        f"Row {evidence.foreign_row} has {evidence.foreign_text!r}. "
        "If that is not what you wrote, upload it again with the metadata encoding, such as encoding: cp1250."
    )
