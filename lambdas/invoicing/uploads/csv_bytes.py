"""From the bytes of an upload to its lines of text: gzip, encoding and line ends, with the position of every line.

A line's position, in bytes of the unpacked file, lets another invocation go on there. No more than a block and a line
are held at a time, and every length is bounded. So memory grows neither with the file nor with anything in it.
"""

import codecs
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

MAX_LINE = 1 << 20
"""Bytes of the longest line that still counts as CSV."""
MAX_UNPACKED = 1 << 30
"""Bytes to unpack from a gzip file at the most; a few kilobytes can hold any number of them."""

UTF_8 = "utf-8"
"""The encoding's name for both UTF-8 and Windows-1252: each sequence of bytes shows which of them it is."""
UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

_ASCII = "".join(map(chr, range(128)))
_ESCAPING = ("idna", "iso2022", "raw", "unicode")
_STRICT_UTF_8 = "utf-8-sig"  # another name than `UTF_8`, because nothing is read as Windows-1252 if UTF-8 is declared
_BLOCK = 1 << 16
_FIRST_STEP = 1 << 8
_ZEROS = re.compile(rb"\0+")
_TEAR = "\udc80"  # a lone surrogate: decoding never yields one
_GZIP = b"\x1f\x8b"
_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls)",
    b"%PDF": "a PDF",
    _GZIP: "a gzip file inside a gzip file",
}


class UnreadableFileError(Exception):
    """The file cannot be imported at all, or not from some row on. The message is for the person who sent it.

    Args:
        message: The reason.
        row: The row that could not be read, as a spreadsheet counts; None if the error is not about one row.
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
    """A stream that calls a function before every read, and fails when more bytes come than are allowed.

    Args:
        source: Where the bytes come from.
        pulse: Called before every read. An exception that it raises ends the reading.
        limit: The bytes that are allowed; None for any number.
    """

    def __init__(self, source: Any, pulse: Callable[[], None], limit: int | None = None) -> None:
        super().__init__()
        self._source, self._pulse, self._limit = source, pulse, limit
        self._read = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there at once; 0 at the end.

        Raises:
            UnreadableFileError: more bytes came than are allowed.
        """
        self._pulse()
        data: bytes = self._source.read1(len(buffer))
        buffer[: len(data)] = data
        self._read += len(data)
        if self._limit is not None and self._read > self._limit:
            raise UnreadableFileError(f"the file unpacks to more than {self._limit >> 20} MB; split it")
        return len(data)


class _Members:
    """The content of a gzip file: of all its members (RFC 1952, section 2.2), one after the other.

    `gzip.GzipFile` copies the rest of its buffer after every member. So a file of many tiny members costs it thousands
    of times as long as one of the same size with a single member. Here no more than a few hundred bytes are passed to
    zlib at the beginning of a member, and twice as many each time while it goes on.

    Args:
        source: The file's bytes.
    """

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._bytes, self._at = b"", 0
        self._member: Any = None
        self._step = _FIRST_STEP

    def read1(self, size: int) -> bytes:
        """Unpack up to some bytes; none at the end.

        Raises:
            EOFError: the file ends within a member.
            OSError: something else than a member follows.
            zlib.error: a member is damaged.
        """
        while self._member is not None or self._next_member():
            given = self._bytes[self._at : self._at + self._step] if self._fill() else b""
            data: bytes = self._member.decompress(given, size)
            rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._at += len(given) - len(rest)
            self._step = min(self._step * 2, _BLOCK)
            if self._member.eof:
                self._member = None
            elif not data and not given:
                raise EOFError("it ends before its end-of-stream marker")
            if data:
                return data
        return b""

    def _next_member(self) -> bool:
        """Begin the next member, if there is one; zeros may fill the end of a file, as after a tape's block."""
        while self._fill() and (zeros := _ZEROS.match(self._bytes, self._at)):
            self._at = zeros.end()
        if not self._fill():
            return False
        if self._bytes[self._at] != _GZIP[0]:
            raise OSError("something that is not gzip follows")
        self._member, self._step = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), _FIRST_STEP
        return True

    def _fill(self) -> bool:
        """Read a block if none is left; whether there is anything."""
        if self._at == len(self._bytes):
            self._bytes, self._at = self._source.read1(_BLOCK), 0
        return bool(self._bytes)


