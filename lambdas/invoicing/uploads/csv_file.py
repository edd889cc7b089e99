"""One CSV file, read as often as it takes: surveyed first, then its invoices from any place on."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Self

from invoicing.uploads.apart import MAX_COLLECTED, ApartRows
from invoicing.uploads.apart_invoices import read_apart_invoices
from invoicing.uploads.csv_bytes import Lines, UnreadableFileError, declared_encoding, open_lines, reopen_lines
from invoicing.uploads.csv_dates import FORMATS
from invoicing.uploads.csv_header import read_sheet, resume_sheet
from invoicing.uploads.csv_invoices import Apart, CsvInvoice, Rules, read_invoices
from invoicing.uploads.csv_numbers import MARKS
from invoicing.uploads.csv_rows import Headers, Place, Row, read_rows
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.seen_numbers import Recount, SeenNumbers, pack, unpack
from invoicing.uploads.survey import DONE, LOOK, RECOUNT, Findings, RunWalk, look, recount

_COLLECTING_SHARE = 3


@dataclass(frozen=True)
class Declared:
    """What the uploader has declared of a file, by the metadata of the upload.

    Attributes:
        date_format: ``date-format``, one of `FORMATS`.
        decimal_mark: ``decimal-mark``, a comma or a point, written so or as a word.
        encoding: ``encoding``, as `declared_encoding` returns it.
    """

    date_format: str = ""
    decimal_mark: str = ""
    encoding: str = ""

    @classmethod
    def of(cls, metadata: dict[str, str]) -> Self:
        """Read the metadata; other names are ignored.

        Raises:
            UnreadableFileError: a value is unknown. To ignore it could make wrong invoices.
        """
        texts = {name: metadata.get(name, "").strip().lower() for name in ("date-format", "decimal-mark", "encoding")}
        if texts["date-format"] not in {"", *FORMATS}:
            raise UnreadableFileError(_unknown("date-format", texts, f"use {', '.join(FORMATS)}"))
        mark = {name: mark for mark, name in MARKS.items()}.get(texts["decimal-mark"], texts["decimal-mark"])
        if mark not in {"", *MARKS}:
            raise UnreadableFileError(_unknown("decimal-mark", texts, "use comma or point"))
        encoding = declared_encoding(texts["encoding"]) if texts["encoding"] else ""
        if encoding is None:
            raise UnreadableFileError(_unknown("encoding", texts, "use one such as utf-8, cp1250 or iso-8859-2"))
        return cls(texts["date-format"], mark, encoding)


@dataclass(frozen=True)
class Dialect:
    """How a file is written, as its beginning shows.

    Attributes:
        gzipped: Whether it must be unpacked.
        encoding: As `invoicing.uploads.csv_bytes.Lines` names it.
        delimiter: The character between cells.
    """

    gzipped: bool
    encoding: str
    delimiter: str


class CsvFile:
    """A file that can be opened again.

    Args:
        reopen: Opens its bytes from a position on. A gzip file is always opened from its beginning.
        size: Bytes of the unpacked file.
        metadata: The metadata of the upload.
        deadline: When to stop.
        dialect: How the file is written, if that is known from an earlier part.

    Raises:
        UnreadableFileError: the metadata has an unknown value.
    """

    def __init__(
        self,
        reopen: Callable[[int], io.BufferedReader],
        size: int,
        metadata: dict[str, str],
        deadline: Deadline,
        dialect: Dialect | None = None,
    ) -> None:
        self._reopen, self._size, self._deadline = reopen, size, deadline
        self._declared = Declared.of(metadata)
        self.dialect = dialect
        """None before the header was read."""

    def survey(self, findings: Findings, memory: bytes = b"") -> tuple[Findings, bytes]:
        """Go on with the survey, to its end or until the time runs out.

        Args:
            findings: How far it has come.
            memory: What the last call returned with these findings.

        Returns:
            How far it has come now, and what it must remember besides: at the end, the numbers of which the rows stand
            apart.

        Raises:
            UnreadableFileError: the file has no usable header, or too many invoices whose rows stand apart.
            OutOfTimeError: the survey has not come any further.
        """
        before = findings
        if findings.stage == LOOK:
            findings, memory = self._look(findings, memory)
        if findings.stage == RECOUNT:
            findings, memory = self._recount(findings, memory, may_begin_again=before.stage == LOOK)
        if findings == before:
            raise OutOfTimeError("short of time: this invocation did not get any further in the survey of the file")
        return findings, memory

    def _look(self, findings: Findings, memory: bytes) -> tuple[Findings, bytes]:
        evidence, walk = deepcopy(findings.evidence), RunWalk()
        seen = SeenNumbers.from_bytes(memory) if memory else SeenNumbers.for_content(self._size)
        headers = evidence.known_headers()
        try:
            lines, rows = self._rows(findings.place, headers)
            look(rows, lines, evidence, seen, walk)
        except OutOfTimeError:
            evidence.headers = headers.names()
            return replace(findings, place=walk.place or findings.place, evidence=evidence), seen.to_bytes()
        evidence.headers = headers.names()
        if not seen.suspects:
            return Findings(DONE, None, evidence), b""
        return Findings(RECOUNT, None, evidence), Recount(seen.suspects).to_bytes()

    def _recount(self, findings: Findings, memory: bytes, *, may_begin_again: bool) -> tuple[Findings, bytes]:
        """Count the suspects. What takes a third of an invocation can be done once more, to put the rows together.

        If that is not so, the next invocation counts again, with all of its time: only if this one may begin again.
        """
        counts, walk, at_first = Recount.from_bytes(memory), RunWalk(), self._deadline.seconds_left()
        try:
            _, rows = self._rows(findings.place, findings.evidence.known_headers())
            recount(rows, counts, walk)
        except OutOfTimeError:
            if may_begin_again:
                return findings, memory
            return replace(findings, place=walk.place or findings.place), counts.to_bytes()
        is_fast = findings.place is None and at_first - self._deadline.seconds_left() <= at_first / _COLLECTING_SHARE
        if counts.apart and may_begin_again and not is_fast:
            return findings, memory
        are_collected = bool(counts.apart) and is_fast and counts.size <= MAX_COLLECTED
        done = Findings(DONE, None, findings.evidence, bool(counts.apart), are_collected)
        return done, pack(counts.apart) if counts.apart else b""

    def invoices(self, findings: Findings, memory: bytes, place: Place | None) -> Iterator[CsvInvoice]:
        """The invoices from a place on; those of which the rows stand apart come last.

        Args:
            findings: A complete survey.
            memory: What it returned.
            place: Where an invoice begins; None for the beginning of the file.

        Raises:
            UnreadableFileError: the file is damaged. The invoices before the damage come first.
            OutOfTimeError: the time has run out.
        """
        evidence = findings.evidence
        uncut = frozenset(evidence.uncut)
        rules = Rules(evidence.marks(self._declared.decimal_mark), self._declared.date_format, uncut)
        numbers = frozenset(unpack(memory)[0]) if findings.has_apart else frozenset()
        damage: UnreadableFileError | None = None
        if place is None or place.apart < 0:
            end = Place(0, 0, 0, 0) if findings.are_collected else None
            _, rows = self._rows(place, evidence.known_headers())
            try:
                yield from read_invoices(rows, rules, Apart(numbers, findings.are_collected), end)
            except UnreadableFileError as error:
                damage = error
        if findings.are_collected:
            _, rows = self._rows(None, evidence.known_headers())
            with closing(ApartRows(rows, numbers, uncut)) as apart:
                yield from read_apart_invoices(apart, rules, max(place.apart, 0) if place else 0)
                damage = damage or apart.damage
        if damage:
            raise damage

    def _rows(self, place: Place | None, headers: Headers) -> tuple[Lines, Iterator[Row]]:
        """The lines and rows from a place on."""
        if place is None or self.dialect is None:
            lines = open_lines(self._reopen(0), self._deadline.check, self._declared.encoding)
            sheet = read_sheet(lines)
            if sheet.header.problem:
                raise UnreadableFileError(f"{sheet.header.problem} (row {sheet.header_row})")
            self.dialect = Dialect(lines.gzipped, lines.encoding, sheet.delimiter)
            return lines, read_rows(sheet, headers, headers.number(sheet.header, 0))
        dialect = self.dialect
        lines = reopen_lines(
            self._reopen(0 if dialect.gzipped else place.position),
            self._deadline.check,
            gzipped=dialect.gzipped,
            encoding=dialect.encoding,
            position=place.position,
        )
        sheet = resume_sheet(lines, dialect.delimiter, headers.known[place.header], place.row)
        return lines, read_rows(sheet, headers, place.header, place.doubt)


def _unknown(name: str, texts: dict[str, str], remedy: str) -> str:
    return f"the upload's metadata {name} is {texts[name]!r}, which is unknown; {remedy}"
