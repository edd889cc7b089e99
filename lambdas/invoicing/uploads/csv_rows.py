"""From records to rows: cells by the names of their columns, below whichever header they are, and what is wrong there.

A header further down is read anew: exports repeat it on every page, and joined files bring theirs. Its columns may be
in another order.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from zlib import crc32

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_cells import content, is_lost, plain
from invoicing.uploads.csv_columns import normalized
from invoicing.uploads.csv_header import COLUMNS, REQUIRED, Header, Sheet, glued_header, repeated_header
from invoicing.uploads.csv_identifiers import destruction, identity, is_of_month, long_digits
from invoicing.uploads.csv_shifts import Rates, halves
from invoicing.uploads.csv_text import Record

IDENTIFIERS = ("invoice_number", "customer_id", "customer_vat_id")
"""Columns that name something. Texts that a spreadsheet has made equal would name the same."""
NUMBERS = ("quantity", "unit_price", "discount", "tax_rate")
_NO_TEXTS = frozenset(map(normalized, (*NUMBERS, "issue_date", "due_date", "currency")))
_OF_NUMBERS = "0123456789.,+-'%\u2019\u2212 \t\u00a0\u2007\u2009\u202f"
_LOSING = frozenset({"discount", "due_date"})
_DELIMITER = re.compile("[,;\t\n]")
_MARK = re.compile('[,;\t\n"]')
_MOST_MISSING = 2  # cells that a row may lack, and is taken for one whose cells are in wrong columns
CUT = "begins with a blank: probably the text before it contains the delimiter, and is not in quotation marks"
NARROW = (
    "row {row} leaves out its last cells: this row may do so, too, and have the delimiter in a cell that is not in "
    "quotation marks; write all cells of each row"
)
HASHED = "may be commented out: row {row} has a number without #; write # before all numbers, or before none"
UNPADDED = (
    "may have lost its leading zeros: row {row} has a longer number that begins with 0; format the column as text"
)
SHORTENED = (
    "a spreadsheet has probably cut it: it keeps 15 digits, and no other number of this column with as many digits has "
    "others than 0 after them; format the column as text"
)
MARKS = "has two quotation marks, as only a text in quotation marks has: one of these is missing"
MAX_MENTIONED, MAX_IDENTITY = 100, 200  # cells of a damaged row that are looked at, and characters of each
MAX_HEADERS = 50
"""Different headers of one file."""


class RowEvidence(Protocol):
    """What of `invoicing.uploads.survey.Evidence` concerns rows as such."""

    @property
    def uncut(self) -> Collection[str]:
        """Columns of identifiers, each with the digits of a number that no spreadsheet has cut."""

    @property
    def narrow_row(self) -> int:
        """The first row that leaves out cells of optional columns at its end; 0 if there is none."""

    @property
    def tax_rates(self) -> Rates:
        """The tax rates of the file."""

    @property
    def padded(self) -> Sequence[int]:
        """The most digits of a number that begins with 0, and its row; empty if there is none."""

    @property
    def padded_customer(self) -> Sequence[int]:
        """The same of the customers."""

    @property
    def plain_row(self) -> int:
        """The first row with a number that does not begin with ``#``; 0 if there is none."""


class Place(NamedTuple):
    """Where rows begin.

    Attributes:
        position: Bytes of the unpacked file before them; of invoices whose rows stand apart, their partition.
        row: The first of them, as a spreadsheet counts.
        header: Their header's number in the file, as `Headers` counts.
        apart: How many invoices of that partition come before; -1 before all invoices whose rows stand apart.
        doubt: As `Row` has it.
        table: The same.
    """

    position: int
    row: int
    header: int = 0
    apart: int = -1
    doubt: int = 0
    table: int = 0


class Problem(NamedTuple):
    """Why a cell, or a whole row, cannot be part of an invoice."""

    column: str
    value: str
    reason: str


class Headers:
    """The different headers of a file, in the order in which they come.

    Args:
        known: Those that were found before.
    """

    def __init__(self, known: list[Header]) -> None:
        self.known = known

    def number(self, header: Header, row: int) -> int:
        """The number of a header, which may be new.

        Raises:
            UnreadableFileError: there are too many.
        """
        if header not in self.known:
            if len(self.known) >= MAX_HEADERS:
                raise UnreadableFileError(f"the file has more than {MAX_HEADERS} different headers", row)
            self.known.append(header)
        return self.known.index(header)

    def names(self) -> list[list[str]]:
        """The names of each header's columns."""
        return [[*header.names] for header in self.known]


