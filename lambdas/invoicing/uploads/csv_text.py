"""From lines of text to CSV records, in one pass that also finds the delimiter and the header.

No more than one record of the file is held at a time, except the first lines, and every length is bounded.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from invoicing.uploads.csv_bytes import Lines, UnreadableFileError

DELIMITERS = (",", ";", "\t")
HEADER_WITHIN = 50
"""Lines in which the header is looked for: there may be banners above it."""
MAX_RECORD = 1 << 20
"""Characters of the longest record. It may take many lines while a quotation mark is open."""
MAX_COLUMNS = 1000
"""Cells of the widest header."""
MAX_BLANK_ROWS = 1 << 20
"""Consecutive blank rows: as many as the tallest spreadsheet has."""
MIN_NAMES = 3
"""Known column names that a header has at the least."""

_IGNORED = str.maketrans("", "", " \t\r\n\u00a0_-*")
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([^\r\n])\"?\s*", re.IGNORECASE)

_VALID_CELL = {
    delimiter: re.compile(rf'(?:"((?:[^"]|""){{0,131072}})"|((?!")[^{delimiter}\r\n]{{0,131072}})){delimiter}')
    for delimiter in DELIMITERS
}

Line = tuple[str, int]
"""A line's text, and the position after it."""


class Record(NamedTuple):
    """One record.

    Attributes:
        row: The number that a spreadsheet shows. It counts records, however many lines each of them takes.
        start: Where it begins, in bytes of the unpacked file.
        cells: Its cells. If its quotation marks are wrong, the cells before the first doubtful one.
        problem: What is wrong with its quotation marks, if anything is.
    """

    row: int
    start: int
    cells: list[str]
    problem: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A CSV file of which the header has been read.

    Attributes:
        delimiter: The character between cells.
        header: Names of columns, normalized, in the file's order; empty for unknown columns.
        records: The records after the header, without blank rows.
    """

    delimiter: str
    header: list[str]
    records: Iterator[Record]


def normalized(name: str) -> str:
    """A column's name as it is compared: without case, blanks, ``_``, ``-`` and ``*``."""
    return name.casefold().translate(_IGNORED)


def read_sheet(lines: Lines, known: frozenset[str], required: frozenset[str]) -> Sheet:
    """Find the header and the delimiter.

    Args:
        lines: The file from its beginning.
        known: Normalized names of columns. The header is the first record that has the most of them.
        required: The names that every header has. A record with all of them is the header, whatever is below it.

    Raises:
        UnreadableFileError: the file is empty, has no header, or has one with too many columns.
    """
    head, damage = _head(lines)
    if len(head) < HEADER_WITHIN and not "".join(text for text, _ in head).strip():
        raise damage or UnreadableFileError("the file is empty")
    delimiters, first = _separator_line(head)
    head = head[first:]
    known_names, above, delimiter = max(
        (_best_record(head, delimiter, known, required) for delimiter in delimiters),
        key=lambda best: (best[0], -best[1]),
    )
    if known_names < MIN_NAMES and damage:
        raise damage
    if known_names < MIN_NAMES:
        reason = "no header row with the names of the columns was found"
        raise UnreadableFileError(f"{reason} in the first {HEADER_WITHIN} lines; is this a CSV file?")
    records = _records(_again(head, damage, lines), delimiter)
    header = next(islice(records, above, None)).cells
    if len(header) > MAX_COLUMNS:
        raise UnreadableFileError(f"the header has {len(header)} columns; at most {MAX_COLUMNS} are allowed")
    names = [normalized(name) for name in header]
    return Sheet(delimiter, [name if name in known else "" for name in names], _without_blank_rows(records))


def resume_sheet(lines: Lines, delimiter: str, header: list[str], row: int) -> Sheet:
    """Go on in a file whose header was read by an earlier `read_sheet`.

    Args:
        lines: The file from where a record begins.
        delimiter: As the earlier `Sheet` had it.
        header: The same.
        row: The number of that record.
    """
    return Sheet(delimiter, header, _without_blank_rows(_records(lines, delimiter, lines.position, row)))


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


def _best_record(
    head: list[Line], delimiter: str, known: frozenset[str], required: frozenset[str]
) -> tuple[int, int, str]:
    best = (0, 0)
    for index, record in enumerate(_records(head, delimiter)):
        names = frozenset() if record.problem else known & {normalized(cell) for cell in record.cells}
        if len(names) > best[0]:
            best = (len(names), index)
        if required <= names:
            break
    return (*best, delimiter)


def _records(source: Iterable[Line], delimiter: str, start: int = 0, row: int = 1) -> Iterator[Record]:
    """The records, from this position and row on. To find the header, the position does not matter."""
    measured = _MeasuredLines(iter(source), start)
    reader = csv.reader(measured, delimiter=delimiter, strict=True)
    while True:
        start = measured.begin(row)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnreadableFileError as damage:
            damage.row = row
            raise
        except csv.Error as error:
            yield Record(row, start, _first_cells(measured.first, delimiter), _reason(str(error)))
        else:
            yield Record(row, start, cells)
        row += 1


def _first_cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line before the first wrong one: each is quoted correctly or not at all, and a delimiter ends it.

    A cell that is longer than the CSV reader allows is wrong, too.
    """
    cells: list[str] = []
    position = 0
    while match := _VALID_CELL[delimiter].match(line, position):
        quoted, bare = match.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        position = match.end()
    return cells


class _MeasuredLines:
    """Lines for the CSV reader, which reads more of them as long as a quotation mark is open."""

    def __init__(self, source: Iterator[Line], position: int) -> None:
        self._source, self._position = source, position
        self._row = self._characters = 0
        self.first = ""
        """The first line of the record."""

    def begin(self, row: int) -> int:
        """Begin a record; returns its position."""
        self._row, self._characters = row, 0
        return self._position

    def __iter__(self) -> "_MeasuredLines":
        return self

    def __next__(self) -> str:
        line, self._position = next(self._source)
        if not self._characters:
            self.first = line
        self._characters += len(line)
        if self._characters > MAX_RECORD:
            reason = f"row {self._row} does not end within a million characters"
            raise UnreadableFileError(f"{reason}: probably a quotation mark is missing")
        return line


def _reason(error: str) -> str:
    if "unexpected end of data" in error:
        return "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing"
    if "field larger than" in error:
        return "a cell is longer than 131,072 characters: probably a quotation mark is missing"
    return f"the quotation marks of this row do not match ({error})"


def _without_blank_rows(records: Iterator[Record]) -> Iterator[Record]:
    blank = 0
    for record in records:
        if record.problem is not None or any(map(str.strip, record.cells)):
            blank = 0
            yield record
            continue
        blank += 1
        if blank > MAX_BLANK_ROWS:
            reason = f"there are more than {MAX_BLANK_ROWS} blank rows above row {record.row}"
            raise UnreadableFileError(reason, record.row)