class Lines:
    """The physical lines of a file, each with its end (line feed, carriage return or both) and the position after it.

    Attributes:
        gzipped: Whether the bytes were unpacked from a gzip file.
        encoding: `UTF_8`, one of `UTF_16`, or the encoding that the uploader has declared.
        position: Where the next line begins, in bytes of the unpacked file.
        not_utf_8: Whether a line so far was read as Windows-1252, because its bytes are not UTF-8.
        is_utf_8: Whether a line so far is UTF-8 and no ASCII, though another encoding is declared.
        is_other: Whether a line so far is not UTF-8 then.
    """

    def __init__(self, stream: io.BufferedReader, *, gzipped: bool, encoding: str, position: int) -> None:
        self.gzipped, self.encoding, self.position = gzipped, encoding, position
        self.not_utf_8 = self.is_utf_8 = self.is_other = False
        is_utf_16 = encoding in UTF_16.values()
        self._lines = _of_utf_16(stream, encoding) if is_utf_16 else _of_bytes(stream, self._decode)

    def _decode(self, line: bytes) -> str:
        if self.encoding != UTF_8:
            if self.encoding != _STRICT_UTF_8 and not line.isascii():
                self._look_for_utf_8(line)
            return line.decode(self.encoding, "replace")
        try:
            return line.decode(UTF_8)
        except UnicodeDecodeError:
            self.not_utf_8 = True
            return line.decode(UTF_8, "invoicing.windows-1252")

    def _look_for_utf_8(self, line: bytes) -> None:
        """Note whether a line that is declared to have another encoding is UTF-8: hardly ever by accident."""
        try:
            line.decode(UTF_8)
            self.is_utf_8 = True
        except UnicodeDecodeError:
            self.is_other = True

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return self

    def __next__(self) -> tuple[str, int]:
        """One line and the position after it.

        Raises:
            UnreadableFileError: a line is far too long for CSV, or the bytes do not match the encoding.
        """
        line, size = next(self._lines)
        self.position += size
        return line, self.position


def is_gzip(stream: io.BufferedReader) -> bool:
    """Whether the bytes begin as a gzip file does; none of them is consumed."""
    return stream.peek(2)[:2] == _GZIP


def verify_gzip(stream: io.BufferedReader, pulse: Callable[[], None]) -> int:
    """Unpack a gzip file and drop its content, to compare the checksum at its end. Damage may look like other rows.

    Args:
        stream: The file's bytes; they are consumed.
        pulse: As in `open_lines`.

    Returns:
        How many bytes it unpacks to.

    Raises:
        UnreadableFileError: it is damaged or cut off, or unpacks to more than `MAX_UNPACKED`.
    """
    unpacked = _unpacked(_metered(stream, pulse), pulse)
    size = 0
    with damage():
        while block := unpacked.read1(_BLOCK):
            size += len(block)
    return size


def open_lines(stream: io.BufferedReader, pulse: Callable[[], None] = lambda: None, declared: str = "") -> Lines:
    """The file's lines from its beginning: unpacked, and decoded as its byte order mark or its uploader says.

    Without either they are UTF-8, and bytes that are not UTF-8 are read as Windows-1252. So a file in that encoding
    needs no second pass: its accented letters are practically never valid UTF-8 by accident.

    Args:
        stream: The file's bytes.
        pulse: Called every few thousand bytes, of the file and of its unpacked content. An exception that it raises
            ends the reading.
        declared: The encoding that the uploader has declared, as `declared_encoding` returns it.

    Raises:
        UnreadableFileError: it begins as a gzip file does but is damaged, or it begins as other files than CSV do.
    """
    stream = _metered(stream, pulse)
    gzipped = is_gzip(stream)
    if gzipped:
        stream = _unpacked(stream, pulse)
    with damage():
        start = stream.peek(1024)[:1024]
    _reject_other_formats(start)
    if start[:2] not in UTF_16:
        text = start.rstrip(b"\0")
        start = text if text.endswith((b"\n", b"\r", b"\x1a")) else start  # what fills the end of a file
    _reject_utf_32(start)
    if start[:2] in UTF_16:
        stream.read(2)
        return Lines(stream, gzipped=gzipped, encoding=UTF_16[start[:2]], position=2)
    _reject_binary(start)
    mark = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    stream.read(mark)
    encoding = UTF_8 if mark else declared or UTF_8
    return Lines(stream, gzipped=gzipped, encoding=encoding, position=mark)


