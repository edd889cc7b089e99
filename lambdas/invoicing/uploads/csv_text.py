"""From lines of text to CSV records: cells, quotation marks, and the rows that a spreadsheet counts.

No more than one record of the file is held at a time, and every length is bounded.

Python's CSV reader reads most records. It takes a quotation mark after a blank for a letter, and so cuts ``a, "b, c"``
into three cells. A record with a blank beside a quotation mark is split here instead.

A missing quotation mark swallows the rows that follow, up to the next one. So a record of several lines whose quotation
marks do not match, or whose cell looks like the end of one row and the beginning of another, ends with its first line,
and its other lines are read again.
"""

import csv
import re
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from invoicing.uploads.csv_bytes import UnreadableFileError

MAX_RECORD = 1 << 20
"""Characters of the longest record. It may take many lines while a quotation mark is open."""
MAX_BLANK_ROWS = 1 << 20
"""Consecutive blank rows: as many as the tallest spreadsheet has."""

_FILLERS = "\0\x1a \t\r\n"
"""NUL, and the sign by which CP/M and DOS end a text."""

MAX_QUOTED_LINES = 64
"""Lines with quotation marks that a record may swallow and that are read again: bounds the time that this takes."""

_CELL_BLANKS = {",": " \t\u00a0", ";": " \t\u00a0", "\t": " \u00a0"}
"""For each delimiter, the blanks that may be on both sides of quotation marks."""
_BLANKS = {delimiter: re.compile(f"[{blanks}]*") for delimiter, blanks in _CELL_BLANKS.items()}
_SPACED = {delimiter: re.compile(f'[{blanks}]"|"[{blanks}]') for delimiter, blanks in _CELL_BLANKS.items()}
_VALID_CELL = {
    delimiter: re.compile(rf'(?:"((?:[^"]|""){{0,131072}})"|((?!")[^{delimiter}\r\n]{{0,131072}})){delimiter}')
    for delimiter in _CELL_BLANKS
}

Line = tuple[str, int]
"""A line's text, and the position after it."""

_DATE = re.compile(r"\s*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([./])[0-9]{1,2}\1[0-9]{2,4})\b.*")


@dataclass
class Shape:
    """What is known of the rows below the current header; it changes with the header.

    Attributes:
        delimiters: How many delimiters a row has at the least, up to its last required cell; 0 if no header is known.
    """

    delimiters: int = 0


class Record(NamedTuple):
    """One record.

    Attributes:
        row: The number that a spreadsheet shows. It counts records, however many lines each of them takes.
        start: Where it begins, in bytes of the unpacked file.
        cells: Its cells. If its quotation marks are wrong, the cells before the first doubtful one.
        problem: What is wrong with its quotation marks, if anything is.
        end: Where the next one begins.
        rest: If its quotation marks are wrong, its first line from the first doubtful cell on.
        is_open: Whether the file ends in its last line, without a line end.
    """

    row: int
    start: int
    cells: list[str]
    problem: str | None = None
    end: int = 0
    rest: str = ""
    is_open: bool = False

    @property
    def text(self) -> str:
        """Its cells as one text, without empty ones."""
        return " ".join(filter(None, map(str.strip, (*self.cells, self.rest))))


def split_records(
    source: Iterable[Line], delimiter: str, start: int = 0, row: int = 1, shape: Shape | None = None
) -> Iterator[Record]:
    """The records, from this position and row on. To find the header, the position does not matter.

    Args:
        source: The lines.
        delimiter: Between cells.
        start: The position of the first line.
        row: The number of the first record.
        shape: What is known of the rows. It is looked at before each record is returned.

    Raises:
        UnreadableFileError: a record does not end, or its missing quotation mark concerns too many lines.
    """
    measured = _MeasuredLines(iter(source), start)
    reader = csv.reader(measured, delimiter=delimiter, strict=True)
    while True:
        start, problem, rest = measured.begin(row), None, ""
        try:
            cells = _cells(reader, measured, delimiter)
        except StopIteration:
            return
        except UnreadableFileError as damage:
            damage.row = row
            raise
        except csv.Error as error:
            problem = _reason(str(error))
        else:
            if (
                len(measured.lines) > 1
                and shape
                and any(_swallows(cells, at, delimiter, shape) for at in range(len(cells)))
            ):
                problem = SWALLOWING
        if problem is not None:
            cells, rest = _first_cells(measured.lines[0], delimiter)
            measured.end_with_first_line()
        yield Record(row, start, cells, problem, measured.position, rest, measured.lines[-1][-1:] not in {"\n", "\r"})
        row += 1


def _cells(reader: Iterator[list[str]], measured: "_MeasuredLines", delimiter: str) -> list[str]:
    """The cells of the next record; one that has blanks beside its quotation marks is split here.

    Raises:
        csv.Error: its quotation marks do not match.
    """
    try:
        cells = next(reader)
    except csv.Error:
        if not _is_spaced(measured.lines, delimiter):
            raise
    else:
        if not _is_spaced(measured.lines, delimiter):
            return cells
    measured.rewind()
    return _split_spaced(measured, delimiter)


def _swallows(cells: list[str], at: int, delimiter: str, shape: Shape) -> bool:
    """Whether a quoted cell of several lines looks like the end of one row, and the beginning of another one.

    Then its first line has as many delimiters as complete the row, its last line as many as are before it in a row, and
    both together as many as a row has. Texts of several lines hardly ever have that many, or a date between delimiters.
    """
    lines = cells[at].splitlines()
    if len(lines) < 2 or not shape.delimiters:
        return False
    if any(any(map(_DATE.fullmatch, line.split(delimiter)[1:-1])) for line in lines[1:]):
        return True
    first, last = lines[0].count(delimiter), lines[-1].count(delimiter)
    after = len(cells) - at - 1
    return min(at + first, last + after, first + last) >= shape.delimiters


