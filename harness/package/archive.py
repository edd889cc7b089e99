"""Reproducible zips: the same files give the same bytes, whenever and wherever the zip is written."""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import deflate

from harness.files import draft_of

_DEFLATED = 8
_LEVEL = 6
_DATE = (1 << 5) | 1  # 1980-01-01, the earliest date that a zip can hold
_UNIX = 3  # "version made by": readers then take the modes below as Unix's
_VERSION = 20  # 2.0: DEFLATE
_UTF8 = 0x800  # the name is UTF-8

# The records of PKWARE's APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
_FIELDS = "HHHHHIIIHH"  # version, flags, method, time, date, CRC-32, packed size, size, length of name, of extra fields
_LOCAL = struct.Struct(f"<4s{_FIELDS}")
_CENTRAL = struct.Struct(f"<4sH{_FIELDS}HHHII")
_END = struct.Struct("<4sHHHHIIH")


@dataclass(frozen=True)
class _Entry:
    """A file in the zip, after it was written."""

    name: bytes
    fields: tuple[int, ...]
    mode: int
    offset: int

    def central(self) -> bytes:
        """Its record in the central directory."""
        attributes = (0, 0, 0, self.mode << 16, self.offset)  # comment, disk, internal, external attributes
        return _CENTRAL.pack(b"PK\x01\x02", _UNIX << 8 | _VERSION, *self.fields, *attributes) + self.name


def write(entries: Mapping[str, Path], to: Path) -> None:
    """Write a zip, completely or not at all.

    Names are sorted, there is one fixed time, mode 0644 (0755 for shared objects), and no extra field. The compressor
    is libdeflate in a locked version, not the zlib of the computer: two zlibs may compress the same content to
    different bytes. So the zip does not depend on the folder, the clock, the time zone, the umask or the interpreter.

    Args:
        entries: The names in the zip, each with the file to read.
        to: The zip.

    Raises:
        struct.error: There are more than 65,535 entries, or 4 GiB; Lambda takes far less.
    """
    with draft_of(to) as draft:
        with draft.open("wb") as zipped:
            written = [_add(zipped, name, entries[name]) for name in sorted(entries)]
            start = zipped.tell()
            zipped.writelines(entry.central() for entry in written)
            number, size = len(written), zipped.tell() - start
            zipped.write(_END.pack(b"PK\x05\x06", 0, 0, number, number, size, start, 0))
        draft.chmod(0o644)


def _add(zipped: BinaryIO, name: str, file: Path) -> _Entry:
    """Append a file."""
    content = file.read_bytes()
    packed = _packed(content)
    encoded = name.encode()
    flags = 0 if name.isascii() else _UTF8
    sizes = (zlib.crc32(content), len(packed), len(content))
    fields = (_VERSION, flags, _DEFLATED, 0, _DATE, *sizes, len(encoded), 0)
    mode = 0o100000 | (0o755 if ".so" in Path(name).suffixes else 0o644)
    entry = _Entry(encoded, fields, mode, zipped.tell())
    zipped.write(_LOCAL.pack(b"PK\x03\x04", *fields) + encoded)
    zipped.write(packed)
    return entry


@lru_cache(maxsize=4096)  # the functions ship the same packages; a process that builds again has few new files
def _packed(content: bytes) -> bytes:
    return bytes(deflate.deflate_compress(content, _LEVEL))


def digest(file: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
