"""The header of a CSV file: where it is, which columns it has, and what it lacks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from invoicing.uploads.csv_bytes import Lines, UnreadableFileError
from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_columns import LABEL, is_doubtful, misfit, misfit_reason, normalized
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
_OTHER_DELIMITERS = ("|", ":", "^", "~", "\x1f", "\u00a6", " ")
HEADER_WITHIN = 50
"""Lines in which the header is looked for: there may be banners above it."""
MAX_COLUMNS = 1000
"""Cells of the widest header."""
MIN_NAMES = 3
"""Known column names that a header has at the least."""

_NEVER_WORDS = ("issue_date", "quantity", "unit_price", "tax_rate")
"""Columns in which no row has a word."""

_DATE = re.compile(r"\s*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}\b.*|[0-9]{1,2}([./])[0-9]{1,2}\1[0-9]{2,4})\s*")
_DECIMAL = re.compile(r"\s*[0-9]+[.,][0-9]+\s*")
_TYPES = frozenset(
    {"text", "string", "varchar", "char", "date", "datetime", "timestamp", "number", "numeric"}
) | frozenset({"decimal", "int", "integer", "float", "double", "money", "currency"})
"""What tools write below a header to say of which type its columns are."""
_COUNTED = re.compile("[0-9]+$")
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([^\r\n])\"?\s*", re.IGNORECASE)


COLUMNS = {normalized(name): name for name in (*REQUIRED, *OPTIONAL)}
"""From the normalized name of each known column to the name that reports use."""

_KNOWN = frozenset(COLUMNS)
_NEEDED = frozenset(map(normalized, REQUIRED))


@dataclass(frozen=True)
class Header:
    """The columns of the rows below a header.

    Attributes:
        names: Normalized names of columns, in the file's order; empty for unknown columns. Before the name as it is
            written is a ``!`` if the column is not known to be harmless, and a ``?`` if it must not be read so; see
            `csv_columns`.
        unread: The unknown columns as they are written; headers that differ in nothing else are equal.
    """

    names: tuple[str, ...]
    unread: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, cells: list[str]) -> "Header":
        """The header that a record is, whatever it lacks."""
        names = [normalized(cell) for cell in cells]
        read = [name if name in _KNOWN else "" for name in names]
        if len(read) - read.count("") < MIN_NAMES:  # no header, as most records: nothing needs a closer look
            return cls(tuple(read))
        for at, (cell, name) in enumerate(zip(cells, names, strict=True)):
            if name not in _KNOWN and is_doubtful(cell):
                read[at] = f"!{cell.strip()[:LABEL]}"
            elif name in _KNOWN and (unit := misfit(cell, COLUMNS[name])):
                read[at] = f"?{unit}"
        unread = [cell.strip()[:LABEL] for cell, name in zip(cells, names, strict=True) if name and name not in _KNOWN]
        return cls(tuple(read), tuple(unread))

    @cached_property
    def index(self) -> dict[str, int]:
        """Where each column is, by the name that reports use; the first one if there are two."""
        return {COLUMNS[name]: self.names.index(name) for name in reversed(self.names) if name in _KNOWN}

    @cached_property
    def doubtful(self) -> tuple[tuple[int, str], ...]:
        """Where the columns are that must be empty, and their names: nobody knows that they change nothing."""
        return tuple((at, name[1:]) for at, name in enumerate(self.names) if name.startswith("!"))

    @cached_property
    def last_required(self) -> int:
        """Where the last required column is: a row has at least as many delimiters. 0 if columns are missing."""
        return 0 if self.problem else max(self.index[name] for name in REQUIRED)

    @cached_property
    def last_of_line(self) -> int:
        """Where the last required column is that each row needs for its line; dates and currencies may be above."""
        return max(self.index.get(name, 0) for name in ("description", *_NEVER_WORDS[1:]))

    @cached_property
    def ends_with_required(self) -> bool:
        """Whether the last column is a required one: a delimiter too many in a row leaves something behind it."""
        return self.names[-1:] != () and self.names[-1] in _NEEDED

    @cached_property
    def problem(self) -> str | None:
        """Why no row below it can be read; None if rows can."""
        doubtful = next((name[1:] for name in self.names if name.startswith("?")), "")
        missing = [name for name in REQUIRED if name not in self.index]
        if missing and not (doubtful and len(missing) == 1):
            return f"the header lacks these columns: {', '.join(missing)}"
        repeated = sorted({COLUMNS[name] for name in self.names if name in _KNOWN and self.names.count(name) > 1})
        if repeated:
            return f"the header has these columns more than once: {', '.join(repeated)}"
        return misfit_reason(doubtful) if doubtful else None


@dataclass(frozen=True)
class Sheet:
    """A CSV file of which the header has been read.

    Attributes:
        delimiter: The character between cells.
        header: The columns.
        records: The records after the header, without blank rows.
        header_row: The row of the header, as a spreadsheet counts; 0 if it was read earlier.
        shape: What is known of its rows. Whoever finds another header further down updates it.
        above: What is above the header: each row with its text.
    """

    delimiter: str
    header: Header
    records: Iterator[Record]
    header_row: int = 0
    shape: Shape = field(default_factory=Shape)
    above: tuple[tuple[int, str], ...] = ()


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
        raise damage or UnreadableFileError(_without_header(head, best))
    shape = Shape()
    records = split_records(_again(head, damage, lines), best.delimiter, shape=shape)
    above = [*islice(records, best.above + 1)]
    cells = above.pop().cells
    if glued := next((cell for cell in cells if _DATE.fullmatch(cell) or _DECIMAL.fullmatch(cell)), ""):
        raise UnreadableFileError(f"the header has a column {glued!r}, which looks like a cell of a row")
    if lost := next((record.row for record in above if _is_row(record)), 0):
        raise UnreadableFileError(f"row {lost} is above the header, and looks like a row of a table", lost)
    if len(cells) > MAX_COLUMNS:
        raise UnreadableFileError(f"the header has {len(cells)} columns; at most {MAX_COLUMNS} are allowed")
    header = Header.of(cells)
    shape.delimiters = header.last_required
    texts = tuple((record.row, text) for record in above if (text := record.text))
    return Sheet(best.delimiter, header, without_blank_rows(records), best.above + 1, shape, texts)


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

    Exports repeat the header on each page, and files are joined with theirs. A row has digits in its date and its
    quantity, and no letters, as names of columns do; so only other records are looked at.
    """
    if all(_has_digits_only(_cell(record, header, name)) for name in ("issue_date", "quantity")):
        return None
    if len(record.cells) > MAX_COLUMNS:
        return None
    repeated = Header.of(record.cells)
    names = len(repeated.index) if not record.problem else 0
    if names < MIN_NAMES:
        counted = {_COUNTED.sub("", normalized(cell)) for cell in record.cells} & _KNOWN
        if len(counted) < MIN_NAMES and not _names_columns(record, header):
            return None
        return Header(()) if record.problem else repeated
    has_quantity = any(map(str.isdigit, _cell(record, header, "quantity")))
    return repeated if names > len(REQUIRED) // 2 or not has_quantity else None


