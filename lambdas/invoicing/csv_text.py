"""From the bytes of an upload to CSV records: encoding, delimiter and header are found out on the way, in one pass.

Nothing here holds more than a record of the file, the first lines excepted, and every length is bounded: memory grows
neither with the file nor with what somebody puts into it.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any, cast

DELIMITERS = (",", ";", "\t")
HEADER_WITHIN = 50
"""Lines in which the header is looked for: banners stand above it."""
MAX_LINE = 1 << 20
"""Characters of the longest line that is still taken for CSV."""
MAX_RECORD = 1 << 20
"""Characters of the longest record, which may go over many lines while a quotation mark is open."""
MAX_COLUMNS = 1000
"""Cells of the widest header."""
MAX_BLANK_ROWS = 1 << 20
"""Blank rows in a row: the height of a whole spreadsheet."""
MAX_UNPACKED = 1 << 30
"""Bytes that come out of a gzip file; a few kilobytes can hold any number."""
MIN_NAMES = 3
"""Known column names that make a record the header."""


class UnreadableFileError(Exception):
    """The file as a whole cannot be imported; the message says why, to the person who sent it."""


@dataclass(frozen=True)
class Record:
    """One record: ``row`` is the number that a spreadsheet shows; ``problem`` is set when its quoting is broken."""

    row: int
    cells: list[str]
    problem: str | None = None


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    undecodable = error.object[error.start : error.end]
    return undecodable.decode("cp1252", errors="replace"), error.end


codecs.register_error("invoicing.windows-1252", _windows_1252)


class Metered(io.RawIOBase):
    """A stream that tells when it is read, and ends with a reason when too much comes out of it.

    Args:
        source: Where the bytes come from.
        pulse: Called before every read; what it raises ends the reading.
        most: The bytes to let through, if there is a bound.
    """

    def __init__(self, source: Any, pulse: Callable[[], None], most: int | None = None) -> None:
        super().__init__()
        self._source, self._pulse, self._most = source, pulse, most
        self._read = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill what can be had at once; 0 at the end.

        Raises:
            UnreadableFileError: more bytes came than are let through.
        """
        self._pulse()
        data: bytes = self._source.read1(len(buffer))
        buffer[: len(data)] = data
        self._read += len(data)
        if self._most is not None and self._read > self._most:
            raise UnreadableFileError(f"the file unpacks to more than {self._most >> 20} MB; split it")
        return len(data)


def open_text(stream: io.BufferedReader, pulse: Callable[[], None] = lambda: None) -> io.TextIOWrapper:
    """The file as text: gzip is unpacked, a byte order mark decides for UTF-8 or UTF-16, else UTF-8 is assumed.

    Bytes that are no UTF-8 are read as Windows-1252, so a file in that encoding needs no second pass: its accented
    letters are practically never valid UTF-8 by accident.

    Args:
        stream: The file's bytes.
        pulse: Called every few thousand bytes, of the file and of what it unpacks to; what it raises ends the reading.

    Raises:
        UnreadableFileError: it begins like gzip and is none.
    """
    stream = _metered(stream, pulse)
    if stream.peek(2)[:2] == b"\x1f\x8b":
        stream = _metered(gzip.GzipFile(fileobj=stream), pulse, MAX_UNPACKED)
    with _damage():
        start = stream.peek(4)[:4]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return io.TextIOWrapper(stream, encoding="utf-16", newline="")
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="invoicing.windows-1252", newline="")


def _metered(source: Any, pulse: Callable[[], None], most: int | None = None) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", Metered(source, pulse, most)))


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (UnicodeError, EOFError, OSError, zlib.error) as error:
        raise UnreadableFileError(f"the file is damaged or cut off: {error}") from error


def lines(text: IO[str]) -> Iterator[str]:
    """The physical lines, with their ends.

    Raises:
        UnreadableFileError: when a line is far too long for CSV, or the bytes are not what they claimed to be.
    """
    with _damage():
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                raise UnreadableFileError("this is not a CSV file: it has a line of more than a million characters")
            yield line


def normalized(name: str) -> str:
    """A column's name as it is compared: case, blanks, ``_``, ``-`` and ``*`` do not matter."""
    return "".join(character for character in name.casefold() if character not in " \t\r\n\u00a0_-*")


@dataclass(frozen=True)
class Sheet:
    """A CSV file of which the header has been read.

    Attributes:
        delimiter: What stands between cells.
        header: Names of columns, normalized, in the file's order.
        records: What follows the header, blank lines left out.
    """

    delimiter: str
    header: list[str]
    records: Iterator[Record]


def read_sheet(text: IO[str], known: frozenset[str]) -> Sheet:
    """Find the header and the delimiter.

    Args:
        text: The file, opened so that line ends are kept.
        known: Normalized names of columns; the header is the first record that has the most of them.

    Raises:
        UnreadableFileError: the file is empty, or has no header, or one that no table has.
    """
    source = lines(text)
    head = _head(source)
    if not "".join(head).strip():
        raise UnreadableFileError("the file is empty")
    found, above, delimiter = max(
        (_best_record(head, delimiter, known) for delimiter in DELIMITERS), key=lambda best: (best[0], -best[1])
    )
    if found < MIN_NAMES:
        what = "no header row with the names of the columns was found"
        raise UnreadableFileError(f"{what} in the first {HEADER_WITHIN} lines; is this a CSV file?")
    records = _records(chain(head, source), delimiter)
    header = next(islice(records, above, None)).cells
    if len(header) > MAX_COLUMNS:
        raise UnreadableFileError(f"the header has {len(header)} columns; {MAX_COLUMNS} is the most")
    return Sheet(delimiter, [normalized(name) for name in header], _with_content(records))


def _head(source: Iterator[str]) -> list[str]:
    """The lines in which the header is looked for; fewer when they are very long."""
    head: list[str] = []
    characters = 0
    for line in islice(source, HEADER_WITHIN):
        head.append(line)
        characters += len(line)
        if characters >= MAX_RECORD:
            break
    return head


def _best_record(head: list[str], delimiter: str, known: frozenset[str]) -> tuple[int, int, str]:
    best = (0, 0)
    for index, record in enumerate(_records(iter(head), delimiter)):
        count = len(known & {normalized(cell) for cell in record.cells})
        if count > best[0]:
            best = (count, index)
    return (*best, delimiter)


def _records(source: Iterator[str], delimiter: str) -> Iterator[Record]:
    measured = _Measured(source)
    reader = csv.reader(measured, delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        measured.begin(row)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(row, [], _explained(str(error)))
        else:
            yield Record(row, cells)


class _Measured:
    """Lines for the CSV reader, which keeps asking for more as long as a quotation mark is open."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._row = self._characters = 0

    def begin(self, row: int) -> None:
        self._row, self._characters = row, 0

    def __iter__(self) -> "_Measured":
        return self

    def __next__(self) -> str:
        line = next(self._source)
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
        if record.problem is not None or any(cell.strip() for cell in record.cells):
            blank = 0
            yield record
            continue
        blank += 1
        if blank > MAX_BLANK_ROWS:
            raise UnreadableFileError(f"there are more than {MAX_BLANK_ROWS} blank rows above row {record.row}")