class Row(NamedTuple):
    """A row below a header.

    Attributes:
        record: Its cells as they are written.
        header: Its header.
        header_number: The header's number in the file.
        doubt: A damaged row above, which this one may continue or to whose invoice it may belong; 0 if there is none.
        table: How many headers are further down the file, but above the row.
        is_first: Whether one of them is right above it.
    """

    record: Record
    header: Header
    header_number: int
    doubt: int = 0
    table: int = 0
    is_first: bool = False

    @property
    def place(self) -> Place:
        """Where the row begins."""
        return Place(self.record.start, self.record.row, self.header_number, doubt=self.doubt, table=self.table)

    @property
    def is_short(self) -> bool:
        """Whether it ends before the last required column."""
        return len(self.record.cells) <= self.header.last_required

    @property
    def looks_complete(self) -> bool:
        """Whether it ends before the last required column, and yet has a whole line: the last cell may be cut."""
        return self.is_short and not self.header.problem and self.header.last_of_line < len(self.record.cells)

    @property
    def is_wide(self) -> bool:
        """Whether it has more cells than the header, so that some may be in wrong columns.

        Empty cells behind the last column do no harm if that one is never empty: the others are where they should be.
        """
        surplus = self.record.cells[len(self.header.names) :]
        return bool(surplus) and (not self.header.ends_with_required or any(map(content, surplus)))

    @property
    def cut_at(self) -> str:
        """The column of a number that may be the rest of the text before it, as in ``Rope, 12``; empty if none is.

        It is the only cell of the row that begins with a blank. If the last column is a required one, the row is wide.
        """
        if self.header.ends_with_required:
            return ""
        blank = [index for index, cell in enumerate(self.record.cells) if cell[:1] == " " or cell[-1:] == " "]
        number = next((name for name in NUMBERS if [self.header.index.get(name)] == blank), "")
        raw = self.raw(number)
        return number if raw[:1] == " " != raw[-1:] else ""

    @property
    def hides_number(self) -> bool:
        """Whether nobody can tell its invoice: its cells may be in wrong columns, or its quotation marks are wrong.

        A number in the first column is where it should be, whatever is missing or too much behind it.
        """
        number = self.raw("invoice_number")
        if self.torn or self.is_short:
            if _DELIMITER.search(number) or (self.torn and not number):
                return True
            if self.torn or len(self.record.cells) <= self.header.last_required - _MOST_MISSING:
                return False
        elif len(self.record.cells) == len(self.header.names):  # most rows
            return False
        is_first = not self.header.index.get("invoice_number")
        return not is_first and (self.is_short or self.is_wide)

    @property
    def is_fragment(self) -> bool:
        """Whether it ends so early that it may be the beginning of the row below."""
        return self.is_short and not self.torn and not self.header.problem

    @property
    def is_double(self) -> bool:
        """Whether two rows may be in it, because the line break between them is missing."""
        return self.is_wide and len(self.record.cells) >= self.header.last_required + len(REQUIRED)

    @property
    def is_rest(self) -> bool:
        """Whether it may be the rest of the row above: that ends with a text, and this row is without a date."""
        ends_with_text = self.header.names[-1:] and self.header.names[-1] not in _NO_TEXTS
        return bool(self.is_fragment and ends_with_text) and not any(map(str.isdigit, self.raw("issue_date")))

    @property
    def misfits(self) -> int:
        """How many numbers and currencies are none: other cells may be in their places."""
        numbers = sum(map(_is_misfit, map(self.raw, NUMBERS)))
        return numbers + (len(self.raw("currency").strip()) not in {0, 3})

    def mentioned(self) -> Iterator[str]:
        """The identities in the cells of a damaged row: it may be a row of an invoice that has one of them.

        What is in quotation marks that do not match, or in a line of another row, is looked at, too.
        """
        is_damaged = self.torn or self.is_short or self.is_wide or self.header.problem
        if not is_damaged and not self.misfits:
            return
        numbers = set() if is_damaged else {self.raw(name) for name in NUMBERS if not _is_misfit(self.raw(name))}
        cells = [cell for cell in self.record.cells[:MAX_MENTIONED] if cell not in numbers]
        texts = [text for cell in cells for text in _DELIMITER.split(cell)[:MAX_MENTIONED]]
        for text in (*texts, *_MARK.split(self.record.rest, MAX_MENTIONED)[:MAX_MENTIONED]):
            if len(text) <= MAX_IDENTITY and (key := identity(content(text))):
                yield key

    @property
    def has_stray_quote(self) -> bool:
        """Whether a quotation mark is without its counterpart, as behind a line break in a text, or beside an inch."""
        return any(cell.count('"') % 2 for cell in self.record.cells)

    @property
    def doubt_below(self) -> int:
        """The `doubt` of the row below.

        That is this row's number if nobody can tell its invoice, or if it ends so early that the row below may be the
        rest of it. An earlier doubt ends below a sound row.
        """
        is_cut = self.is_short and not self.torn and sum(map(bool, self.record.cells)) > 1
        if is_cut or self.hides_number:
            return self.doubt or self.record.row
        if not self.doubt:
            return 0
        is_sound = not (self.torn or self.has_stray_quote or destruction(self.raw("invoice_number")))
        return 0 if is_sound else self.doubt

    def identifier(self, name: str) -> str:
        """The cell of an identifier as it is written; an empty text if it may be that of another column."""
        return "" if self.hides_number else self.raw(name)

    def raw(self, name: str) -> str:
        """The cell of a column as it is written; an empty text if the row or its header lacks it."""
        index = self.header.index.get(name, -1)
        return self.record.cells[index] if 0 <= index < len(self.record.cells) else ""

    @property
    def numbers(self) -> dict[str, str]:
        """The cells of numbers as they are written."""
        return {name: self.raw(name) for name in NUMBERS}

    def moved(self, rates: Rates) -> str | None:
        """Why its numbers may be in wrong columns, as the tax rates of the file show it."""
        header, cells, is_optional = self.header, self.record.cells, not self.header.ends_with_required
        cut = halves(cells, header.names, header.index) if is_optional else None
        ends_empty = is_optional and len(cells) == len(header.names) and not content(cells[-1])
        return rates.objection(self.numbers, header.index, cut, is_optional=is_optional, ends_empty=ends_empty)

    def cells(self) -> dict[str, str]:
        """The texts of all cells by name; empty if they stand for nothing."""
        cells, width = self.record.cells, len(self.record.cells)
        texts = {name: content(cells[index]) for name, index in self.header.index.items() if index < width}
        for name in _LOSING:  # without it the invoice would have another amount or date, and nobody would notice
            if texts.get(name) == "" and is_lost(self.raw(name)):
                texts[name] = self.raw(name).strip()
        return texts

    @property
    def unread(self) -> int:
        """A digest of the cells that nothing reads; 0 if they are empty. Equal rows may be two lines by them."""
        if len(self.header.index) == len(self.header.names):
            return 0
        names = self.header.names
        cells = [plain(cell) for name, cell in zip(names, self.record.cells, strict=False) if name not in COLUMNS]
        return crc32("\t".join(filter(None, cells)).encode(errors="replace"))

    def problems(self, evidence: RowEvidence) -> list[Problem]:
        """What is wrong with the row as such, in this file."""
        if reason := self.torn:
            return [Problem("", "", reason)]
        if self.header.problem:
            return [Problem("", "", f"{self.header.problem} (the header above this row)")]
        if self.doubt:
            reason = f"row {self.doubt} above is damaged, and may be a part of this row or its invoice"
            return [Problem("", "", reason)]
        width = len(self.header.names)
        if self.is_wide:
            return [Problem("", "", f"the row has more cells than the header, which has {width}")]
        if self.hides_number or self.looks_complete or (self.record.is_open and len(self.record.cells) < width):
            ends = ": the file ends within it" if self.record.is_open else ""
            return [Problem("", "", f"the row has {len(self.record.cells)} cells, and the header {width}{ends}")]
        problems = [problem for name in IDENTIFIERS if (problem := self._destroyed(name, evidence))]
        if '""' in self.raw("description"):
            problems.append(Problem("description", self.raw("description"), MARKS))
        if self.cut_at:
            problems.append(Problem(self.cut_at, self.raw(self.cut_at), CUT))
        elif reason := self.moved(evidence.tax_rates):
            problems.append(Problem("tax_rate", self.raw("tax_rate"), reason))
        elif evidence.narrow_row and any(map(content, self.record.cells[self.header.last_required + 1 :])):
            problems.append(Problem("", "", NARROW.format(row=evidence.narrow_row)))
        return problems

    def _destroyed(self, name: str, evidence: RowEvidence) -> Problem | None:
        """What is wrong with an identifier, if anything is."""
        raw = self.raw(name)
        if not content(raw):
            return None
        is_number = name == IDENTIFIERS[0]
        if (reason := destruction(raw, name)) and not (is_number and is_of_month(raw, self.raw("issue_date"))):
            return Problem(name, raw, reason)
        if is_number and evidence.plain_row and content(raw).startswith("#"):
            return Problem(name, raw, HASHED.format(row=evidence.plain_row))
        padded = {IDENTIFIERS[0]: evidence.padded, IDENTIFIERS[1]: evidence.padded_customer}.get(name)
        if padded and len(raw.strip()) < padded[0] and raw.strip().isdecimal():
            return Problem(name, raw, UNPADDED.format(row=padded[1]))
        if f"{name} {len(raw.strip())}" not in evidence.uncut and (cut := long_digits(raw)) and not cut.strip("0"):
            return Problem(name, raw, SHORTENED)
        return None

    @property
    def torn(self) -> str | None:
        """What is wrong with the row's quotation marks, if anything is: the cells after that are missing."""
        return self.record.problem


