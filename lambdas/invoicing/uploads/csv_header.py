"""The header of a CSV file: where it is, which columns it has, and what it lacks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from invoicing.uploads.csv_bytes import Lines, UnreadableFileError
from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_text import MAX_RECORD, Line, Record, Shape, split_records, without_blank_rows

REQUIRED = (
    "invoice_number",
    "customer_id",
    "issue_date",
    "currency",
    "description",
    "quantity",
    "unit_price",
    "tax_rate",
)
OPTIONAL = ("customer_name", "customer_email", "customer_address", "customer_vat_id", "due_date", "discount")

DELIMITERS = (",", ";", "\t")
HEADER_WITHIN = 50
"""Lines in which the header is looked for: there may be banners above it."""
MAX_COLUMNS = 1000
"""Cells of the widest header."""
MIN_NAMES = 3
"""Known column names that a header has at the least."""

_NEVER_WORDS = ("issue_date", "quantity", "unit_price", "tax_rate")
"""Columns in which no row has a word."""

_IGNORED = str.maketrans(
    "", "", " \t\r\n_-*\u00a0\u2007\u2009\u202f\u3000\u00ad\u2010\u2011\u2012\u2013\u2014\u200b\u200c\u200d\u2060\ufeff"
)
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([^\r\n])\"?\s*", re.IGNORECASE)


def normalized(name: str) -> str:
    """A column's name as it is compared: without case, blanks, hyphens, invisible characters, ``_`` and ``*``."""
    return name.casefold().translate(_IGNORED)


COLUMNS = {normalized(name): name for name in (*REQUIRED, *OPTIONAL)}
"""From the normalized name of each known column to the name that reports use."""

_KNOWN = frozenset(COLUMNS)
_NEEDED = frozenset(map(normalized, REQUIRED))


