"""One CSV file, read as often as it takes: surveyed first, then its invoices from any place on."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Self

from invoicing.uploads.apart import MAX_COLLECTED, ApartRows, Collector, KeptRows
from invoicing.uploads.apart_invoices import read_apart_invoices
from invoicing.uploads.csv_bytes import Lines, UnreadableFileError, declared_encoding, open_lines, reopen_lines
from invoicing.uploads.csv_columns import ignored_names
from invoicing.uploads.csv_dates import FORMATS
from invoicing.uploads.csv_header import read_sheet, resume_sheet
from invoicing.uploads.csv_invoices import Apart, CsvInvoice, Passed, Rules, read_invoices
from invoicing.uploads.csv_numbers import MARKS
from invoicing.uploads.csv_rows import Headers, Place, Row, read_rows
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.seen_numbers import Recount, SeenNumbers, pack, unpack
from invoicing.uploads.survey import COLLECT, DONE, LOOK, RECOUNT, Evidence, Findings, RunWalk, look, recount


@dataclass(frozen=True)
class Declared:
    """What the uploader has declared of a file, by the metadata of the upload.

    Attributes:
        date_format: ``date-format``, one of `FORMATS`.
        decimal_mark: ``decimal-mark``, a comma or a point, written so or as a word.
        encoding: ``encoding``, as `declared_encoding` returns it.
        ignored_columns: ``ignore-columns``, as `ignored_names` returns them.
        ignores_text: ``ignore-text``, yes or no: whether texts beside the table say nothing of the invoices.
    """

    date_format: str = ""
    decimal_mark: str = ""
    encoding: str = ""
    ignored_columns: frozenset[str] = frozenset()
    ignores_text: bool = False

    @classmethod
    def of(cls, metadata: dict[str, str]) -> Self:
        """Read the metadata; other names are ignored.

        Raises:
            UnreadableFileError: a value is unknown. To ignore it could make wrong invoices.
        """
        names = ("date-format", "decimal-mark", "encoding", "ignore-text")
        texts = {name: metadata.get(name, "").strip().lower() for name in names}
        if texts["date-format"] not in {"", *FORMATS}:
            raise UnreadableFileError(_unknown("date-format", texts, f"use {', '.join(FORMATS)}"))
        mark = {name: mark for mark, name in MARKS.items()}.get(texts["decimal-mark"], texts["decimal-mark"])
        if mark not in {"", *MARKS}:
            raise UnreadableFileError(_unknown("decimal-mark", texts, "use comma or point"))
        encoding = declared_encoding(texts["encoding"]) if texts["encoding"] else ""
        if encoding is None:
            raise UnreadableFileError(_unknown("encoding", texts, "use one such as utf-8, cp1250 or iso-8859-2"))
        if texts["ignore-text"] not in {"", "yes", "no"}:
            raise UnreadableFileError(_unknown("ignore-text", texts, "use yes or no"))
        ignored = ignored_names(metadata.get("ignore-columns", ""))
        return cls(texts["date-format"], mark, encoding, ignored, texts["ignore-text"] == "yes")


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
        kept: Where rows that stand apart are kept.

    Raises:
        UnreadableFileError: the metadata has an unknown value.
    """

    def __init__(
        self,
        reopen: Callable[[int], io.BufferedReader],
        size: int,
        metadata: dict[str, str],
        deadline: Deadline,
        kept: KeptRows,
    ) -> None:
        self._reopen, self._size, self.deadline, self._kept = reopen, size, deadline, kept
        self._declared = Declared.of(metadata)
        self.dialect: Dialect | None = None
        """How the file is written. None before the header was read; an earlier part may know it."""

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
            findings, memory = self._recount(findings, memory)
        if findings.stage == COLLECT:
            findings = self._collect(findings, memory)
        if findings == before:
            raise OutOfTimeError("short of time: this invocation did not get any further in the survey of the file")
        return findings, memory

    def _look(self, findings: Findings, memory: bytes) -> tuple[Findings, bytes]:
        evidence, walk = deepcopy(findings.evidence), RunWalk()
        seen = SeenNumbers.from_bytes(memory) if memory else SeenNumbers.for_content(self._size)
        headers = evidence.known_headers()
        try:
            lines, rows = self._rows(findings.place, headers, evidence)
            look(rows, lines, evidence, seen, walk)
        except OutOfTimeError:
            evidence.headers = headers.names()
            return replace(findings, place=walk.place or findings.place, evidence=evidence), seen.to_bytes()
        evidence.headers = headers.names()
        declared = self._declared
        evidence.check(declared.encoding, declared.ignored_columns, ignores_text=declared.ignores_text)
        if not seen.suspects:
            return Findings(DONE, None, evidence), b""
        return Findings(RECOUNT, None, evidence), Recount(seen.suspects).to_bytes()

    def _recount(self, findings: Findings, memory: bytes) -> tuple[Findings, bytes]:
        """Count the suspects."""
        counts, walk = Recount.from_bytes(memory), RunWalk()
        try:
            _, rows = self._rows(findings.place, findings.evidence.known_headers())
            recount(rows, counts, walk)
        except OutOfTimeError:
            return replace(findings, place=walk.place or findings.place), counts.to_bytes()
        if not counts.apart:
            return Findings(DONE, None, findings.evidence), b""
        stage = COLLECT if counts.size <= MAX_COLLECTED else DONE
        return Findings(stage, None, findings.evidence, has_apart=True), pack(counts.apart)

    def _collect(self, findings: Findings, memory: bytes) -> Findings:
        """Collect the rows that stand apart. What is beyond damage is missing: then these invoices are rejected."""
        place, damage = None, None
        with closing(Collector(frozenset(unpack(memory)[0]), findings.evidence)) as collector:
            try:
                _, rows = self._rows(findings.place, findings.evidence.known_headers())
                collector.collect(rows)
            except OutOfTimeError:
                place = collector.place
                if place is None or place == findings.place:
                    return findings
                collector.drop_run()
            except UnreadableFileError as error:
                damage = error
            name = f"apart-{findings.place.position if findings.place else 0}-{place.position if place else 'end'}"
            findings = replace(findings, place=place, fragments=(*findings.fragments, collector.keep(self._kept, name)))
        if place:
            return findings
        findings = replace(findings, stage=DONE, are_collected=True)
        return replace(findings, damage=str(damage), damage_row=damage.row) if damage else findings

    def invoices(self, findings: Findings, memory: bytes, place: Place | None) -> Iterator[CsvInvoice | Passed]:
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
        rules = Rules(
            evidence.marks(self._declared.decimal_mark),
            self._declared.date_format,
            frozenset(evidence.uncut),
            evidence.percent_rows,
            evidence.narrow_row,
            evidence.date_rows,
            evidence.plain_row,
            evidence.padded,
            evidence.padded_customer,
            evidence.tax_rates,
            evidence.strays,
        )
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
            apart = ApartRows(self._kept, findings.fragments, evidence.known_headers().known)
            start = place if place and place.apart >= 0 else Place(0, 0, 0, 0)
            yield from read_apart_invoices(apart, rules, start, is_damaged=bool(findings.damage))
            if findings.damage:
                damage = damage or UnreadableFileError(findings.damage, findings.damage_row)
        if damage:
            raise damage

    def _rows(
        self, place: Place | None, headers: Headers, evidence: Evidence | None = None
    ) -> tuple[Lines, Iterator[Row]]:
        """The lines and rows from a place on. If evidence is collected, what is above the header is some."""
        if place is None or self.dialect is None:
            lines = open_lines(self._reopen(0), self.deadline.check, self._declared.encoding)
            sheet = read_sheet(lines)
            if sheet.header.problem:
                raise UnreadableFileError(f"{sheet.header.problem} (row {sheet.header_row})")
            if evidence:
                for row, text in sheet.above:
                    evidence.take_text(row, text)
            self.dialect = Dialect(lines.gzipped, lines.encoding, sheet.delimiter)
            return lines, read_rows(sheet, headers, headers.number(sheet.header, 0))
        dialect = self.dialect
        lines = reopen_lines(
            self._reopen(0 if dialect.gzipped else place.position),
            self.deadline.check,
            gzipped=dialect.gzipped,
            encoding=dialect.encoding,
            position=place.position,
        )
        sheet = resume_sheet(lines, dialect.delimiter, headers.known[place.header], place.row)
        return lines, read_rows(sheet, headers, place.header, place.doubt, place.table)


def _unknown(name: str, texts: dict[str, str], remedy: str) -> str:
    return f"the upload's metadata {name} is {texts[name]!r}, which is unknown; {remedy}"
