"""From bytes to lines: how a file may begin, where its lines are, what is damaged, when the time is checked."""

import codecs
import gzip
import io
import re
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from invoicing.uploads import csv_bytes
from invoicing.uploads.csv_bytes import (
    MAX_LINE,
    UTF_8,
    Lines,
    UnreadableFileError,
    open_lines,
    reopen_lines,
    verify_gzip,
)
from tests.data.csv_reading import read
from tests.data.csv_small_files import H as HOSTILE_HEADER

TEXT = "Größe;x\r\n\r\n€ 5\rend\n" + "long " * 30_000 + "\nlast"
UNMARKED = "the file is UTF-16 without a byte order mark, or not text at all; save it as CSV in UTF-8"
NUL = "this is not a CSV file: it contains NUL bytes, which text never does"
SAVE = ", not a CSV file; save or export it as CSV"
LONG = "this is not a CSV file: it has a line of more than a million characters"


def stream(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def texts(data: bytes) -> list[str]:
    return [text for text, _ in open_lines(stream(data))]


class OutOfTime(Exception):
    pass


def checks(count: int) -> Callable[[], None]:
    """A check of the time that passes so many times."""
    remaining = iter(range(count))

    def pulse() -> None:
        if next(remaining, None) is None:
            raise OutOfTime

    return pulse


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "cp1252"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
    ids=["utf-8", "mark", "cp1252", "utf-16-le", "utf-16-be"],
)
def test_a_file_is_read_on_from_the_position_after_any_line(mark: bytes, encoding: str, packed: bool) -> None:  # noqa: FBT001
    data = mark + TEXT.encode(encoding)
    content = gzip.compress(data) if packed else data
    lines = open_lines(stream(content))
    all_lines = list(lines)
    assert "".join(text for text, _ in all_lines) == TEXT
    assert lines.position == all_lines[-1][1] == len(data)
    for index, (_, position) in enumerate(all_lines):
        rest = reopen_lines(
            stream(content if packed else data[position:]),
            lambda: None,
            gzipped=lines.gzipped,
            encoding=lines.encoding,
            position=position,
        )
        assert (rest.gzipped, rest.encoding, rest.position) == (packed, lines.encoding, position)
        assert list(rest) == all_lines[index + 1 :]


def test_the_first_line_begins_after_the_byte_order_mark() -> None:
    positions = [open_lines(stream(mark + b"a\n")).position for mark in (b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE)]
    assert positions == [0, 3, 2]


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"\x80 caf\xe9\n", "€ café\n"), ("é".encode() + b"\xe9\n", "éé\n"), (b"\x81\n", "\ufffd\n")],
    ids=["windows-1252", "both", "in-neither"],
)
def test_each_sequence_that_is_not_utf_8_is_read_as_windows_1252(data: bytes, text: str) -> None:
    assert texts(data) == [text]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"abcdefgh" + b"\x00" * 3, UNMARKED),
        (b"abcdefgh" + b"\x00" * 2, NUL),
        (b"abc\x00", NUL),
        (b"x" * 1023 + b"\x00", NUL),
        (gzip.compress(gzip.compress(b"a\n")), f"this is a gzip file inside a gzip file{SAVE}"),
        (b"%PDF-1.7", f"this is a PDF{SAVE}"),
    ],
    ids=["more-than-a-quarter", "less", "a-quarter", "far-in", "gzip-in-gzip", "pdf"],
)  # fmt: skip
def test_binary_files_are_distinguished_from_text_in_another_encoding(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError) as failure:
        open_lines(stream(data))
    assert str(failure.value) == reason


def test_text_without_nul_bytes_among_the_first_thousand_is_accepted() -> None:
    assert texts(b"x" * 1024 + b"\x00") == ["x" * 1024 + "\x00"]