def declared_encoding(name: str) -> str | None:
    """The encoding of a name, as Python calls it; None if lines of text cannot be found in it.

    They can where ASCII is written as ASCII, and no letter changes the meaning of those after it.
    """
    try:
        encoding = codecs.lookup(name).name
        has_ascii = bytes(range(128)).decode(encoding) == _ASCII
    except (LookupError, ValueError):
        return None
    if not has_ascii or encoding.startswith(_ESCAPING):
        return None
    return _STRICT_UTF_8 if encoding == UTF_8 else encoding


def reopen_lines(
    stream: io.BufferedReader, pulse: Callable[[], None], *, gzipped: bool, encoding: str, position: int
) -> Lines:
    """The file's lines from a position that an earlier `Lines` had.

    Args:
        stream: The file's bytes from that position on. Of a gzip file all of them, because it can only be unpacked from
            its beginning.
        pulse: As in `open_lines`.
        gzipped: As the earlier `Lines` had it.
        encoding: The same.
        position: The position.

    Raises:
        UnreadableFileError: as `open_lines`.
    """
    stream = _metered(stream, pulse)
    if gzipped:
        stream = _unpacked(stream, pulse)
        remaining = position
        with damage():
            while remaining and (skipped := len(stream.read1(min(remaining, _BLOCK)))):
                remaining -= skipped
    return Lines(stream, gzipped=gzipped, encoding=encoding, position=position)


@contextmanager
def damage() -> Iterator[None]:
    """Turn the errors that reading damaged files raises into `UnreadableFileError`."""
    try:
        yield
    except (UnicodeError, EOFError, OSError, zlib.error) as error:
        raise UnreadableFileError(f"the file is damaged or cut off: {error}") from error


def _metered(source: Any, pulse: Callable[[], None], limit: int | None = None) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", Metered(source, pulse, limit)), buffer_size=_BLOCK)


def _unpacked(stream: io.BufferedReader, pulse: Callable[[], None]) -> io.BufferedReader:
    return _metered(_Members(stream), pulse, MAX_UNPACKED)


def _reject_other_formats(start: bytes) -> None:
    for magic, name in _FORMATS.items():
        if start.startswith(magic):
            raise UnreadableFileError(f"this is {name}, not a CSV file; save or export it as CSV")


def _reject_utf_32(start: bytes) -> None:
    has_mark = start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
    if has_mark or start.count(0) * 2 > len(start):  # UTF-16 has a NUL for each ASCII letter, UTF-32 three
        raise UnreadableFileError("the file is UTF-32, or not text at all; save it as CSV in UTF-8")


def _reject_binary(start: bytes) -> None:
    nul_bytes = start.count(0)
    if nul_bytes > len(start) // 4:
        raise UnreadableFileError(
            "the file is UTF-16 without a byte order mark, or not text at all; save it as CSV in UTF-8"
        )
    if nul_bytes:
        raise UnreadableFileError("this is not a CSV file: it contains NUL bytes, which text never does")


def _of_bytes(stream: io.BufferedReader, decode: Callable[[bytes], str]) -> Iterator[tuple[str, int]]:
    with damage():
        rest = b""
        while block := stream.read1(_BLOCK):
            lines = (rest + block).splitlines(keepends=True)
            # A carriage return at the end may be the first half of a line end.
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
            if len(rest) > MAX_LINE:
                raise UnreadableFileError("this is not a CSV file: it has a line of more than a million characters")
            for line in lines:
                yield decode(line), len(line)
        if rest:
            yield decode(rest), len(rest)


def _of_utf_16(stream: io.BufferedReader, encoding: str) -> Iterator[tuple[str, int]]:
    # Whole blocks are decoded at once. Damage is only marked, so that lines before it in the block are not lost.
    text = io.TextIOWrapper(stream, encoding=encoding, errors="invoicing.torn", newline="")
    with damage():
        while line := text.readline(MAX_LINE):
            if _TEAR in line:
                raise UnreadableFileError("the file is damaged or cut off: it contains bytes that are not UTF-16")
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                raise UnreadableFileError("this is not a CSV file: it has a line of more than a million characters")
            yield line, len(line.encode(encoding))
