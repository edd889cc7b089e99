"""From the bytes of an upload to CSV records: encoding, delimiter and header are found out on the way, in one pass.

Nothing here holds more than a line of the file, the first lines excepted, so memory does not grow with the file.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, cast

DELIMITERS = (",", ";", "\t")
HEADER_WITHIN = 50
"""Lines in which the header is looked for: banners stand above it."""
MAX_LINE = 1 << 20
"""Characters of the longest line that is still taken for CSV."""
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


def open_text(stream: io.BufferedReader) -> io.TextIOWrapper:
    """The file as text: gzip is unpacked, a byte order mark decides for UTF-8 or UTF-16, else UTF-8 is assumed.

    Bytes that are no UTF-8 are read as Windows-1252, so a file in that encoding needs no second pass: its accented
    letters are practically never valid UTF-8 by accident.
    """
    if stream.peek(2)[:2] == b"\x1f\x8b":
        stream = io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=stream)))
    start = stream.peek(4)[:4]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return io.TextIOWrapper(stream, encoding="utf-16", newline="")
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="invoicing.windows-1252", newline="")


def lines(text: IO[str]) -> Iterator[str]:
    """The physical lines, with their ends.

    Raises:
        UnreadableFileError: when a line is far too long for CSV, or the bytes are not what they claimed to be.
    """
    try:
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                raise UnreadableFileError("this is not a CSV file: it has a line of more than a million characters")
            yield line
    except (UnicodeError, EOFError, OSError, zlib.error) as error:
        raise UnreadableFileError(f"the file is damaged or cut off: {error}") from error


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
        UnreadableFileError: the file is empty, or has no header.
    """
    source = lines(text)
    head = list(islice(source, HEADER_WITHIN))
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
    return Sheet(delimiter, [normalized(name) for name in header], (record for record in records if _filled(record)))


def _best_record(head: list[str], delimiter: str, known: frozenset[str]) -> tuple[int, int, str]:
    best = (0, 0)
    for index, record in enumerate(_records(iter(head), delimiter)):
        count = len(known & {normalized(cell) for cell in record.cells})
        if count > best[0]:
            best = (count, index)
    return (*best, delimiter)


def _records(source: Iterator[str], delimiter: str) -> Iterator[Record]:
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(row, [], _explained(str(error)))
        else:
            yield Record(row, cells)


def _explained(error: str) -> str:
    if "unexpected end of data" in error:
        return "the file ends inside a quoted cell: it is cut off, or a quotation mark is missing"
    if "field larger than" in error:
        return "a cell is longer than 131,072 characters: probably a quotation mark is missing"
    return f"the quotation marks of this row do not match ({error})"


def _filled(record: Record) -> bool:
    return record.problem is not None or any(cell.strip() for cell in record.cells)