def glued_header(record: Record, header: Header) -> Header | None:
    """The header that follows a row in its own line, because the line break between two files is missing.

    Nothing below it can be read by the header above. None if there is no such one.
    """
    if len(record.cells) <= len(header.names) or len(Header.of(record.cells).index) < MIN_NAMES:
        return None
    return Header(())


def _has_digits_only(cell: str) -> bool:
    return any(map(str.isdigit, cell)) and not any(map(str.isalpha, cell))


def _cell(record: Record, header: Header, name: str) -> str:
    index = header.index.get(name, -1)
    return record.cells[index] if 0 <= index < len(record.cells) else ""


def _names_columns(record: Record, header: Header) -> bool:
    """Whether a record names the columns of another table, in words that are not known: nothing below it can be read.

    Its date is a word, and so are two of its numbers at least; no digit is in them. Of a record with wrong quotation
    marks, only the date is looked at if the others are missing.
    """
    if header.problem or (not record.problem and len(record.cells) <= header.last_required):
        return False
    words = [_cell(record, header, name).strip() for name in _NEVER_WORDS]
    is_name = [content(word) != "" and not any(map(str.isdigit, word)) for word in words]
    if not is_name[0] or not any(map(str.isalpha, words[0])) or _TYPES.issuperset(map(str.casefold, words)):
        return False
    if record.problem:
        return all(is_name[1:]) or not any(words[1:])
    return sum(is_name[1:]) > 1 and sum(map(bool, map(content, record.cells))) > len(REQUIRED) // 2


def _is_row(record: Record) -> bool:
    """Whether a record above the header is probably a row, and no banner: it has many cells, and a date is in one."""
    filled = [cell for cell in record.cells if cell.strip()]
    return len(filled) >= len(REQUIRED) - 1 and any(map(_DATE.fullmatch, filled))


def _without_header(head: list[Line], best: _Header) -> str:
    """The reason: another delimiter, or the row that came nearest and the names that are missing there."""
    for line, _ in head:
        for other in _OTHER_DELIMITERS:
            if len(_KNOWN & set(map(normalized, line.split(other)))) >= MIN_NAMES:
                return f"its columns are separated by {other!r}; use , or ; or a tab"
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