def _is_misfit(cell: str) -> bool:
    """Whether a cell is certainly no number."""
    if cell.isdigit() or not any(map(str.isalnum, cell)):
        return False
    return cell.strip(_OF_NUMBERS) != "" or "-" in cell.strip()[1:-1]


def read_rows(sheet: Sheet, headers: Headers, number: int = 0, doubt: int = 0, table: int = 0) -> Iterator[Row]:
    """The rows of a file.

    Args:
        sheet: The file, from some row on.
        headers: The headers that are known; others are added.
        number: The number of the header of that row.
        doubt: As `Row` has it, of that row.
        table: The same.

    Raises:
        UnreadableFileError: there are too many headers, or the file is damaged.
    """
    header = sheet.header
    torn, is_first = 0, False
    for record in sheet.records:
        if repeated := repeated_header(record, header):
            number, header = headers.number(repeated, record.row), repeated
            sheet.shape.delimiters = header.last_required
            doubt, table, is_first = 0, table + 1, True  # what is damaged above does not reach beyond a header
        else:
            row = Row(record, header, number, doubt, table, is_first)
            if torn and not doubt and row.has_stray_quote:  # what a torn row has swallowed may be the rest of it
                row = row._replace(doubt=torn)
            yield row
            doubt, torn, is_first = row.doubt_below, record.row if record.problem else 0, False
            if glued := glued_header(record, header):
                number, header = headers.number(glued, record.row), glued


@dataclass
class Runs:
    """Where one invoice ends and the next one begins: rows of one number that follow each other are a run.

    A row without a number counts to the invoice above: it may be part of that invoice, which must not be created
    without it. Below a header that lacks columns, nothing counts to what is above. Below another header a run begins,
    though its number may be that of the row above: the same rows may follow once more.

    Attributes:
        number: The number of the current run, as its first row has it.
        key: The same in the form that all its rows share.
        continues: Whether only a header is between the run and the one above, which has the same number.
    """

    number: str = ""
    key: str = ""
    continues: bool = False
    _last: str = ""  # the number of the row above as it is written
    _header: Header | None = None  # that of the row above

    def begins(self, row: Row) -> bool:
        """Whether the row begins a run; if so, that run is the current one."""
        header, above, raw = row.header, self._header, row.identifier("invoice_number")
        if raw and raw == self._last and header is above and not row.is_first:  # most rows
            return False
        self._last, self._header = raw, header
        number = content(raw)
        key = identity(number)
        is_same = key == self.key
        is_other_table = header is not above and (above is None or bool(header.problem or above.problem))
        if not is_other_table and (not key or (is_same and not row.is_first)):
            return False
        self.number, self.key, self.continues = number, key, is_same and not is_other_table
        return True