@pytest.mark.parametrize("end", ["\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding", "most"),
    [(b"", "utf-8", MAX_LINE), (codecs.BOM_UTF16_LE, "utf-16-le", MAX_LINE - 1)],  # there its end counts, too
    ids=["utf-8", "utf-16"],
)
def test_a_line_may_be_as_long_as_the_limit_and_no_longer(mark: bytes, encoding: str, most: int, end: str) -> None:
    longest = "x" * most + end
    assert texts(mark + (longest + "y\n").encode(encoding)) == [longest, "y\n"]
    with pytest.raises(UnreadableFileError) as failure:
        texts(mark + ("x" * (MAX_LINE + 70_000) + end).encode(encoding))

    assert str(failure.value) == LONG


@pytest.mark.parametrize("data", [b"a\rb\r", b"a\r\nb\r\n", b"a\nb", b"a\n\r"])
def test_lines_keep_their_ends_the_last_one_too(data: bytes) -> None:
    assert "".join(texts(data)).encode() == data
    assert len(texts(data)) == 2


class Failing(io.RawIOBase):
    """A file whose storage sends some blocks and then fails."""

    def __init__(self, *blocks: bytes) -> None:
        super().__init__()
        self._blocks = iter(blocks)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = next(self._blocks, None)
        if block is None:
            raise OSError("the connection was closed")
        buffer[: len(block)] = block
        return len(block)


def test_complete_lines_before_a_failure_are_not_lost() -> None:
    lines = open_lines(io.BufferedReader(Failing(b"a\nb\n", b"c\n")))
    assert [next(lines) for _ in range(3)] == [("a\n", 2), ("b\n", 4), ("c\n", 6)]
    with pytest.raises(UnreadableFileError) as failure:
        next(lines)

    assert str(failure.value) == "the file is damaged or cut off: the connection was closed"


def test_utf_16_that_is_damaged_is_reported_as_such() -> None:
    with pytest.raises(UnreadableFileError) as failure:
        texts(codecs.BOM_UTF16_LE + "a\n".encode("utf-16-le") + b"\x00\xd8")
    assert str(failure.value) == "the file is damaged or cut off: it contains bytes that are not UTF-16"


INTACT = gzip.compress(b"0123456789" * 50_000)


def test_an_intact_gzip_file_is_verified_to_its_end() -> None:
    source = stream(INTACT * 2)  # gzip files one after the other are one file

    verify_gzip(source, lambda: None)

    assert source.read() == b""


@pytest.mark.parametrize(
    "data",
    [
        INTACT[:-1],
        INTACT[:-9],
        INTACT[: len(INTACT) // 2],
        INTACT[:-8] + b"\x00" + INTACT[-7:],
        INTACT[:300] + b"\xff" * 300,
    ],
    ids=["size-cut", "checksums-cut", "cut", "checksum", "content"],
)
def test_damage_anywhere_in_a_gzip_file_is_found(data: bytes) -> None:
    with pytest.raises(UnreadableFileError, match=r"^the file is damaged or cut off: \S"):
        verify_gzip(stream(data), lambda: None)


def test_many_tiny_gzip_members_take_as_long_as_their_bytes() -> None:
    member = gzip.compress(b"a\n")

    started = time.process_time()

    assert len(texts(member * 100_000)) == 100_000
    assert time.process_time() - started < 5  # 0.5 s; with a copy of the buffer after each member 20 s


@pytest.mark.parametrize("zeros", [1, 100, 200_000])
def test_zeros_between_and_after_gzip_members_are_skipped(zeros: int) -> None:
    member = gzip.compress(b"a\n") + bytes(zeros)

    assert texts(member * 3) == ["a\n"] * 3


def test_a_member_that_hardly_packs_comes_out_as_it_was() -> None:
    content = "".join(sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(9_000)).encode()

    assert "".join(texts(gzip.compress(content[:7]) + gzip.compress(content[7:]))).encode() == content


@pytest.mark.parametrize("read", [lambda data: verify_gzip(stream(data), lambda: None), texts], ids=["verify", "read"])
def test_a_gzip_file_unpacks_to_a_limit(monkeypatch: pytest.MonkeyPatch, read: Callable[[bytes], object]) -> None:
    assert csv_bytes.MAX_UNPACKED == 1 << 30
    monkeypatch.setattr(csv_bytes, "MAX_UNPACKED", 2 << 20)
    most = b"x" * 1023 + b"\n"
    read(gzip.compress(most * 2048))

    with pytest.raises(UnreadableFileError) as failure:
        read(gzip.compress(most * 2048 + b"\n"))

    assert str(failure.value) == "the file unpacks to more than 2 MB; split it"


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"\n".rjust(1000) * 5000), gzip.compress(b"") * 20_000],
    ids=["much-in-little", "nothing-in-much"],
)
@pytest.mark.parametrize("kind", ["verify", "open", "reopen"])
def test_the_time_is_checked_for_packed_and_for_unpacked_bytes(data: bytes, kind: str) -> None:
    def run(pulse: Callable[[], None]) -> None:
        if kind == "verify":
            verify_gzip(stream(data), pulse)
        elif kind == "open":
            list(open_lines(stream(data), pulse))
        else:
            list(reopen_lines(stream(data), pulse, gzipped=True, encoding=UTF_8, position=4_000_000))

    with pytest.raises(OutOfTime):
        run(checks(5))
    run(lambda: None)


