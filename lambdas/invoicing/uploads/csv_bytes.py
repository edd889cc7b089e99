"""From the bytes of an upload to its lines of text: gzip, encoding and line ends, with the place of every line.

The place of a line, in bytes of the unpacked file, is what lets another invocation go on there. Nothing here holds more
than a block and a line, and every length is bounded: memory grows neither with the file nor with what somebody puts
into it.
"""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

MAX_LINE = 1 << 20
"""Bytes of the longest line that is still taken for CSV."""
MAX_UNPACKED = 1 << 30
"""Bytes that come out of a gzip file; a few kilobytes can hold any number."""

UTF_8 = "utf-8"
"""The encoding's name for UTF-8 and Windows-1252 alike: which of them it is shows sequence by sequence."""
UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

_BLOCK = 1 << 16
_TEAR = "\udc80"  # a lone surrogate: decoding never gives one
_GZIP = b"\x1f\x8b"
_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls)",
    b"%PDF": "a PDF",
    _GZIP: "a gzip file inside a gzip file",
}


class UnreadableFileError(Exception):
    """The file as a whole cannot be imported, or not from some row on; the message says why, to the person who sent it.

    Args:
        message: The reason.
        row: The row that could not be read, as a spreadsheet counts; None when it is not about one row.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    undecodable = error.object[error.start : error.end]
    return undecodable.decode("cp1252", errors="replace"), error.end


def _torn(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _TEAR, error.end


codecs.register_error("invoicing.windows-1252", _windows_1252)
codecs.register_error("invoicing.torn", _torn)


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


class Lines:
    """The physical lines of a file, each with its end (line feed, carriage return or both) and the place behind it.

    Attributes:
        gzipped: Whether the bytes came out of a gzip file.
        encoding: `UTF_8` or one of `UTF_16`.
        position: Where the next line begins, in bytes of the unpacked file.
    """

    def __init__(self, stream: io.BufferedReader, *, gzipped: bool, encoding: str, position: int) -> None:
        self.gzipped, self.encoding, self.position = gzipped, encoding, position
        self._lines = _of_bytes(stream) if encoding == UTF_8 else _of_utf_16(stream, encoding)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return self

    def __next__(self) -> tuple[str, int]:
        """One line and the place behind it.

        Raises:
            UnreadableFileError: a line is far too long for CSV, or the bytes are not what they claimed to be.
        """
        line, size = next(self._lines)
        self.position += size
        return line, self.position


def is_gzip(stream: io.BufferedReader) -> bool:
    """Whether the bytes begin as gzip does; none of them is consumed."""
    return stream.peek(2)[:2] == _GZIP


def verify_gzip(stream: io.BufferedReader, pulse: Callable[[], None]) -> None:
    """Unpack a gzip file to nothing, for its checksums stand at its end: damage may look like other rows until then.

    Args:
        stream: The file's bytes; they are consumed.
        pulse: As in `open_lines`.

    Raises:
        UnreadableFileError: it is damaged or cut off, or unpacks to more than `MAX_UNPACKED`.
    """
    unpacked = _unpacked(_metered(stream, pulse), pulse)
    with damage():
        while unpacked.read1(_BLOCK):
            pass


def open_lines(stream: io.BufferedReader, pulse: Callable[[], None] = lambda: None) -> Lines:
    """The file's lines from its beginning: gzip is unpacked; a byte order mark decides for UTF-8 or UTF-16, else UTF-8.

    Bytes that are no UTF-8 are read as Windows-1252, so a file in that encoding needs no second pass: its accented
    letters are practically never valid UTF-8 by accident.

    Args:
        stream: The file's bytes.
        pulse: Called every few thousand bytes, of the file and of what it unpacks to; what it raises ends the reading.

    Raises:
        UnreadableFileError: it begins like gzip and is none, or like something else that is no CSV.
    """
    stream = _metered(stream, pulse)
    gzipped = is_gzip(stream)
    if gzipped:
        stream = _unpacked(stream, pulse)
    with damage():
        start = stream.peek(1024)[:1024]
    _refuse_foreign(start)
    if start[:2] in UTF_16:
        stream.read(2)
        return Lines(stream, gzipped=gzipped, encoding=UTF_16[start[:2]], position=2)
    _refuse_binary(start)
    mark = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    stream.read(mark)
    return Lines(stream, gzipped=gzipped, encoding=UTF_8, position=mark)


def reopen_lines(
    stream: io.BufferedReader, pulse: Callable[[], None], *, gzipped: bool, encoding: str, position: int
) -> Lines:
    """The file's lines from a place that an earlier `Lines` gave.

    Args:
        stream: The file's bytes from that place on; of a gzip file all of them, for it can be unpacked only from its
            beginning.
        pulse: As in `open_lines`.
        gzipped: What `open_lines` found.
        encoding: The same.
        position: The place.

    Raises:
        UnreadableFileError: as `open_lines`.
    """
    stream = _metered(stream, pulse)
    if gzipped:
        stream = _unpacked(stream, pulse)
        left = position
        with damage():
            while left and (skipped := len(stream.read1(min(left, _BLOCK)))):
                left -= skipped
    return Lines(stream, gzipped=gzipped, encoding=encoding, position=position)


@contextmanager
def damage() -> Iterator[None]:
    """Tell what reading damaged files raises as `UnreadableFileError`."""
    try:
        yield
    except (UnicodeError, EOFError, OSError, zlib.error) as error:
        raise UnreadableFileError(f"the file is damaged or cut off: {error}") from error


def _metered(source: Any, pulse: Callable[[], None], most: int | None = None) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", Metered(source, pulse, most)), buffer_size=_BLOCK)


def _unpacked(stream: io.BufferedReader, pulse: Callable[[], None]) -> io.BufferedReader:
    return _metered(gzip.GzipFile(fileobj=stream), pulse, MAX_UNPACKED)


def _refuse_foreign(start: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise UnreadableFileError(f"this is {what}, not a CSV file; save or export it as CSV")


def _refuse_binary(start: bytes) -> None:
    nothing = start.count(0)
    if nothing > len(start) // 4:
        raise UnreadableFileError(
            "the file is UTF-16 without a byte order mark, or no text at all; save it as CSV in UTF-8"
        )
    if nothing:
        raise UnreadableFileError("this is not a CSV file: it holds NUL bytes, which no text does")


def _of_bytes(stream: io.BufferedReader) -> Iterator[tuple[str, int]]:
    with damage():
        rest = b""
        while block := stream.read1(_BLOCK):
            found = (rest + block).splitlines(keepends=True)
            # A carriage return at the end may be the first half of a line's end.
            rest = b"" if found[-1].endswith(b"\n") else found.pop()
            if len(rest) > MAX_LINE:
                raise UnreadableFileError("this is not a CSV file: it has a line of more than a million characters")
            for line in found:
                yield line.decode(UTF_8, "invoicing.windows-1252"), len(line)
        if rest:
            yield rest.decode(UTF_8, "invoicing.windows-1252"), len(rest)


def _of_utf_16(stream: io.BufferedReader, encoding: str) -> Iterator[tuple[str, int]]:
    # Whole blocks are decoded at once: damage is marked, so that the lines of the block before it are not lost with it.
    text = io.TextIOWrapper(stream, encoding=encoding, errors="invoicing.torn", newline="")
    with damage():
        while line := text.readline(MAX_LINE):
            if _TEAR in line:
                raise UnreadableFileError("the file is damaged or cut off: it is not UTF-16 throughout")
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                raise UnreadableFileError("this is not a CSV file: it has a line of more than a million characters")
            yield line, len(line.encode(encoding))
