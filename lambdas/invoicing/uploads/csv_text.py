"""From lines of text to CSV records: delimiter and header are found out on the way, in one pass.

Nothing here holds more than a record of the file, the first lines excepted, and every length is bounded.
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
"""Lines in which the header is looked for: banners stand above it."""
MAX_RECORD = 1 << 20
"""Characters of the longest record, which may go over many lines while a quotation mark is open."""
MAX_COLUMNS = 1000
"""Cells of the widest header."""
MAX_BLANK_ROWS = 1 << 20
"""Blank rows in a row: the height of a whole spreadsheet."""
MIN_NAMES = 3
"""Known column names that make a record the header."""

_IGNORED = str.maketrans("", "", " \t\r\n\u00a0_-*")
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([^\r\n])\"?\s*", re.IGNORECASE)

_SOUND_CELL = {
    delimiter: re.compile(rf'(?:"((?:[^"]|""){{0,131072}})"|((?!")[^{delimiter}\r\n]{{0,131072}})){delimiter}')
    for delimiter in DELIMITERS
}

Line = tuple[str, int]
"""A line's text, and the place behind it."""


class Record(NamedTuple):
    """One record.

    Attributes:
        row: The number that a spreadsheet shows: it counts records, however many lines each of them takes.
        start: Where it begins, in bytes of the unpacked file.
        cells: Its cells; if something is wrong with its quoting, those before the first that cannot be told for sure.
        problem: What is wrong with its quoting, if anything is.
    """

    row: int
    start: int
    cells: list[str]
    problem: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A CSV file of which the header has been read.

    Attributes:
        delimiter: What stands between cells.
        header: Names of columns, normalized, in the file's order; empty for those that are not known.
        records: What follows, blank rows left out.
    """

    delimiter: str
    header: list[str]
    records: Iterator[Record]


def normalized(name: str) -> str:
    """A column's name as it is compared: case, blanks, ``_``, ``-`` and ``*`` do not matter."""
    return name.casefold().translate(_IGNORED)


def read_sheet(lines: Lines, known: frozenset[str], required: frozenset[str]) -> Sheet:
    """Find the header and the delimiter.

    Args:
        lines: The file from its beginning.
        known: Normalized names of columns; the header is the first record that has the most of them.
        required: Those that every header has: a record with all of them is the header, whatever stands below it.

    Raises:
        UnreadableFileError: the file is empty, or has no header, or one that no table has.
    """
    head, damage = _head(lines)
    if len(head) < HEADER_WITHIN and not "".join(text for text, _ in head).strip():
        raise damage or UnreadableFileError("the file is empty")
    delimiters, first = _separator_line(head)
    head = head[first:]
    found, above, delimiter = max(
        (_best_record(head, delimiter, known, required) for delimiter in delimiters),
        key=lambda best: (best[0], -best[1]),
    )
    if found < MIN_NAMES and damage:
        raise damage
    if found < MIN_NAMES:
        what = "no header row with the names of the columns was found"
        raise UnreadableFileError(f"{what} in the first {HEADER_WITHIN} lines; is this a CSV file?")
    records = _records(_again(head, damage, lines), delimiter)
    header = next(islice(records, above, None)).cells
    if len(header) > MAX_COLUMNS:
        raise UnreadableFileError(f"the header has {len(header)} columns; {MAX_COLUMNS} is the most")
    names = [normalized(name) for name in header]
    return Sheet(delimiter, [name if name in known else "" for name in names], _with_content(records))


def resume_sheet(lines: Lines, delimiter: str, header: list[str], row: int) -> Sheet:
    """Go on in a file of which the header was read by an earlier `read_sheet`.

    Args:
        lines: The file from the place on where a record begins.
        delimiter: As it was found.
        header: The same.
        row: The number of that record.
    """
    return Sheet(delimiter, header, _with_content(_records(lines, delimiter, lines.position, row)))


def _head(lines: Lines) -> tuple[list[Line], UnreadableFileError | None]:
    """The lines in which the header is looked for, fewer when they are very long, and the damage that ends them early.

    What stands before the damage is read all the same.
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
    """All lines of the file, when its head was read before."""
    yield from head
    if damage:
        raise damage
    yield from rest


def _separator_line(head: list[Line]) -> tuple[tuple[str, ...], int]:
    """The delimiters to try, and how many lines say nothing else.

    Excel writes and obeys a first line such as ``sep=;``. It does not show it, and so does not count it as a row.
    """
    match = _SEPARATOR_LINE.fullmatch(head[0][0])
    if match is None:
        return DELIMITERS, 0
    if match[1] not in DELIMITERS:
        raise UnreadableFileError(f"its first line says that {match[1]!r} stands between cells; use , or ; or a tab")
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
    """The records, from this place and row on; the place is nothing to whoever only looks for the header."""
    measured = _Measured(iter(source), start)
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
            yield Record(row, start, _first_cells(measured.first, delimiter), _explained(str(error)))
        else:
            yield Record(row, start, cells)
        row += 1


def _first_cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line before the first that is wrong: each is quoted soundly or not at all, and has its end.

    A cell that is longer than the CSV reader takes is wrong, too.
    """
    cells: list[str] = []
    position = 0
    while match := _SOUND_CELL[delimiter].match(line, position):
        quoted, bare = match.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        position = match.end()
    return cells


class _Measured:
    """Lines for the CSV reader, which keeps asking for more as long as a quotation mark is open."""

    def __init__(self, source: Iterator[Line], position: int) -> None:
        self._source, self._position = source, position
        self._row = self._characters = 0
        self.first = ""
        """The first line of the record."""

    def begin(self, row: int) -> int:
        """A record begins; returns where."""
        self._row, self._characters = row, 0
        return self._position

    def __iter__(self) -> "_Measured":
        return self

    def __next__(self) -> str:
        line, self._position = next(self._source)
        if not self._characters:
            self.first = line
        self._characters += len(line)
        if self._characters > MAX_RECORD:
            what = f"row {self._row} does not end within a million characters"
            raise UnreadableFileError(f"{what}: probably a quotation mark is missing")
        return line


def _explained(error: str) -> str:
    if "unexpected end of data" in error:
        return "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing"
    if "field larger than" in error:
        return "a cell is longer than 131,072 characters: probably a quotation mark is missing"
    return f"the quotation marks of this row do not match ({error})"


def _with_content(records: Iterator[Record]) -> Iterator[Record]:
    blank = 0
    for record in records:
        if record.problem is not None or any(map(str.strip, record.cells)):
            blank = 0
            yield record
            continue
        blank += 1
        if blank > MAX_BLANK_ROWS:
            what = f"there are more than {MAX_BLANK_ROWS} blank rows above row {record.row}"
            raise UnreadableFileError(what, record.row)