@dataclass(frozen=True)
class Header:
    """The columns of the rows below a header.

    Attributes:
        names: Normalized names of columns, in the file's order; empty for unknown columns.
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, cells: list[str]) -> "Header":
        """The header that a record is, whatever it lacks."""
        names = (normalized(cell) for cell in cells)
        return cls(tuple(name if name in _KNOWN else "" for name in names))

    @cached_property
    def index(self) -> dict[str, int]:
        """Where each column is, by the name that reports use; the first one if there are two."""
        return {COLUMNS[name]: self.names.index(name) for name in reversed(self.names) if name}

    @cached_property
    def last_required(self) -> int:
        """Where the last required column is: a row has at least as many delimiters. 0 if columns are missing."""
        return 0 if self.problem else max(self.index[name] for name in REQUIRED)

    @cached_property
    def ends_with_required(self) -> bool:
        """Whether the last column is a required one: a delimiter too many in a row leaves something behind it."""
        return self.names[-1] in _NEEDED

    @cached_property
    def problem(self) -> str | None:
        """Why no row below it can be read; None if rows can."""
        if missing := [name for name in REQUIRED if name not in self.index]:
            return f"the header lacks these columns: {', '.join(missing)}"
        repeated = sorted({COLUMNS[name] for name in self.names if name and self.names.count(name) > 1})
        if repeated:
            return f"the header has these columns more than once: {', '.join(repeated)}"
        return None


@dataclass(frozen=True)
class Sheet:
    """A CSV file of which the header has been read.

    Attributes:
        delimiter: The character between cells.
        header: The columns.
        records: The records after the header, without blank rows.
        header_row: The row of the header, as a spreadsheet counts; 0 if it was read earlier.
        shape: What is known of its rows. Whoever finds another header further down updates it.
    """

    delimiter: str
    header: Header
    records: Iterator[Record]
    header_row: int = 0
    shape: Shape = field(default_factory=Shape)


class _Header(NamedTuple):
    """A record that may be the header: its known names, the records above it, and the delimiter that was tried."""

    names: frozenset[str]
    above: int
    delimiter: str


def read_sheet(lines: Lines) -> Sheet:
    """Find the header and the delimiter.

    The header is the first record that has all required columns, or else the first that has most of the known ones.

    Args:
        lines: The file from its beginning.

    Raises:
        UnreadableFileError: the file is empty, has no header, or has one with too many columns.
    """
    head, damage = _head(lines)
    if len(head) < HEADER_WITHIN and not "".join(text for text, _ in head).strip():
        raise damage or UnreadableFileError("the file is empty")
    delimiters, first = _separator_line(head)
    head = head[first:]
    best = max(
        (_best_record(head, delimiter) for delimiter in delimiters), key=lambda each: (len(each.names), -each.above)
    )
    if len(best.names) < MIN_NAMES:
        raise damage or UnreadableFileError(_without_header(best))
    shape = Shape()
    records = split_records(_again(head, damage, lines), best.delimiter, shape=shape)
    cells = next(islice(records, best.above, None)).cells
    if len(cells) > MAX_COLUMNS:
        raise UnreadableFileError(f"the header has {len(cells)} columns; at most {MAX_COLUMNS} are allowed")
    header = Header.of(cells)
    shape.delimiters = header.last_required
    return Sheet(best.delimiter, header, without_blank_rows(records), best.above + 1, shape)


def resume_sheet(lines: Lines, delimiter: str, header: Header, row: int) -> Sheet:
    """Go on in a file whose header was read by an earlier `read_sheet`.

    Args:
        lines: The file from where a record begins.
        delimiter: As the earlier `Sheet` had it.
        header: The columns of that record.
        row: The number of that record.
    """
    shape = Shape(header.last_required)
    records = split_records(lines, delimiter, lines.position, row, shape)
    return Sheet(delimiter, header, without_blank_rows(records), shape=shape)


def repeated_header(record: Record, header: Header) -> Header | None:
    """The header that a record below the header is; None if it is a row.

    Exports repeat the header on each page, and files are joined with theirs. A row has a digit in its quantity, which
    the name of a column has not; so only records without one are looked at.
    """
    quantity = header.index.get("quantity", -1)
    cell = record.cells[quantity] if 0 <= quantity < len(record.cells) else ""
    if any(map(str.isdigit, cell)):
        return None
    if record.problem or len(record.cells) > MAX_COLUMNS:
        return None
    repeated = Header.of(record.cells)
    return repeated if len(repeated.index) >= MIN_NAMES or _names_columns(record.cells, header) else None


def _names_columns(cells: list[str], header: Header) -> bool:
    """Whether a record names the columns of another table, in words that are not known: nothing below it can be read.

    No required cell is empty; those of the date and the numbers are different words, without a digit.
    """
    if header.problem or len(cells) <= header.last_required:
        return False
    texts = {name: content(cells[header.index[name]]).casefold() for name in REQUIRED}
    words = {texts[name] for name in _NEVER_WORDS if any(map(str.isalpha, texts[name]))}
    return all(texts.values()) and len(words) == len(_NEVER_WORDS) and not any(map(str.isdigit, "".join(words)))


def _without_header(best: _Header) -> str:
    """The reason, with the row that came nearest and the names that are missing there."""
    reason = f"no header row with the names of the columns was found in the first {HEADER_WITHIN} lines"
    if not best.names:
        return f"{reason}; is this a CSV file? It needs these columns: {', '.join(REQUIRED)}"
    known = ", ".join(COLUMNS[name] for name in sorted(best.names))
    missing = ", ".join(name for name in REQUIRED if normalized(name) not in best.names)
    return f"{reason}; row {best.above + 1} comes nearest: it has {known}, and lacks {missing}"


def _head(lines: Lines) -> tuple[list[Line], UnreadableFileError | None]:
    """The lines in which the header is looked for, and the damage that ends them early, if there is any.

    There are fewer lines if they are very long. Lines before the damage are read all the same.
    """
    head: list[Line] = []
    characters = 0
    try:
        for line in islice(lines, HEADER_WITHIN):
            head.append(line)
            characters += len(line[0])
            if characters >= MAX_RECORD:
                break
    except UnreadableFileError as damage:
        return head, damage
    return head, None


def _again(head: list[Line], damage: UnreadableFileError | None, rest: Lines) -> Iterator[Line]:
    """All lines of the file, after its head was read."""
    yield from head
    if damage:
        raise damage
    yield from rest


def _separator_line(head: list[Line]) -> tuple[tuple[str, ...], int]:
    """The delimiters to try, and how many lines to skip: 1 if the first line does nothing but name the delimiter.

    Excel writes and obeys a first line such as ``sep=;``. It does not show that line, so it does not count it as a row.
    """
    match = _SEPARATOR_LINE.fullmatch(head[0][0])
    if match is None:
        return DELIMITERS, 0
    if match[1] not in DELIMITERS:
        raise UnreadableFileError(f"its first line names {match[1]!r} as the delimiter; use , or ; or a tab")
    return (match[1],), 1


def _best_record(head: list[Line], delimiter: str) -> _Header:
    best = _Header(frozenset(), 0, delimiter)
    for index, record in enumerate(split_records(head, delimiter)):
        names = frozenset() if record.problem else _KNOWN & {normalized(cell) for cell in record.cells}
        if len(names) > len(best.names):
            best = _Header(names, index, delimiter)
        if names >= _NEEDED:
            break
    return best