def test_the_time_is_checked_for_a_plain_file() -> None:
    data = b"a,b\n" * 500_000
    with pytest.raises(OutOfTime):
        list(open_lines(stream(data), checks(5)))
    with pytest.raises(OutOfTime):
        list(reopen_lines(stream(data), checks(5), gzipped=False, encoding=UTF_8, position=0))


def test_a_file_that_ends_before_the_position_to_go_on_from_has_no_more_lines() -> None:
    """It was replaced meanwhile; the reader finds that out by its tag."""
    lines: Lines = reopen_lines(
        stream(gzip.compress(b"a\n")), lambda: None, gzipped=True, encoding=UTF_8, position=1000
    )
    assert list(lines) == []


@pytest.mark.parametrize("declared", ["cp1252", "iso-8859-2", "mac-roman", "gbk"])
def test_an_encoding_that_the_bytes_disprove_rejects_the_file(declared: str) -> None:
    text = f"{HOSTILE_HEADER}\nI-1,C-1,2026-11-01,EUR,Größe,2,10.50,20\n"

    with pytest.raises(UnreadableFileError, match="but the file is UTF-8: upload it again without that"):
        read(text, encoding=declared)


def test_an_encoding_that_a_line_needs_is_not_disproved() -> None:
    rows = "I-1,C-1,2026-11-01,EUR,Größe,2,10.50,20\n", "I-2,C-1,2026-11-01,EUR,Ã¶,2,10.50,20\n"
    text = "".join([f"{HOSTILE_HEADER}\n", *rows])

    assert len(read(text.encode("cp1252"), encoding="cp1252")) == 2
    assert len(read(f"{HOSTILE_HEADER}\nI-1,C-1,2026-11-01,EUR,Rope,2,10.50,20\n", encoding="cp1252")) == 1


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_a_file_in_utf_32_is_told_so(encoding: str) -> None:
    with pytest.raises(UnreadableFileError, match="the file is UTF-32, or not text at all"):
        read(f"{HOSTILE_HEADER}\nI-1,C-1,2026-11-01,EUR,Rope,2,10.50,20\n".encode(encoding))


@pytest.mark.parametrize("delimiter", ["|", ":", "^", "~", " "])
def test_another_delimiter_is_named(delimiter: str) -> None:
    text = f"{HOSTILE_HEADER}\nI-1,C-1,2026-11-01,EUR,Rope,2,10.50,20\n".replace(",", delimiter)

    with pytest.raises(UnreadableFileError, match=f"separated by '{re.escape(delimiter)}'; use , or ; or a tab"):
        read(text)
