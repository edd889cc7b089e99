"""The two reports of an upload: its figures as JSON, and its rejected rows as a CSV that is safe to open (pure)."""

import codecs
import csv
import json
import re
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any

from invoicing.uploads.csv_invoices import RejectedCell, RejectedInvoice

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are full-width
_NEW_CELL = re.compile(r"[;\t\n\r\v\f\x85\u2028\u2029]")
_BEFORE_FORMULA = re.compile(rf"(?<![;\"\s])[;\"\s]++(?=[{re.escape(''.join(_DANGEROUS[:4] + _DANGEROUS[6:]))}])")
_OBEYED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but blanks and line ends, and those that turn the direction of text: a terminal acts on them."""
_IN_MEMORY = 1 << 20
MAX_REPORT = 64 << 20
"""Bytes after which a reject report ends, with a line about that: a function's temporary folder holds 512 MB."""

HELD = "GET /invoices?status=held"
"""Where created invoices are listed that are held later: whether one is, is decided after its upload has ended."""


@dataclass
class Figures:
    """What became of one upload.

    ``rows`` counts rows with content below the header; ``created``, ``duplicates`` and ``rejected`` count invoices;
    ``parts`` counts the invocations that it took, and ``duration_seconds`` is their time. Invocations that failed are
    left out of both. ``unread_columns`` are the file's columns that mean nothing here, perhaps by a mistake.
    """

    file: str
    version: str = ""
    rows: int = 0
    created: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_rows: int = 0
    size: int = 0
    duration_seconds: float = 0.0
    parts: int = 0
    error: str | None = None
    rejected_report: str | None = None
    note: str | None = None
    archive: str | None = None
    unread_columns: list[str] = field(default_factory=list)

    def count_part(self, seconds: float) -> None:
        """Count one more invocation, and its time."""
        self.duration_seconds += seconds
        self.parts += 1

    def document(self) -> dict[str, Any]:
        """The report, in JSON types."""
        document: dict[str, Any] = {
            "file": self.file,
            "rows": self.rows,
            "created": self.created,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "rejectedRows": self.rejected_rows,
            "bytes": self.size,
            "durationSeconds": round(self.duration_seconds, 3),
            "parts": self.parts,
        }
        if self.created:
            document["held"] = HELD
        if self.version:
            document["versionId"] = self.version
        if self.unread_columns:
            document["unreadColumns"] = self.unread_columns
        if self.error:
            document["error"] = self.error
        if self.rejected_report:
            document["rejectedReport"] = self.rejected_report
        if self.archive:
            document["archive"] = self.archive
        if self.note:
            document["note"] = self.note
        return document

    def to_json(self) -> bytes:
        """The report's file, UTF-8."""
        return (json.dumps(self.document(), ensure_ascii=False, indent=2) + "\n").encode()


class RejectReport:
    """The rejected rows of one part, written as they come. Beyond a megabyte they go to a temporary file.

    Args:
        before: Bytes that earlier parts wrote.
    """

    def __init__(self, before: int = 0) -> None:
        # binary: S3 wants bytes; the CSV is encoded line by line
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- closed by close()
        self._before = before
        self._ended = before > MAX_REPORT
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def add(self, invoice: RejectedInvoice) -> None:
        """Write a line for each problem of an invoice. The first line also names the invoice's other rows."""
        for number, problem in enumerate(invoice.problems):
            reason = problem.reason
            if number == 0 and invoice.rows > 1:
                name = f"invoice {invoice.invoice_number[:200]}" if invoice.invoice_number else "the invoice"
                are_adjacent = invoice.rows == invoice.last - invoice.first + 1
                rows = "rows" if are_adjacent else f"{invoice.rows} rows from"
                reason += f"; {name} ({rows} {invoice.first} to {invoice.last}) was not imported"
            self.add_line(RejectedCell(problem.row, problem.column, problem.value, reason))

    def add_line(self, line: RejectedCell) -> None:
        """Write one line, about a rejected row or a row to be looked at, unless there are too many lines already."""
        if self._ended:
            return
        if self._before + self.size > MAX_REPORT:
            self._ended = True
            self._write(["", "", "", f"the report ends here, at row {line.row}: more was rejected after it"])
            return
        self._write([str(line.row), line.column, line.value, line.reason])

    def content(self) -> IO[bytes]:
        """Everything that was written, from its beginning."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def _write(self, cells: list[str]) -> None:
        _write_row(self._file, cells)
        self._size = self._file.tell()


def join_rejects(parts: Iterable[Iterable[bytes]]) -> IO[bytes]:
    """The whole report: its header and the rows of every part. The caller closes it.

    It begins with a byte order mark. Without one, Excel reads UTF-8 as the encoding of the computer's own language.

    Args:
        parts: The parts' bytes, block by block.
    """
    with ExitStack() as on_error:
        file = on_error.enter_context(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))
        file.write(codecs.BOM_UTF8)
        _write_row(file, ["row", "column", "value", "reason"])
        for part in parts:
            for block in part:
                file.write(block)
        file.seek(0)
        on_error.pop_all()
    return file


def _write_row(file: IO[bytes], cells: list[str]) -> None:
    csv.writer(_Encoder(file), lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])


class _Encoder:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode(errors="replace"))


def safe_cell(cell: str) -> str:
    r"""The cell, written so that no spreadsheet takes it for a formula (OWASP, "CSV Injection").

    What a terminal would obey is spelled out, as ``\x1b``.

    Text after a semicolon, a tab or a line break is made safe as well: it begins a new cell where that is Excel's list
    separator, or for a program that splits lines before it looks for quotes.
    """
    escaped = _BEFORE_FORMULA.sub(lambda gap: f"{gap[0]}'" if _NEW_CELL.search(gap[0]) else gap[0], cell)
    shown = _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), escaped)
    return f"'{shown}" if shown.startswith(_DANGEROUS) else shown