def _is_spaced(lines: list[str], delimiter: str) -> bool:
    """Whether a record has a blank beside a quotation mark."""
    return any('"' in line and _SPACED[delimiter].search(line) for line in lines)


def _split_spaced(measured: "_MeasuredLines", delimiter: str) -> list[str]:
    """The cells of one record, in which blanks may be on both sides of quotation marks.

    Raises:
        csv.Error: as the CSV reader does.
    """
    line, position, cells = next(measured), 0, list[str]()
    blanks = _BLANKS[delimiter]
    while True:
        start = blanks.match(line, position).end()  # type: ignore[union-attr]  # it matches nothing, too
        if line[start : start + 1] != '"':
            end = line.find(delimiter, position)
            cells.append(line[position:] if end < 0 else line[position:end])
            if end < 0:
                cells[-1] = cells[-1].rstrip("\r\n")
        else:
            parts = list[str]()
            line, end = _quoted(measured, line, start + 1, parts)
            cells.append("".join(parts))
            end = blanks.match(line, end).end()  # type: ignore[union-attr]
            if not line[end:].strip("\r\n"):
                end = -1
            elif line[end] != delimiter:
                raise csv.Error(f"'{delimiter}' expected after '\"'")
        if len(cells[-1]) > csv.field_size_limit():
            raise csv.Error("field larger than field limit")
        if end < 0:
            return cells
        position = end + 1


def _quoted(measured: "_MeasuredLines", line: str, position: int, parts: list[str]) -> tuple[str, int]:
    """Read a quoted cell into ``parts``; returns the line where it ends, and the position after its last quote."""
    while True:
        quote = line.find('"', position)
        if quote < 0:
            parts.append(line[position:])
            following = next(measured, None)
            if following is None:
                raise csv.Error("unexpected end of data")
            line, position = following, 0
        elif line.startswith('""', quote):
            parts.append(line[position : quote + 1])
            position = quote + 2
        else:
            parts.append(line[position:quote])
            return line, quote + 1


def _first_cells(line: str, delimiter: str) -> tuple[list[str], str]:
    """The cells of a line before the first wrong one, and the rest of the line.

    Each of them is quoted correctly or not at all, and a delimiter ends it. A cell that is longer than the CSV reader
    allows is wrong, too.
    """
    cells: list[str] = []
    position = 0
    while match := _VALID_CELL[delimiter].match(line, position):
        quoted, bare = match.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        position = match.end()
    return cells, line[position:]


class _MeasuredLines:
    """Lines for the CSV reader, which reads more of them as long as a quotation mark is open."""

    def __init__(self, source: Iterator[Line], position: int) -> None:
        self._source, self.position = source, position
        self._row = self._characters = 0
        self._again: deque[Line] = deque()
        self._ends = array("Q")
        self.lines: list[str] = []
        """The lines of the record so far."""

    def begin(self, row: int) -> int:
        """Begin a record; returns its position."""
        self._row, self._characters = row, 0
        self.lines, self._ends = [], array("Q")
        return self.position

    def rewind(self) -> None:
        """Read the lines of the record again."""
        self._again.extendleft(reversed([*zip(self.lines, self._ends, strict=True)]))
        self.lines, self._ends, self._characters = [], array("Q"), 0

    def end_with_first_line(self) -> None:
        """End the record with its first line: the others are read again, as other records.

        Raises:
            UnreadableFileError: they have so many quotation marks that this could go on without end.
        """
        others = [*zip(self.lines, self._ends, strict=True)][1:]
        if sum('"' in line for line, _ in others) > MAX_QUOTED_LINES:
            reason = f"the quotation marks do not match from row {self._row} on: probably one is missing"
            raise UnreadableFileError(reason, self._row)
        self._again.extendleft(reversed(others))
        self.position = self._ends[0]

    def __iter__(self) -> "_MeasuredLines":
        return self

    def __next__(self) -> str:
        line, self.position = self._again.popleft() if self._again else next(self._source)
        self.lines.append(line)
        self._ends.append(self.position)
        self._characters += len(line)
        if self._characters > MAX_RECORD:
            reason = f"row {self._row} does not end within a million characters"
            raise UnreadableFileError(f"{reason}: probably a quotation mark is missing")
        return line


SWALLOWING = "a quoted cell looks like the end of this row and the beginning of another: a quotation mark is missing"
"""The problem of a record whose quotation marks match, although one of them is probably that of another row."""


def _reason(error: str) -> str:
    if "unexpected end of data" in error:
        return "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing"
    if "field larger than" in error:
        return "a cell is longer than 131,072 characters: probably a quotation mark is missing"
    return f"the quotation marks of this row do not match ({error})"


def _has_content(cell: str) -> bool:
    """Whether a cell has more than blanks, and than what old programs fill the end of a file with."""
    return bool(cell.strip() and cell.strip(_FILLERS))


def without_blank_rows(records: Iterator[Record]) -> Iterator[Record]:
    """The records that have content.

    Raises:
        UnreadableFileError: there are more than `MAX_BLANK_ROWS` blank ones between two of them.
    """
    blank = 0
    for record in records:
        if record.problem is not None or any(map(_has_content, record.cells)):
            blank = 0
            yield record
            continue
        blank += 1
        if blank > MAX_BLANK_ROWS:
            reason = f"there are more than {MAX_BLANK_ROWS} blank rows above row {record.row}"
            raise UnreadableFileError(reason, record.row)
